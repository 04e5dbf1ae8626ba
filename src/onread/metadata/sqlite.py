"""The control database in one SQLite file: for one gateway of one or several workers."""

import os
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.pool import QueuePool

from onread.metadata.database import Database, DatabaseRefused, log
from onread.metadata.following import Following, LookingAtFile, Refresh
from onread.write_ahead_log import use_write_ahead_log

FILE_NAME = "control.sqlite3"
BUSY_TIMEOUT_SECONDS = 10


class SqliteDatabase(Database):
    """One open file.

    Args:
        file: made with mode 0600 when it is not there.

    Raises:
        DatabaseRefused: the file cannot be opened.
    """

    shared = False

    def __init__(self, file: Path) -> None:
        _prepare_file(file)
        self.name = str(file)
        self._file = file
        self._watching: sqlite3.Connection | None = None
        self.engine = _create_engine(file)

    def following(
        self, refresh: Refresh, epoch: Callable[[], int], monotonic: Callable[[], float]
    ) -> Following:
        """By looking at the file."""
        return LookingAtFile(refresh, epoch, self.version, monotonic)

    def _starting(self) -> AbstractContextManager[Connection]:
        return self.engine.begin()  # SQLite has one writer: any transaction will do

    @contextmanager
    def _view(self) -> Iterator[Connection]:
        with self.engine.connect().execution_options(onread_reading=True) as connection:
            yield connection

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
            raise self.failed(error) from error
        return int(version)

    def close(self) -> None:
        """Close every connection; SQLite folds its write-ahead log into the file."""
        super().close()
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
                f"database_url begins with {scheme}://, which is not served: write postgresql://, "
                "or leave it out to keep the records in the data directory (SQLite)."
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
        pool_size=3,  # a thread each that writes, reads and refreshes
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
    use_write_ahead_log(connection, BUSY_TIMEOUT_SECONDS)
    cursor = connection.cursor()
    for pragma in ("synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_begin(connection: Connection) -> None:
    """Take the write lock at once where it will be needed: a lock taken late can fail half-way."""
    reading = connection.get_execution_options().get("onread_reading", False)
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")
