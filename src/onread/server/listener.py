"""A listening address and all its connections: accepting, bounding, draining, ending.

Owns every task of the server: one a connection, and the one that watches the deadlines of all.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from email.utils import formatdate

from onread.errors import SlowDown
from onread.server.acceptor import Acceptor
from onread.server.connection import Connection
from onread.server.door import REQUEST_ID, Door
from onread.server.head import render_head
from onread.server.limits import DEFAULT_LIMITS, Limits
from onread.server.passage import Arrival, Passage, PassingConnection
from onread.server.refusal import service_error_response
from onread.server.tcp import keep_little_unsent
from onread.server.tls import Certificates
from onread.server.tls_link import TlsLink
from onread.wire.message import Handler

_BACKLOG = 1024
_LONGEST_CHECK_SECONDS = 1.0
# How many turns either loop takes from accepting a connection to telling us of it, amply.
_ACCEPTING_TURNS = 8
_REQUEST_ID = REQUEST_ID.encode()


class Listener:
    """One address that is being served; made by `serve`.

    Attributes:
        handler: answers every request.
        standing_lines: the header lines of every answer, renewed each second.
        scheme: of every request here.
        certificates: shown to every peer; None without TLS.
        door: where requests wait to be begun; None: each is at once.
    """

    def __init__(
        self,
        handler: Handler,
        *,
        limits: Limits,
        tasks: asyncio.TaskGroup,
        certificates: Certificates | None = None,
        passage: Passage | None = None,
        door: Door | None = None,
    ) -> None:
        self._passage = passage
        self.door = door
        self.handler = handler
        self.limits = limits
        self.certificates = certificates
        self.scheme = "https" if certificates is not None else "http"
        self.loop = asyncio.get_running_loop()
        self.standing_lines = ""
        self._refusal: bytes | None = None  # made with the lines
        self._tasks = tasks
        self._connections: set[Connection] = set()
        self._handshakes: set[TlsLink] = set()
        self._quiet = asyncio.Event()
        self._draining = False
        self._servers: list[asyncio.Server] = []
        self._acceptor: Acceptor | None = None
        self._watcher: asyncio.Task[None] | None = None
        self.address = ("", 0)

    @property
    def port(self) -> int:
        """The port that is bound, also when any was asked for."""
        return self.address[1]

    @property
    def connection_count(self) -> int:
        """How many connections are open."""
        return len(self._connections)

    def descriptors(self) -> list[int]:
        """Of the listening sockets, to be handed to another process; they stay ours."""
        return [sock.fileno() for server in self._servers for sock in server.sockets]

    async def open(self, host: str, port: int, socks: Sequence[socket.socket]) -> None:
        """Bind, or take the sockets given, and accept from now on.

        Raises:
            OSError: the address cannot be bound.
        """
        self._renew_standing_lines()
        for sock in socks:
            server = await self.loop.create_server(self._accepted, sock=sock, backlog=_BACKLOG)
            self._servers.append(server)
        if not socks:
            self._servers.append(await self.loop.create_server(self._accepted, host, port, backlog=_BACKLOG))
        listening = [sock for server in self._servers for sock in server.sockets]
        self._acceptor = Acceptor(listening, self._protocol, self._tasks, self._room)
        for sock in listening:
            keep_little_unsent(sock, self.limits.buffer_bytes)
        name = listening[0].getsockname()
        self.address = (name[0], name[1])
        self._watcher = self._tasks.create_task(self._watch(), name="onread.server.watch")

    def _accepted(self) -> Connection | TlsLink:
        if self._acceptor is not None:
            self._acceptor.plan()
        return self._protocol()

    def _protocol(self) -> Connection | TlsLink:
        if self.certificates is None:
            return self.make_connection()
        return TlsLink(self, self.certificates.context)

    def make_connection(self) -> Connection:
        """What serves one peer."""
        return Connection(self) if self._passage is None else PassingConnection(self, self._passage)

    def adopt(self, sock: socket.socket, arrival: Arrival) -> None:
        """Serve a connection that another process has accepted and read the beginning of."""
        assert self._passage is not None
        connection = PassingConnection(self, self._passage, arrival)
        self._tasks.create_task(self._adopt(sock, connection), name="onread.server.adopt")

    async def _adopt(self, sock: socket.socket, connection: PassingConnection) -> None:
        with suppress(OSError):  # the peer has left meanwhile
            await self.loop.connect_accepted_socket(lambda: connection, sock)

    async def drain(self, timeout_seconds: float) -> None:
        """Stop accepting and let what has begun end; after the timeout it is cut.

        Idle connections close at once, the answers of busy ones say ``Connection: close``. One that
        has just been made may still send its first request.
        """
        self._draining = True
        self._stop_accepting()
        for connection in tuple(self._connections):
            connection.drain()
        for _ in range(_ACCEPTING_TURNS):
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(timeout_seconds):
                await self._all_gone()
        except TimeoutError:
            await self._cut_all()

    async def close(self) -> None:
        """Stop accepting and cut every connection; returns when all are gone."""
        self._stop_accepting()
        await self._cut_all()
        if self._watcher is not None:
            self._watcher.cancel()

    def _stop_accepting(self) -> None:
        if self._acceptor is not None:
            self._acceptor.close()
        for server in self._servers:
            server.close()

    async def _cut_all(self) -> None:
        for link in tuple(self._handshakes):
            link.abort()
        for connection in tuple(self._connections):
            connection.cut()
        await self._all_gone()

    async def _all_gone(self) -> None:
        while self._connections or self._handshakes:
            self._quiet.clear()
            await self._quiet.wait()

    async def _watch(self) -> None:
        limits = self.limits
        shortest = min(
            limits.head_seconds,
            limits.idle_seconds,
            limits.stall_seconds,
            limits.linger_seconds,
            limits.handshake_seconds,
        )
        pause = min(_LONGEST_CHECK_SECONDS, shortest / 4)
        while True:
            await asyncio.sleep(pause)
            self._renew_standing_lines()
            now = time.monotonic()
            for connection in tuple(self._connections):
                connection.check(now)
            for link in tuple(self._handshakes):
                link.check(now)

    def _renew_standing_lines(self) -> None:
        self._refusal = None
        self.standing_lines = f"Date: {formatdate(usegmt=True)}\r\nServer: onread\r\n"

    # Told and asked by connections

    def admit(self, connection: Connection) -> asyncio.Task[None] | None:
        """Count a new connection and start its task; None when there are too many."""
        self._connections.add(connection)
        if self._draining:
            connection.drain()
        if len(self._connections) > self.limits.connections:
            return None
        return self._tasks.create_task(connection.serve(), name="onread.server.connection")

    @property
    def may_refuse(self) -> bool:
        """Whether a connection too many may be told so: that keeps its descriptor for a moment (T-255)."""
        return self._room() >= 0

    def _room(self) -> int:
        """How many connections more may be open, those counted that are only told to come back."""
        most = self.limits.connections + self.limits.refused_connections
        return most - len(self._connections) - len(self._handshakes)

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        self._tell_when_quiet()

    def admit_handshake(self, link: TlsLink) -> bool:
        """Count a handshake that begins; False when there are too many."""
        self._handshakes.add(link)
        return len(self._handshakes) <= self.limits.handshakes

    def end_handshake(self, link: TlsLink) -> None:
        """A handshake is done, well or badly."""
        self._handshakes.discard(link)
        self._tell_when_quiet()

    def _tell_when_quiet(self) -> None:
        if not self._connections and not self._handshakes:
            self._quiet.set()

    def overload_answer(self) -> bytes:
        """What one connection too many is told."""
        response = service_error_response(SlowDown(retry_after_seconds=1))
        assert isinstance(response.body, bytes)
        framing = f"{self.standing_lines}Content-Length: {len(response.body)}\r\nConnection: close\r\n"
        return render_head(response.status, response.headers, framing) + response.body

    def refusal(self, request_id: str) -> bytes:
        """What a request is told that the door turns away."""
        if self._refusal is None:
            assert self.door is not None
            response = self.door.refuser.answer
            assert isinstance(response.body, bytes)
            framing = f"{self.standing_lines}Content-Length: {len(response.body)}\r\n"
            self._refusal = render_head(response.status, response.headers, framing) + response.body
        return self._refusal.replace(_REQUEST_ID, request_id.encode())


@asynccontextmanager
async def serve(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sock: socket.socket | Sequence[socket.socket] = (),
    limits: Limits = DEFAULT_LIMITS,
    certificates: Certificates | None = None,
    passage: Passage | None = None,
    door: Door | None = None,
) -> AsyncIterator[Listener]:
    """Serve a handler on an address for as long as the scope is open.

    Leaving the scope cuts what is still in progress; call `Listener.drain` before to let it end.

    Args:
        port: 0 takes any free one; see `Listener.port`.
        sock: bound sockets to listen on instead of host and port (passed from outside); they are
            owned by the listener from now on.
        certificates: to speak TLS with; renewing them concerns connections made from then on.
        passage: the way of a request that another process must answer; None: there is no other.
        door: where requests wait to be begun; None: each is at once.

    Raises:
        OSError: the address cannot be bound.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            listener = Listener(
                handler,
                limits=limits,
                tasks=tasks,
                certificates=certificates,
                passage=passage,
                door=door,
            )
            await listener.open(host, port, [sock] if isinstance(sock, socket.socket) else sock)
            try:
                yield listener
            finally:
                await listener.close()
    except BaseExceptionGroup as group:
        # Connections end without raising, so what is in the group came from inside the scope, alone.
        raise group.exceptions[0] from None
