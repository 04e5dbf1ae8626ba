"""What a store's answer says of an object's tags: when there are none, and when that is not known."""

import asyncio

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread import errors
from onread.gateway.known_tags import TaggedObject
from onread.gateway.stored_tags import LOOK_SECONDS, StoredTags
from onread.stores.upstream.own import refusal
from onread.wire.message import BytesBody, Response
from onread.wire.output import Output

NAMED = TaggedObject("bucket", "key", None)
HEAD = b'<Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/">'
SECRET = b"<TagSet><Tag><Key>class</Key><Value>secret</Value></Tag></TagSet>"


class Store:
    """Answers, or raises, what it is given."""

    def __init__(self, answer):
        self.answer = answer
        self.calls = []

    async def execute(self, call, scope):
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        return self.answer


def looked_up(answer, named=NAMED):
    return asyncio.run(StoredTags(Store(answer), "000000000000")(named))


def document(content):
    return Output(body=BytesBody(content))


def test_it_asks_for_the_version_that_is_named():
    store = Store(Output(members={"TagSet": [{"Key": "a", "Value": "b"}]}))
    assert asyncio.run(StoredTags(store, "0")(NAMED)) == {"a": "b"}
    asyncio.run(StoredTags(store, "0")(TaggedObject("bucket", "key", "null")))
    assert [(call.operation, call.bucket, call.params) for call in store.calls] == [
        ("GetObjectTagging", "bucket", {"Key": "key"}),
        ("GetObjectTagging", "bucket", {"Key": "key", "VersionId": "null"}),
    ]


@pytest.mark.parametrize("content", [HEAD + SECRET + b"</Tagging>", b"<Tagging>" + SECRET + b"</Tagging>"])
def test_the_tags_of_a_stores_document(content):
    assert looked_up(document(content)) == {"class": "secret"}


@pytest.mark.parametrize(
    "none",
    [
        document(HEAD + b"<TagSet></TagSet></Tagging>"),
        document(b"<Tagging><TagSet/></Tagging>"),
        errors.NoSuchKey(),
        errors.NoSuchVersion(),
        errors.NoSuchBucket(),
        errors.NoSuchTagSet(),
        errors.NotImplemented(),
        errors.MethodNotAllowed(),
        errors.KeyTooLongError(),
    ],
)
def test_a_store_that_says_so_has_no_tags(none):
    assert looked_up(none) == {}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"the object itself, for this store knows no tags",
        b"<html></html>",
        b"<Anything>" + SECRET + b"</Anything>",
        b"<Tagging></Tagging>",
        b"<Tagging><TagSet/><TagSet/></Tagging>",
        b"<Tagging><TagSet><Tag><Key>class</Key></Tag></TagSet></Tagging>",
        b"<Tagging><TagSet><Other><Key>a</Key><Value>b</Value></Other></TagSet></Tagging>",
        b"<Tagging>" + b" " * (64 << 10) + SECRET + b"</Tagging>",
    ],
)
def test_what_is_no_document_of_tags_is_not_taken_for_an_object_without(content):
    with pytest.raises(errors.ServiceUnavailable):
        looked_up(document(content))


@pytest.mark.parametrize("failure", [errors.AccessDenied(), errors.SlowDown(), errors.InternalError()])
def test_a_refusal_goes_through(failure):
    with pytest.raises(type(failure)):
        looked_up(failure)


def test_a_store_is_waited_for_and_not_for_ever():
    async def story():
        began = asyncio.get_running_loop().time()
        with pytest.raises(errors.SlowDown):
            await StoredTags(Store(None), "0")(NAMED)
        return asyncio.get_running_loop().time() - began

    assert run_in_virtual_time(story()) == LOOK_SECONDS


@pytest.mark.parametrize(
    ("status", "content", "error"),
    [
        (404, b"<Error><Code>NoSuchKey</Code></Error>", errors.NoSuchKey),
        (404, b"<Error><Code>NoSuchTagSetError</Code></Error>", errors.NoSuchKey),
        (404, b"<html>nginx</html>", errors.ServiceUnavailable),
        (404, b"", errors.ServiceUnavailable),
        (501, b"<Error><Code>NotImplemented</Code></Error>", errors.NotImplemented),
        (501, b"", errors.ServiceUnavailable),
        (405, b"", errors.ServiceUnavailable),
        (403, b"", errors.AccessDenied),
    ],
)
def test_what_somebody_before_the_store_says_is_not_the_stores_word(status, content, error):
    answer = Response(status=status, headers=[], body=content)
    assert type(refusal("GetObjectTagging", answer, content)) is error
