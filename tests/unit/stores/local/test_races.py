"""T-237: whatever happens at once, the result is that of some order, and an answer is of one version."""

import asyncio
import hashlib
from contextlib import suppress

import pytest

from onread import errors

from .opened import with_store

WRITERS = 8
ROUNDS = 25


def content_of(number):
    return b"%06d" % number * (100 * (number % 7 + 1))


def assert_of_one_version(got):
    number = int(got.content[:6])
    assert got.content == content_of(number)
    assert got["ContentLength"] == len(got.content)
    assert got["ETag"] == f'"{hashlib.md5(got.content).hexdigest()}"'
    assert got["Metadata"] == {"number": str(number)}


async def write(client, first):
    for number in range(first, first + ROUNDS):
        await client.put("a", content_of(number), Metadata={"number": str(number)})


async def read(client, stop):
    count = 0
    while not stop.is_set():
        with suppress(errors.NoSuchKey):
            assert_of_one_version(await client.get("a"))
        count += 1
        await asyncio.sleep(0)
    return count


async def delete(client):
    for _ in range(ROUNDS):
        await client("DeleteObject", Key="a")


@pytest.mark.slow
@pytest.mark.parametrize("deleters", [0, 3])
def test_T237_readers_never_see_a_mixture_of_versions(tmp_path, deleters):
    async def scenario(client):
        stop = asyncio.Event()
        async with asyncio.TaskGroup() as readers:
            reading = [readers.create_task(read(client, stop)) for _ in range(4)]
            async with asyncio.TaskGroup() as writers:
                for writer in range(WRITERS):
                    writers.create_task(write(client, writer * 1000))
                for _ in range(deleters):
                    writers.create_task(delete(client))
            stop.set()
        assert all(task.result() > 10 for task in reading)
        return await client.keys()

    left = with_store(tmp_path, scenario)

    async def count(client):
        assert len(client.blobs()) == len(left)

    with_store(tmp_path, count)


def test_T237_delete_bucket_against_put(tmp_path):
    """Either the object is there and the bucket stays, or the bucket is gone and the put was refused."""

    async def scenario(client):
        for number in range(20):
            name = f"bucket-{number}"
            await client("CreateBucket", name)
            put, deleted = await asyncio.gather(
                client("PutObject", name, Key="a", body=b"x"),
                client("DeleteBucket", name),
                return_exceptions=True,
            )
            if isinstance(put, errors.NoSuchBucket):
                assert not isinstance(deleted, Exception)
            else:
                assert isinstance(deleted, errors.BucketNotEmpty)
                assert (await client("GetObject", name, Key="a")).content == b"x"

    with_store(tmp_path, scenario)


def test_T237_abort_against_upload_part_leaves_nothing_behind(tmp_path):
    async def scenario(client):
        for _ in range(20):
            upload_id = (await client("CreateMultipartUpload", Key="a"))["UploadId"]
            await asyncio.gather(
                client("UploadPart", Key="a", UploadId=upload_id, PartNumber=1, body=b"x"),
                client("AbortMultipartUpload", Key="a", UploadId=upload_id),
                return_exceptions=True,
            )
            with pytest.raises(errors.NoSuchUpload):
                await client("ListParts", Key="a", UploadId=upload_id)

    with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)
