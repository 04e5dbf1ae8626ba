"""Several processes on one port: a connection whose request another process must answer goes there.

A plain connection goes itself, as a descriptor with what was read of it: nothing is copied from then on.
One that speaks TLS, or that has not taken its last answer whole, goes as one end of a pair of sockets,
and its bytes are pumped. The other process sees no difference: it serves what it is given from the
first byte of the request. Which request goes where, the one who made the `Passage` decides.

Linux only: packets with descriptors, memory without a name.
"""

import asyncio
import json
import os
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

from onread.errors import SlowDown
from onread.server.connection import Connection
from onread.server.request import ReceivedRequest
from onread.server.unix_sockets import short_path, user_of
from onread.wire.message import Request

if TYPE_CHECKING:
    from onread.server.listener import Listener

_BACKLOG = 1024
# More than this goes through memory of its own, for a packet must fit into a socket's buffer.
_PACKET_BYTES = 48 << 10
_MOST_DESCRIPTORS = 2
# A process that does not take what is at its door for so long is frozen.
_TAKING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Arrival:
    """What comes with a connection: whose it is, how it was reached, and what it has said already."""

    peer: str
    scheme: str
    received: bytes


class Passage:
    """The door of one process, and the way to the doors of the others.

    Args:
        directory: where the doors are, ours alone.
        name: of this process.
        destination: the name of the process that must answer a request; None: this one does.
    """

    def __init__(self, directory: Path, name: str, destination: Callable[[Request], str | None]) -> None:
        self.destination = destination
        self._directory = directory
        self._door = directory / name
        self._sock = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._listener: Listener | None = None

    def open(self, listener: "Listener") -> None:
        """From now on connections that come are the listener's.

        Raises:
            OSError: there can be no door here.
        """
        self._listener = listener
        self._door.unlink(missing_ok=True)
        with short_path(self._door) as path:
            self._sock.bind(path)
        self._door.chmod(0o600)
        self._sock.listen(_BACKLOG)
        self._sock.setblocking(False)
        listener.loop.add_reader(self._sock.fileno(), self._accept)

    def close(self) -> None:
        """Nothing comes any more."""
        if self._listener is not None and self._sock.fileno() >= 0:
            self._listener.loop.remove_reader(self._sock.fileno())
            self._door.unlink(missing_ok=True)
        self._sock.close()

    async def send(self, name: str, descriptor: int, arrival: Arrival) -> bool:
        """Hand a connection to another process; whether it was there to take it.

        Raises:
            SlowDown: it is, and has no room at its door.
        """
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as to:
            to.setblocking(False)
            try:
                with short_path(self._directory / name) as path:
                    to.connect(path)
                _send(to, descriptor, arrival)
            except BlockingIOError as error:
                raise SlowDown(retry_after_seconds=1) from error
            except OSError:  # it has ended, and with it whoever waits there
                return False
            try:
                async with asyncio.timeout(_TAKING_SECONDS):
                    return bool(await asyncio.get_running_loop().sock_recv(to, 1))
            except TimeoutError:  # it will find the connection when it goes on
                return True
            except OSError:
                return False

    def _accept(self) -> None:
        assert self._listener is not None
        try:
            coming, _ = self._sock.accept()
        except (BlockingIOError, ConnectionError):
            return
        if user_of(coming) != os.geteuid():
            coming.close()
            return
        coming.setblocking(False)
        self._listener.loop.add_reader(coming.fileno(), self._receive, coming)

    def _receive(self, coming: socket.socket) -> None:
        assert self._listener is not None
        try:
            packet, descriptors, _, _ = socket.recv_fds(coming, _PACKET_BYTES + 4096, _MOST_DESCRIPTORS)
        except BlockingIOError:
            return
        except OSError:
            packet, descriptors = b"", []
        self._listener.loop.remove_reader(coming.fileno())
        with coming, suppress(OSError):
            coming.send(b"1")
        if not descriptors:
            return
        first_line, _, received = packet.partition(b"\n")
        for memory in descriptors[1:]:
            with os.fdopen(memory, "rb") as file:
                received = file.read()
        sock = socket.socket(fileno=descriptors[0])
        sock.setblocking(False)
        self._listener.adopt(sock, Arrival(**json.loads(first_line), received=received))


def _send(to: socket.socket, descriptor: int, arrival: Arrival) -> None:
    about = {"peer": arrival.peer, "scheme": arrival.scheme}
    packet, descriptors = json.dumps(about).encode() + b"\n", [descriptor]
    if len(arrival.received) <= _PACKET_BYTES:
        packet += arrival.received
    else:
        descriptors.append(_in_memory(arrival.received))
    try:
        socket.send_fds(to, [packet], descriptors)
    finally:
        for extra in descriptors[1:]:
            os.close(extra)


def _in_memory(content: bytes) -> int:
    """A descriptor of a file without a name that holds the content, at its beginning."""
    memory = os.memfd_create("onread", os.MFD_CLOEXEC)
    with os.fdopen(os.dup(memory), "wb") as file:
        file.write(content)
    os.lseek(memory, 0, os.SEEK_SET)
    return memory


