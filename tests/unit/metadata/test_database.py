"""The database, SQLite and PostgreSQL: its version, its master key, its failures; the file and its mode."""

import asyncio
import contextlib
import hashlib
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from onread.errors import (
    InvalidRequest,
    OperationAborted,
    ResourceNotFoundException,
    ServiceUnavailable,
    SlowDown,
)
from onread.metadata import sqlite
from onread.metadata.database import Database, DatabaseRefused
from onread.metadata.opening import open_database
from onread.metadata.schema import HEAD
from onread.metadata.snapshot import read_epoch
from onread.metadata.sqlite import locate_file
from onread.metadata.transactions import MOST_WAITING, MOST_WAITING_SECONDS

from .conftest import ACCOUNT, OpenRecords, a_function, a_key, a_user, an_access_point, opener

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended


def run_sql(file: Path, *statements: str) -> None:
    connection = sqlite3.connect(file)
    for statement in statements:
        connection.execute(statement)
    connection.commit()
    connection.close()


def open_and_close(open_records: OpenRecords, **settings: object) -> None:
    async def scenario() -> None:
        async with open_records(**settings):
            pass

    asyncio.run(scenario())


def test_T294_file_and_companions_have_mode_0600(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    async def scenario() -> None:
        async with open_in_sqlite() as records:
            await records.create_access_point(an_access_point())
            files = list(database_file.parent.iterdir())
            assert len(files) >= 2  # the write-ahead log is there
            assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
        assert stat.S_IMODE(database_file.parent.stat().st_mode) == 0o700

    asyncio.run(scenario())


def test_T294_a_looser_mode_is_tightened(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    open_and_close(open_in_sqlite)
    database_file.chmod(0o644)
    open_and_close(open_in_sqlite)
    assert stat.S_IMODE(database_file.stat().st_mode) == 0o600


def test_T293_the_files_hold_no_secret_in_the_clear(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    secret = "CanarySecretAccessKeyCanarySecretAccessK"

    async def scenario() -> None:
        async with open_in_sqlite() as records:
            await records.create_user(a_user())
            await records.create_access_key(a_key(secret=secret))
            await records.create_function(
                a_function(
                    code_sha256=hashlib.sha256(b"code").hexdigest(),
                    environment={"PASSWORD": "CanaryEnvironmentValue"},
                ),
                b"code",
            )
            while_open = b"".join(file.read_bytes() for file in database_file.parent.iterdir())
            assert b"Canary" not in while_open
        at_rest = b"".join(file.read_bytes() for file in database_file.parent.iterdir())
        assert b"AKIAAAAAAAAAAAAAAAAA" in at_rest  # the id is there ...
        assert b"Canary" not in at_rest  # ... the secret is not
        assert secret[10:].encode() not in at_rest

    asyncio.run(scenario())


def test_another_master_key_is_refused_at_start(open_records: OpenRecords) -> None:
    open_and_close(open_records)
    with pytest.raises(DatabaseRefused, match="ONREAD_MASTER_KEY"):
        open_and_close(open_records, master_key=b"x" * 32)
    open_and_close(open_records)


def test_a_database_that_lacks_a_table_is_refused_at_start(
    open_in_sqlite: OpenRecords, database_file: Path
) -> None:
    open_and_close(open_in_sqlite)
    run_sql(database_file, "DROP TABLE functions")
    with pytest.raises(DatabaseRefused):
        open_and_close(open_in_sqlite)


def test_too_many_waiting_changes_are_asked_to_slow_down(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_records() as records:
            asked = (records.load_code("0" * 64) for _ in range(MOST_WAITING + 5))
            answers = [type(each) for each in await asyncio.gather(*asked, return_exceptions=True)]
            assert answers.count(ResourceNotFoundException) == MOST_WAITING
            assert answers.count(SlowDown) == 5
            await records.create_access_point(an_access_point())

    asyncio.run(scenario())


def test_a_newer_schema_is_refused_and_left_alone(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    open_and_close(open_in_sqlite)
    run_sql(database_file, "UPDATE alembic_version SET version_num = '9999'")
    before = database_file.read_bytes()
    with pytest.raises(DatabaseRefused, match=f"newer onread .*9999.*{HEAD}"):
        open_and_close(open_in_sqlite)
    assert database_file.read_bytes() == before


def test_a_foreign_database_is_refused(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    database_file.parent.mkdir()
    run_sql(database_file, "CREATE TABLE somebody_elses (id INTEGER)")
    with pytest.raises(DatabaseRefused, match="not one of onread's"):
        open_and_close(open_in_sqlite)


def test_a_file_that_is_no_database_is_refused(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    database_file.parent.mkdir()
    database_file.write_bytes(b"this is not SQLite" * 100)
    with pytest.raises(DatabaseRefused, match="not a database"):
        open_and_close(open_in_sqlite)


def test_a_folder_that_cannot_be_made_is_refused(open_in_sqlite: OpenRecords, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(DatabaseRefused, match="cannot be opened"):
        open_and_close(open_in_sqlite, location=tmp_path / "file" / "data")


def test_a_database_that_is_not_served_is_refused_by_name() -> None:
    with pytest.raises(DatabaseRefused, match="mysql://"):
        open_database("mysql://x/y")


def test_a_sqlite_url_and_a_folder_name_a_file() -> None:
    assert locate_file("sqlite:///relative/x.db") == Path("relative/x.db")
    assert locate_file("sqlite:////var/x.db") == Path("/var/x.db")
    assert locate_file(Path("/data")) == Path("/data/control.sqlite3")
    assert locate_file("/data") == Path("/data/control.sqlite3")


def test_commits_are_durable_and_foreign_keys_hold(tmp_path: Path) -> None:
    database = open_database(tmp_path)
    with database.reading() as connection:
        pragmas = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    database.close()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


def test_errors_of_the_database_leave_as_service_errors(database: Database) -> None:
    with pytest.raises(ServiceUnavailable) as refused, database.transaction() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    assert refused.value.retry_after_seconds == 2
    with pytest.raises(ServiceUnavailable), database.reading() as connection:
        connection.exec_driver_sql("SELECT * FROM nowhere")
    with pytest.raises(OperationAborted), database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO epochs VALUES ('a', 1), ('a', 2)")


def test_an_undone_transaction_leaves_nothing(database: Database) -> None:
    with contextlib.suppress(KeyError), database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO epochs VALUES ('a', 1)")
        raise KeyError
    with database.reading() as connection:
        assert connection.exec_driver_sql("SELECT count(*) FROM epochs").scalar() == 0


def test_a_value_that_does_not_fit_is_the_requests_fault(postgresql_url: str) -> None:
    async def scenario() -> None:
        async with opener(postgresql_url)() as records:
            for name in ("n" * 65, "nul\0"):
                with pytest.raises(InvalidRequest, match="too long or holds a character"):
                    await records.create_access_point(an_access_point(name))
            assert records.list_access_points(ACCOUNT) == []

    asyncio.run(scenario())


def test_gateways_that_start_at_once_on_an_empty_database_all_start(open_records: OpenRecords) -> None:
    async def scenario() -> None:
        async with contextlib.AsyncExitStack() as stack:
            starting = [stack.enter_async_context(open_records()) for _ in range(5)]
            first, *others = await asyncio.gather(*starting)
            await first.create_access_point(an_access_point())
            assert all([await other.refresh_if_changed() for other in others])

    asyncio.run(scenario())


def test_of_gateways_that_start_at_once_with_different_master_keys_one_kind_is_refused(
    open_records: OpenRecords,
) -> None:
    async def scenario() -> None:
        async def start(number: int) -> str:
            try:
                async with open_records(master_key=b"ab"[number % 2 :][:1] * 32):
                    return "ab"[number % 2]
            except DatabaseRefused:
                return "refused"

        told = await asyncio.gather(*(start(number) for number in range(6)))
        assert sorted(told) in (["a", "a", "a"] + ["refused"] * 3, ["b", "b", "b"] + ["refused"] * 3)

    asyncio.run(scenario())


def test_a_view_is_of_one_moment(database: Database) -> None:
    with database.transaction() as connection:
        connection.exec_driver_sql("INSERT INTO epochs VALUES ('control', 1)")
    with database.reading() as view:
        assert read_epoch(view) == 1
        with database.transaction() as connection:
            connection.exec_driver_sql("UPDATE epochs SET number = 2")
        assert read_epoch(view) == 1
    with database.reading() as view:
        assert read_epoch(view) == 2


def test_a_database_that_fails_later_answers_unavailable_and_look_ups_go_on(
    open_in_sqlite: OpenRecords, database_file: Path
) -> None:
    async def scenario() -> None:
        async with open_in_sqlite() as records:
            await records.create_access_point(an_access_point())
            run_sql(database_file, "DROP TABLE epochs")
            with pytest.raises(ServiceUnavailable):
                await records.create_access_point(an_access_point("other"))
            with pytest.raises(ServiceUnavailable):
                await records.refresh_if_changed()
            assert records.access_point(ACCOUNT, "my-ap") is not None
            assert records.access_point(ACCOUNT, "other") is None

    asyncio.run(scenario())


def test_R031_while_somebody_locks_the_file_changes_are_refused_and_reads_go_on(
    open_in_sqlite: OpenRecords, database_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert sqlite.BUSY_TIMEOUT_SECONDS == 10
    monkeypatch.setattr(sqlite, "BUSY_TIMEOUT_SECONDS", 0.1)

    async def scenario() -> None:
        async with open_in_sqlite() as records:
            await records.create_access_point(an_access_point())
            with contextlib.closing(sqlite3.connect(database_file, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                writes = [records.create_access_point(an_access_point(f"ap-{n}")) for n in range(3)]
                for refused in await asyncio.gather(*writes, return_exceptions=True):
                    assert isinstance(refused, ServiceUnavailable)
                    assert refused.retry_after_seconds == 2
                await records.catch_up()
                assert records.access_point(ACCOUNT, "my-ap") is not None
                other.execute("ROLLBACK")
            await records.create_access_point(an_access_point("later"))
            assert len(records.list_access_points(ACCOUNT)) == 2

    asyncio.run(scenario())


def test_who_waits_too_long_for_a_turn_is_answered(open_in_sqlite: OpenRecords) -> None:
    async def scenario() -> None:
        async with open_in_sqlite() as records:
            asked_at = records._monotonic() - MOST_WAITING_SECONDS - 1
            with pytest.raises(ServiceUnavailable, match="too slow"):
                records._in_turn(lambda: None, asked_at)

    asyncio.run(scenario())


def test_what_was_acknowledged_survives_a_kill(open_in_sqlite: OpenRecords, database_file: Path) -> None:
    script = """
import asyncio, os, pathlib, signal, sys
from datetime import UTC, datetime
from onread.metadata.facade import Records
from onread.metadata.records import User

async def main():
    now = datetime(2030, 1, 1, tzinfo=UTC)
    records = await Records.open(
        pathlib.Path(sys.argv[1]), master_key=b"m" * 32, clock=lambda: now,
        account_id="111122223333", region="us-east-1",
    )
    await records.create_user(
        User(account_id="111122223333", name="alice", path="/", user_id="AIDAX", created_at=now)
    )
    os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""
    killed = subprocess.run(
        [sys.executable, "-c", script, str(database_file.parent)], timeout=60, check=False
    )
    assert killed.returncode == -signal.SIGKILL

    async def scenario() -> None:
        async with open_in_sqlite() as records:
            assert records.user(ACCOUNT, "alice") is not None

    asyncio.run(scenario())
