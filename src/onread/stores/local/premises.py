"""A data directory for several processes: one of them owns it, the others join.

The owner makes it good before anyone joins (schema, sweep) and says at the end whether it was left
clean; it serves nothing itself. Its lock keeps other owners out, and so does every process that has
joined, should the owner have been killed.
"""

import fcntl
import os
import sqlite3
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import structlog

from onread.stores.local.disk import Disk
from onread.stores.local.index import Index, migrate_file
from onread.stores.local.reserve import Reserve
from onread.stores.local.shelves import Shelves

log = structlog.get_logger(__name__)

CLEAN = "closed_cleanly"
LEFT_BEHIND = "left_behind"
INDEX = "index.sqlite"
_LOCK = "lock"
# Processes that had joined end with their owner, though not in the same instant.
_LEAVING_SECONDS = 3.0
_LOOK_SECONDS = 0.02


class UnusableDirectory(Exception):
    """The data directory cannot be used; the message says why and what to do."""


def take(directory: Path) -> int:
    """The locked lock file of a directory that is ours alone; blocks while earlier processes leave.

    Raises:
        UnusableDirectory: another process has it open, or it is not ours alone.
    """
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(directory.iterdir()):
        directory.chmod(0o700)  # a volume just mounted, say; one that holds something is not ours to change
    about = directory.lstat()
    if not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid() or stat.S_IMODE(about.st_mode) & 0o077:
        raise UnusableDirectory(
            f"The data directory {directory} must be a directory of this user with mode 0700: "
            f"chown it and run `chmod 700 {directory}`."
        )
    file = _open_lock(directory)
    try:
        # A record lock: it ends with this process, whatever descriptors its children were left with.
        fcntl.lockf(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _wait_for_leaving(file)
    except OSError as error:
        os.close(file)
        raise UnusableDirectory(
            f"Another process has the data directory {directory} open: stop it, or choose another directory."
        ) from error
    return file


def join(directory: Path) -> int:
    """The lock file of a directory whose owner has let us in: nobody else takes it while it is open."""
    file = _open_lock(directory)
    fcntl.flock(file, fcntl.LOCK_SH)
    return file


def _open_lock(directory: Path) -> int:
    return os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def _wait_for_leaving(file: int) -> None:
    """Return when nobody is joined; those who join hold the other kind of lock on the same file."""
    deadline = time.monotonic() + _LEAVING_SECONDS
    while True:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(_LOOK_SECONDS)
        else:
            fcntl.flock(file, fcntl.LOCK_UN)
            return


def prepare_index(directory: Path) -> Path:
    """The index file, with the newest schema.

    Raises:
        UnusableDirectory: it is damaged.
        NewerSchema: a newer onread wrote it.
    """
    path = directory / INDEX
    os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))
    try:
        migrate_file(path)
    except sqlite3.DatabaseError as error:
        raise UnusableDirectory(
            f"The store's index {path} cannot be used: {error}. Restore a backup."
        ) from error
    return path


def sweep(index: Index, shelves: Shelves) -> None:
    """No file is left that no row names; nothing to do after a clean close."""
    shelves.sweep_aside()
    if index.state(CLEAN) != b"yes":
        removed = shelves.sweep(index.referenced_blobs())
        log.info("store.swept", removed_blobs=removed)
    index.set_state(CLEAN, b"no")


class Premises:
    """A store's directory in the hands of its owner, good for others to join. Blocks.

    Raises:
        UnusableDirectory, NewerSchema: see `LocalStore.open`.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        try:
            self._lock = take(directory)
            try:
                prepare_index(directory)
                with self._index() as index:
                    shelves = Shelves(directory, Disk())
                    try:
                        sweep(index, shelves)
                    finally:
                        shelves.close()
                    index.secret("token_secret")
                    index.set_state(LEFT_BEHIND, b"no")
            except BaseException:
                os.close(self._lock)
                raise
        except OSError as error:
            raise UnusableDirectory(f"The data directory {directory} cannot be used: {error}.") from error

    def release(self, *, clean: bool) -> None:
        """Everybody has left; ``clean`` when each of them in good order, so the next start need not sweep."""
        try:
            with self._index() as index:
                if clean and index.state(LEFT_BEHIND) == b"no":
                    index.set_state(CLEAN, b"yes")
        finally:
            os.close(self._lock)

    @contextmanager
    def _index(self) -> Iterator[Index]:
        index = Index(
            self._directory / INDEX, Disk(), _nothing_to_remove, Reserve(self._directory / "reserve"), 0
        )
        try:
            yield index
        finally:
            index.close()


def _nothing_to_remove(_orphans: list[str]) -> None:
    return None
