"""A pool of connections to one server, and the exchanges over them."""

import asyncio
import ssl
from collections import deque
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import replace

from onread.outbound.connection import Connection
from onread.outbound.failures import Busy, NoAnswer, Unreachable
from onread.outbound.message import Limits, Origin, Outgoing
from onread.outbound.names import Address, Lookup, Names, system_lookup
from onread.wire.message import Body, Response


class _Lease:
    """A connection for the time of one exchange: afterwards it may be another's."""

    def __init__(self, connection: Connection, release: Callable[[Connection], None]) -> None:
        self._connection = connection
        self._release = release
        self._ended = False

    def give_back(self) -> None:
        self._ended = True
        self._release(self._connection)

    def leave(self) -> None:
        if not self._ended:
            self._connection.abort()


class Client:
    """Requests to one server; others have pools of their own, so one that hangs hinders no other.

    No redirect is followed, no cookie kept, no proxy of the environment used (T-186), nothing
    decompressed: what comes is what was sent.

    Args:
        permit: see `Names`.
    """

    def __init__(
        self,
        origin: Origin,
        limits: Limits | None = None,
        *,
        permit: Callable[[Address], bool] | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self.origin = origin
        self._limits = limits or Limits()
        self._names = Names(origin.host, origin.port, permit=permit, lookup=lookup)
        self._places = asyncio.Semaphore(self._limits.connections)
        self._idle: deque[Connection] = deque()
        self._open: set[Connection] = set()
        self._closed = False

    async def send(self, outgoing: Outgoing, scope: AsyncExitStack) -> Response:
        """The answer, its head come and its body streaming; its connection is ours until ``scope`` closes.

        A repeatable request whose kept connection turns out to be gone is sent once more, over a new
        one; nothing else is ever sent twice.

        Raises:
            Unreachable, NoAnswer, LateAnswer, BrokenAnswer: there is no answer. Busy: nor was it asked.
            Exception: what the request's body raised.

        Cancellation: the connection is cut; a request with a body was not sent whole, unless it was.
        """
        if isinstance(outgoing.body, Body) and outgoing.body.length_bytes == 0:
            # A head alone would be the whole request: first the body has its say.
            outgoing = replace(outgoing, body=await outgoing.body.read(0))
        try:
            return await self._send_once(outgoing, scope, fresh=False)
        except NoAnswer as gone:
            if not (gone.stale and outgoing.repeatable):
                raise
        return await self._send_once(outgoing, scope, fresh=True)

    async def close(self) -> None:
        """Every connection is gone, those of unfinished exchanges too."""
        self._closed = True
        for connection in list(self._open):
            connection.abort()
        self._idle.clear()
        self._names.close()

    @property
    def open_connections(self) -> int:
        """How many there are, idle ones included."""
        return len(self._open)

    async def _send_once(self, outgoing: Outgoing, scope: AsyncExitStack, *, fresh: bool) -> Response:
        connection = await self._acquire(outgoing, fresh=fresh)
        lease = _Lease(connection, self._release)
        try:
            response = await connection.exchange(outgoing, lease.give_back)
        except BaseException:
            lease.leave()
            raise
        scope.callback(lease.leave)  # what its reader left unread is not waited for
        return response

    async def _acquire(self, outgoing: Outgoing, *, fresh: bool) -> Connection:
        if not fresh and not self._places.locked():  # nearly always: nothing to wait for, and no clock to set
            kept = self._take_kept(repeatable=outgoing.repeatable)
            if kept is not None:
                await self._places.acquire()
                return kept
        waiting = True
        try:
            async with asyncio.timeout(self._limits.connect_seconds):
                await self._places.acquire()
                waiting = False
                try:
                    kept = None if fresh else self._take_kept(repeatable=outgoing.repeatable)
                    connection = kept or await self._connect()
                except BaseException:
                    self._places.release()
                    raise
        except TimeoutError:
            if waiting:
                raise Busy("Every connection to the server is in use.") from None
            raise Unreachable("There is no connection to the server in time.") from None
        self._open.add(connection)
        return connection

    def _take_kept(self, *, repeatable: bool) -> Connection | None:
        limits = self._limits
        oldest = limits.idle_seconds if repeatable else min(limits.fresh_seconds, limits.idle_seconds)
        now = asyncio.get_running_loop().time()
        while self._idle:
            connection = self._idle.pop()  # the one used last: the others may grow old
            if connection.usable and now - connection.idle_since <= oldest:
                return connection
            self._drop(connection)
        return None

    async def _connect(self) -> Connection:
        addresses = await self._names.addresses()
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self._limits.connect_seconds
        for index, address in enumerate(addresses):
            share = (deadline - loop.time()) / (len(addresses) - index)
            try:
                async with asyncio.timeout(share):
                    return await self._connect_to(address, loop)
            except (OSError, ssl.SSLError, TimeoutError):
                continue
        raise Unreachable("No connection to the server can be made.")

    async def _connect_to(self, address: str, loop: asyncio.AbstractEventLoop) -> Connection:
        tls = self.origin.tls
        _, connection = await loop.create_connection(
            lambda: Connection(self._limits, loop),
            address,
            self.origin.port,
            ssl=tls,
            server_hostname=self.origin.host if tls is not None else None,
        )
        return connection

    def _release(self, connection: Connection) -> None:
        self._places.release()
        if connection.usable and not self._closed:
            self._idle.append(connection)
            self._drop_old()
        else:
            self._drop(connection)

    def _drop_old(self) -> None:
        oldest = asyncio.get_running_loop().time() - self._limits.idle_seconds
        while self._idle and (not self._idle[0].usable or self._idle[0].idle_since < oldest):
            self._drop(self._idle.popleft())

    def _drop(self, connection: Connection) -> None:
        connection.close()
        self._open.discard(connection)
