"""A restart that refuses nobody: the listening sockets go from the old process to the new one.

The old process offers them below the data directory. Whoever asks gets them and thereby ends it: it
accepts no more, lets what it has begun end, and closes what only one process may hold. Meanwhile
callers wait in the sockets' backlog, and the new process waits for the old one's end.
"""

import asyncio
import json
import os
import socket
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from onread.server.service_manager import GivenSockets, name_sockets
from onread.server.unix_sockets import short_path, user_of

_NAME = "hand-over"
_MOST_DESCRIPTORS = 253  # Linux: SCM_MAX_FD
_MOST_BYTES = 4096
_ANSWER_SECONDS = 10.0


class NotHandedOver(Exception):
    """The old process keeps its sockets or does not end; the text is one line."""


class Offer:
    """The old process's side, made in its running loop.

    Args:
        descriptors: of the listening sockets, by the name that the new process knows them by.
        asked: is called once somebody has them.
    """

    def __init__(
        self,
        directory: Path,
        descriptors: Mapping[str, Callable[[], Sequence[int]]],
        asked: Callable[[], None],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._descriptors = descriptors
        self._asked = asked
        self._path = directory / _NAME
        # Kept to the end of the process: the new one knows by its closing that all is free.
        self._taker: socket.socket | None = None
        self._path.unlink(missing_ok=True)
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        with short_path(self._path) as path:
            self._sock.bind(path)
        self._path.chmod(0o600)
        self._sock.listen(1)
        self._sock.setblocking(False)
        self._loop.add_reader(self._sock.fileno(), self._answer)

    def close(self) -> None:
        """Offer no more."""
        if self._sock.fileno() >= 0:
            self._loop.remove_reader(self._sock.fileno())
            self._sock.close()
            self._path.unlink(missing_ok=True)

    def _answer(self) -> None:
        try:
            taker, _ = self._sock.accept()
        except (BlockingIOError, ConnectionError):
            return
        if self._taker is not None or user_of(taker) != os.geteuid():
            taker.close()
            return
        sockets = [(name, fd) for name, of in self._descriptors.items() for fd in of()]
        names = json.dumps([name for name, _ in sockets]).encode()
        try:
            socket.send_fds(taker, [names], [fd for _, fd in sockets])
        except OSError:
            taker.close()
            return
        self._taker = taker
        self._asked()


def take_over(directory: Path, *, timeout_seconds: float) -> GivenSockets | None:
    """The listening sockets of the process that serves a data directory, once it has ended.

    Blocks: nothing else of the new process lives yet.

    Returns:
        None when nobody serves it.

    Raises:
        NotHandedOver: whoever does has not ended in time, or gave something else.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as asking:
        asking.settimeout(_ANSWER_SECONDS)
        try:
            with short_path(directory / _NAME) as path:
                asking.connect(path)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except OSError as error:
            raise NotHandedOver(f"{directory / _NAME}: {error.strerror}") from error
        given = _receive(asking)
        try:
            asking.settimeout(timeout_seconds)
            asking.recv(1)
        except OSError as error:
            given.close()
            raise NotHandedOver(f"the old process did not end within {timeout_seconds:g} s") from error
    return given


def _receive(asking: socket.socket) -> GivenSockets:
    try:
        names, descriptors, _, _ = socket.recv_fds(asking, _MOST_BYTES, _MOST_DESCRIPTORS)
    except OSError as error:
        raise NotHandedOver("the old process does not answer") from error
    if not descriptors:
        raise NotHandedOver("the old process keeps its sockets: somebody else has asked, or it ends already")
    return name_sockets(descriptors, json.loads(names))
