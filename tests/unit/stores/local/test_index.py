import asyncio
import sqlite3
from contextlib import closing

import pytest

from onread import errors
from onread.stores.local.object_rows import _FIND
from onread.stores.local.schema import MIGRATIONS, migrate

from .disks import RecordingDisk
from .opened import opened, with_store


def test_every_commit_is_synced(tmp_path):
    """In WAL mode that takes FULL (2); SQLite's NORMAL loses acknowledged commits in a power cut."""

    async def scenario(client):
        index = client.store._engine.index
        for connection in (index._writer, index.connection):
            assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
            assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)

    with_store(tmp_path, scenario)


def test_writes_that_come_together_share_commits(tmp_path):
    disk = RecordingDisk()

    async def scenario(client):
        disk.steps.clear()
        await asyncio.gather(*(client("DeleteObject", Key=f"{number}") for number in range(200)))
        assert disk.steps.count("commit") < 100

    with_store(tmp_path, scenario, disk=disk)


def test_a_change_that_fails_leaves_those_beside_it_alone(tmp_path):
    async def scenario(client):
        index = client.store._engine.index

        def change(number, transaction):
            transaction.connection.execute("INSERT INTO state VALUES (?, ?)", (f"{number}", b""))
            if number % 2:
                raise errors.NoSuchKey(Key=f"{number}")
            return number

        outcomes = await asyncio.gather(
            *(
                index.write(lambda transaction, number=number: change(number, transaction))
                for number in range(40)
            ),
            return_exceptions=True,
        )
        assert [outcome for outcome in outcomes if isinstance(outcome, int)] == list(range(0, 40, 2))
        assert sum(isinstance(outcome, errors.NoSuchKey) for outcome in outcomes) == 20
        kept = index.connection.execute("SELECT count(*) FROM state WHERE length(name) < 3").fetchone()
        assert kept == (20,)

    with_store(tmp_path, scenario)


def test_R006_an_index_that_cannot_grow_refuses_and_serves_on(tmp_path):
    async def scenario(client):
        index = client.store._engine.index
        await client.put("a", b"old")
        (pages,) = index._writer.execute("PRAGMA page_count").fetchone()
        index._writer.execute(f"PRAGMA max_page_count = {pages}")
        fillers = [client.put(f"{number}", b"x", Metadata={"fill": "x" * 2000}) for number in range(200)]
        outcomes = await asyncio.gather(*fillers, return_exceptions=True)
        assert isinstance(outcomes[-1], errors.ServiceUnavailable)
        assert (await client.get("a")).content == b"old"
        index._writer.execute("PRAGMA max_page_count = 1000000")
        await client.put("a", b"new")
        assert client.aside() == []

    with_store(tmp_path, scenario)


def test_a_bug_in_a_change_reaches_the_one_who_asked(tmp_path):
    async def main():
        async with opened(tmp_path) as client:
            with pytest.raises(ZeroDivisionError):
                await client.store._engine.index.write(lambda transaction: 1 / 0)
            await client.put("a", b"x")

    asyncio.run(main())


def test_R013_a_migration_is_done_whole_or_not_at_all(tmp_path):
    with closing(sqlite3.connect(tmp_path / "index.sqlite", isolation_level=None)) as connection:
        connection.execute("CREATE TABLE parts (x)")  # in the way of the first migration's last statement
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection)
        connection.execute("ROLLBACK")
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (1,)
        connection.execute("DROP TABLE parts")
        migrate(connection)
        assert connection.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS),)


def test_look_ups_of_one_object_use_an_index(tmp_path):
    async def scenario(client):
        rows = client.store._engine.index.connection.execute("EXPLAIN QUERY PLAN " + _FIND, ("b", b"k"))
        plan = " ".join(row[-1] for row in rows)
        assert "current_objects" in plan
        assert "SCAN" not in plan

    with_store(tmp_path, scenario)
