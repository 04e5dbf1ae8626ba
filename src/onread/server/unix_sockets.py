"""What Unix sockets need beyond the standard library: a path that fits, and who is at the other end."""

import array
import os
import socket
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def user_of(peer: socket.socket) -> int:
    """The user at the other end of a Unix socket."""
    if not hasattr(socket, "SO_PEERCRED"):  # not Linux: the file's mode has to do
        return os.geteuid()
    credentials = peer.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return array.array("i", credentials)[1]


@contextmanager
def short_path(path: Path) -> Iterator[str]:
    """The path in a form that fits into a socket's address, which ends after 107 bytes."""
    if len(os.fsencode(path)) < 100:
        yield str(path)
        return
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{path.name}"
    finally:
        os.close(folder)
