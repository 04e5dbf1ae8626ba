import asyncio
import base64
import hashlib
from contextlib import AsyncExitStack

import pytest

from onread import errors
from onread.stores.local.blobs import BATCH_BYTES
from onread.stores.store import StoreCall
from onread.wire.checksums import ALGORITHMS

from .opened import ACCOUNT, BUCKET, ChunkedBody, StalledBody, opened, with_store


def test_put_object_answers_the_md5_as_quoted_entity_tag(tmp_path):
    async def scenario(client):
        answer = await client.put("a", b"hello")
        assert answer["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'

    with_store(tmp_path, scenario)


def test_put_object_without_checksum_stores_crc64nvme(tmp_path):
    async def scenario(client):
        put = await client.put("a", b"hello")
        got = await client.get("a", ChecksumMode="ENABLED")
        assert put["ChecksumCRC64NVME"] == got["ChecksumCRC64NVME"] == "M3eFcAZSQlc="
        assert put["ChecksumType"] == got["ChecksumType"] == "FULL_OBJECT"

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_put_object_stores_the_checksum_of_the_named_algorithm(tmp_path, algorithm):
    async def scenario(client):
        put = await client.put("a", b"hello", ChecksumAlgorithm=algorithm)
        got = await client.get("a", ChecksumMode="ENABLED")
        assert put["Checksum" + algorithm] == got["Checksum" + algorithm]
        assert "Checksum" + algorithm not in (await client.get("a")).members

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_T032_put_object_with_another_checksum_is_refused_and_the_old_object_stays(tmp_path, algorithm):
    async def scenario(client):
        wrong = (await client.put("other", b"other", ChecksumAlgorithm=algorithm))["Checksum" + algorithm]
        await client.put("a", b"old")
        before = client.blobs()
        with pytest.raises(errors.BadDigest):
            await client.put("a", b"new", **{"Checksum" + algorithm: wrong})
        assert (await client.get("a")).content == b"old"
        assert (client.blobs(), client.aside()) == (before, [])

    with_store(tmp_path, scenario)


def test_T032_put_object_with_another_content_md5_is_refused(tmp_path):
    async def scenario(client):
        right = base64.b64encode(hashlib.md5(b"hello").digest()).decode()
        await client.put("a", b"hello", ContentMD5=right)
        with pytest.raises(errors.BadDigest):
            await client.put("b", b"other", ContentMD5=right)
        assert await client.keys() == ["a"]

    with_store(tmp_path, scenario)


def test_put_object_with_two_checksums_is_refused(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.InvalidRequest):
            await client.put("a", b"", ChecksumCRC32="AAAAAA==", ChecksumSHA1="2jmj7l5rSw0yVb/vlWAYkK/YBwk=")

    with_store(tmp_path, scenario)


def test_put_object_keeps_content_headers_and_metadata(tmp_path):
    kept = {
        "CacheControl": "no-cache",
        "ContentDisposition": "attachment",
        "ContentEncoding": "gzip",
        "ContentLanguage": "de",
        "ContentType": "text/plain",
        "WebsiteRedirectLocation": "/other",
        "Expires": "Thu, 01 Dec 2044 16:00:00 GMT",
    }

    async def scenario(client):
        await client.put("a", b"x", Metadata={"Colour": "bleu \xe9"}, **kept)
        got = await client.get("a")
        assert {name: got[name] for name in kept} == kept
        assert got["Metadata"] == {"colour": "bleu \xe9"}

    with_store(tmp_path, scenario)


def test_put_object_keeps_expires_that_is_a_moment(tmp_path):
    async def scenario(client):
        moment = client.clock()
        await client.put("a", b"x", Expires=moment)
        assert (await client.get("a"))["Expires"] == moment

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("sent", "kept"), [("aws-chunked", None), ("aws-chunked,gzip", "gzip"), ("gzip, AWS-chunked", "gzip")]
)
def test_aws_chunked_is_not_kept_as_content_encoding(tmp_path, sent, kept):
    async def scenario(client):
        await client.put("a", b"x", ContentEncoding=sent)
        assert (await client.get("a")).members.get("ContentEncoding") == kept

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(("size", "is_kept"), [(2047, True), (2048, True), (2049, False)])
def test_user_metadata_above_2_kib_is_refused(tmp_path, size, is_kept):
    async def scenario(client):
        metadata = {"k": "v" * (size - 1)}
        if is_kept:
            await client.put("a", b"", Metadata=metadata)
            return
        with pytest.raises(errors.MetadataTooLarge):
            await client.put("a", b"", Metadata=metadata)

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("SSECustomerAlgorithm", "AES256"),
        ("ServerSideEncryption", "aws:kms"),
        ("ObjectLockMode", "GOVERNANCE"),
        ("WriteOffsetBytes", 5),
        ("StorageClass", "GLACIER"),
        ("IfNoneMatch", '"abc"'),
    ],
)
def test_what_cannot_be_kept_is_refused_as_not_implemented(tmp_path, member, value):
    async def scenario(client):
        with pytest.raises(errors.NotImplemented):
            await client.put("a", b"", **{member: value})
        assert await client.keys() == []

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(("member", "value"), [("ACL", "public-read"), ("GrantRead", "id=1")])
def test_rights_for_others_are_refused_as_where_the_owner_is_enforced(tmp_path, member, value):
    async def scenario(client):
        with pytest.raises(errors.AccessControlListNotSupported):
            await client.put("a", b"", **{member: value})
        await client.put("a", b"", ACL="bucket-owner-full-control")

    with_store(tmp_path, scenario)


