"""Space kept back so that a full disk can still be emptied through the store itself.

Deleting an object writes to the index before it frees anything. When the disk is full the reserve is
given up for that, and taken again as soon as there is room.
"""

import os
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

RESERVE_BYTES = 8 * 1024**2  # above the size at which SQLite empties its write-ahead log into the file


class Reserve:
    """A file that holds nothing but its place. Used at start and in the index's thread."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._is_held = False

    def hold(self) -> None:
        """The space is ours, unless the disk has too little: then the next call tries again."""
        if self._is_held:
            return
        try:
            self._allocate()
        except OSError as error:
            self._path.unlink(missing_ok=True)
            log.warning("store.no_reserve", error=str(error))
        else:
            self._is_held = True

    def _allocate(self) -> None:
        file = os.open(self._path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(file, 0, RESERVE_BYTES)
        finally:
            os.close(file)

    def give_up(self) -> None:
        """The space is free for whoever needs it most."""
        self._path.unlink(missing_ok=True)
        self._is_held = False
