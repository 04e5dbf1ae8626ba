"""The control database in PostgreSQL: for several gateways on several machines.

The URL is libpq's, with everything that libpq knows (TLS, several hosts, a password file). Every wait
has an end on the server (statement, lock and idle timeouts) and one here, because a server that is
frozen or cut off ends nothing.
"""

import select
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.waiting import Ready, Wait
from sqlalchemy import Connection, Engine, create_engine, func, text
from sqlalchemy import select as sql_select
from sqlalchemy.pool import QueuePool

from onread.metadata.database import Database, DatabaseRefused
from onread.metadata.following import Following, Refresh
from onread.metadata.listening import CHANNEL, Listening

CONNECT_TIMEOUT_SECONDS = 5
STATEMENT_TIMEOUT_SECONDS = 5
LOCK_TIMEOUT_SECONDS = 3
SILENCE_SECONDS = 7
"""How long a server may say nothing to a statement: longer than it may work on one."""
START_TIMEOUT_SECONDS = 120
"""How long a start waits for another gateway's, and for a migration's longest statement."""
MOST_CONNECTIONS = 3
"""Of one process, for who writes, who reads and who refreshes; one more listens."""
_START_LOCK = int.from_bytes(b"onread")

T = TypeVar("T")


class PostgresqlDatabase(Database):
    """One open database.

    Args:
        url: ``postgresql://USER@HOST:PORT/DATABASE?OPTIONS``, as libpq reads it.

    Raises:
        DatabaseRefused: the URL cannot be read.
    """

    shared = True

    def __init__(self, url: str) -> None:
        self.parameters = connection_parameters(url)
        self.name = name_of(self.parameters)
        self.engine = _create_engine(self.parameters)

    def following(
        self, refresh: Refresh, epoch: Callable[[], int], monotonic: Callable[[], float]
    ) -> Following:
        """By listening."""
        return Listening(refresh, epoch, self.parameters, monotonic)

    @contextmanager
    def _starting(self) -> Iterator[Connection]:
        with self.engine.begin() as connection, _patience(connection):
            connection.execute(text(f"SET LOCAL lock_timeout = '{START_TIMEOUT_SECONDS}s'"))
            connection.execute(text(f"SET LOCAL statement_timeout = '{START_TIMEOUT_SECONDS}s'"))
            connection.execute(sql_select(func.pg_advisory_xact_lock(_START_LOCK)))
            _require_utf8(connection, self.name)
            yield connection

    @contextmanager
    def _view(self) -> Iterator[Connection]:
        options = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
        with self.engine.connect().execution_options(**options) as connection:
            yield connection

    def announce(self, connection: Connection, epoch: int) -> None:
        """Delivered to every gateway that listens when the transaction commits, and not before."""
        connection.execute(sql_select(func.pg_notify(CHANNEL, str(epoch))))


class PatientConnection(psycopg.Connection[Any]):
    """A connection whose server must say or take something within ``silence_seconds``, or is given up."""

    silence_seconds: float = SILENCE_SECONDS

    def wait(self, gen: PQGen[T], interval: float = 0, timeout: float | None = None) -> T:
        """Run one exchange with the server to its end.

        Raises:
            OperationalError: the server was silent; the connection is closed.
        """
        poll = select.poll()
        poll.register(self.pgconn.socket)
        seconds = self.silence_seconds if timeout is None else min(timeout, self.silence_seconds)
        try:
            waits_for = next(gen)
            while True:
                poll.modify(self.pgconn.socket, _mask(waits_for))
                if ready := _ready(poll, waits_for, seconds):
                    waits_for = gen.send(ready)
                    continue
                self.pgconn.finish()
                raise psycopg.OperationalError(f"the server said nothing for {seconds:g} seconds")
        except StopIteration as done:
            return cast(T, done.value)


def _mask(waits_for: Wait) -> int:
    return (select.POLLIN if waits_for & Wait.R else 0) | (select.POLLOUT if waits_for & Wait.W else 0)


def _ready(poll: select.poll, waits_for: Wait, seconds: float) -> Ready | None:
    """What the socket is ready for; None when the time is over."""
    events = poll.poll(seconds * 1000)
    if not events:
        return None
    state = events[0][1]
    if state & (select.POLLERR | select.POLLHUP | select.POLLNVAL):
        return Ready(int(waits_for))  # libpq finds out what it is
    return Ready((Ready.R if state & select.POLLIN else 0) | (Ready.W if state & select.POLLOUT else 0))


def connection_parameters(url: str) -> dict[str, Any]:
    """libpq's parameters for a URL, ours where it names none.

    Raises:
        DatabaseRefused: it is no such URL. The message does not repeat it: there is a password in it.
    """
    try:
        given = {name: value for name, value in conninfo_to_dict(url).items() if value is not None}
    except psycopg.Error:
        raise DatabaseRefused(
            "database_url cannot be read: write postgresql://USER:PASSWORD@HOST:PORT/DATABASE, "
            "and every special character in a part of it as %XX"
        ) from None
    timeouts = {
        "statement_timeout": STATEMENT_TIMEOUT_SECONDS,
        "lock_timeout": LOCK_TIMEOUT_SECONDS,
        # Who holds the lock on the epoch and is gone must not hold up the others.
        "idle_in_transaction_session_timeout": SILENCE_SECONDS,
    }
    options = [f"-c {name}={seconds}s" for name, seconds in timeouts.items()]
    return {
        "fallback_application_name": "onread",
        "connect_timeout": CONNECT_TIMEOUT_SECONDS,
        **given,
        "client_encoding": "UTF8",
        "options": " ".join([*options, str(given.get("options", ""))]).strip(),
    }


def name_of(parameters: dict[str, Any]) -> str:
    """The database as people may see it."""
    host = parameters.get("host") or parameters.get("hostaddr") or "the local server"
    port = f":{parameters['port']}" if parameters.get("port") else ""
    return f"PostgreSQL {host}{port}/{parameters.get('dbname', '')}"


def _create_engine(parameters: dict[str, Any]) -> Engine:
    conninfo = make_conninfo("", **parameters)
    return create_engine(
        "postgresql+psycopg://",
        # No prepared statements: another gateway's migration would break them.
        creator=lambda: PatientConnection.connect(conninfo, prepare_threshold=None),
        poolclass=QueuePool,
        pool_size=MOST_CONNECTIONS,
        max_overflow=0,
        pool_timeout=SILENCE_SECONDS,
        pool_pre_ping=True,  # a server that was started again costs no change its answer
        hide_parameters=True,  # an error's text must not carry a secret or a policy
        use_native_hstore=False,
    )


@contextmanager
def _patience(connection: Connection) -> Iterator[None]:
    driver = connection.connection.driver_connection
    assert isinstance(driver, PatientConnection)
    driver.silence_seconds = START_TIMEOUT_SECONDS + SILENCE_SECONDS
    try:
        yield
    finally:
        driver.silence_seconds = SILENCE_SECONDS


def _require_utf8(connection: Connection, name: str) -> None:
    encoding = connection.scalar(text("SHOW server_encoding"))
    if encoding != "UTF8":
        raise DatabaseRefused(
            f"{name} has the encoding {encoding}. Make another: CREATE DATABASE ... ENCODING 'UTF8'."
        )
