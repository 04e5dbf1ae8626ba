"""The folder of kept results: what the system keeps, one method for one step, blocking.

Owns names, locks and space. Everything that several workers must agree on stands in the files themselves, so
none of them has to be told anything:

* ``NAME.claim`` is locked by the worker that writes the result; its size is the space set aside.
* ``NAME.told`` says what is known since the result began, ``NAME.head`` the same once it is complete.
* ``NAME.NONCE.body`` and ``.sums`` are its bytes and a checksum for each block. The nonce is new for each
  result, so nobody can take the head of one with the bytes of another.

* ``lock`` is held by whoever counts, begins or removes; it says how much is taken, so that nobody has to look
  at every file to know. Looking at every file, now and then, sets it right after a worker was killed.

A lock ends with its process, so what a killed worker began is recognised and removed. Nothing outlives a
gateway: the folder is emptied when it starts. Whoever only looks whether something is locked has the lock for
that moment, so those who take one wait for it.
"""

import errno
import fcntl
import os
import shutil
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from onread.errors import InternalError, ServiceUnavailable, SlowDown
from onread.spool.directory import CREATE, OPEN_OR_CREATE, READ, Directory, write_all
from onread.wire.checksums import Buffer, new_checksum

log = structlog.get_logger("onread.spool")

BLOCK_BYTES = 64 * 1024
"""What is verified and sent at a time, and so held for each reader."""
SUM_BYTES = 8
MOST_RESULTS = 10_000
DISK_MARGIN_BYTES = 64 << 20
"""What is left free on the disk: the store and the control database need it more."""

_WITHOUT_WAITING = getattr(os, "RWF_NOWAIT", 0)
_LEDGER = struct.Struct("<qq")  # bytes taken, results
_EVICTED_AT_ONCE = 16  # of so many results one: who has looked at all of them makes room for some more
_LEAST_BYTES = 4096  # what the smallest result costs, names and checksums included


class Damaged(Exception):
    """A block on disk is not what was written."""


