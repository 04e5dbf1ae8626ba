"""The embedded store: one data directory, every operation of S3 that it knows.

Owns the life of the parts: open, sweep, serve, close. A 200 to a write means: bytes synced, directory
synced, index committed. A killed process leaves at most unreferenced files, which the next start
removes before it serves.
"""

import asyncio
import fcntl
import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import AsyncExitStack, ExitStack
from datetime import datetime
from functools import partial
from pathlib import Path

import structlog

from onread.errors import NotImplemented
from onread.stores.local import buckets, complete, copy, delete, get, lists, multipart, put, upload_lists
from onread.stores.local.blobs import Blobs
from onread.stores.local.disk import Disk
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.index import Index, migrate_file
from onread.stores.local.object_rows import find_bucket
from onread.stores.local.reserve import Reserve
from onread.stores.local.shelves import Shelves
from onread.stores.local.workers import Workers
from onread.stores.store import StoreCall
from onread.wire.output import Output

log = structlog.get_logger(__name__)

OPERATIONS: dict[str, Operation] = {
    **buckets.OPERATIONS,
    **complete.OPERATIONS,
    **copy.OPERATIONS,
    **delete.OPERATIONS,
    **get.OPERATIONS,
    **lists.OPERATIONS,
    **multipart.OPERATIONS,
    **put.OPERATIONS,
    **upload_lists.OPERATIONS,
}

WORKERS = 8
_CLEAN = "closed_cleanly"


class UnusableDirectory(Exception):
    """The data directory cannot be used; the message says why and what to do."""


class LocalStore:
    """An open store. Made by `open`; every `execute` must have ended before `close`."""

    def __init__(self, engine: Engine, lock: int) -> None:
        self._engine = engine
        self._lock = lock

    @classmethod
    async def open(
        cls,
        directory: Path,
        *,
        clock: Callable[[], datetime],
        region: str = "us-east-1",
        disk: Disk | None = None,
    ) -> "LocalStore":
        """The store in this directory, made when it is new, swept when it was not closed cleanly.

        Args:
            clock: gives an aware datetime.
            region: the one region that its buckets are in.
            disk: the system calls; another one only in tests.

        Raises:
            UnusableDirectory: another process has it open, or it is not ours alone.
            NewerSchema: a newer onread wrote it.
        """
        try:
            lock = await asyncio.to_thread(_take, directory)
            try:
                engine = await asyncio.to_thread(_open, directory, disk or Disk(), clock, region)
            except BaseException:
                os.close(lock)
                raise
        except OSError as error:
            raise UnusableDirectory(f"The data directory {directory} cannot be used: {error}.") from error
        return cls(engine, lock)

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output:
        """Do one operation; see `Store.execute`."""
        operation = OPERATIONS.get(call.operation)
        if operation is None:
            raise NotImplemented(f"The embedded store does not implement {call.operation}.")
        buckets.check_owner(self._engine, call.bucket, call.params.get("ExpectedBucketOwner"))
        return await operation(self._engine, call, scope)

    def bucket_owner(self, name: str) -> str | None:
        """The account that owns the bucket; None when there is no such bucket. A look-up by an index."""
        with map_disk_faults():
            bucket = find_bucket(self._engine.index.connection, name)
        return bucket.account_id if bucket else None

    async def close(self) -> None:
        """Every acknowledged write is in its final place, all threads and descriptors are gone."""
        await asyncio.to_thread(_close, self._engine)
        os.close(self._lock)


def _take(directory: Path) -> int:
    """The locked lock file of a directory that is ours alone."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(directory.iterdir()):
        directory.chmod(0o700)  # a volume just mounted, say; one that holds something is not ours to change
    about = directory.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise UnusableDirectory(
            f"The data directory {directory} must be a directory of this user with mode 0700: "
            f"chown it and run `chmod 700 {directory}`."
        )
    return _lock_file(directory)


def _lock_file(directory: Path) -> int:
    file = os.open(directory / "lock", os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        # A record lock: it ends with this process, whatever descriptors its children were left with.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(file)
        raise UnusableDirectory(
            f"Another process has the data directory {directory} open: stop it, or choose another directory."
        ) from error
    return file


def _open(directory: Path, disk: Disk, clock: Callable[[], datetime], region: str) -> Engine:
    path = directory / "index.sqlite"
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    try:
        migrate_file(path)
    except sqlite3.DatabaseError as error:
        raise UnusableDirectory(
            f"The store's index {path} cannot be used: {error}. Restore a backup."
        ) from error
    with ExitStack() as opened:
        shelves = Shelves(directory, disk)
        opened.callback(shelves.close)
        workers = Workers(WORKERS)
        opened.callback(workers.close)
        reserve = Reserve(directory / "reserve")
        reserve.hold()
        condemn = partial(_remove_later, workers, shelves)
        index = Index(path, disk, condemn, reserve, readers=WORKERS)
        opened.callback(index.close)
        _sweep(index, shelves)
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


def _sweep(index: Index, shelves: Shelves) -> None:
    """No file is left that no row names; nothing to do after a clean close."""
    shelves.sweep_aside()
    if index.state(_CLEAN) != b"yes":
        removed = shelves.sweep(index.referenced_blobs())
        log.info("store.swept", removed_blobs=removed)
    index.set_state(_CLEAN, b"no")


def _close(engine: Engine) -> None:
    engine.index.finish_writes()
    engine.workers.close()
    engine.index.set_state(_CLEAN, b"no" if engine.shelves.holds_orphans else b"yes")
    engine.index.close()
    engine.shelves.close()
