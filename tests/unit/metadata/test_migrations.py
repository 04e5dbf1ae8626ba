"""Migrations bring an empty database to exactly what the schema says."""

import asyncio
import subprocess
import sys
from pathlib import Path

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, create_engine, inspect

from onread.metadata.database import Database
from onread.metadata.migrations.upgrade import configuration, upgrade
from onread.metadata.schema import HEAD, metadata

from .conftest import OpenRecords


def migrated(file: Path) -> Engine:
    engine = create_engine(f"sqlite:///{file}")
    with engine.begin() as connection:
        upgrade(connection)
    return engine


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


def test_migrations_and_schema_agree(tmp_path: Path) -> None:
    by_migration = migrated(tmp_path / "migrated.sqlite3")
    fresh = Database(tmp_path / "fresh.sqlite3")
    try:
        assert described(by_migration) == described(fresh.engine)
        with by_migration.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True})
            assert compare_metadata(context, metadata) == []
    finally:
        by_migration.dispose()
        fresh.close()


def test_head_names_the_newest_migration(tmp_path: Path) -> None:
    engine = create_engine("sqlite://")
    with engine.connect() as connection:
        scripts = ScriptDirectory.from_config(configuration(connection))
        assert scripts.get_heads() == [HEAD]
    engine.dispose()


def test_a_database_behind_is_migrated_at_start(open_records: OpenRecords, database_file: Path) -> None:
    """One that Alembic made and that stands at no revision yet goes through the migrations."""
    engine = create_engine(f"sqlite:///{database_file}")
    database_file.parent.mkdir()
    with engine.begin() as connection:
        connection.exec_driver_sql("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    engine.dispose()

    async def scenario() -> None:
        async with open_records() as records:
            assert records.list_users("111122223333") == []

    asyncio.run(scenario())


def test_a_start_with_nothing_to_migrate_does_not_import_alembic(tmp_path: Path) -> None:
    script = (
        "import sys, pathlib\n"
        "from onread.metadata.database import Database\n"
        "for _ in range(2):\n"
        "    Database(pathlib.Path(sys.argv[1])).close()\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "x.sqlite3")], check=True, timeout=60)
