"""The index of the embedded store: one SQLite file, many readers, one writer.

Owns connections, transactions and their order. Refuses to know what the rows mean.

Every write goes through one thread, which commits together what has gathered while the last commit
waited for the disk: under load one fsync serves many requests, alone nothing waits.
"""

import secrets
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import LifoQueue
from typing import Any, Generic, TypeVar

from onread.errors import ServiceUnavailable
from onread.stores.local.disk import Disk
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.reserve import Reserve
from onread.stores.local.schema import REFERENCED_BLOBS, migrate
from onread.stores.local.workers import settle
from onread.write_ahead_log import use_write_ahead_log

T = TypeVar("T")

_BUSY_SECONDS = 10.0
_TOGETHER = 64  # changes in one commit, at most
_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # in WAL mode: every commit is synced, which NORMAL leaves out
    "PRAGMA temp_store = MEMORY",
)


class Adoptable:
    """Bytes that a transaction may make its own; until then whoever made them removes them."""

    adopted = False


@dataclass(slots=True)
class Transaction:
    """One change of the index, all or nothing.

    What it adopts and condemns takes effect when it has been committed, before anyone is told.
    """

    connection: sqlite3.Connection
    adopted: list[Adoptable] = field(default_factory=list)
    condemned: list[str] = field(default_factory=list)

    def adopt(self, blob: Adoptable) -> None:
        """The blob belongs to the index after the commit."""
        self.adopted.append(blob)

    def condemn(self, blob_id: str) -> None:
        """Nothing refers to the blob after the commit: its file goes."""
        self.condemned.append(blob_id)


@dataclass(slots=True)
class _Job(Generic[T]):
    change: Callable[[Transaction], T]
    frees: bool
    future: "Future[T]" = field(default_factory=Future)


