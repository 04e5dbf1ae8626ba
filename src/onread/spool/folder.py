"""The folder of kept results: what the system keeps, one method for one step, blocking.

Owns names and locks; what there is room for is `space`'s. Everything that several workers must agree on is in
the files themselves, so none of them has to be told anything:

* ``NAME.claim`` is locked by the worker that writes the result; its size is the space set aside.
* ``NAME.told`` says what is known since the result began, ``NAME.head`` the same once it is complete.
* ``NAME.NONCE.body`` and ``.sums`` are its bytes and a checksum for each block. The nonce is new for each
  result, so nobody can take the head of one with the bytes of another.

A lock ends with its process, so what a killed worker began is recognised and removed. Nothing outlives a
gateway: the folder is emptied when it starts. Whoever only looks whether something is locked has the lock for
that moment, so those who take one wait for it.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import structlog

from onread.errors import InternalError, ServiceUnavailable
from onread.spool.directory import CREATE, READ, Directory, write_all
from onread.spool.space import Ledger, Space, cost_of
from onread.wire.checksums import Buffer, new_checksum

log = structlog.get_logger("onread.spool")

BLOCK_BYTES = 64 * 1024
"""What is verified and sent at a time, and so held for each reader."""
SUM_BYTES = 8

_WITHOUT_WAITING = getattr(os, "RWF_NOWAIT", 0)


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
        self._max_age_seconds = max_age_seconds
        self._now = now
        self._space = Space(
            self._directory, limit_bytes=limit_bytes, max_age_seconds=max_age_seconds, now=now
        )

    def close(self) -> None:
        """The folder is left as it is."""
        self._directory.close()

    # Writing

    def begin(self, name: str, nonce: str) -> Files | None:
        """The files of a new result, claimed; None: it is there, or another worker writes it.

        Raises:
            SlowDown, ServiceUnavailable: there is no room.
        """
        with _disk_faults(), self._space.alone() as ledger:
            sight = self.look(name)
            if sight.complete or sight.claimed:
                return None
            if self._directory.exists(f"{name}.claim"):  # of a worker that was killed
                self._space.remove(ledger, name)
            self._space.take(ledger, BLOCK_BYTES, count=1)
            with ExitStack() as unless_whole:
                opened = []
                for suffix in ("claim", f"{nonce}.body", f"{nonce}.sums"):
                    opened.append(self._directory.open(f"{name}.{suffix}", CREATE))
                    unless_whole.callback(os.close, opened[-1])
                claim, body, sums = opened
                fcntl.flock(claim, fcntl.LOCK_EX)
                os.ftruncate(claim, BLOCK_BYTES)
                fcntl.flock(body, fcntl.LOCK_SH)
                unless_whole.pop_all()
            return Files(body, sums, claim)

    def reserve(self, files: Files, total_bytes: int) -> None:
        """The claim covers so many bytes.

        Raises:
            SlowDown, ServiceUnavailable: there is no room; what was reserved before still is.
        """
        assert files.claim is not None
        with _disk_faults(), self._space.alone() as ledger:
            more_bytes = total_bytes - os.fstat(files.claim).st_size
            self._space.take(ledger, more_bytes, whole_bytes=total_bytes)
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
        with _disk_faults(), self._space.alone() as ledger:
            self._directory.write_whole(f"{name}.head", head)
            self._directory.unlink(f"{name}.told")
            self._give_up_claim(name, files, ledger)
            ledger.note(cost_of(os.fstat(files.body).st_size), 1)

    def discard(self, name: str, nonce: str, files: Files) -> None:
        """Nothing of it is left for anybody who has not opened it."""
        with _disk_faults(), self._space.alone() as ledger:
            for suffix in ("told", f"{nonce}.body", f"{nonce}.sums"):
                self._directory.unlink(f"{name}.{suffix}")
            self._give_up_claim(name, files, ledger)

    def _give_up_claim(self, name: str, files: Files, ledger: Ledger) -> None:
        claim, files.claim = files.claim, None
        assert claim is not None
        ledger.note(-os.fstat(claim).st_size, -1)
        self._directory.unlink(f"{name}.claim")
        os.close(claim)

    # Reading

    def look(self, name: str) -> Sight:
        """What there is of a result at this moment."""
        for suffix in ("head", "told", "head"):  # between two looks it may have become complete
            head = self._directory.read_whole(f"{name}.{suffix}")
            if suffix == "head" and head is not None:
                return Sight(head=head, complete=True)
            if suffix == "told" and self._space.is_claimed(name):
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
        with _disk_faults(), self._space.alone() as ledger:
            self._space.remove(ledger, name)

    # Space

    @property
    def evictions(self) -> int:
        """How many results this worker has removed for others."""
        return self._space.evictions

    def used_bytes(self) -> int:
        """What all results take or have set aside."""
        with _disk_faults(), self._space.alone() as ledger:
            return ledger.read()[0]

    def sweep(self, is_wanted: Callable[[str], bool]) -> None:
        """Remove what nobody may ask for any more, what is too old, and what killed workers began."""
        with _disk_faults(), self._space.alone() as ledger:
            self._space.sweep(ledger, is_wanted)


def empty(path: Path) -> None:
    """Nothing of an earlier start is left; the folder is there, for its owner alone."""
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


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
