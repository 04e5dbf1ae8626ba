"""The control database: one SQLite file, its engine, its transactions and its version.

Everything that differs between databases stays here; the rest of the package speaks portable SQL.
Refuses to know what the tables mean.
"""

import os
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import structlog
from sqlalchemy import Connection, Engine, create_engine, event, insert, inspect, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.pool import QueuePool

from onread.errors import OperationAborted, ServiceUnavailable
from onread.metadata.schema import HEAD, alembic_version, metadata

FILE_NAME = "control.sqlite3"
BUSY_TIMEOUT_SECONDS = 10

log = structlog.get_logger()


class DatabaseRefused(Exception):
    """The control database cannot be used; the message says what to do. Raised at start only."""


class Database:
    """One open control database.

    Args:
        file: the SQLite file; made with mode 0600 when it is not there.

    Raises:
        DatabaseRefused: the file is newer than this version, no database of ours, or cannot be opened.
    """

    def __init__(self, file: Path) -> None:
        _prepare_file(file)
        self._file = file
        self._watching: sqlite3.Connection | None = None
        self.engine = _create_engine(file)
        try:
            with self.engine.begin() as connection:
                _bring_to_head(connection, file)
        except SQLAlchemyError as error:
            self.engine.dispose()
            raise DatabaseRefused(f"The control database {file} cannot be used: {_reason(error)}") from error
        except BaseException:
            self.engine.dispose()
            raise

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction; committed at the end, undone by any exception.

        Raises:
            ServiceUnavailable: the database failed; the cause is in the log.
            OperationAborted: another gateway wrote the same thing at the same time.
        """
        try:
            with self.engine.begin() as connection:
                yield connection
        except IntegrityError as error:
            raise OperationAborted from error
        except SQLAlchemyError as error:
            log.error("metadata.database_failed", reason=_reason(error))
            raise ServiceUnavailable("The control database does not answer. Please try again.") from error

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; waits for no writer.

        Raises:
            ServiceUnavailable: the database failed; the cause is in the log.
        """
        try:
            with self.engine.connect().execution_options(onread_reading=True) as connection:
                yield connection
        except SQLAlchemyError as error:
            log.error("metadata.database_failed", reason=_reason(error))
            raise ServiceUnavailable("The control database does not answer. Please try again.") from error

    def version(self) -> int:
        """Another number after every commit of anybody. On the event loop's thread only.

        Raises:
            ServiceUnavailable: the database failed; the cause is in the log.
        """
        try:
            if self._watching is None:
                self._watching = sqlite3.connect(
                    self._file, isolation_level=None, timeout=0, check_same_thread=False
                )
            (version,) = self._watching.execute("PRAGMA data_version").fetchone()
        except sqlite3.Error as error:
            log.error("metadata.database_failed", reason=str(error))
            raise ServiceUnavailable("The control database does not answer. Please try again.") from error
        return int(version)

    def close(self) -> None:
        """Close every connection; SQLite folds its write-ahead log into the file."""
        self.engine.dispose()
        if self._watching is not None:
            self._watching.close()


def locate_file(location: Path | str) -> Path:
    """The SQLite file that a folder, a file's URL or a folder's name means.

    Raises:
        DatabaseRefused: the URL names a database that is not served.
    """
    if isinstance(location, str) and "://" in location:
        scheme, _, path = location.partition("://")
        if scheme != "sqlite":
            raise DatabaseRefused(
                f"database_url begins with {scheme}://, which this version does not serve yet. "
                "Leave database_url out to keep the records in the data directory (SQLite)."
            )
        return Path(path.removeprefix("/"))
    return Path(location) / FILE_NAME


def _prepare_file(file: Path) -> None:
    """Make the file with mode 0600 before SQLite does: its companions take the same mode."""
    try:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        if stat.S_IMODE(file.stat().st_mode) != 0o600:
            log.warning("metadata.file_mode_tightened", file=str(file))
            file.chmod(0o600)
    except OSError as error:
        raise DatabaseRefused(f"The control database {file} cannot be opened: {error.strerror}") from error


def _create_engine(file: Path) -> Engine:
    engine = create_engine(
        f"sqlite:///{file}",
        poolclass=QueuePool,
        pool_size=2,
        max_overflow=0,
        pool_timeout=BUSY_TIMEOUT_SECONDS,
        hide_parameters=True,  # an error's text must not carry a secret or a policy
        connect_args={"timeout": BUSY_TIMEOUT_SECONDS, "check_same_thread": False},
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    return engine


def _on_connect(connection: Any, _record: object) -> None:
    connection.isolation_level = None  # sqlite3 must not open transactions behind our back
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    """Take the write lock at once where it will be needed: a lock taken late can fail half-way."""
    reading = connection.get_execution_options().get("onread_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


def _bring_to_head(connection: Connection, file: Path) -> None:
    tables = inspect(connection).get_table_names()
    if not tables:
        metadata.create_all(connection)
        alembic_version.create(connection)
        connection.execute(insert(alembic_version).values(version_num=HEAD))
        return
    if "alembic_version" not in tables:
        raise DatabaseRefused(
            f"{file} is a database, but not one of onread's. Choose another data directory."
        )
    stored = connection.scalar(select(alembic_version.c.version_num)) or ""
    if stored == HEAD:
        return
    if stored > HEAD:
        raise DatabaseRefused(
            f"{file} was written by a newer onread (schema {stored}; this version knows {HEAD}). "
            "Install that version again, or restore the backup made before the update."
        )
    _migrate(connection, stored)


def _migrate(connection: Connection, stored: str) -> None:
    # Alembic costs a sixth of a second: imported only when there is something to do.
    from onread.metadata.migrations.upgrade import upgrade

    log.info("metadata.migrating", stored=stored, head=HEAD)
    upgrade(connection)


def _reason(error: SQLAlchemyError) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0]