class Index:
    """The store's SQLite file.

    Args:
        path: an existing file, migrated.
        condemn: called in the writer's thread with the blobs that a commit has orphaned.
        reserve: given up when a change that frees space finds none to write in.
        readers: how many threads may read at once, beside the event loop.

    Attributes:
        commits: how many there were through this very object.
    """

    def __init__(
        self, path: Path, disk: Disk, condemn: Callable[[list[str]], None], reserve: Reserve, readers: int
    ) -> None:
        self._disk = disk
        self._reserve = reserve
        self._condemn = condemn
        self._writer = _connect(path)
        self._reader = _connect(path)
        self._readers: LifoQueue[sqlite3.Connection] = LifoQueue()
        self._all_readers = [_connect(path) for _ in range(readers)]
        for connection in self._all_readers:
            self._readers.put(connection)
        self.commits = 0
        self._waiting: deque[_Job[Any]] = deque()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="store-index")

    @property
    def connection(self) -> sqlite3.Connection:
        """For point look-ups by an index, on the event loop's thread and nowhere else.

        Measured: such a look-up takes 10 to 15 us, handing it to a thread and back 70 us. In WAL mode
        it never waits for a writer.
        """
        return self._reader

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """A connection for a longer read in a worker's thread; all its statements see one moment."""
        connection = self._readers.get(timeout=_BUSY_SECONDS)
        try:
            connection.execute("BEGIN")
            try:
                yield connection
            finally:
                connection.execute("COMMIT")
        finally:
            self._readers.put(connection)

    async def write(self, change: Callable[[Transaction], T], *, frees: bool = False) -> T:
        """What ``change`` returned, after its commit is on the medium.

        Args:
            frees: it makes room, so it may use the space kept back for that.

        Raises:
            S3Error: what ``change`` raised; nothing was changed.
            ServiceUnavailable, InternalError: the disk failed; nothing was changed.

        Cancellation: a change that has begun is finished first; ``adopted`` of its blobs tells
        whether it was committed.
        """
        job = _Job(change, frees)
        self._waiting.append(job)
        self._thread.submit(self._commit_waiting)
        return await settle(job.future)

    def _commit_waiting(self) -> None:
        jobs = [job for job in self._take() if job.future.set_running_or_notify_cancel()]
        if not jobs:
            return
        try:
            _resolve(jobs, self._commit(jobs))
            if any(job.frees for job in jobs):
                self._reserve.hold()
        except ServiceUnavailable as failure:
            _refuse([job for job in jobs if not job.frees], failure)
            self._free([job for job in jobs if job.frees])
        except BaseException as failure:  # handed over to everyone who waits, not swallowed
            _refuse(jobs, failure)

    def _free(self, jobs: list[_Job[Any]]) -> None:
        """Once more, with the reserve and an emptied log to write in."""
        try:
            self._reserve.give_up()
            with map_disk_faults():
                self._writer.execute("PRAGMA wal_checkpoint(RESTART)").fetchall()
            _resolve(jobs, self._commit(jobs))
            self._reserve.hold()
        except BaseException as failure:  # handed over to everyone who waits, not swallowed
            _refuse(jobs, failure)

    def _commit(self, jobs: list[_Job[Any]]) -> list[tuple[Any, BaseException | None]]:
        """Do the jobs in one transaction, each on its own: results or what each one raised."""
        transaction = Transaction(self._writer)
        with map_disk_faults(), self._transaction():
            outcomes = [_attempt(job.change, transaction) for job in jobs]
        self.commits += 1  # before anybody is told
        for blob in transaction.adopted:
            blob.adopted = True
        self._condemn(transaction.condemned)
        return outcomes

    def _take(self) -> list[_Job[Any]]:
        return [self._waiting.popleft() for _ in range(min(_TOGETHER, len(self._waiting)))]

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._writer.execute("BEGIN IMMEDIATE")
        try:
            yield
            self._disk.commit(self._writer)
        except BaseException:
            if self._writer.in_transaction:
                self._writer.execute("ROLLBACK")
            raise

    def secret(self, name: str) -> bytes:
        """32 random bytes that stay the same as long as this file lives. At start only."""
        found = self.state(name)
        if found is None:
            found = secrets.token_bytes(32)
            self.set_state(name, found)
        return found

    def state(self, name: str) -> bytes | None:
        """A value kept about the whole store. At start only."""
        row = self._writer.execute("SELECT value FROM state WHERE name = ?", (name,)).fetchone()
        return row[0] if row else None

    def set_state(self, name: str, value: bytes) -> None:
        """The value is on the medium. Before the first `write` and after the last one only."""
        with self._transaction():
            self._writer.execute("INSERT OR REPLACE INTO state VALUES (?, ?)", (name, value))

    def referenced_blobs(self) -> set[str]:
        """Every blob that a row names. At start only."""
        return {blob_id for (blob_id,) in self._writer.execute(REFERENCED_BLOBS)}

    def finish_writes(self) -> None:
        """Every change is committed and the writer's thread is gone."""
        self._thread.shutdown(wait=True)

    def close(self) -> None:
        """All connections are closed; nothing else may be running."""
        self._thread.shutdown(wait=True)
        for connection in (self._reader, *self._all_readers, self._writer):
            connection.close()


def migrate_file(path: Path) -> None:
    """The file has the newest schema; see `migrate`."""
    with closing(_connect(path)) as connection:
        migrate(connection)


def _connect(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(path, timeout=_BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    use_write_ahead_log(connection, _BUSY_SECONDS)
    for pragma in _PRAGMAS:
        connection.execute(pragma)
    return connection


def _resolve(jobs: list[_Job[Any]], outcomes: list[tuple[Any, BaseException | None]]) -> None:
    for job, (result, failure) in zip(jobs, outcomes, strict=True):
        if failure is not None:
            job.future.set_exception(failure)
        else:
            job.future.set_result(result)


def _refuse(jobs: list[_Job[Any]], failure: BaseException) -> None:
    for job in jobs:
        if not job.future.done():
            job.future.set_exception(failure)


def _attempt(
    change: Callable[[Transaction], T], transaction: Transaction
) -> tuple[T | None, BaseException | None]:
    """Run one change of a group; its failure undoes it and leaves the others alone."""
    adopted, condemned = len(transaction.adopted), len(transaction.condemned)
    transaction.connection.execute("SAVEPOINT one")
    try:
        with map_disk_faults():
            result = change(transaction)
    except BaseException as failure:  # handed over to the one who asked, not swallowed
        if isinstance(failure, ServiceUnavailable) or not transaction.connection.in_transaction:
            raise  # the disk is full, say, and SQLite may have undone the whole group
        del transaction.adopted[adopted:], transaction.condemned[condemned:]
        transaction.connection.execute("ROLLBACK TO one")
        transaction.connection.execute("RELEASE one")
        return None, failure
    transaction.connection.execute("RELEASE one")
    return result, None
