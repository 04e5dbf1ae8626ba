"""R-003 to R-007: the order of the steps, a crash before each of them, a disk that refuses."""

import errno

import pytest

from onread import errors

from .disks import FailingDisk, RecordingDisk, SnapshotDisk
from .opened import BUCKET, ChunkedBody, upload, with_store

PART = 5 * 1024**2
SOURCE = f"/{BUCKET}/a"

PUT_STEPS = ["create", "write", "sync", "close", "rename", "sync_directory", "commit"]


async def put(client):
    await client.put("a", b"new")


async def put_large(client):
    await client.put("a", ChunkedBody([b"n" * 1024**2] * 3))


async def delete(client):
    await client("DeleteObject", Key="a")


async def copy(client):
    await client("CopyObject", Key="b", CopySource=SOURCE)


async def create_bucket(client):
    await client("CreateBucket", "bucket-two")


async def multipart(client):
    await upload(client, "a", {1: b"1" * PART, 2: b"2"})


STEPS = [
    (put, [*PUT_STEPS, "unlink"]),
    (put_large, [PUT_STEPS[0], *["write"] * 3, *PUT_STEPS[1:], "unlink"]),
    (delete, ["commit", "unlink"]),
    (copy, ["link", "sync_directory", "commit", "close"]),
    (create_bucket, ["commit"]),
]


@pytest.mark.parametrize(("operation", "expected"), STEPS)
def test_R003_order_of_the_steps(tmp_path, operation, expected):
    disk = RecordingDisk()

    async def scenario(client):
        await client.put("a", b"old" * 100_000)
        disk.steps.clear()
        await operation(client)

    with_store(tmp_path, scenario, disk=disk)
    done = disk.steps[: len(expected)]
    assert done == expected


def test_R003_every_part_is_synced_before_the_completion_commits(tmp_path):
    disk = RecordingDisk()

    async def scenario(client):
        disk.steps.clear()
        await multipart(client)
        assert disk.steps.count("sync") == disk.steps.count("rename") == 2
        assert disk.steps[-1] == "commit"
        assert "sync" not in disk.steps[-2:]

    with_store(tmp_path, scenario, disk=disk)


def test_R003_a_write_is_answered_after_its_commit(tmp_path):
    disk = RecordingDisk()

    async def scenario(client):
        disk.steps.clear()
        await client.put("a", b"x")
        assert disk.steps[-1] == "commit"

    with_store(tmp_path, scenario, disk=disk)


async def contents(client):
    """What a reader sees: every object, its bytes read to the end."""
    return {key: (await client.get(key)).content for key in await client.keys()}


CRASHES = [
    (put, [{"a": b"old"}, {"a": b"new"}]),
    (put_large, [{"a": b"old"}, {"a": b"n" * (3 * 1024**2)}]),
    (delete, [{"a": b"old"}, {}]),
    (copy, [{"a": b"old"}, {"a": b"old", "b": b"old"}]),
    (create_bucket, [{"a": b"old"}]),
    (multipart, [{"a": b"old"}, {"a": b"1" * PART + b"2"}]),
]


@pytest.mark.slow
@pytest.mark.parametrize(("operation", "possible"), CRASHES)
def test_R004_a_crash_before_any_step_leaves_the_old_state_or_the_new_one(tmp_path, operation, possible):
    """And nothing else: no unfinished blob, no blob without a row."""
    data, snapshots = tmp_path / "data", tmp_path / "snapshots"
    disk = SnapshotDisk(data, snapshots)

    async def scenario(client):
        await client.put("a", b"old")
        disk.armed = True
        await operation(client)
        disk.armed = False

    with_store(data, scenario, disk=disk)
    assert disk.taken

    async def check(client):
        assert client.aside() == []
        found = await contents(client)
        assert found in possible
        await client.put("z", b"still works")
        return possible.index(found), len(client.blobs())

    seen = [with_store(directory, check)[0] for directory in disk.taken]
    assert seen == sorted(seen)  # once the new state is visible, it stays


def test_R004_a_crash_leaves_no_orphans_behind(tmp_path):
    data, snapshots = tmp_path / "data", tmp_path / "snapshots"
    disk = SnapshotDisk(data, snapshots)

    async def scenario(client):
        await client.put("a", b"old")
        disk.armed = True
        await client.put("a", b"new")
        await client("DeleteObject", Key="a")
        disk.armed = False

    with_store(data, scenario, disk=disk)

    async def count(client):
        assert len(client.blobs()) == len(await client.keys())
        assert client.aside() == []

    for directory in disk.taken:
        with_store(directory, count)


@pytest.mark.parametrize(
    ("number", "error"),
    [
        (errno.ENOSPC, errors.ServiceUnavailable),
        (errno.EDQUOT, errors.ServiceUnavailable),
        (errno.EROFS, errors.ServiceUnavailable),
        (errno.EMFILE, errors.ServiceUnavailable),
        (errno.ENFILE, errors.ServiceUnavailable),
        (errno.ENOMEM, errors.ServiceUnavailable),
        (errno.EACCES, errors.InternalError),
        (errno.EIO, errors.InternalError),
    ],
)
@pytest.mark.parametrize("step", PUT_STEPS)
def test_R006_R007_a_disk_that_refuses_leaves_the_old_object_and_serves_on(tmp_path, step, number, error):
    disk = FailingDisk(step, number)

    async def scenario(client):
        await client.put("a", b"old")
        disk.armed = True
        with pytest.raises(error):
            await client.put("a", b"new")
        disk.armed = False
        assert (await client.get("a")).content == b"old"
        assert client.aside() == []
        assert len(client.blobs()) == 1
        await client.put("a", b"newer")
        assert (await client.get("a")).content == b"newer"

    with_store(tmp_path, scenario, disk=disk)


@pytest.mark.parametrize("step", ["sync", "sync_directory", "commit"])
def test_R005_a_failed_sync_refuses_the_write_and_drops_the_file(tmp_path, step):
    disk = FailingDisk(step, errno.EIO)

    async def scenario(client):
        disk.armed = True
        with pytest.raises(errors.InternalError):
            await client.put("a", b"new")
        disk.armed = False
        assert client.blobs() == set()
        with pytest.raises(errors.NoSuchKey):
            await client.get("a")

    with_store(tmp_path, scenario, disk=disk)


def test_a_blob_that_cannot_be_removed_is_removed_at_the_next_start(tmp_path):
    disk = FailingDisk("unlink", errno.EIO)

    async def scenario(client):
        await client.put("a", b"old")
        disk.armed = True
        await client("DeleteObject", Key="a")

    with_store(tmp_path, scenario, disk=disk)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)
