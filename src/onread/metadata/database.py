"""The control database as the rest of the package sees it: transactions, views, and its version.

What differs between databases stands in `sqlite` and `postgresql`; everything else speaks portable SQL.
Refuses to know what the tables mean.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import TypeVar

import structlog
from sqlalchemy import Connection, Engine, insert, inspect, select
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError

from onread.errors import InvalidRequest, OperationAborted, ServiceUnavailable
from onread.metadata.following import RETRY_AFTER_SECONDS, Following, Refresh
from onread.metadata.schema import HEAD, alembic_version, metadata

log = structlog.get_logger()
T = TypeVar("T")


class DatabaseRefused(Exception):
    """The control database cannot be used; the message says what to do. Raised at start only."""


class Database(ABC):
    """One control database. Every wait in it has an end.

    Attributes:
        engine: makes connections, a bounded number.
        name: the database as people may see it: never with a password.
        shared: whether other machines may write to it.
    """

    engine: Engine
    name: str
    shared: bool

    @abstractmethod
    def following(
        self, refresh: Refresh, epoch: Callable[[], int], monotonic: Callable[[], float]
    ) -> Following:
        """How changes of other processes are learned; see `Following`."""

    @abstractmethod
    def _starting(self) -> AbstractContextManager[Connection]:
        """A transaction that no other gateway's start runs beside."""

    @abstractmethod
    def _view(self) -> AbstractContextManager[Connection]:
        """A connection whose statements all see the same moment."""

    def announce(self, connection: Connection, epoch: int) -> None:
        """Tell other gateways of a change when this transaction commits."""
        del connection, epoch  # a database without such messages is looked at instead

    def start(self, work: Callable[[Connection], T]) -> T:
        """Bring the tables up to date, then do what has to be done once: all of it or nothing.

        Gateways that start at the same time on one database do this one after the other.

        Raises:
            DatabaseRefused: it is newer than this version, no database of ours, or cannot be used; and
                whatever ``work`` raises.
        """
        try:
            with self._starting() as connection:
                _bring_to_head(connection, self.name)
                return work(connection)
        except SQLAlchemyError as error:
            raise DatabaseRefused(
                f"The control database {self.name} cannot be used: {reason_of(error)}"
            ) from error

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """One transaction; committed at the end, undone by any exception.

        Raises:
            ServiceUnavailable: the database failed; the cause is in the log.
            OperationAborted: another gateway wrote the same thing at the same time.
            InvalidRequest: a value does not fit into its column.
        """
        with self._mapped(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """One consistent view; waits for no writer.

        Raises:
            ServiceUnavailable: the database failed; the cause is in the log.
        """
        with self._mapped(), self._view() as connection:
            yield connection

    def close(self) -> None:
        """Close every connection."""
        self.engine.dispose()

    @contextmanager
    def _mapped(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError as error:
            raise OperationAborted from error
        except DataError as error:
            log.warning("metadata.value_refused", reason=reason_of(error))
            raise InvalidRequest(
                "A value in the request is too long or holds a character that cannot be stored."
            ) from error
        except SQLAlchemyError as error:
            raise self.failed(error) from error

    def failed(self, error: Exception) -> ServiceUnavailable:
        """What callers are told; the cause goes to the log."""
        log.error("metadata.database_failed", database=self.name, reason=reason_of(error))
        return ServiceUnavailable(
            "The control database cannot be used right now. Please try again.",
            retry_after_seconds=RETRY_AFTER_SECONDS,
        )


def _bring_to_head(connection: Connection, name: str) -> None:
    tables = inspect(connection).get_table_names()
    if not tables:
        metadata.create_all(connection)
        alembic_version.create(connection)
        connection.execute(insert(alembic_version).values(version_num=HEAD))
        return
    if "alembic_version" not in tables:
        raise DatabaseRefused(
            f"{name} is a database, but not one of onread's. Choose another data directory or database."
        )
    stored = connection.scalar(select(alembic_version.c.version_num)) or ""
    if stored == HEAD:
        return
    if stored > HEAD:
        raise DatabaseRefused(
            f"{name} was written by a newer onread (schema {stored}; this version knows {HEAD}). "
            "Install that version again, or restore the backup made before the update."
        )
    _migrate(connection, stored)


def _migrate(connection: Connection, stored: str) -> None:
    # Alembic costs a sixth of a second: imported only when there is something to do.
    from onread.metadata.migrations.upgrade import upgrade

    log.info("metadata.migrating", stored=stored, head=HEAD)
    upgrade(connection)


def reason_of(error: BaseException) -> str:
    """The cause in one line, without the statement's values."""
    lines = str(getattr(error, "orig", None) or error).splitlines()
    return lines[0] if lines else type(error).__name__
