import asyncio
import os
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest

from onread import errors
from onread.stores.local.disk import Disk
from onread.stores.local.reading import CHUNK_BYTES
from onread.stores.store import StoreCall

from .opened import ACCOUNT, BUCKET, opened, upload, with_store

PART = 5 * 1024**2


def test_get_object_tells_what_head_object_tells(tmp_path):
    async def scenario(client):
        await client.put("a", b"hello", ContentType="text/plain", Metadata={"a": "b"})
        got, head = await client.get("a"), await client("HeadObject", Key="a")
        assert got.members == head.members
        assert (got.content, head.content) == (b"hello", b"")
        assert got["LastModified"] == client.clock().replace(microsecond=0)
        assert got["AcceptRanges"] == "bytes"
        assert "VersionId" not in got.members
        assert got.status is None

    with_store(tmp_path, scenario)


def test_get_object_without_content_type_is_binary(tmp_path):
    async def scenario(client):
        await client.put("a", b"hello")
        assert (await client.get("a"))["ContentType"] == "binary/octet-stream"

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
def test_missing_key_and_missing_bucket_are_told_apart(tmp_path, operation):
    async def scenario(client):
        with pytest.raises(errors.NoSuchKey) as missing:
            await client(operation, Key="a")
        assert missing.value.fields == {"Key": "a"}
        with pytest.raises(errors.NoSuchBucket):
            await client(operation, "nowhere-at-all", Key="a")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("asked", "content", "content_range"),
    [
        ("bytes=0-0", b"0", "bytes 0-0/10"),
        ("bytes=2-4", b"234", "bytes 2-4/10"),
        ("bytes=7-", b"789", "bytes 7-9/10"),
        ("bytes=-3", b"789", "bytes 7-9/10"),
        ("bytes=0-99", b"0123456789", "bytes 0-9/10"),
        ("bytes=0-1,3-4", b"0123456789", None),
        ("lines=1-2", b"0123456789", None),
    ],
)
def test_range_of_an_object(tmp_path, asked, content, content_range):
    async def scenario(client):
        await client.put("a", b"0123456789")
        for operation in ("GetObject", "HeadObject"):
            got = await client(operation, Key="a", Range=asked, ChecksumMode="ENABLED")
            assert got.members.get("ContentRange") == content_range
            assert got["ContentLength"] == len(content)
            assert got.status == (206 if content_range else None)
            assert ("ChecksumCRC64NVME" in got.members) == (content_range is None)
            assert got.content == (content if operation == "GetObject" else b"")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("asked", ["bytes=10-", "bytes=10-20", "bytes=-0"])
def test_range_behind_the_end_is_refused(tmp_path, asked):
    async def scenario(client):
        await client.put("a", b"0123456789")
        with pytest.raises(errors.InvalidRange):
            await client.get("a", Range=asked)

    with_store(tmp_path, scenario)


CONDITIONS = [
    ({"IfMatch": "right"}, None),
    ({"IfMatch": "wrong"}, errors.PreconditionFailed),
    ({"IfNoneMatch": "right"}, errors.NotModified),
    ({"IfNoneMatch": "wrong"}, None),
    ({"IfModifiedSince": 0}, errors.NotModified),
    ({"IfModifiedSince": -1}, None),
    ({"IfUnmodifiedSince": 0}, None),
    ({"IfUnmodifiedSince": -1}, errors.PreconditionFailed),
    ({"IfMatch": "right", "IfUnmodifiedSince": -1}, None),
    ({"IfNoneMatch": "wrong", "IfModifiedSince": 0}, None),
]


@pytest.mark.parametrize("operation", ["GetObject", "HeadObject"])
@pytest.mark.parametrize(("conditions", "error"), CONDITIONS)
def test_conditions_of_a_read(tmp_path, operation, conditions, error):
    async def scenario(client):
        put = await client.put("a", b"hello")
        tags = {"right": put["ETag"], "wrong": '"0"'}
        params = {
            name: tags[value] if isinstance(value, str) else client.clock() + timedelta(seconds=value)
            for name, value in conditions.items()
        }
        if error is None:
            assert (await client(operation, Key="a", **params))["ETag"] == put["ETag"]
            return
        with pytest.raises(error):
            await client(operation, Key="a", **params)

    with_store(tmp_path, scenario)


