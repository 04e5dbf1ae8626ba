"""What a store's answer says of an object's tags: when there are none, and when that is not known."""

import asyncio
from types import SimpleNamespace

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


class Stores:
    """One that answers, or raises, what it is given: an upstream store, or the embedded one."""

    def __init__(self, answer, *, embedded=False):
        self.answer = answer
        self.calls = []
        limits = SimpleNamespace(connect_seconds=3.0, first_byte_seconds=40.0)
        self.upstream = None if embedded else SimpleNamespace(settings=limits)

    def upstream_of(self, bucket):
        assert bucket == "bucket"
        return self.upstream

    async def execute(self, call, scope):
        self.calls.append(call)
        if isinstance(self.answer, Exception):
            raise self.answer
        if self.answer is None:
            await asyncio.Event().wait()
        return self.answer


def looked_up(answer, **options):
    return asyncio.run(StoredTags(Stores(answer, **options), "000000000000")(NAMED))


def document(content):
    return Output(body=BytesBody(content))


def test_it_asks_for_the_version_that_is_named():
    store = Stores(Output(members={"TagSet": [{"Key": "a", "Value": "b"}]}))
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


def test_a_version_that_cannot_be_is_none_only_where_every_operation_says_so():
    no_version = errors.InvalidArgument("Invalid version id specified", ArgumentName="versionId")
    assert looked_up(no_version, embedded=True) == {}
    with pytest.raises(errors.InvalidArgument):
        looked_up(no_version)


@pytest.mark.parametrize(("embedded", "seconds"), [(True, LOOK_SECONDS), (False, LOOK_SECONDS + 43.0)])
def test_a_store_is_waited_for_longer_than_it_may_take_to_begin_and_not_for_ever(embedded, seconds):
    async def story():
        began = asyncio.get_running_loop().time()
        with pytest.raises(errors.SlowDown):
            await StoredTags(Stores(None, embedded=embedded), "0")(NAMED)
        return asyncio.get_running_loop().time() - began

    assert run_in_virtual_time(story()) == seconds


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
