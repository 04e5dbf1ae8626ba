"""The listening sockets of several workers: bound, taken over, divided among them."""

import socket
from collections.abc import Sequence
from typing import Any

from onread.app.refusal import CannotStart
from onread.config import Endpoint


def divide(sockets: Sequence[socket.socket], index: int, count: int) -> Sequence[socket.socket]:
    """The sockets that one of ``count`` workers accepts from: each socket has somebody who does.

    The kernel gives connections to every socket of a port, so one that nobody accepts from would swallow
    its share. Where there are fewer sockets than workers, some accept from the same one.
    """
    return sockets[index::count] or [sockets[index % len(sockets)]]


def fill_up(given: Sequence[socket.socket], count: int) -> list[socket.socket]:
    """The sockets given and, where their port may be shared, one more for each worker without one."""
    fronts = list(given)
    first = fronts[0]
    if first.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT):
        while len(fronts) < count:
            fronts.append(_share_port(first.family, first.type, first.getsockname()))
    return fronts


def bind(address: Endpoint, count: int) -> list[socket.socket]:
    """As many sockets at one address, among which the kernel divides connections; none listens yet.

    Measured with three processes: connections differ by 10 %; of one socket that all accept from, the
    process that is awake takes up to six times as many as another, and they wake each other in vain.

    Raises:
        CannotStart: there is no listening there.
    """
    sockets: list[socket.socket] = []
    try:
        family, kind, _, _, name = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        _probe(family, kind, name)
        for _ in range(count):
            sockets.append(_share_port(family, kind, name))
            name = sockets[0].getsockname()
    except OSError as error:
        for sock in sockets:
            sock.close()
        raise CannotStart(f"listen {address}: {error.strerror}. Write another HOST:PORT.") from error
    return sockets


def _share_port(family: int, kind: int, name: Any) -> socket.socket:
    sock = socket.socket(family, kind)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind(name)
    except OSError:
        sock.close()
        raise
    return sock


def _probe(family: int, kind: int, name: object) -> None:
    """Nobody else listens there, not even another gateway of ours whose port we could share.

    Raises:
        OSError: somebody does.
    """
    with socket.socket(family, kind) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(name)  # type: ignore[arg-type]
