"""The control database, its threads and the snapshot, kept in step.

Owns how work reaches the database and how its result becomes what requests are served from. Refuses
to know what the work is.
"""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Self, TypeVar

from sqlalchemy import Connection, insert, select, update

from onread.errors import ServiceUnavailable, SlowDown
from onread.metadata.database import Database, DatabaseRefused
from onread.metadata.lookups import Lookups
from onread.metadata.opening import open_database
from onread.metadata.schema import epochs, settings
from onread.metadata.sealing import Sealer, WrongMasterKey
from onread.metadata.snapshot import EPOCH, Snapshot, load_snapshot, read_epoch

MOST_WAITING = 256
"""Calls that may wait for the database at once; more are asked to slow down."""

T = TypeVar("T")


class Transactions(Lookups):
    """Look-ups over a snapshot that every write renews. Made by `open`; closed once by `close`."""

    def __init__(
        self,
        database: Database,
        sealer: Sealer,
        *,
        clock: Callable[[], datetime],
        account_id: str,
        region: str,
    ) -> None:
        super().__init__(account_id, Snapshot())
        self._database = database
        self._sealer = sealer
        self._clock = clock
        self._region = region
        self._waiting = 0
        self._seen_version = -1
        self._swapping = threading.Lock()
        # Two threads: SQLite has one writer, and a big package being read must not hold it up.
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onread-metadata-write")
        self._reader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="onread-metadata-read")

    @classmethod
    async def open(
        cls,
        location: Path | str,
        *,
        master_key: bytes,
        clock: Callable[[], datetime],
        account_id: str,
        region: str,
    ) -> Self:
        """Open the database in a folder (made when absent), or at a ``sqlite:///`` or ``postgresql://`` URL.

        Args:
            location: the data directory, or a database URL.
            clock: gives the time as aware UTC.

        Raises:
            DatabaseRefused: it cannot be used; the message says what to do.
        """
        return await asyncio.to_thread(
            cls._open, location, master_key, clock=clock, account_id=account_id, region=region
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
        records = cls(database, sealer, clock=clock, account_id=account_id, region=region)
        records._snapshot = snapshot
        return records

    async def close(self) -> None:
        """Finish what was begun and close the database."""
        await asyncio.to_thread(self._close)

    def _close(self) -> None:
        self._writer.shutdown()
        self._reader.shutdown()
        self._database.close()

    async def refresh_if_changed(self) -> bool:
        """Take over what another gateway wrote; True when there was something.

        Raises:
            ServiceUnavailable: the database does not answer; the old snapshot stays in use.
        """
        return await self._run(self._reader, self._refresh_now)

    async def catch_up(self) -> None:
        """Serve what other processes have written until now: what one acknowledges, all know.

        Measured: 4 us when there is nothing new. A database that does not answer is in the log; what
        was known is served on.
        """
        with suppress(ServiceUnavailable, SlowDown):
            version = self._database.version()
            if version != self._seen_version:
                await self.refresh_if_changed()
                self._seen_version = version

    async def follow(self, *, every_seconds: float, changed: Callable[[], None]) -> None:
        """`catch_up` now and then, until cancelled; ``changed`` is called when there was something new."""
        epoch = self._snapshot.epoch
        while True:
            await asyncio.sleep(every_seconds)
            await self.catch_up()
            if epoch != self._snapshot.epoch:
                epoch = self._snapshot.epoch
                changed()

    # How a call reaches its thread

    async def _write(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._writer, partial(self._write_now, work))

    async def _read(self, work: Callable[[Connection], T]) -> T:
        return await self._run(self._reader, partial(self._read_now, work))

    async def _run(self, pool: ThreadPoolExecutor, work: Callable[[], T]) -> T:
        if self._waiting >= MOST_WAITING:
            raise SlowDown("Too many changes wait for the control database. Please try again.")
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(pool, work)
        finally:
            self._waiting -= 1

    def _write_now(self, work: Callable[[Connection], T]) -> T:
        with self._database.transaction() as connection:
            # First of all: who holds this row is alone, so names are free or taken and no update is lost.
            connection.execute(
                update(epochs).where(epochs.c.name == EPOCH).values(number=epochs.c.number + 1)
            )
            result = work(connection)
            snapshot = load_snapshot(connection, self._sealer, self._region)
            self._database.announce(connection, snapshot.epoch)
        self._replace_snapshot(snapshot)
        return result

    def _read_now(self, work: Callable[[Connection], T]) -> T:
        with self._database.reading() as connection:
            return work(connection)

    def _refresh_now(self) -> bool:
        with self._database.reading() as connection:
            if read_epoch(connection) == self._snapshot.epoch:
                return False
            snapshot = load_snapshot(connection, self._sealer, self._region)
        self._replace_snapshot(snapshot)
        return True

    def _replace_snapshot(self, snapshot: Snapshot) -> None:
        """Never go back: the reader may have loaded before a write that is already served."""
        with self._swapping:
            if snapshot.epoch > self._snapshot.epoch:
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