@dataclass(slots=True)
class Files:
    """The open files of one result; ``claim`` is held by its writer alone."""

    body: int
    sums: int
    claim: int | None = None

    def close(self) -> None:
        """Every descriptor is given back."""
        for file in (self.body, self.sums, self.claim):
            if file is not None:
                os.close(file)
        self.claim = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What the folder shows of a result.

    Attributes:
        head: what was told of it; None: nothing yet.
        complete: every byte is there.
        claimed: somebody writes it.
    """

    head: bytes | None = None
    complete: bool = False
    claimed: bool = False


@dataclass(slots=True)
class _Entry:
    claimed_bytes: int | None = None
    body_bytes: int = 0
    completed_at: float | None = None
    used_at: float = 0.0
    files: list[str] = field(default_factory=list)

    @property
    def cost_bytes(self) -> int:
        return self.body_bytes + _LEAST_BYTES if self.claimed_bytes is None else self.claimed_bytes


class Folder:
    """One folder, used by every worker of a gateway at once.

    Args:
        limit_bytes: what all results may take together.
        max_age_seconds: how long a result is kept.
        now: seconds since 1970.
    """

    def __init__(
        self, path: Path, *, limit_bytes: int, max_age_seconds: float, now: Callable[[], float]
    ) -> None:
        self._directory = Directory(path)
        self._limit_bytes = limit_bytes
        self._max_age_seconds = max_age_seconds
        self._now = now
        self.evictions = 0

    def close(self) -> None:
        """The folder is left as it is."""
        self._directory.close()

    # Writing

    def begin(self, name: str, nonce: str) -> Files | None:
        """The files of a new result, claimed; None: it is there, or another worker writes it.

        Raises:
            SlowDown, ServiceUnavailable: there is no room.
        """
        with _disk_faults(), self._alone() as ledger:
            sight = self.look(name)
            if sight.complete or sight.claimed:
                return None
            if self._directory.exists(f"{name}.claim"):
                self._remove(name, self._entries()[name], ledger)
            self._take(ledger, BLOCK_BYTES, count=1)
            claim = self._directory.open(f"{name}.claim", CREATE)
            try:
                fcntl.flock(claim, fcntl.LOCK_EX)
                os.ftruncate(claim, BLOCK_BYTES)
                body = self._directory.open(f"{name}.{nonce}.body", CREATE)
                sums = self._directory.open(f"{name}.{nonce}.sums", CREATE)
            except BaseException:
                os.close(claim)
                raise
            fcntl.flock(body, fcntl.LOCK_SH)
            return Files(body, sums, claim)

    def reserve(self, files: Files, total_bytes: int) -> None:
        """The claim covers so many bytes.

        Raises:
            SlowDown, ServiceUnavailable: there is no room; what was reserved before still is.
        """
        assert files.claim is not None
        with _disk_faults(), self._alone() as ledger:
            self._take(ledger, total_bytes - os.fstat(files.claim).st_size, whole_bytes=total_bytes)
            os.ftruncate(files.claim, total_bytes)

    def tell(self, name: str, head: bytes) -> None:
        """Others may see what the result will be."""
        with _disk_faults():
            self._directory.write_whole(f"{name}.told", head)

    def append(self, files: Files, index: int, content: bytes) -> None:
        """More blocks, the first with this index; all but the last of a result have `BLOCK_BYTES`."""
        blocks = memoryview(content)
        sums = [_sum_of(blocks[at : at + BLOCK_BYTES]) for at in range(0, len(content), BLOCK_BYTES)]
        with _disk_faults():
            write_all(files.body, content, index * BLOCK_BYTES)
            write_all(files.sums, b"".join(sums), index * SUM_BYTES)

    def complete(self, name: str, files: Files, head: bytes) -> None:
        """The result is kept from now on."""
        with _disk_faults(), self._alone() as ledger:
            self._directory.write_whole(f"{name}.head", head)
            self._directory.unlink(f"{name}.told")
            self._give_up_claim(name, files, ledger)
            _note(ledger, os.fstat(files.body).st_size + _LEAST_BYTES, 1)

    def discard(self, name: str, nonce: str, files: Files) -> None:
        """Nothing of it is left for anybody who has not opened it."""
        with _disk_faults(), self._alone() as ledger:
            for suffix in ("told", f"{nonce}.body", f"{nonce}.sums"):
                self._directory.unlink(f"{name}.{suffix}")
            self._give_up_claim(name, files, ledger)

    def _give_up_claim(self, name: str, files: Files, ledger: int) -> None:
        claim, files.claim = files.claim, None
        assert claim is not None
        _note(ledger, -os.fstat(claim).st_size, -1)
        self._directory.unlink(f"{name}.claim")
        os.close(claim)

    # Reading

    def look(self, name: str) -> Sight:
        """What there is of a result at this moment."""
        for suffix in ("head", "told", "head"):  # between two looks it may have become complete
            head = self._directory.read_whole(f"{name}.{suffix}")
            if suffix == "head" and head is not None:
                return Sight(head=head, complete=True)
            if suffix == "told" and self._is_claimed(name):
                return Sight(head=head, claimed=True)
        return Sight()

    def is_fresh(self, name: str) -> bool:
        """Whether a complete result may still be served; it counts as used now."""
        with suppress(FileNotFoundError):
            now, made = self._now(), self._directory.modified_at(f"{name}.head")
            if now - made < self._max_age_seconds:
                self._directory.set_times(f"{name}.head", used_at=now, modified_at=made)
                return True
        return False

    def open(self, name: str, nonce: str) -> Files | None:
        """The files of a result for reading: in use until closed. None: it has gone meanwhile."""
        with _disk_faults():
            try:
                body = self._directory.open(f"{name}.{nonce}.body", READ)
            except FileNotFoundError:
                return None
            try:
                fcntl.flock(body, fcntl.LOCK_SH)
                return Files(body, self._directory.open(f"{name}.{nonce}.sums", READ))
            except FileNotFoundError:  # it is just being removed
                os.close(body)
                return None

    @staticmethod
    def blocks(files: Files) -> int:
        """How many blocks can be read."""
        return os.fstat(files.sums).st_size // SUM_BYTES

    @staticmethod
    def read(files: Files, index: int, size_bytes: int) -> bytes:
        """One block.

        Raises:
            Damaged: it is not what was written.
        """
        with _disk_faults():
            block = os.pread(files.body, size_bytes, index * BLOCK_BYTES)
            expected = os.pread(files.sums, SUM_BYTES, index * SUM_BYTES)
        if len(block) != size_bytes or _sum_of(block) != expected:
            raise Damaged
        return block

    @classmethod
    def read_cached(cls, files: Files, index: int, size_bytes: int) -> bytes | None:
        """`read`, when it need not wait for the medium; else None. For the event loop's own thread."""
        block, expected = bytearray(size_bytes), bytearray(SUM_BYTES)
        try:
            came = os.preadv(files.body, [block], index * BLOCK_BYTES, _WITHOUT_WAITING)
            came += os.preadv(files.sums, [expected], index * SUM_BYTES, _WITHOUT_WAITING)
        except OSError:
            return None  # whatever it is, `read` will tell
        if came != size_bytes + SUM_BYTES:
            return None
        if _sum_of(block) != expected:
            raise Damaged
        return bytes(block)

    def drop(self, name: str) -> None:
        """The result is not found any more; who has it open keeps it."""
        with _disk_faults(), self._alone() as ledger:
            entry = self._entries().get(name)
            if entry is not None and not self._is_claimed(name):
                self._remove(name, entry, ledger)

    # Space

    def used_bytes(self) -> int:
        """What all results take or have set aside."""
        with _disk_faults(), self._alone() as ledger:
            return _ledger(ledger)[0]

    def sweep(self, is_wanted: Callable[[str], bool]) -> None:
        """Remove what nobody may ask for any more, what is too old, and what killed workers began."""
        with _disk_faults(), self._alone() as ledger:
            self._recount(ledger)
            for name, entry in self._entries().items():
                if entry.claimed_bytes is not None and self._is_claimed(name):
                    continue
                old = entry.completed_at is None or self._now() - entry.completed_at >= self._max_age_seconds
                if not is_wanted(name) or (old and not self._is_in_use(entry)):
                    self._evict(name, entry, ledger)

    def _take(self, ledger: int, more_bytes: int, *, count: int = 0, whole_bytes: int = 0) -> None:
        """So much more is taken, when need be in the place of what was used least recently."""
        if whole_bytes > self._limit_bytes:
            log.error("spool.too_small", needed_bytes=whole_bytes, spool_bytes=self._limit_bytes)
            raise ServiceUnavailable("The result is larger than the space for slices (spool_bytes).")
        if not self._fits(ledger, more_bytes):
            self._make_room(ledger, more_bytes)
        _note(ledger, more_bytes, count)

    def _make_room(self, ledger: int, more_bytes: int) -> None:
        entries = self._recount(ledger)
        complete = [item for item in entries.items() if item[1].completed_at is not None]
        at_least = len(complete) // _EVICTED_AT_ONCE
        for name, entry in sorted(complete, key=lambda item: item[1].used_at):
            if at_least <= 0 and self._fits(ledger, more_bytes):
                return
            if not self._is_in_use(entry):
                self._evict(name, entry, ledger)
                at_least -= 1
        if not self._fits(ledger, more_bytes):
            used, _ = _ledger(ledger)
            log.warning("spool.full", used_bytes=used, spool_bytes=self._limit_bytes)
            raise SlowDown("The space for slices is full. Please try again.", retry_after_seconds=1)

    def _fits(self, ledger: int, more_bytes: int) -> bool:
        used, count = _ledger(ledger)
        return (
            used + more_bytes <= self._limit_bytes
            and self._directory.free_bytes() - more_bytes >= DISK_MARGIN_BYTES
            and count < MOST_RESULTS
        )

    def _recount(self, ledger: int) -> dict[str, _Entry]:
        """Every result there is; the ledger says no more and no less."""
        entries = self._entries()
        used = sum(entry.cost_bytes for entry in entries.values())
        os.pwrite(ledger, _LEDGER.pack(used, len(entries)), 0)
        return entries

    def _evict(self, name: str, entry: _Entry, ledger: int) -> None:
        self._remove(name, entry, ledger)
        self.evictions += 1

    def _entries(self) -> dict[str, _Entry]:
        entries: dict[str, _Entry] = {}
        for file_name, facts in self._directory.files():
            name, dot, suffix = file_name.partition(".")
            if not dot:
                continue
            entry = entries.setdefault(name, _Entry())
            entry.files.append(file_name)
            if suffix == "claim":
                entry.claimed_bytes = facts.st_size
            elif suffix == "head":
                entry.completed_at, entry.used_at = facts.st_mtime, facts.st_atime
            elif suffix.endswith("body"):
                entry.body_bytes += facts.st_size
        return entries

    def _is_in_use(self, entry: _Entry) -> bool:
        return any(
            file.endswith(".body") and not self._directory.can_lock(file, fcntl.LOCK_EX)
            for file in entry.files
        )

    def _is_claimed(self, name: str) -> bool:
        return not self._directory.can_lock(f"{name}.claim", fcntl.LOCK_SH)

    def _remove(self, name: str, entry: _Entry, ledger: int) -> None:
        """The head first: what has none is not found."""
        for file in sorted(entry.files, key=lambda file: file != f"{name}.head"):
            self._directory.unlink(file)
        _note(ledger, -entry.cost_bytes, -1)

    @contextmanager
    def _alone(self) -> Iterator[int]:
        """The ledger, open: no other thread and no other worker counts, begins or removes meanwhile."""
        file = self._directory.open("lock", OPEN_OR_CREATE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield file
        finally:
            os.close(file)


def empty(path: Path) -> None:
    """Nothing of an earlier start is left; the folder is there, for its owner alone."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def _ledger(file: int) -> tuple[int, int]:
    """Bytes taken, and results."""
    content = os.pread(file, _LEDGER.size, 0)
    used, count = _LEDGER.unpack(content) if len(content) == _LEDGER.size else (0, 0)
    return used, count


def _note(file: int, more_bytes: int, count: int) -> None:
    used, counted = _ledger(file)
    os.pwrite(file, _LEDGER.pack(used + more_bytes, counted + count), 0)


def _sum_of(block: Buffer) -> bytes:
    checksum = new_checksum("CRC64NVME")
    checksum.update(block)
    return checksum.digest()


_PASSING = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE, errno.ENOMEM, errno.EROFS})


@contextmanager
def _disk_faults() -> Iterator[None]:
    """Faults of the disk leave as errors of the service, logged with their cause."""
    try:
        yield
    except OSError as error:
        passing = error.errno in _PASSING
        log.error("spool.fault", error=str(error), passing=passing)
        if passing:
            raise ServiceUnavailable("There is no space for slices right now. Please try again.") from error
        raise InternalError from error
