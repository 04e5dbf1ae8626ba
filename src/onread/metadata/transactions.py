"""The control database, its threads and the snapshot, kept in step.

Owns how work reaches the database and how its result becomes what requests are served from. Refuses
to know what the work is.
"""

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, insert, select, update

from onread.errors import ServiceUnavailable, SlowDown
from onread.metadata.database import Database, DatabaseRefused
from onread.metadata.epoch_board import EpochBoard
from onread.metadata.following import RETRY_AFTER_SECONDS
from onread.metadata.lookups import Lookups
from onread.metadata.opening import open_database
from onread.metadata.schema import epochs, settings
from onread.metadata.sealing import Sealer, WrongMasterKey
from onread.metadata.snapshot import EPOCH, Snapshot, load_snapshot, read_epoch

MOST_WAITING = 256
"""Calls that may wait for the database at once; more are asked to slow down."""
MOST_WAITING_SECONDS = 10.0
"""How long a call waits for its turn."""

T = TypeVar("T")


class Transactions(Lookups):
    """Look-ups over a snapshot that every write renews. Made by `open`; closed once by `close`."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        snapshot: Snapshot,
        *,
        clock: Callable[[], datetime],
        account_id: str,
        region: str,
        monotonic: Callable[[], float],
    ) -> None:
        super().__init__(account_id, snapshot)
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._region = region
        self._monotonic = monotonic
        self._waiting = 0
        self._following = database.following(self._refresh, lambda: self._snapshot.epoch, monotonic)
        self._followed = False
        self._swapping = threading.Lock()
        # A thread for each: there is one writer, and a big package being read must hold up nobody.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onread-metadata-write")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onread-metadata-read")
        self._refresher = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onread-metadata-refresh")

    @classmethod
    async def open(
        cls,
        location: Path | str,
        *,
        master_key: bytes,
        clock: Callable[[], datetime],
        account_id: str,
        region: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> Self:
        """Open the database in a folder (made when absent), or at a ``sqlite:///`` or ``postgresql://`` URL.

        Args:
            location: the data directory, or a database URL.
            clock: gives the time as aware UTC.
            monotonic: seconds that only grow.

        Raises:
            DatabaseRefused: it cannot be used; the message says what to do.
        """
        return await asyncio.to_thread(
            cls._open,
            location,
            master_key,
            clock=clock,
            account_id=account_id,
            region=region,
            monotonic=monotonic,
        )

    @classmethod
    def _open(
        cls,
        location: Path | str,
        master_key: bytes,
        *,
        clock: Callable[[], datetime],
        account_id: str,
        region: str,
        monotonic: Callable[[], float],
    ) -> Self:
        database = open_database(location)
        sealer = Sealer(master_key)

        def begin(connection: Connection) -> Snapshot:
            _check_master_key(connection, sealer)
            return load_snapshot(connection, sealer, region)

        try:
            snapshot = database.start(begin)
        except WrongMasterKey as error:
            database.close()
            raise DatabaseRefused(str(error)) from error
        except BaseException:
            database.close()
            raise
        return cls(
            database,
            sealer,
            snapshot,
            clock=clock,
            account_id=account_id,
            region=region,
            monotonic=monotonic,
        )

    async def close(self) -> None:
        """Finish what was begun and close the database."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._reader.shutdown()
        self._refresher.shutdown()
        self._database.close()

    @property
    def shared(self) -> bool:
        """Whether other machines may write to the database."""
        return self._database.shared

    @property
    def reachable(self) -> bool:
        """False while the database is known not to answer."""
        return self._following.reachable

    @property
    def current(self) -> bool:
        """Whether what is known may still be served; always where nobody else writes."""
        return not self._followed or self._following.current

    async def refresh_if_changed(self) -> bool:
        """Take over what another gateway wrote; True when there was something.

        Raises:
            ServiceUnavailable: the database does not answer; the old snapshot stays in use.
        """
        return await self._refresh(False)

    async def catch_up(self) -> None:
        """Before each request: serve what other processes wrote, as far as that is promised.

        Raises:
            ServiceUnavailable: the database has not answered for too long; see `following`.
        """
        await self._following.catch_up()

    async def follow(self, changed: Callable[[], None]) -> None:
        """Take over what others write, until cancelled; ``changed`` is called when there was something."""
        self._followed = True
        await self._following.follow(changed)

    def share_epochs(self, board: EpochBoard) -> None:
        """Tell the other workers of this gateway what was written here, and hear what they wrote."""
        self._following.board = board

    # How a call reaches its thread

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._writer, partial(self._write_now, work))

    async def _jot(self, work: Callable[[Connection], T]) -> T:
        """Write what is no part of the snapshot: nobody reads anything anew for it."""
        return await self._run(self._writer, partial(self._jot_now, work))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._reader, partial(self._read_now, work))

    async def _refresh(self, anew: bool) -> bool:
        return await asyncio.get_running_loop().run_in_executor(self._refresher, self._refresh_now, anew)

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise SlowDown("Too many changes wait for the control database. Please try again.")
        self._waiting += 1
        try:
            in_turn = partial(self._in_turn, work, self._monotonic())
            return await asyncio.get_running_loop().run_in_executor(pool, in_turn)
        finally:
            self._waiting -= 1

    def _in_turn(self, work: Callable[[], T], asked_at: float) -> T:
        """Who comes to its turn too late, or when the database is lost, is answered at once."""
        self._following.require_reachable()
        if self._monotonic() - asked_at > MOST_WAITING_SECONDS:
            raise ServiceUnavailable(
                "The control database is too slow to answer in time. Please try again.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )
        return work()

    def _write_now(self, work: Callable[[Connection], T]) -> T:
        before = self._snapshot
        with self._database.transaction() as connection:
            # First of all: who holds this row is alone, so names are free or taken and no update is lost.
            connection.execute(
                update(epochs).where(epochs.c.name == EPOCH).values(number=epochs.c.number + 1)
            )
            result = work(connection)
            snapshot = load_snapshot(connection, self._sealer, self._region)
            self._database.announce(connection, snapshot.epoch)
        self._replace_snapshot(before, snapshot)
        self._following.wrote(snapshot.epoch)
        return result

    def _jot_now(self, work: Callable[[Connection], T]) -> T:
        with self._database.transaction() as connection:
            return work(connection)

    def _read_now(self, work: Callable[[Connection], T]) -> T:
        with self._database.reading() as connection:
            return work(connection)

    def _refresh_now(self, anew: bool) -> bool:
        before = self._snapshot
        with self._database.reading() as connection:
            if not anew and read_epoch(connection) == before.epoch:
                return False
            snapshot = load_snapshot(connection, self._sealer, self._region)
        self._replace_snapshot(before, snapshot)
        return True

    def _replace_snapshot(self, before: Snapshot, snapshot: Snapshot) -> None:
        """Never go back: another thread may have replaced what this one read something newer than.

        A lower epoch than the one served is taken over when nobody did: the database itself went back,
        as one that was restored from a backup.
        """
        with self._swapping:
            if snapshot.epoch > self._snapshot.epoch or self._snapshot is before:
                self._snapshot = snapshot


def _check_master_key(connection: Connection, sealer: Sealer) -> None:
    """Compare the master key with the one that sealed this database, or note it in a new one.

    Raises:
        WrongMasterKey: it is another key.
    """
    sealed = connection.scalar(select(settings.c.value).where(settings.c.name == "master_key_check"))
    if sealed is None:
        check = sealer.seal(b"onread", "master_key_check")
        connection.execute(insert(settings).values(name="master_key_check", value=check))
        connection.execute(insert(epochs).values(name=EPOCH, number=0))
        return
    sealer.open(sealed, "master_key_check")