class PassingConnection(Connection):
    """A connection that may go to another process between two of its requests.

    What came since the beginning of a request is remembered until it is known who answers it.
    """

    def __init__(self, listener: "Listener", passage: Passage, arrival: Arrival | None = None) -> None:
        super().__init__(listener)
        self._passage = passage
        self._arrival = arrival
        self._recent: list[bytes] | None = None
        self._pump: _Pump | None = None

    # Told by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; with what another process has read, when one has."""
        super().connection_made(transport)
        if self._arrival is None:
            return
        arrival, self._arrival = self._arrival, None
        self._reader.serve_peer(arrival.peer, arrival.scheme)
        self.data_received(arrival.received)

    def data_received(self, data: bytes) -> None:
        """See `Connection`; what belongs to another process goes there."""
        if self._pump is not None:
            self._pump.say(data)
        else:
            super().data_received(data)

    def eof_received(self) -> bool:
        """See `Connection`."""
        if self._pump is None:
            return super().eof_received()
        self._pump.say_end()
        return True

    def pause_writing(self) -> None:
        """See `Connection`."""
        super().pause_writing()
        if self._pump is not None:
            self._pump.pause_reading()

    def resume_writing(self) -> None:
        """See `Connection`."""
        super().resume_writing()
        if self._pump is not None:
            self._pump.resume_reading()

    def connection_lost(self, exc: Exception | None) -> None:
        """See `Connection`."""
        super().connection_lost(exc)
        if self._pump is not None:
            self._pump.close()

    def check(self, now: float) -> None:
        """The process that answers enforces the deadlines."""
        if self._pump is None:
            super().check(now)

    # On the way

    def _feed(self, data: bytes) -> None:
        reader = self._reader
        if reader.body is None and not reader.in_head and not reader.received:
            self._recent = [data]  # a request begins with these bytes
        elif self._recent is not None:
            self._recent.append(data)
        super()._feed(data)

    async def _answer(self, request: ReceivedRequest) -> bool:
        recent, self._recent = self._recent, None
        self._sender.started = False
        name = self._passage.destination(request)
        if name is None:
            return await super()._answer(request)
        try:
            if await self._pass_on(name, request, recent):
                return True
        except SlowDown as error:
            return await self._answer_error(request, error)
        return await super()._answer(request)

    async def _settle(self, request: ReceivedRequest) -> None:
        if not self._ending:
            await super()._settle(request)

    async def _pass_on(self, name: str, request: ReceivedRequest, recent: list[bytes] | None) -> bool:
        if recent is None:  # it was sent ahead, in one piece with the request before it
            raise SlowDown(retry_after_seconds=1)
        transport = self._transport
        if self._reading:
            transport.pause_reading()
        arrival = Arrival(request.peer, request.scheme, b"".join(recent))
        if self._listener.certificates is None and not transport.get_write_buffer_size():
            gone = await self._passage.send(name, transport.get_extra_info("socket").fileno(), arrival)
            if gone:
                self._ending = True
                transport.abort()  # our descriptor alone: the connection lives on
        else:
            gone = await self._begin_to_pump(name, arrival)
        if not gone and self._reading:
            transport.resume_reading()
        return gone

    async def _begin_to_pump(self, name: str, arrival: Arrival) -> bool:
        near, far = socket.socketpair()
        try:
            with far:
                if not await self._passage.send(name, far.fileno(), arrival):
                    near.close()
                    return False
        except BaseException:
            near.close()
            raise
        near.setblocking(False)
        self._ending = True
        loop = self._listener.loop
        _, self._pump = await loop.create_unix_connection(
            lambda: _Pump(self._transport, self._pump_ended, self._limits.buffer_bytes), sock=near
        )
        self._transport.resume_reading()
        return True

    def _pump_ended(self) -> None:
        """Let what was pumped leave, and throw away what still comes, so that no reset eats it."""
        if self._pump is None:
            return
        self._pump = None
        limits, left = self._limits, self._transport.get_write_buffer_size()
        self._deadline = time.monotonic() + (limits.stall_seconds if left else limits.linger_seconds)
        self._sender.finish()
        if not self._transport.is_closing():
            self._transport.resume_reading()


class _Pump(asyncio.Protocol):
    """The other process's side of a pumped connection: its bytes go to the peer, and the peer's to it."""

    _transport: asyncio.Transport

    def __init__(self, peer: asyncio.Transport, ended: Callable[[], None], mark_bytes: int) -> None:
        self._peer = peer
        self._ended = ended
        self._mark_bytes = mark_bytes

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._mark_bytes)

    def data_received(self, data: bytes) -> None:
        """The answer."""
        self._peer.write(data)

    def eof_received(self) -> bool:
        """Nothing more will be answered; framing tells the peer whether it has all."""
        self._ended()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The other process is done with the peer, or gone; or we are."""
        self._ended()

    def pause_writing(self) -> None:
        """The other process takes less than the peer sends."""
        if not self._peer.is_closing():
            self._peer.pause_reading()

    def resume_writing(self) -> None:
        """It has caught up."""
        if not self._peer.is_closing():
            self._peer.resume_reading()

    # Asked by the connection

    def say(self, data: bytes) -> None:
        """What the peer says."""
        self._transport.write(data)

    def say_end(self) -> None:
        """The peer says nothing more."""
        with suppress(OSError):
            self._transport.write_eof()

    def pause_reading(self) -> None:
        """The peer takes less than it is sent."""
        if not self._transport.is_closing():
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """It has caught up."""
        if not self._transport.is_closing():
            self._transport.resume_reading()

    def close(self) -> None:
        """The peer is gone."""
        self._transport.abort()
