"""A listening address and all its connections: accepting, bounding, draining, ending.

Owns every task of the server: one a connection, and the one that watches the deadlines of all.
"""

import asyncio
import socket
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email.utils import formatdate

from onread.errors import SlowDown
from onread.server.connection import Connection
from onread.server.head import render_head
from onread.server.limits import DEFAULT_LIMITS, Limits
from onread.server.refusal import service_error_response
from onread.wire.message import Handler

_BACKLOG = 1024
_LONGEST_CHECK_SECONDS = 1.0


class Listener:
    """One address that is being served; made by `serve`.

    Attributes:
        handler: answers every request.
        standing_lines: the header lines of every answer, renewed each second.
    """

    def __init__(self, handler: Handler, *, limits: Limits, scheme: str, tasks: asyncio.TaskGroup) -> None:
        self.handler = handler
        self.limits = limits
        self.scheme = scheme
        self.loop = asyncio.get_running_loop()
        self.standing_lines = ""
        self._tasks = tasks
        self._connections: set[Connection] = set()
        self._quiet = asyncio.Event()
        self._server: asyncio.Server | None = None
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

    async def open(self, host: str, port: int, sock: socket.socket | None) -> None:
        """Bind and accept from now on.

        Raises:
            OSError: the address cannot be bound.
        """
        self._renew_standing_lines()
        if sock is None:
            self._server = await self.loop.create_server(
                lambda: Connection(self), host, port, backlog=_BACKLOG
            )
        else:
            self._server = await self.loop.create_server(
                lambda: Connection(self), sock=sock, backlog=_BACKLOG
            )
        name = self._server.sockets[0].getsockname()
        self.address = (name[0], name[1])
        self._watcher = self._tasks.create_task(self._watch(), name="onread.server.watch")

    async def drain(self, timeout_seconds: float) -> None:
        """Stop accepting and let what has begun end; after the timeout it is cut.

        Idle connections close at once, the answers of busy ones say ``Connection: close``.
        """
        self._stop_accepting()
        for connection in tuple(self._connections):
            connection.drain()
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
        if self._server is not None:
            self._server.close()

    async def _cut_all(self) -> None:
        for connection in tuple(self._connections):
            connection.cut()
        await self._all_gone()

    async def _all_gone(self) -> None:
        while self._connections:
            self._quiet.clear()
            await self._quiet.wait()

    async def _watch(self) -> None:
        limits = self.limits
        shortest = min(limits.head_seconds, limits.idle_seconds, limits.stall_seconds, limits.linger_seconds)
        pause = min(_LONGEST_CHECK_SECONDS, shortest / 4)
        while True:
            await asyncio.sleep(pause)
            self._renew_standing_lines()
            now = time.monotonic()
            for connection in tuple(self._connections):
                connection.check(now)

    def _renew_standing_lines(self) -> None:
        self.standing_lines = f"Date: {formatdate(usegmt=True)}\r\nServer: onread\r\n"

    # Told and asked by connections

    def admit(self, connection: Connection) -> asyncio.Task[None] | None:
        """Count a new connection and start its task; None when there are too many."""
        self._connections.add(connection)
        if len(self._connections) > self.limits.connections:
            return None
        return self._tasks.create_task(connection.serve(), name="onread.server.connection")

    @property
    def may_refuse(self) -> bool:
        """Whether a connection too many may be told so: that keeps its descriptor for a moment (T-255)."""
        limits = self.limits
        return len(self._connections) <= limits.connections + limits.refused_connections

    def forget(self, connection: Connection) -> None:
        """A connection is gone."""
        self._connections.discard(connection)
        if not self._connections:
            self._quiet.set()

    def overload_answer(self) -> bytes:
        """What one connection too many is told."""
        response = service_error_response(SlowDown(retry_after_seconds=1))
        assert isinstance(response.body, bytes)
        framing = f"{self.standing_lines}Content-Length: {len(response.body)}\r\nConnection: close\r\n"
        return render_head(response.status, response.headers, framing) + response.body


@asynccontextmanager
async def serve(
    handler: Handler,
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    sock: socket.socket | None = None,
    limits: Limits = DEFAULT_LIMITS,
    scheme: str = "http",
) -> AsyncIterator[Listener]:
    """Serve a handler on an address for as long as the scope is open.

    Leaving the scope cuts what is still in progress; call `Listener.drain` before to let it end.

    Args:
        port: 0 takes any free one; see `Listener.port`.
        sock: a bound socket to listen on instead of host and port (passed from outside); it is owned
            by the listener from now on.

    Raises:
        OSError: the address cannot be bound.
    """
    try:
        async with asyncio.TaskGroup() as tasks:
            listener = Listener(handler, limits=limits, scheme=scheme, tasks=tasks)
            await listener.open(host, port, sock)
            try:
                yield listener
            finally:
                await listener.close()
    except BaseExceptionGroup as group:
        # Connections end without raising, so what is in the group came from inside the scope, alone.
        raise group.exceptions[0] from None
