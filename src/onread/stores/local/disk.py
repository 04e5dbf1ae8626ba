"""The file system as the embedded store uses it: one method for one system call, no policy.

Owns the flags of every call (no-follow, exclusive, 0600). A test hands in a `Disk` of its own to record
the order of the steps or to break one of them; nothing else in the store calls ``os`` on its data.
"""

import errno
import os
import sqlite3
from collections.abc import Sequence

_CREATE = os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_MODE = 0o600
_DIRECTORY_MODE = 0o700
_WITHOUT_WAITING = getattr(os, "RWF_NOWAIT", 0)
_IOV_MAX = 1024


class Disk:
    """System calls on descriptors and on names relative to an open directory.

    Raises:
        OSError: as the system gave it; callers map it at their edge.
    """

    def make_directory(self, name: str, parent: int | None = None) -> None:
        """A directory of this name exists afterwards, of mode 0700 when it was made now."""
        try:
            os.mkdir(name, _DIRECTORY_MODE, dir_fd=parent)
        except FileExistsError:
            return

    def open_directory(self, name: str, parent: int | None = None) -> int:
        """A descriptor of a directory that is no symbolic link."""
        return os.open(name, _READ | os.O_DIRECTORY, dir_fd=parent)

    def create(self, directory: int, name: str) -> int:
        """A descriptor for writing of a file that was not there before."""
        return os.open(name, _CREATE, _FILE_MODE, dir_fd=directory)

    def open(self, directory: int, name: str) -> int:
        """A descriptor for reading."""
        return os.open(name, _READ, dir_fd=directory)

    def write(self, file: int, chunks: Sequence[bytes]) -> None:
        """All chunks are appended, however often the system takes only a part."""
        pending = list(chunks) if len(chunks) <= _IOV_MAX else [b"".join(chunks)]
        while pending:
            written = os.writev(file, pending)
            pending = _rest(pending, written)

    def sync(self, file: int) -> None:
        """What was written to this file is on the medium."""
        os.fsync(file)

    def sync_directory(self, directory: int) -> None:
        """The names in this directory are on the medium."""
        os.fsync(directory)

    def close(self, file: int) -> None:
        """The descriptor is given back."""
        os.close(file)

    def rename(self, directory: int, name: str, new_directory: int, new_name: str) -> None:
        """The file has its new name; atomic."""
        os.rename(name, new_name, src_dir_fd=directory, dst_dir_fd=new_directory)

    def link(self, directory: int, name: str, new_directory: int, new_name: str) -> None:
        """The file has a second name."""
        os.link(name, new_name, src_dir_fd=directory, dst_dir_fd=new_directory, follow_symlinks=False)

    def unlink(self, directory: int, name: str) -> None:
        """The name is gone; who has the file open keeps reading it."""
        os.unlink(name, dir_fd=directory)

    def names(self, directory: int) -> list[str]:
        """Every name in the directory."""
        return os.listdir(directory)

    def read(self, file: int, size_bytes: int, offset: int) -> bytes:
        """Up to ``size_bytes`` from ``offset``; shorter only at the end of the file."""
        return os.pread(file, size_bytes, offset)

    def is_cached(self, file: int, size_bytes: int, offset: int) -> bool:
        """Whether a read here is expected not to wait for the medium.

        Asks for the first and the last byte with RWF_NOWAIT (0.7 us each), which is what sequential
        read-ahead makes telling; False where the system cannot say.
        """
        probe = bytearray(1)
        try:
            if os.preadv(file, [probe], offset, _WITHOUT_WAITING) != 1:
                return False
            return os.preadv(file, [probe], offset + size_bytes - 1, _WITHOUT_WAITING) == 1
        except OSError as error:
            if error.errno in (errno.EAGAIN, errno.EOPNOTSUPP):
                return False
            raise

    def expect_reads(self, file: int, size_bytes: int, offset: int) -> None:
        """The system is told what will be read next, and may begin."""
        os.posix_fadvise(file, offset, size_bytes, os.POSIX_FADV_WILLNEED)

    def commit(self, connection: sqlite3.Connection) -> None:
        """The open transaction of the index is on the medium (write-ahead log, synchronous=FULL)."""
        connection.execute("COMMIT")


def _rest(chunks: list[bytes], written: int) -> list[bytes]:
    for position, chunk in enumerate(chunks):
        if written < len(chunk):
            return [chunk[written:], *chunks[position + 1 :]]
        written -= len(chunk)
    return []
