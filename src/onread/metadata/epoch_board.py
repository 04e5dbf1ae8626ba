"""A number that the workers of one gateway share in memory: the newest change that one acknowledged."""

import mmap
from pathlib import Path

_SLOT_BYTES = 8


class EpochBoard:
    """One slot for each worker, written by it alone and read by all.

    Args:
        file: made when absent; the same for all workers.
        index: of this worker, from 0 to ``count``.
    """

    def __init__(self, file: Path, index: int, count: int) -> None:
        with file.open("a+b") as opened:
            opened.truncate(count * _SLOT_BYTES)
            self._memory = mmap.mmap(opened.fileno(), count * _SLOT_BYTES)
        self._slots = memoryview(self._memory).cast("Q")
        self._index = index

    def newest(self) -> int:
        """The greatest epoch that any worker has noted."""
        return max(self._slots)

    def note(self, epoch: int) -> None:
        """Tell the others, before the change is acknowledged."""
        self._slots[self._index] = epoch

    def close(self) -> None:
        """Let go of the memory; the file stays."""
        self._slots.release()
        self._memory.close()