def test_response_headers_are_overridden(tmp_path):
    async def scenario(client):
        await client.put("a", b"x", ContentType="text/plain")
        overridden = await client.get("a", ResponseContentType="text/html", ResponseCacheControl="no-store")
        assert overridden["ContentType"] == "text/html"
        assert overridden["CacheControl"] == "no-store"

    with_store(tmp_path, scenario)


def test_only_the_null_version_exists(tmp_path):
    async def scenario(client):
        await client.put("a", b"x")
        assert (await client.get("a", VersionId="null")).content == b"x"
        with pytest.raises(errors.InvalidArgument):
            await client.get("a", VersionId="other")

    with_store(tmp_path, scenario)


def test_part_number_of_an_object_that_was_put_whole(tmp_path):
    async def scenario(client):
        await client.put("a", b"hello")
        got = await client.get("a", PartNumber=1)
        assert (got.content, got.status, got["ContentRange"]) == (b"hello", 206, "bytes 0-4/5")
        assert "PartsCount" not in got.members
        with pytest.raises(errors.InvalidPartNumber):
            await client.get("a", PartNumber=2)
        with pytest.raises(errors.InvalidRequest):
            await client.get("a", PartNumber=1, Range="bytes=0-1")

    with_store(tmp_path, scenario)


def test_part_number_of_a_multipart_object(tmp_path):
    async def scenario(client):
        await upload(client, "a", {1: b"1" * PART, 3: b"3" * 10})
        got = await client.get("a", PartNumber=2)  # its second one, whatever the upload called it
        assert got.content == b"3" * 10
        assert got["PartsCount"] == 2
        assert got["ContentRange"] == f"bytes {PART}-{PART + 9}/{PART + 10}"
        assert (await client("HeadObject", Key="a", PartNumber=1))["ContentLength"] == PART
        for number in (0, 3):
            with pytest.raises(errors.InvalidPartNumber):
                await client.get("a", PartNumber=number)

    with_store(tmp_path, scenario)


def test_ranges_of_a_multipart_object_cross_its_parts(tmp_path):
    async def scenario(client):
        content = b"1" * PART + b"2" * PART + b"3" * 100
        await upload(client, "a", {1: content[:PART], 2: content[PART : 2 * PART], 3: content[2 * PART :]})
        assert (await client.get("a")).content == content
        for first, last in (
            (PART - 5, PART + 5),
            (PART, 2 * PART - 1),
            (0, 2 * PART),
            (2 * PART + 1, 2 * PART + 1),
        ):
            got = await client.get("a", Range=f"bytes={first}-{last}")
            assert got.content == content[first : last + 1]

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("parts", [1, 3])
def test_T237_a_reader_keeps_the_version_it_opened(tmp_path, parts):
    """Overwritten and deleted under an open reader, also in parts it has not reached yet."""
    contents = {number: b"%d" % number * PART for number in range(1, parts + 1)}

    async def scenario(client):
        await upload(client, "a", contents)
        call = StoreCall(operation="GetObject", bucket=BUCKET, params={"Key": "a"}, account_id=ACCOUNT)
        async with AsyncExitStack() as scope:
            output = await client.store.execute(call, scope)
            first = await anext(output.body)
            await client.put("a", b"new")
            await client("DeleteObject", Key="a")
            rest = await output.body.read(1 << 30)
        assert first + rest == b"".join(contents.values())

    with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)


@pytest.mark.parametrize("size", [10, CHUNK_BYTES + 1])
def test_R008_a_flipped_byte_never_makes_a_whole_answer(tmp_path, size):
    async def scenario(client):
        await client.put("a", b"x" * size)
        (name,) = client.blobs()
        path = tmp_path / "blobs" / name[0] / name
        path.write_bytes(b"y" + path.read_bytes()[1:])
        with pytest.raises(errors.InternalError):
            await client.get("a")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("size", [10, CHUNK_BYTES + 1])
