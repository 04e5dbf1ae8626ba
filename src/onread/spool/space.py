"""How much is kept: counted, set aside, and made free in the place of what was used least recently. Blocking.

Owns the ledger and what may go. ``lock`` is held by whoever counts, begins or removes, in any worker; it says
how much is taken, so that nobody has to look at every file to know. Looking at every file, now and then, sets
it right after a worker was killed.
"""

import fcntl
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import structlog

from onread.errors import ServiceUnavailable, SlowDown
from onread.spool.directory import OPEN_OR_CREATE, Directory

log = structlog.get_logger("onread.spool")

MOST_RESULTS = 10_000
DISK_MARGIN_BYTES = 64 << 20
"""What is left free on the disk: the store and the control database need it more."""

_LEDGER = struct.Struct("<qq")  # bytes taken, results
_EVICTED_AT_ONCE = 16  # of so many results one: who has looked at all of them makes room for some more
_LEAST_BYTES = 4096  # what the smallest result costs, names and checksums included


@dataclass(slots=True)
class Entry:
    """The files of one result, as the folder lists them."""

    claimed_bytes: int | None = None
    body_bytes: int = 0
    completed_at: float | None = None
    used_at: float = 0.0
    files: list[str] = field(default_factory=list)

    @property
    def cost_bytes(self) -> int:
        """What it takes: all that is set aside while it is written, its size afterwards."""
        return cost_of(self.body_bytes) if self.claimed_bytes is None else self.claimed_bytes


class Ledger:
    """The open ``lock``: nobody else counts, begins or removes until it is closed."""

    def __init__(self, file: int) -> None:
        self._file = file

    def read(self) -> tuple[int, int]:
        """Bytes taken, and results."""
        content = os.pread(self._file, _LEDGER.size, 0)
        used, count = _LEDGER.unpack(content) if len(content) == _LEDGER.size else (0, 0)
        return used, count

    def write(self, used_bytes: int, count: int) -> None:
        """It says this, whatever it said before."""
        os.pwrite(self._file, _LEDGER.pack(used_bytes, count), 0)

    def note(self, more_bytes: int, count: int = 0) -> None:
        """So much more is taken, by so many more results."""
        used, counted = self.read()
        self.write(used + more_bytes, counted + count)


class Space:
    """What the results of a folder may take, and which of them go when there is too little.

    Args:
        limit_bytes: what all results may take together.
        max_age_seconds: how long a result is kept.
        now: seconds since 1970.

    Attributes:
        evictions: how many results this worker removed.
    """

    def __init__(
        self,
        directory: Directory,
        *,
        limit_bytes: int,
        max_age_seconds: float,
        now: Callable[[], float],
    ) -> None:
        self._directory = directory
        self._limit_bytes = limit_bytes
        self._max_age_seconds = max_age_seconds
        self._now = now
        self.evictions = 0

    @contextmanager
    def alone(self) -> Iterator[Ledger]:
        """No other thread and no other worker counts, begins or removes meanwhile."""
        file = self._directory.open("lock", OPEN_OR_CREATE)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield Ledger(file)
        finally:
            os.close(file)

    def take(self, ledger: Ledger, more_bytes: int, *, count: int = 0, whole_bytes: int = 0) -> None:
        """So much more is taken, when need be in the place of what was used least recently.

        Raises:
            ServiceUnavailable: ``whole_bytes``, what one result takes, is more than there is for all.
            SlowDown: there is no room now.
        """
        if whole_bytes > self._limit_bytes:
            log.error("spool.too_small", needed_bytes=whole_bytes, spool_bytes=self._limit_bytes)
            raise ServiceUnavailable("The result is larger than the space for slices (spool_bytes).")
        if not self._fits(ledger, more_bytes):
            self._make_room(ledger, more_bytes)
        ledger.note(more_bytes, count)

    def remove(self, ledger: Ledger, name: str) -> None:
        """Nothing of a result is there any more, unless somebody writes it."""
        entry = self._entries().get(name)
        if entry is not None and not self.is_claimed(name):
            self._remove(ledger, name, entry)

    def sweep(self, ledger: Ledger, is_wanted: Callable[[str], bool]) -> None:
        """Remove what nobody may ask for any more, what is too old, and what killed workers began."""
        for name, entry in self._recount(ledger).items():
            if entry.claimed_bytes is not None and self.is_claimed(name):
                continue
            old = entry.completed_at is None or self._now() - entry.completed_at >= self._max_age_seconds
            if not is_wanted(name) or (old and not self._is_in_use(entry)):
                self._evict(ledger, name, entry)

    def is_claimed(self, name: str) -> bool:
        """Whether some worker writes this result."""
        return not self._directory.can_lock(f"{name}.claim", fcntl.LOCK_SH)

    def _make_room(self, ledger: Ledger, more_bytes: int) -> None:
        entries = self._recount(ledger)
        complete = [item for item in entries.items() if item[1].completed_at is not None]
        at_least = len(complete) // _EVICTED_AT_ONCE
        for name, entry in sorted(complete, key=lambda item: item[1].used_at):
            if at_least <= 0 and self._fits(ledger, more_bytes):
                return
            if not self._is_in_use(entry):
                self._evict(ledger, name, entry)
                at_least -= 1
        if not self._fits(ledger, more_bytes):
            log.warning("spool.full", used_bytes=ledger.read()[0], spool_bytes=self._limit_bytes)
            raise SlowDown("The space for slices is full. Please try again.", retry_after_seconds=1)

    def _fits(self, ledger: Ledger, more_bytes: int) -> bool:
        used, count = ledger.read()
        return (
            used + more_bytes <= self._limit_bytes
            and self._directory.free_bytes() - more_bytes >= DISK_MARGIN_BYTES
            and count < MOST_RESULTS
        )

    def _recount(self, ledger: Ledger) -> dict[str, Entry]:
        """Every result there is; the ledger says no more and no less."""
        entries = self._entries()
        ledger.write(sum(entry.cost_bytes for entry in entries.values()), len(entries))
        return entries

    def _entries(self) -> dict[str, Entry]:
        entries: dict[str, Entry] = {}
        for file_name, facts in self._directory.files():
            name, dot, suffix = file_name.partition(".")
            if not dot:
                continue
            entry = entries.setdefault(name, Entry())
            entry.files.append(file_name)
            if suffix == "claim":
                entry.claimed_bytes = facts.st_size
            elif suffix == "head":
                entry.completed_at, entry.used_at = facts.st_mtime, facts.st_atime
            elif suffix.endswith("body"):
                entry.body_bytes += facts.st_size
        return entries

    def _is_in_use(self, entry: Entry) -> bool:
        return any(
            file.endswith(".body") and not self._directory.can_lock(file, fcntl.LOCK_EX)
            for file in entry.files
        )

    def _evict(self, ledger: Ledger, name: str, entry: Entry) -> None:
        self._remove(ledger, name, entry)
        self.evictions += 1

    def _remove(self, ledger: Ledger, name: str, entry: Entry) -> None:
        """The head first: what has none is not found."""
        for file in sorted(entry.files, key=lambda file: file != f"{name}.head"):
            self._directory.unlink(file)
        ledger.note(-entry.cost_bytes, -1)


def cost_of(body_bytes: int) -> int:
    """What a complete result of so many bytes takes."""
    return body_bytes + _LEAST_BYTES
