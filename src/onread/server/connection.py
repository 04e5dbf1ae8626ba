"""One connection: its requests answered one after the other by one task, until either side is done.

Owns the order of things on a connection: when to read, when to answer, when to keep alive and when to
cut. The bytes in are `RequestReader`'s, the bytes out `Sender`'s.
"""

import asyncio
import logging
import time
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from onread.errors import InternalError, ServiceError
from onread.server.answer import begin_response, send_body
from onread.server.body import NO_BODY
from onread.server.door import Place
from onread.server.reader import RequestReader
from onread.server.refusal import Refusal, service_error_response
from onread.server.request import ReceivedRequest, unreadable_request
from onread.server.sender import Sender
from onread.wire.message import Response

if TYPE_CHECKING:
    from onread.server.listener import Listener

log = logging.getLogger("onread.server")

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Connection(asyncio.Protocol):
    """The life of one connection.

    A peer that goes away, or shuts its writing side after a whole request, is gone: the task is
    cancelled and the scope of the answer in progress closes with CancelledError.
    """

    _reader: RequestReader
    _sender: Sender
    _transport: asyncio.Transport

    def __init__(self, listener: "Listener") -> None:
        self._listener = listener
        self._limits = listener.limits
        self._task: asyncio.Task[None] | None = None
        self._wanted: asyncio.Future[None] | None = None
        self._request: ReceivedRequest | None = None
        self._door = listener.door
        self._place: Place | None = None  # at the door
        self._let_in = False
        self._unread = b""  # the request that the door sends away as it is
        self._held: list[bytes] = []
        self._held_bytes = 0
        self._reading = True
        self._head_began = False
        self._fresh = True
        self._draining = False
        self._ending = False
        self._deadline = 0.0

    # Told by the transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin; one connection too many is told so and closed."""
        peer = transport.get_extra_info("peername")
        self._transport = transport = cast("asyncio.Transport", transport)
        self._sender = Sender(transport, self._listener.loop, self._limits.buffer_bytes)
        self._reader = RequestReader(
            self._limits, self, peer=peer[0] if peer else "", scheme=self._listener.scheme
        )
        self._task = self._listener.admit(self)
        if self._task is not None:
            return
        if self._listener.may_refuse:
            self._sender.write(self._listener.overload_answer())
            self._linger()
        else:
            self.cut()

    def data_received(self, data: bytes) -> None:
        """Read on, or keep what a peer sends ahead unread until the answer in progress is done."""
        if self._ending:
            return
        reader = self._reader
        if self._unread or ((self._request is not None or reader.received) and reader.body is None):
            self._held.append(data)
            self._held_bytes += len(data)
            self.reading_may_change()
        elif self._door is None or not self._door.crowded or not self._is_waved_off(data):
            self._feed(data)

    def eof_received(self) -> bool:
        """Keep the connection half open only to answer a request that broke off."""
        body = self._reader.body
        if body is not None and not self._ending:
            self._reader.finished = True
            body.leave()
            return True
        if self._request is not None and not self._ending:
            self.cut()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End everything that belongs to the peer."""
        self._ending = True
        self._held.clear()
        self._reader.close()
        self._listener.forget(self)
        # Each holds us, or what we hold: without this only the garbage collector would end them.
        self._unread = b""
        place, self._place = self._place, None
        if place is not None and self._door is not None:
            self._door.leave(place)
        task, self._task = self._task, None
        if task is not None:
            task.cancel()

    def pause_writing(self) -> None:
        """The peer takes less than we send."""
        self._sender.pause()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        self._sender.resume()

    # Asked by the body

    def send_continue(self) -> None:
        """Let the client send the body it holds back."""
        if not self._ending and not self._sender.started:
            self._sender.write(_CONTINUE)

    def reading_may_change(self) -> None:
        """Read on or pause, as the buffers demand; the one place that does either."""
        body = self._reader.body
        full = self._held_bytes > self._limits.drain_body_bytes or (body is not None and body.full)
        wanted = self._ending or not full
        if wanted == self._reading or self._transport.is_closing():
            return
        self._reading = wanted
        (self._transport.resume_reading if wanted else self._transport.pause_reading)()

    # Bytes in

    def _feed(self, data: bytes) -> None:
        self._reader.feed(data)
        if self._wanted is None:
            return
        if self._reader.received:
            if self._place is None:
                self._knock()
        elif self._reader.in_head and not self._head_began:
            self._begin_wait(self._limits.head_seconds)

    def _feed_held(self) -> None:
        data = b"".join(self._held)
        self._held.clear()
        self._held_bytes = 0
        self.reading_may_change()
        self._feed(data)

    def _begin_wait(self, seconds: float) -> None:
        self._head_began = self._reader.in_head
        self._deadline = time.monotonic() + seconds

    def _wake(self) -> None:
        if self._wanted is not None and not self._wanted.done():
            self._wanted.set_result(None)

    # At the door

    def _knock(self) -> None:
        """Ask for the first request that has come to be begun."""
        first = self._reader.received[0]
        if self._door is None or not isinstance(first, ReceivedRequest):
            self.come_in()
        else:
            self._place = self._door.knock(self, first)

    def _is_waved_off(self, data: bytes) -> bool:
        """Whether the next request will be sent away: it is not even read."""
        assert self._door is not None
        if self._wanted is not None and self._reader.may_stay_unread(data):
            self._place = self._door.wave_off(self, data, self._reader.peer)
            self._unread = b"" if self._place is None else data
        return bool(self._unread)

    def come_in(self) -> None:
        """See `door.Guest`."""
        self._place = None
        self._let_in = True
        self._wake()

    def is_simple(self) -> bool:
        """See `door.Guest`."""
        if self._draining or self._sender.paused:
            return False
        if self._unread:
            return True
        assert self._door is not None
        first = self._reader.received[0]
        assert isinstance(first, ReceivedRequest)
        stays = first.body is NO_BODY and first.keep_alive and first.version == "1.1"
        return stays and self._door.refuser.suits(first)

    def turn_away(self, request_id: str | None) -> None:
        """See `door.Guest`: answered from here when that is the end of it, else by the task."""
        if self._ending:
            return
        unread, self._unread = self._unread, b""
        if request_id is None:
            self._turn_away_by_handler(unread)
            return
        self._place, self._fresh = None, False
        if not unread:
            self._reader.received.popleft()
        self._sender.write(self._listener.refusal(request_id))
        self._begin_wait(self._limits.idle_seconds)
        if self._held or self._reader.received:
            self._wake()

    def _turn_away_by_handler(self, unread: bytes) -> None:
        if unread:
            self._feed(unread)
        first = self._reader.received[0]
        assert isinstance(first, ReceivedRequest)
        first.turned_away = True
        self.come_in()

    # The task

    async def serve(self) -> None:
        """Answer the requests of this connection in order; returns when it ends."""
        try:
            await self._serve()
        except Exception:  # a mistake of ours ends one connection, never the listener
            log.exception("connection failed")
        finally:
            if not self._ending:
                self.cut()

    async def _serve(self) -> None:
        patience_seconds = self._limits.linger_seconds if self._draining else self._limits.head_seconds
        while not self._ending:
            received = await self._next(patience_seconds)
            patience_seconds = self._limits.idle_seconds
            self._fresh = False
            if received is None:
                self._end()
            elif isinstance(received, Refusal):
                await self._send(unreadable_request(), received.response())
                self._linger()
            else:
                self._request = received
                if not await self._answer(received):
                    self.cut()
                elif not (received.keep_alive and received.body.ended and self._reading):
                    await self._settle(received)
                self._request = None

    async def _next(self, patience_seconds: float) -> ReceivedRequest | Refusal | None:
        reader = self._reader
        while not self._let_in:
            if self._held and not (reader.received or self._unread):
                self._feed_held()
            if reader.received or self._unread:
                if self._place is None:
                    self._knock()
                    continue
            elif reader.finished or (self._draining and not reader.in_head and not self._fresh):
                return None
            else:
                self._begin_wait(self._limits.head_seconds if reader.in_head else patience_seconds)
            self._wanted = self._listener.loop.create_future()
            try:
                await self._wanted
            finally:
                self._wanted = None
        self._let_in = False
        return reader.received.popleft()

    async def _answer(self, request: ReceivedRequest) -> bool:
        """Answer one request in its handler's scope; whether the answer left whole."""
        whole = False
        self._sender.started = False
        try:
            async with self._listener.handler(request) as response:
                await self._send(request, response)
                whole = True
        except ServiceError as error:
            return whole or await self._answer_error(request, error)
        except Exception:  # the end of the road for whatever a handler raises
            log.exception("handler failed")
            return whole or await self._answer_error(request, InternalError())
        return whole

    async def _answer_error(self, request: ReceivedRequest, error: ServiceError) -> bool:
        if self._sender.started:
            return False
        request.keep_alive = False
        await self._send(request, service_error_response(error))
        return True

    async def _send(self, request: ReceivedRequest, response: Response) -> None:
        if self._draining or not request.body.worth_draining(self._limits.drain_body_bytes):
            request.keep_alive = False
        body = begin_response(self._sender, request, response, self._listener.standing_lines)
        if body is not None:
            await send_body(self._sender, body, request.version)

    async def _settle(self, request: ReceivedRequest) -> None:
        """Bring the connection behind the request that was answered, or end it."""
        body = request.body
        if request.keep_alive and not body.settled:
            with suppress(TimeoutError):  # its end was not seen: the connection closes
                async with asyncio.timeout(self._limits.linger_seconds):
                    await body.discard()
        if not body.ended:
            self._linger()
            return
        if not self._reading:
            self.reading_may_change()
        if not request.keep_alive:
            self._end()

    # Endings

    def _end(self) -> None:
        """Close when all that was written has left; the stall limit bounds that."""
        self._ending = True
        self._deadline = time.monotonic() + self._limits.stall_seconds
        self._sender.close()

    def _linger(self) -> None:
        """Say that we are done and throw away what still comes, so that no reset eats the answer."""
        if self._ending:
            return
        self._ending = True
        self._deadline = time.monotonic() + self._limits.linger_seconds
        self._sender.finish()
        self._held.clear()
        self.reading_may_change()

    def cut(self) -> None:
        """End so that the peer sees a failure, whatever was in progress."""
        self._ending = True
        self._sender.cut()

    def drain(self) -> None:
        """Answer what has begun, then close; an idle connection closes at once.

        A new one may have sent its first request already: it is waited for, a moment only.
        """
        self._draining = True
        if self._head_began:
            return
        if self._fresh:
            self._deadline = min(self._deadline, time.monotonic() + self._limits.linger_seconds)
        else:
            self._wake()

    def check(self, now: float) -> None:
        """Enforce the deadlines; called a few times within the shortest of them."""
        if self._ending:
            if now >= self._deadline:
                self._transport.abort()
        elif self._wanted is not None:
            waits_for_peer = self._place is None and not self._let_in
            if waits_for_peer and now >= self._deadline:
                self._give_up_waiting()
        elif self._sender.stalled(now, self._limits.stall_seconds):
            self.cut()
        elif self._reader.body is not None:
            self._reader.body.check_stall(now)

    def _give_up_waiting(self) -> None:
        self._reader.finished = True
        if self._head_began:
            self._reader.refuse(Refusal(408, "RequestTimeout", "The head of the request took too long."))
        self._wake()
