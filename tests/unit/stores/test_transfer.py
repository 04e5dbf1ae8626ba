"""Copies between stores where a store does not behave, and what is sent on where it does."""

import asyncio
from datetime import UTC, datetime

import pytest

from onread import errors
from onread.addressing.copy_source import CopySource
from onread.stores.store import StoreCall
from onread.stores.transfer import LARGEST_COPY_BYTES, transfer
from onread.wire.message import BytesBody, IteratorBody
from onread.wire.output import Output

NOW = datetime(2030, 1, 2, tzinfo=UTC)


class Source:
    """Answers with what it is told."""

    def __init__(self, members=(), body=None, tags=None, status=None):
        self.status = status
        self.members = {"ETag": '"e"', "LastModified": NOW, **dict(members)}
        self.body = BytesBody(b"bytes") if body is None else body
        self.tags = tags
        self.asked = []

    async def execute(self, call, scope):
        self.asked.append(call)
        if call.operation == "GetObjectTagging":
            if isinstance(self.tags, Exception):
                raise self.tags
            return Output(members={"TagSet": self.tags or []})
        return Output(members=self.members, body=self.body, status=self.status)


class Target:
    """Keeps the call and its body once it has ended well."""

    def __init__(self):
        self.call = self.body = None

    async def execute(self, call, scope):
        body = b"".join([chunk async for chunk in call.body])
        self.call, self.body = call, body
        return Output(members={"ETag": '"t"', "VersionId": "v2", "ChecksumCRC32": "AAAAAA==", "Size": 5})


def copied(source, operation="CopyObject", may_copy_tags=True, **params):
    target = Target()

    async def may():
        return may_copy_tags

    call = StoreCall(
        operation=operation,
        bucket="target",
        params={"Key": "to", **params},
        account_id="0",
        may_copy_tags=may,
        copy_source=CopySource(container="source", key="from", version_id=None),
    )
    return asyncio.run(transfer(call, source, target, clock=lambda: NOW)), target


def refused(source, refusal, **more):
    with pytest.raises(refusal):
        copied(source, **more)


async def _cut():
    yield b"by"
    raise errors.IncompleteBody


def test_T188_a_source_that_stops_leaves_nothing():
    target = Target()
    call = StoreCall(
        operation="CopyObject",
        bucket="target",
        params={"Key": "to"},
        account_id="0",
        copy_source=CopySource(container="source", key="from", version_id=None),
    )
    with pytest.raises(errors.ServiceUnavailable, match="before its end"):
        asyncio.run(transfer(call, Source(body=IteratorBody(_cut(), 5)), target, clock=lambda: NOW))
    assert target.call is None


def test_the_answer_is_of_the_target():
    output, target = copied(Source({"VersionId": "v1"}))
    assert output.members == {
        "CopyObjectResult": {"ETag": '"t"', "ChecksumCRC32": "AAAAAA==", "LastModified": NOW},
        "VersionId": "v2",
        "CopySourceVersionId": "v1",
    }
    assert (target.call.operation, target.call.bucket, target.body) == ("PutObject", "target", b"bytes")


def test_a_source_must_say_how_long_it_is_and_be_no_longer_than_a_copy_may():
    refused(Source(body=IteratorBody(_cut())), errors.ServiceUnavailable)
    refused(Source(status=304), errors.ServiceUnavailable)
    refused(Source(body=IteratorBody(_cut(), LARGEST_COPY_BYTES + 1)), errors.InvalidRequest)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        (None, errors.ServiceUnavailable),  # the whole, as if no range had been asked for
        ("bytes 1-5/9", errors.ServiceUnavailable),
        ("bytes 0-3/9", errors.ServiceUnavailable),  # and yet five bytes
        ("bytes 0-4/5", errors.InvalidRange),
    ],
)
def test_a_range_is_exactly_the_one_asked_for(given, refusal):
    source = Source({"ContentRange": given})
    refused(source, refusal, operation="UploadPartCopy", CopySourceRange="bytes=0-5")
    output, target = copied(
        Source({"ContentRange": "bytes 0-4/9"}),
        operation="UploadPartCopy",
        CopySourceRange="bytes=0-4",
        PartNumber=3,
        UploadId="u",
        StorageClass="no part's",
    )
    assert target.call.params == {"Key": "to", "PartNumber": 3, "UploadId": "u"}
    assert output.members["CopyPartResult"]["ETag"] == '"t"'


@pytest.mark.parametrize("none", [[], errors.NoSuchTagSet(), errors.NotImplemented()])
def test_without_tags_nobody_is_asked_about_them(none):
    _, target = copied(Source(tags=none), may_copy_tags=False)
    assert "Tagging" not in target.call.params


def test_tags_need_their_own_right():
    tags = [{"Key": "a b", "Value": "&"}]
    assert copied(Source(tags=tags))[1].call.params["Tagging"] == "a+b=%26"
    refused(Source(tags=tags), errors.AccessDenied, may_copy_tags=False)
    refused(Source(tags=errors.SlowDown()), errors.SlowDown)


@pytest.mark.parametrize(
    ("read", "named", "sent"),
    [
        ({"ChecksumCRC32": "AA"}, None, {"ChecksumCRC32": "AA"}),
        ({"ChecksumCRC32": "AA", "ChecksumType": "COMPOSITE"}, None, {}),
        ({"ChecksumCRC32": "AA-2"}, None, {}),
        ({"ChecksumCRC32": "AA"}, "CRC32", {"ChecksumCRC32": "AA"}),
        ({"ChecksumCRC32": "AA"}, "sha256", {"ChecksumAlgorithm": "SHA256"}),
        ({}, None, {}),
    ],
)
def test_which_checksum_goes_along(read, named, sent):
    params = {"ChecksumAlgorithm": named} if named else {}
    _, target = copied(Source(read), **params)
    assert {name: value for name, value in target.call.params.items() if name != "Key"} == sent
    header, has_trailer = "x-amz-checksum-sha256", sent == {"ChecksumAlgorithm": "SHA256"}
    assert [name for name, _ in target.call.body.trailers] == ([header] if has_trailer else [])


@pytest.mark.parametrize(
    ("kept", "copied_as"), [("aws-chunked", None), ("aws-chunked,gzip", "gzip"), ("br", "br")]
)
def test_how_the_source_was_sent_is_not_copied(kept, copied_as):
    _, target = copied(Source({"ContentEncoding": kept}))
    assert target.call.params.get("ContentEncoding") == copied_as


def test_a_source_under_a_customers_key_is_read_with_it():
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k", "SSECustomerKeyMD5": "m"}
    source = Source()
    _, target = copied(source, **{f"CopySource{name}": value for name, value in key.items()})
    assert source.asked[0].params == {"Key": "from", "ChecksumMode": "ENABLED", **key}
    assert target.call.params == {"Key": "to"}
