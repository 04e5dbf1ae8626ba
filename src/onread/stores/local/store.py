"""The embedded store: one data directory, every operation of S3 that it knows.

Owns the life of the parts: open, sweep, serve, close. A 200 to a write means: bytes synced, directory
synced, index committed. A killed process leaves at most unreferenced files, which the next start
removes before it serves.
"""

import asyncio
import os
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

from onread.errors import NotImplemented
from onread.stores.bucket_settings import BucketSettings
from onread.stores.local import (
    access,
    acls,
    buckets,
    complete,
    copy,
    delete,
    get,
    lists,
    multipart,
    not_configured,
    put,
    tagging,
    upload_lists,
    version_list,
)
from onread.stores.local.blobs import Blobs
from onread.stores.local.claims import Claims
from onread.stores.local.disk import Disk
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.index import Index
from onread.stores.local.premises import (
    CLEAN,
    INDEX,
    LEFT_BEHIND,
    UnusableDirectory,
    join,
    prepare_index,
    sweep,
    take,
)
from onread.stores.local.reserve import Reserve
from onread.stores.local.settings_rows import RememberedSettings
from onread.stores.local.shelves import Shelves
from onread.stores.local.workers import Workers
from onread.stores.store import StoreCall
from onread.wire.output import Output

__all__ = ["LocalStore", "UnusableDirectory"]

OPERATIONS: dict[str, Operation] = {
    **access.OPERATIONS,
    **acls.OPERATIONS,
    **buckets.OPERATIONS,
    **complete.OPERATIONS,
    **copy.OPERATIONS,
    **delete.OPERATIONS,
    **get.OPERATIONS,
    **lists.OPERATIONS,
    **multipart.OPERATIONS,
    **not_configured.OPERATIONS,
    **put.OPERATIONS,
    **tagging.OPERATIONS,
    **upload_lists.OPERATIONS,
    **version_list.OPERATIONS,
}

WORKERS = 8


class LocalStore:
    """An open store. Made by `open`; every `execute` must have ended before `close`."""

    def __init__(self, engine: Engine, lock: int, *, joined: bool = False) -> None:
        self._engine = engine
        self._lock = lock
        self._joined = joined
        self._settings = RememberedSettings(engine.index, shared=joined)

    @classmethod
    async def open(
        cls,
        directory: Path,
        *,
        clock: Callable[[], datetime],
        region: str = "us-east-1",
        disk: Disk | None = None,
        joined: bool = False,
    ) -> "LocalStore":
        """The store in this directory, made when it is new, swept when it was not closed cleanly.

        Args:
            clock: gives an aware datetime.
            region: the one region that its buckets are in.
            disk: the system calls; another one only in tests.
            joined: one of several processes; the directory is owned by a `Premises` in another one.

        Raises:
            UnusableDirectory: another process has it open, or it is not ours alone.
            NewerSchema: a newer onread wrote it.
        """
        try:
            lock = await asyncio.to_thread(join if joined else take, directory)
            try:
                engine = await asyncio.to_thread(
                    _open, directory, disk or Disk(), clock, region, joined=joined
                )
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise UnusableDirectory(f"The data directory {directory} cannot be used: {error}.") from error
        return cls(engine, lock, joined=joined)

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output:
        """Do one operation; see `Store.execute`."""
        operation = OPERATIONS.get(call.operation)
        if operation is None:
            raise NotImplemented(f"The embedded store does not implement {call.operation}.")
        buckets.check_owner(self._engine, call.bucket, call.params.get("ExpectedBucketOwner"))
        return await operation(self._engine, call, scope)

    def bucket_owner(self, name: str) -> str | None:
        """The account that owns the bucket; None when there is no such bucket; see `bucket_settings`."""
        settings = self.bucket_settings(name)
        return settings.account_id if settings is not None else None

    def bucket_settings(self, name: str) -> BucketSettings | None:
        """What is set for the bucket and decides about requests; on the event loop's thread alone."""
        with map_disk_faults():
            return self._settings.find(name)

    async def close(self) -> None:
        """Every acknowledged write is in its final place, all threads and descriptors are gone."""
        await asyncio.to_thread(_close, self._engine, joined=self._joined)
        os.close(self._lock)


def _open(directory: Path, disk: Disk, clock: Callable[[], datetime], region: str, *, joined: bool) -> Engine:
    path = directory / INDEX if joined else prepare_index(directory)
    with ExitStack() as opened:
        shelves = Shelves(directory, disk, Claims(directory / "claims") if joined else None)
        opened.callback(shelves.close)
        workers = Workers(WORKERS)
        opened.callback(workers.close)
        reserve = Reserve(directory / "reserve")
        reserve.hold()
        condemn = partial(_remove_later, workers, shelves)
        index = Index(path, disk, condemn, reserve, readers=WORKERS)
        opened.callback(index.close)
        if not joined:
            sweep(index, shelves)
        token_secret = index.secret("token_secret")
        opened.pop_all()
    return Engine(
        index=index,
        blobs=Blobs(shelves, workers),
        shelves=shelves,
        workers=workers,
        clock=clock,
        region=region,
        token_secret=token_secret,
    )


def _remove_later(workers: Workers, shelves: Shelves, orphans: list[str]) -> None:
    if orphans:
        workers.submit(shelves.condemn, orphans)


def _close(engine: Engine, *, joined: bool) -> None:
    engine.index.finish_writes()
    engine.workers.close()
    orphans = engine.shelves.holds_orphans
    if not joined:
        engine.index.set_state(CLEAN, b"no" if orphans else b"yes")
    elif orphans:
        engine.index.set_state(LEFT_BEHIND, b"yes")
    engine.index.close()
    engine.shelves.close()
