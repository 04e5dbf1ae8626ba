"""Over PostgreSQL: LISTEN tells of changes within milliseconds, a look twice a second makes sure.

One connection for each process, beside the pool. A request asks nothing: it looks at a clock, and at a
number that the workers of one gateway share.
"""

import asyncio
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any, TypeVar

import psycopg
from psycopg.abc import PQGen
from psycopg.conninfo import make_conninfo
from psycopg.waiting import wait_async

from onread.errors import ServiceUnavailable, SlowDown
from onread.metadata.database import reason_of
from onread.metadata.following import Following, Refresh, log
from onread.metadata.schema import epochs
from onread.metadata.snapshot import EPOCH

T = TypeVar("T")
CHANNEL = "onread_control"
LOOK_SECONDS = 0.5
"""Between two looks: a change is in force within a second even where no notification arrives."""
RECONNECT_SECONDS = 0.5
ANSWER_SECONDS = 2.0
"""How long the database may take to accept a connection, and to answer a look."""

_ASK = f"SELECT number FROM {epochs.name} WHERE name = '{EPOCH}'".encode()


class _Connection(psycopg.AsyncConnection[Any]):
    """One that is given up where psycopg would ask a server that does not answer to cancel."""

    async def wait(self, gen: PQGen[T], interval: float = ANSWER_SECONDS, timeout: float | None = None) -> T:
        """Run one exchange to its end, within ``timeout`` or `ANSWER_SECONDS`."""
        if timeout is not None:
            return await super().wait(gen, interval, timeout)
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await wait_async(gen, self.pgconn.socket, interval=interval)
        except (TimeoutError, asyncio.CancelledError):
            self.pgconn.finish()
            raise


class Listening(Following):
    """What a process knows of the changes of every gateway on one PostgreSQL.

    Args:
        parameters: libpq's, of the connection that listens.
    """

    def __init__(
        self,
        refresh: Refresh,
        epoch: Callable[[], int],
        parameters: Mapping[str, Any],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(refresh, epoch, monotonic)
        self._asked_for = 0
        self._conninfo = make_conninfo("", **parameters)

    async def catch_up(self) -> None:
        """What a worker of this gateway has acknowledged is served by all of them, at once.

        What another gateway has acknowledged is served within a second, by `follow`.
        """
        if self.board is not None and self._is_behind(self.board.newest()):
            async with self._catching_up:
                newest = self.board.newest()
                if self._is_behind(newest):  # nobody else caught up while we waited
                    with suppress(ServiceUnavailable):  # it is in the log, and `follow` comes back to it
                        await self._refresh(False)
                    self._asked_for = newest
        self.require_current()

    def _is_behind(self, newest: int) -> bool:
        """Once for each number: a database that went back is not asked by every request."""
        return newest > self._epoch() and newest != self._asked_for

    async def follow(self, changed: Callable[[], None]) -> None:
        """Listen, look, and connect again for as long as it takes."""
        told = self._epoch()

        def tell() -> None:
            nonlocal told
            if told != self._epoch():
                told = self._epoch()
                changed()

        while True:
            try:
                await self._listen(tell)
            except (psycopg.Error, OSError, TimeoutError, ServiceUnavailable, SlowDown) as error:
                self._lose(reason_of(error))
            await asyncio.sleep(RECONNECT_SECONDS)

    async def _listen(self, tell: Callable[[], None]) -> None:
        async with asyncio.timeout(ANSWER_SECONDS):
            connection = await _Connection.connect(self._conninfo, autocommit=True, prepare_threshold=None)
        try:
            await _subscribe(connection)
            # Whatever happened meanwhile, even another database in its place: everything is read anew.
            await self._look(connection, anew=True)
            while True:
                tell()
                async for _ in connection.notifies(timeout=LOOK_SECONDS, stop_after=1):
                    pass
                await self._look(connection, anew=False)
        finally:
            await connection.close()

    async def _look(self, connection: psycopg.AsyncConnection[Any], *, anew: bool) -> None:
        asked_at = self._monotonic()
        row = await (await connection.execute(_ASK)).fetchone()
        if row is None:
            raise ServiceUnavailable("The control database has lost its epoch.")
        if anew or row[0] != self._epoch():
            await self._refresh(anew)
        self._confirm(asked_at)


async def _subscribe(connection: psycopg.AsyncConnection[Any]) -> None:
    try:
        await connection.execute(f"LISTEN {CHANNEL}")
    except psycopg.errors.ObjectNotInPrerequisiteState:  # a standby knows no LISTEN: looks will do
        log.warning("metadata.no_notifications", text="the database is a standby: it is looked at only")