def test_put_object_into_no_bucket_is_refused_before_the_body_is_read(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.NoSuchBucket):
            await client(
                "PutObject", "nowhere-at-all", Key="a", body=ChunkedBody([], AssertionError("it was read"))
            )

    with_store(tmp_path, scenario)


CONDITIONS = [
    # there is an object, IfMatch, IfNoneMatch -> the error
    (False, None, "*", None),
    (True, None, "*", errors.PreconditionFailed),
    (False, "right", None, errors.NoSuchKey),
    (True, "right", None, None),
    (True, "wrong", None, errors.PreconditionFailed),
]


@pytest.mark.parametrize(("exists", "if_match", "if_none_match", "error"), CONDITIONS)
def test_conditions_of_a_write(tmp_path, exists, if_match, if_none_match, error):
    async def scenario(client):
        tags = {"right": f'"{hashlib.md5(b"old").hexdigest()}"', "wrong": '"0"', None: None}
        if exists:
            await client.put("a", b"old")
        conditions = {"IfMatch": tags[if_match], "IfNoneMatch": if_none_match}
        if error is None:
            await client.put("a", b"new", **conditions)
            assert (await client.get("a")).content == b"new"
            return
        with pytest.raises(error):
            await client.put("a", b"new", **conditions)
        assert await client.keys() == (["a"] if exists else [])

    with_store(tmp_path, scenario)


def test_T238_of_fifty_writers_with_if_none_match_exactly_one_wins(tmp_path):
    async def scenario(client):
        async def write(number):
            try:
                await client.put("a", b"%d" % number, IfNoneMatch="*")
            except errors.PreconditionFailed:
                return None
            return number

        winners = [number for number in await asyncio.gather(*map(write, range(50))) if number is not None]
        assert len(winners) == 1
        assert (await client.get("a")).content == b"%d" % winners[0]
        assert len(client.blobs()) == 1

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("size", [0, 1, BATCH_BYTES - 1, BATCH_BYTES, BATCH_BYTES + 1, 3 * BATCH_BYTES + 5])
def test_an_object_of_any_size_comes_back_byte_for_byte(tmp_path, size):
    content = bytes(range(256)) * (size // 256 + 1)

    async def scenario(client):
        body = ChunkedBody([content[start : min(start + 70_001, size)] for start in range(0, size, 70_001)])
        await client.put("a", body)
        got = await client.get("a")
        assert got.content == content[:size]
        assert got["ContentLength"] == size

    with_store(tmp_path, scenario)


def test_a_body_of_thousands_of_small_chunks_is_stored_whole(tmp_path):
    async def scenario(client):
        await client.put("a", ChunkedBody([b"%05d" % number for number in range(5000)]))
        assert (await client.get("a")).content == b"".join(b"%05d" % number for number in range(5000))

    with_store(tmp_path, scenario)


def test_an_overwritten_object_leaves_no_blob(tmp_path):
    async def scenario(client):
        for number in range(5):
            await client.put("a", b"%d" % number)
        assert (await client.get("a")).content == b"4"

    with_store(tmp_path, scenario)

    async def count(client):
        assert len(client.blobs()) == 1

    with_store(tmp_path, count)


@pytest.mark.parametrize("size", [0, 10, 3 * BATCH_BYTES])
def test_T034_a_body_that_raises_leaves_nothing(tmp_path, size):
    async def scenario(client):
        await client.put("a", b"old")
        before = client.blobs()
        body = ChunkedBody([b"x" * size] if size else [], errors.IncompleteBody())
        with pytest.raises(errors.IncompleteBody):
            await client.put("a", body)
        assert (await client.get("a")).content == b"old"
        assert (client.blobs(), client.aside()) == (before, [])

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("size", [0, 10, 3 * BATCH_BYTES])
def test_T034_a_caller_that_leaves_leaves_nothing(tmp_path, size):
    async def scenario(client):
        await client.put("a", b"old")
        before = client.blobs()
        body = StalledBody([b"x" * size] if size else [])
        async with asyncio.TaskGroup() as group:
            put = group.create_task(client.put("a", body))
            await body.reached.wait()
            put.cancel()
        assert put.cancelled()
        assert (await client.get("a")).content == b"old"
        assert (client.blobs(), client.aside()) == (before, [])

    with_store(tmp_path, scenario)


def test_T034_cancellation_at_any_moment_leaves_the_old_object_or_the_new_one(tmp_path):
    """Cancelled after any number of turns of the loop, the commit included."""

    async def scenario(client):
        await client.put("a", b"old")
        for turns in range(40):
            async with asyncio.TaskGroup() as group:
                put = group.create_task(client.put("a", b"new%d" % turns))
                for _ in range(turns):
                    await asyncio.sleep(0)
                put.cancel()
            assert (await client.get("a")).content in (b"old", b"new%d" % turns)
            await client.put("a", b"old")
            assert client.aside() == []

    with_store(tmp_path, scenario)

    async def count(client):
        assert len(client.blobs()) == 1

    with_store(tmp_path, count)


def test_a_body_above_5_gib_is_refused_before_it_is_read(tmp_path):
    async def main():
        async with opened(tmp_path) as client:
            body = ChunkedBody([], AssertionError("it was read"))
            body.length_bytes = 5 * 1024**3 + 1
            call = StoreCall(
                operation="PutObject", bucket=BUCKET, params={"Key": "a"}, account_id=ACCOUNT, body=body
            )
            with pytest.raises(errors.EntityTooLarge):
                await client.store.execute(call, AsyncExitStack())
            assert client.aside() == []

    asyncio.run(main())
