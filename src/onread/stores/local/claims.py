"""What several processes on one data directory tell each other: which blobs are being read.

A claim is a record lock on one byte of an empty file, at a place that the blob's id names. It ends with
its process, however that ends, and costs a microsecond. Only objects of several blobs need claims: a
single blob is open as long as it is read, and an open file outlives its name.
"""

import fcntl
import os
from collections.abc import Iterable
from pathlib import Path

# The first 60 bits of a blob's id: two ids that share them only delay each other's removal.
_DIGITS = 15


class Claims:
    """The claims of one process. Not safe for threads by itself."""

    def __init__(self, file: Path) -> None:
        # Opened once: closing any descriptor of this file would end all claims of the process.
        self._file = os.open(file, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)

    def hold(self, blob_ids: Iterable[str]) -> None:
        """Nobody else removes the blobs until they are let go. Waits while one is just being removed."""
        for blob_id in blob_ids:
            fcntl.lockf(self._file, fcntl.LOCK_SH, 1, _place(blob_id))

    def let_go(self, blob_ids: Iterable[str]) -> None:
        """They are not read any more."""
        for blob_id in blob_ids:
            fcntl.lockf(self._file, fcntl.LOCK_UN, 1, _place(blob_id))

    def unclaimed(self, blob_ids: Iterable[str]) -> set[str]:
        """Those that no other process has claimed. Not for blobs that this process claims."""
        return {blob_id for blob_id in blob_ids if self._is_unclaimed(_place(blob_id))}

    def _is_unclaimed(self, place: int) -> bool:
        try:
            fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
        except OSError:
            return False
        fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
        return True

    def close(self) -> None:
        """All claims are gone."""
        os.close(self._file)


def _place(blob_id: str) -> int:
    return int(blob_id[:_DIGITS], 16)
