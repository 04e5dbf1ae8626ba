"""Migrations bring an empty database to exactly what the schema says, SQLite and PostgreSQL alike."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, delete, event, inspect, select, update

from onread.metadata.database import Database, DatabaseRefused
from onread.metadata.migrations.upgrade import configuration, upgrade
from onread.metadata.schema import HEAD, alembic_version, metadata

from .conftest import OpenRecords

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended


def described(engine: Engine) -> dict[str, object]:
    inspector = inspect(engine)
    tables = sorted(inspector.get_table_names())
    return {
        table: (
            [
                (column["name"], str(column["type"]), column["nullable"])
                for column in inspector.get_columns(table)
            ],
            inspector.get_pk_constraint(table),
            sorted(inspector.get_unique_constraints(table), key=str),
            sorted(inspector.get_foreign_keys(table), key=str),
            sorted(inspector.get_indexes(table), key=str),
        )
        for table in tables
    }


def test_migrations_and_schema_agree(database: Database) -> None:
    fresh = described(database.engine)
    with database.engine.begin() as connection:
        metadata.drop_all(connection)
        alembic_version.drop(connection)
        upgrade(connection)
    assert described(database.engine) == fresh
    with database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, metadata) == []


def test_head_names_the_newest_migration(tmp_path: Path) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
        assert scripts.get_heads() == [HEAD]
    engine.dispose()


def set_back(database: Database) -> None:
    """As Alembic leaves a database that stands at no revision yet: it goes through every migration."""
    with database.engine.begin() as connection:
        metadata.drop_all(connection)
        connection.execute(delete(alembic_version))


def test_a_database_behind_is_migrated_at_start(database: Database, open_records: OpenRecords) -> None:
    set_back(database)

    async def scenario() -> None:
        async with open_records() as records:
            assert records.list_users("111122223333") == []

    asyncio.run(scenario())


def test_a_newer_schema_makes_this_version_refuse_and_is_left_alone(database: Database) -> None:
    with database.transaction() as connection:
        connection.execute(update(alembic_version).values(version_num="9999"))
    before = described(database.engine)
    with pytest.raises(DatabaseRefused, match=f"newer onread .*9999.*{HEAD}"):
        database.start(lambda _: None)
    assert described(database.engine) == before


def test_a_foreign_database_is_refused(database: Database) -> None:
    with database.engine.begin() as connection:
        alembic_version.drop(connection)
    with pytest.raises(DatabaseRefused, match="not one of onread's"):
        database.start(lambda _: None)


class Interrupted(Exception):
    pass


def test_R013_a_migration_interrupted_at_any_statement_leaves_the_old_database(database: Database) -> None:
    done, stop_at = 0, 1

    def interrupt(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        nonlocal done
        if statement.split()[0].upper() in ("CREATE", "ALTER", "DROP", "INSERT", "UPDATE", "DELETE"):
            done += 1
            if done == stop_at:
                raise Interrupted

    set_back(database)
    before = described(database.engine)
    event.listen(database.engine, "after_cursor_execute", interrupt)
    while True:
        done = 0
        try:
            database.start(lambda _: None)
        except Interrupted:
            assert described(database.engine) == before
            stop_at += 1
        else:
            break
    event.remove(database.engine, "after_cursor_execute", interrupt)
    assert stop_at > len(metadata.tables)
    with database.reading() as connection:
        assert connection.scalar(select(alembic_version.c.version_num)) == HEAD


def test_a_start_with_nothing_to_migrate_does_not_import_alembic(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from onread.metadata.opening import open_database\n"
        "for _ in range(2):\n"
        "    database = open_database(pathlib.Path(sys.argv[1]))\n"
        "    database.start(lambda _: None)\n"
        "    database.close()\n"
        "assert 'alembic' not in sys.modules\n"
        "assert 'psycopg' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "x")], check=True, timeout=60)