def test_a_shortened_file_never_makes_a_whole_answer(tmp_path, size):
    async def scenario(client):
        await client.put("a", b"x" * size)
        (name,) = client.blobs()
        path = tmp_path / "blobs" / name[0] / name
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(errors.InternalError):
            await client.get("a", Range="bytes=0-")

    with_store(tmp_path, scenario)


def test_a_missing_file_is_an_internal_error(tmp_path):
    async def scenario(client):
        await client.put("a", b"x")
        (name,) = client.blobs()
        (tmp_path / "blobs" / name[0] / name).unlink()
        with pytest.raises(errors.InternalError):
            await client.get("a")

    with_store(tmp_path, scenario)


def test_T232_a_symbolic_link_in_place_of_a_blob_is_not_followed(tmp_path):
    secret = tmp_path / "secret"
    secret.write_bytes(b"x")
    data = tmp_path / "data"

    async def scenario(client):
        await client.put("a", b"x")
        (name,) = client.blobs()
        path = data / "blobs" / name[0] / name
        path.unlink()
        path.symlink_to(secret)
        with pytest.raises(errors.InternalError):
            await client.get("a")

    with_store(data, scenario)


def test_a_caller_that_leaves_gives_the_descriptor_back(tmp_path):
    async def main():
        async with opened(tmp_path) as client:
            await client.put("a", b"x" * (4 * CHUNK_BYTES))
            call = StoreCall(operation="GetObject", bucket=BUCKET, params={"Key": "a"}, account_id=ACCOUNT)
            before = descriptors()
            async with AsyncExitStack() as scope:
                output = await client.store.execute(call, scope)
                assert len(descriptors()) == len(before) + 1
                await anext(output.body)
            assert descriptors() == before

    asyncio.run(main())


def descriptors():
    return set(os.listdir("/proc/self/fd"))


class ColdDisk(Disk):
    """Nothing is in the page cache."""

    def is_cached(self, file, size_bytes, offset):
        return False


@pytest.mark.parametrize("size", [10, CHUNK_BYTES, 9 * CHUNK_BYTES + 1])
def test_what_is_not_in_the_page_cache_is_read_in_a_thread(tmp_path, size):
    async def scenario(client):
        await client.put("a", b"xy" * (size // 2))
        assert (await client.get("a")).content == b"xy" * (size // 2)

    with_store(tmp_path, scenario, disk=ColdDisk())


def test_a_caller_that_leaves_during_a_slow_read_gives_the_descriptor_back(tmp_path):
    async def main():
        async with opened(tmp_path, disk=ColdDisk()) as client:
            await client.put("a", b"x" * 1000)
            before = descriptors()
            for turns in range(10):
                async with asyncio.TaskGroup() as group:
                    reading = group.create_task(client.get("a"))
                    for _ in range(turns):
                        await asyncio.sleep(0)
                    reading.cancel()
                assert descriptors() == before

    asyncio.run(main())


def test_an_upload_of_one_empty_part_is_an_empty_object(tmp_path):
    async def scenario(client):
        done = await upload(client, "a", {1: b""})
        await client("CopyObject", Key="b", CopySource=f"{BUCKET}/a")
        for key in ("a", "b"):
            got = await client.get(key)
            assert (got.content, got["ContentLength"], got.status) == (b"", 0, None)
        assert (await client.get("a"))["ETag"] == done["ETag"]

    with_store(tmp_path, scenario)


def test_an_empty_last_part_is_read_as_nothing(tmp_path):
    async def scenario(client):
        await upload(client, "a", {1: b"1" * PART, 2: b""})
        got = await client.get("a", PartNumber=2, ChecksumMode="ENABLED")
        assert (got.content, got["ContentLength"], got["PartsCount"]) == (b"", 0, 2)
        assert not {"ContentRange", "ChecksumCRC64NVME"} & got.members.keys()
        assert (await client("HeadObject", Key="a", PartNumber=2)).members == got.members

    with_store(tmp_path, scenario)
