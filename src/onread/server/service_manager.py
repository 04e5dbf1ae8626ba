"""What a service manager that started us wants to be told, and the sockets it may have given us.

systemd's protocols, which others speak too: sd_notify(3), sd_listen_fds(3). Without their variables
in the environment nothing happens.
"""

import logging
import os
import socket
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

log = logging.getLogger("onread.server")

_FIRST_DESCRIPTOR = 3
_NAMES = ("front", "admin")


class UnusableSocket(Exception):
    """A socket given to us cannot be served; the text is one line."""


@dataclass(frozen=True, slots=True)
class GivenSockets:
    """Listening sockets made by somebody else; a listener without any binds its own address."""

    front: Sequence[socket.socket] = ()
    admin: Sequence[socket.socket] = ()

    def close(self) -> None:
        """Let go of all of them."""
        for given in (*self.front, *self.admin):
            given.close()


class Notifier:
    """Tells the service manager where we are in our life."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_seconds = _watchdog_seconds(environment)

    def ready(self) -> None:
        """Requests are served, also after a reload."""
        self._tell("READY=1")

    def reloading(self) -> None:
        """Settings are being read again."""
        self._tell(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """What is in progress may end; nothing new begins."""
        self._tell("STOPPING=1")

    def alive(self) -> None:
        """The loop turns; due every `watchdog_seconds`."""
        self._tell("WATCHDOG=1")

    def _tell(self, state: str) -> None:
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
                to.setblocking(False)
                to.sendto(state.encode(), address)
        except OSError as error:
            log.warning("the service manager does not hear us: %s", error)


def _watchdog_seconds(environment: Mapping[str, str]) -> float | None:
    """How often to say that we are alive: twice as often as demanded, as sd_watchdog_enabled(3) advises."""
    demanded = environment.get("WATCHDOG_USEC", "")
    if not demanded.isdecimal() or environment.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    return int(demanded) / 2e6


def activated_sockets(environment: Mapping[str, str]) -> GivenSockets:
    """The listening sockets that came with the process.

    ``LISTEN_FDNAMES`` says which is ``front`` and which is ``admin``; without these names the first
    one is front and the second admin.

    Raises:
        UnusableSocket: one that is no listening TCP socket, or of an unknown name.
    """
    if environment.get("LISTEN_PID") != str(os.getpid()):
        return GivenSockets()
    count = environment.get("LISTEN_FDS", "")
    descriptors = range(_FIRST_DESCRIPTOR, _FIRST_DESCRIPTOR + (int(count) if count.isdecimal() else 0))
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    return name_sockets(descriptors, names if set(names) & set(_NAMES) else _NAMES)


def name_sockets(descriptors: Sequence[int], names: Sequence[str]) -> GivenSockets:
    """The sockets behind descriptors, by name; they are not inherited any further.

    Raises:
        UnusableSocket: see `activated_sockets`.
    """
    found: dict[str, list[socket.socket]] = {name: [] for name in _NAMES}
    for index, descriptor in enumerate(descriptors):
        name = names[index] if index < len(names) else "nameless"
        if name not in found:
            raise UnusableSocket(f"socket {descriptor} is given as {name!r}: name it front or admin")
        found[name].append(_listening(descriptor))
    return GivenSockets(found["front"], found["admin"])


def _listening(descriptor: int) -> socket.socket:
    try:
        os.set_inheritable(descriptor, False)
        given = socket.socket(fileno=descriptor)
    except OSError as error:
        raise UnusableSocket(f"descriptor {descriptor} is given as a socket: {error.strerror}") from error
    tcp = given.family in (socket.AF_INET, socket.AF_INET6) and given.type == socket.SOCK_STREAM
    if not tcp or not given.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
        given.close()
        raise UnusableSocket(f"socket {descriptor} that is given does not listen on TCP")
    given.setblocking(False)
    return given
