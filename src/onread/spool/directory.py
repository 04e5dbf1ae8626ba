"""A folder by its descriptor: files by name, whole writes, and who holds a lock. Blocking."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

CREATE = os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
OPEN_OR_CREATE = os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC


class Directory:
    """The files of one folder, for their owner alone; no link is followed.

    Raises (from every method):
        OSError: the disk refuses.
    """

    def __init__(self, path: Path) -> None:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory = os.open(path, READ | os.O_DIRECTORY)

    def close(self) -> None:
        """The folder is left as it is."""
        os.close(self._directory)

    def open(self, name: str, flags: int) -> int:
        """A descriptor of the file, which is the caller's to close."""
        return os.open(name, flags, 0o600, dir_fd=self._directory)

    def exists(self, name: str) -> bool:
        """Whether there is a file of this name."""
        try:
            os.stat(name, dir_fd=self._directory, follow_symlinks=False)
        except FileNotFoundError:
            return False
        return True

    def modified_at(self, name: str) -> float:
        """When the file was written, in seconds since 1970."""
        return os.stat(name, dir_fd=self._directory, follow_symlinks=False).st_mtime

    def set_times(self, name: str, *, used_at: float, modified_at: float) -> None:
        """What the file says of its last use and its last change."""
        os.utime(name, (used_at, modified_at), dir_fd=self._directory, follow_symlinks=False)

    def unlink(self, name: str) -> None:
        """The file is not there any more."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self._directory)

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """Every file that is there, with its facts."""
        with os.scandir(self._directory) as files:
            for file in files:
                with suppress(FileNotFoundError):
                    yield file.name, file.stat(follow_symlinks=False)

    def free_bytes(self) -> int:
        """What is left on the disk."""
        disk = os.fstatvfs(self._directory)
        return disk.f_bavail * disk.f_frsize

    def can_lock(self, name: str, kind: int) -> bool:
        """Whether nobody's lock is in the way. A file that is not there is nobody's."""
        try:
            file = self.open(name, READ)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(file, kind | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        finally:
            os.close(file)
        return True

    def read_whole(self, name: str) -> bytes | None:
        """The file's content; None: it is not there."""
        try:
            file = self.open(name, READ)
        except FileNotFoundError:
            return None
        with os.fdopen(file, "rb") as opened:
            return opened.read()

    def write_whole(self, name: str, content: bytes) -> None:
        """The file has this content, or nothing of it is left."""
        aside = f"{name}.aside"
        file = self.open(aside, CREATE)
        try:
            try:
                write_all(file, content, 0)
            finally:
                os.close(file)
            os.rename(aside, name, src_dir_fd=self._directory, dst_dir_fd=self._directory)
        except BaseException:
            self.unlink(aside)
            raise


def write_all(file: int, content: bytes, offset: int) -> None:
    """Every byte, from this offset on."""
    rest = memoryview(content)
    while rest:
        written = os.pwrite(file, rest, offset)
        rest, offset = rest[written:], offset + written
