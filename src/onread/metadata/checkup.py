"""What ``onread doctor`` asks a PostgreSQL: may it be the control database? Changes nothing."""

from collections.abc import Iterator
from time import perf_counter
from typing import Literal

from sqlalchemy import Connection, inspect, select, text

from onread.errors import ServiceUnavailable
from onread.metadata.database import DatabaseRefused, reason_of
from onread.metadata.postgresql import MOST_CONNECTIONS, PostgresqlDatabase
from onread.metadata.schema import HEAD, alembic_version, settings
from onread.metadata.sealing import Sealer, WrongMasterKey

Finding = tuple[Literal["ok", "warning", "problem"], str, str]
"""How it is, what was found, and what to do."""


def check_up(url: str, master_key: bytes | None) -> Iterator[Finding]:
    """Everything that can be told of a database without changing it.

    Args:
        master_key: the one that the gateway would start with, when it is known.
    """
    try:
        database = PostgresqlDatabase(url)
    except DatabaseRefused as error:
        yield "problem", str(error), "see docs/settings.md"
        return
    try:
        with database.reading() as connection:
            yield _answers(connection, database.name)
            yield from _can_be_used(connection, master_key)
    except ServiceUnavailable as error:
        advice = "is it there, and may this machine and user connect? The same URL works with psql"
        yield "problem", f"{database.name}: {reason_of(error.__cause__ or error)}", advice
    finally:
        database.close()


def _answers(connection: Connection, name: str) -> Finding:
    began = perf_counter()
    version = connection.scalar(text("SHOW server_version"))
    return "ok", f"{name}, version {version}, answers in {(perf_counter() - began) * 1000:.1f} ms", ""


def _can_be_used(connection: Connection, master_key: bytes | None) -> Iterator[Finding]:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        yield "problem", f"its encoding is {encoding}", "CREATE DATABASE ... ENCODING 'UTF8'"
    if connection.scalar(
        text("SELECT pg_is_in_recovery() OR current_setting('default_transaction_read_only')::bool")
    ):
        yield "warning", "it takes no changes: a standby, or read-only", "name the primary in database_url"
    free = connection.scalar(
        text("SELECT current_setting('max_connections')::int - count(*) FROM pg_stat_activity")
    )
    needed = MOST_CONNECTIONS + 1
    if free is not None and free < needed:
        yield "warning", f"{free} connections are free", f"a gateway process holds {needed}: max_connections"
    tables = inspect(connection).get_table_names()
    if tables:
        yield from _holds(connection, tables, master_key)
    else:
        yield "ok", "empty: the first start makes the tables", ""


def _holds(connection: Connection, tables: list[str], master_key: bytes | None) -> Iterator[Finding]:
    if not {alembic_version.name, settings.name} <= set(tables):
        yield "problem", "it holds something else than onread's records", "make a database of its own"
        return
    stored = connection.scalar(select(alembic_version.c.version_num)) or ""
    if stored > HEAD:
        yield (
            "problem",
            f"written by a newer onread (schema {stored}; this knows {HEAD})",
            "install that version",
        )
    elif stored < HEAD:
        yield "ok", f"schema {stored}: the next start brings it to {HEAD}", ""
    sealed = connection.scalar(select(settings.c.value).where(settings.c.name == "master_key_check"))
    if sealed is None or master_key is None:
        return
    try:
        Sealer(master_key).open(sealed, "master_key_check")
    except WrongMasterKey as error:
        yield "problem", "made under another master key", str(error)
    else:
        yield "ok", "the master key opens it", ""
