import asyncio
import os
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path

import pytest

from onread import errors
from onread.protocol.operations import SERVED
from onread.stores.local.schema import MIGRATIONS, NewerSchema
from onread.stores.local.store import OPERATIONS, UnusableDirectory

from .opened import ACCOUNT, BUCKET, opened, with_store

TESTS = Path(__file__).parents[2]


def test_objects_outlive_a_restart(tmp_path):
    async def first(client):
        await client.put("a", b"hello")

    async def second(client):
        assert (await client.get("a")).content == b"hello"

    with_store(tmp_path, first)
    with_store(tmp_path, second)


def test_an_operation_that_is_not_built_is_refused_by_name(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.NotImplemented, match="PutBucketReplication"):
            await client("PutBucketReplication")

    with_store(tmp_path, scenario)


def test_every_operation_served_is_one_of_the_gateways():
    later = {"GetBucketAbac"}  # the oldest botocore that is good enough does not describe it
    assert OPERATIONS.keys() - later == SERVED["s3"] - {"WriteGetObjectResponse"}


def test_bucket_owner_is_told_without_a_request(tmp_path):
    async def scenario(client):
        assert client.store.bucket_owner(BUCKET) == ACCOUNT
        assert client.store.bucket_owner("nowhere-at-all") is None
        for operation in ("DeletePublicAccessBlock", "DeleteBucketOwnershipControls", "DeleteBucket"):
            await client(operation)
        assert client.store.bucket_owner(BUCKET) is None

    with_store(tmp_path, scenario)


def test_T232_everything_in_the_data_directory_is_ours_alone(tmp_path):
    data = tmp_path / "new" / "data"

    async def scenario(client):
        await client.put("a", b"x")
        for path in [data, *data.rglob("*")]:
            assert path.lstat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path

    with_store(data, scenario)


def test_T232_a_directory_open_to_others_is_refused(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "something").touch()
    data.chmod(0o755)
    with pytest.raises(UnusableDirectory, match="0700"):
        with_store(data, None)


def test_an_empty_directory_is_made_ours_alone(tmp_path):
    data = tmp_path / "data"
    data.mkdir(mode=0o755)

    async def scenario(client):
        assert data.stat().st_mode & 0o777 == 0o700

    with_store(data, scenario)


@pytest.mark.parametrize("name", ["index.sqlite", "lock", "blobs", "tmp"])
def test_T232_a_symbolic_link_planted_in_the_data_directory_is_not_followed(tmp_path, name):
    data, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    data.mkdir(mode=0o700)
    elsewhere.mkdir()
    (data / name).symlink_to(elsewhere / name if "." in name or name == "lock" else elsewhere)
    with pytest.raises(UnusableDirectory):
        with_store(data, None)
    assert list(elsewhere.iterdir()) == []


def test_two_processes_never_share_a_data_directory(tmp_path):
    command = [sys.executable, "-m", "stores.local.killed_writer", str(tmp_path), "1"]

    async def scenario(client):
        second = await asyncio.to_thread(
            subprocess.run, command, cwd=TESTS, capture_output=True, text=True, timeout=30
        )
        assert second.returncode == 1
        assert "Another process has the data directory" in second.stderr

    with_store(tmp_path, scenario)


def test_R013_a_newer_schema_is_refused_and_left_alone(tmp_path):
    async def nothing(client):
        pass

    with_store(tmp_path, nothing)
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(NewerSchema):
        with_store(tmp_path, nothing)


def test_leftovers_of_a_killed_process_are_swept(tmp_path):
    async def fill(client):
        await client.put("a", b"kept")

    with_store(tmp_path, fill)
    orphan = tmp_path / "blobs" / "0" / ("0" * 32)
    orphan.write_bytes(b"orphan")
    (tmp_path / "tmp" / "unfinished").write_bytes(b"half")
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        connection.execute("UPDATE state SET value = 'no' WHERE name = 'closed_cleanly'")
        connection.commit()

    async def check(client):
        assert client.aside() == []
        assert not orphan.exists()
        assert (await client.get("a")).content == b"kept"

    with_store(tmp_path, check)


def test_close_leaves_no_thread_and_no_descriptor(tmp_path):
    async def main():
        before = set(os.listdir("/proc/self/fd"))
        async with opened(tmp_path) as client:
            await client.put("a", b"x" * 3_000_000)
            await client.get("a")
            await client.keys()
        assert set(os.listdir("/proc/self/fd")) == before
        assert not [thread for thread in threading.enumerate() if thread.name.startswith("store")]

    asyncio.run(main())


def test_a_refused_start_leaves_no_descriptor(tmp_path):
    async def nothing(client):
        pass

    with_store(tmp_path, nothing)
    with closing(sqlite3.connect(tmp_path / "index.sqlite")) as connection:
        connection.execute("PRAGMA user_version = 99")
    before = set(os.listdir("/proc/self/fd"))
    with pytest.raises(NewerSchema):
        with_store(tmp_path, nothing)
    assert set(os.listdir("/proc/self/fd")) == before


def test_R011_the_newest_write_wins_whatever_the_clock_says(tmp_path):
    async def scenario(client):
        await client.put("a", b"old")
        client.clock.move(-10 * 365 * 86400)
        await client.put("a", b"new")
        assert (await client.get("a")).content == b"new"

    with_store(tmp_path, scenario)
