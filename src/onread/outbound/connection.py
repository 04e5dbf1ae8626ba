"""One connection to one server: one exchange at a time, streaming both ways under back-pressure."""

import asyncio
from collections.abc import Callable
from typing import cast

from onread.outbound.answer import AnswerBody
from onread.outbound.exchange import Exchange
from onread.outbound.failures import BrokenAnswer, CutAnswer, LateAnswer, NoAnswer
from onread.outbound.message import Limits, Outgoing
from onread.outbound.reader import AnswerReader
from onread.outbound.request_head import render_head
from onread.wire.message import Body, Response

_LAST_CHUNK = b"0\r\n\r\n"


class Connection(asyncio.Protocol):
    """A connection that `Client` keeps.

    Attributes:
        idle_since: when the last exchange ended, by the loop's clock.
    """

    def __init__(self, limits: Limits, loop: asyncio.AbstractEventLoop) -> None:
        self.idle_since = 0.0
        self._limits = limits
        self._loop = loop
        self._reader = AnswerReader(self, head_bytes=limits.head_bytes, header_count=limits.header_count)
        self._transport: asyncio.Transport | None = None
        self._exchange: Exchange | None = None
        self._has_served = False
        self._failed = False
        self._room: asyncio.Future[None] | None = None
        self._write_paused = self._read_paused = False

    @property
    def usable(self) -> bool:
        """Another exchange may begin."""
        return self._is_open and self._exchange is None

    @property
    def _is_open(self) -> bool:
        return not self._failed and self._transport is not None and not self._transport.is_closing()

    async def exchange(self, outgoing: Outgoing, release: Callable[[], None]) -> Response:
        """Send a request and give its answer as soon as its head has come.

        Args:
            release: called once, when the last byte of the answer has come or none will. Another
                exchange may begin at once, before this one has returned.

        Raises:
            NoAnswer, LateAnswer, BrokenAnswer: no head of an answer came.
            Exception: what the request's own body raised; the server has not had the whole of it.

        Cancellation: the caller aborts the connection.
        """
        seconds = outgoing.first_byte_seconds or self._limits.first_byte_seconds
        head = render_head(outgoing)
        self._exchange = exchange = Exchange(self._loop, release, seconds)
        self._reader.expect(head_only=outgoing.method == "HEAD")
        if isinstance(outgoing.body, Body):
            async with asyncio.TaskGroup() as tasks:
                uploading = self._upload(exchange, head, outgoing.body)
                upload = tasks.create_task(uploading, name="onread.outbound.upload")
                await exchange.settled()
                upload.cancel()
        else:
            await self._send(head)
            exchange.sent(self._fail)
            await exchange.settled()
        if exchange.response is None:
            assert exchange.failure is not None
            raise exchange.failure
        if not exchange.sent_whole and exchange.response.status < 400:
            raise BrokenAnswer("The server agreed before it had the whole request.")
        return exchange.response

    def abort(self) -> None:
        """End at once, whatever is under way."""
        self._fail(CutAnswer("The exchange was given up."))

    def close(self) -> None:
        """End when nothing is under way."""
        if self._transport is not None:
            self._transport.close()

    # The request's body

    async def _upload(self, exchange: Exchange, head: bytes, body: Body) -> None:
        """Never raises: a failure is the exchange's.

        The head leaves with the first bytes of the body: SeaweedFS takes a head that nothing follows for
        an empty object.
        """
        try:
            if body.length_bytes is None:
                await self._send_chunks(head, body)
            else:
                await self._send_declared(head, body, body.length_bytes)
        except Exception as failure:  # handed to whoever waits in `exchange`, who raises it
            self._fail(failure)
        else:
            exchange.sent(self._fail)

    async def _send_declared(self, head: bytes, body: Body, length_bytes: int) -> None:
        missing, held = length_bytes, b""
        async for chunk in body:
            missing -= len(chunk)
            if missing > 0:
                await self._send(head, chunk)
                head = b""
            else:
                held += chunk  # the body may still say that what came was wrong
        if missing:
            raise ValueError("a body is not as long as it said")
        await self._send(head, held)

    async def _send_chunks(self, head: bytes, body: Body) -> None:
        async for chunk in body:
            await self._send(head, b"%x\r\n" % len(chunk), chunk, b"\r\n")
            head = b""
        await self._send(head, _LAST_CHUNK)

    async def _send(self, *pieces: bytes) -> None:
        if self._transport is None or not self._is_open:
            reason = "The connection ended while the request was sent."
            raise NoAnswer(reason, stale=self._has_served)
        if len(pieces) == 1:
            self._transport.write(pieces[0])
        else:
            self._transport.writelines(pieces)
        if self._write_paused:
            await self._wait_for_room()

    async def _wait_for_room(self) -> None:
        self._room = self._loop.create_future()
        late = LateAnswer("The server takes no more of the request.")
        timer = self._loop.call_later(self._limits.stall_seconds, self._fail, late)
        try:
            await self._room
        finally:
            timer.cancel()
            self._room = None

    # The answer: called by the reader

    def take_head(self, status: int, headers: list[tuple[str, str]], length_bytes: int | None) -> None:
        """See `Receiver`."""
        assert self._exchange is not None
        answer = AnswerBody(
            length_bytes=length_bytes,
            mark_bytes=self._limits.buffer_bytes,
            stall_seconds=self._limits.stall_seconds,
            reading_may_change=self._adjust_reading,
        )
        self._exchange.take_head(Response(status=status, headers=headers, body=answer), answer)

    def take_body(self, chunk: bytes) -> None:
        """See `Receiver`."""
        assert self._exchange is not None
        assert self._exchange.answer is not None
        self._exchange.answer.push(chunk)

    def take_end(self) -> None:
        """See `Receiver`."""
        assert self._exchange is not None
        assert self._exchange.answer is not None
        self._exchange.answer.finish()
        if not (self._exchange.sent_whole and self._reader.keep_alive):
            self.close()
        self._has_served = True
        self._end_exchange()

    def _adjust_reading(self) -> None:
        """A full buffer stops the server; an idle connection is always read, to see it end."""
        if self._transport is None or self._transport.is_closing():
            return
        full = self._exchange is not None and self._exchange.full
        if full and not self._read_paused:
            self._transport.pause_reading()
        elif self._read_paused and not full:
            self._transport.resume_reading()
        self._read_paused = full

    # Endings

    def _fail(self, failure: BaseException) -> None:
        """Nothing more is to be had from this connection; the first reason stays."""
        if self._failed:
            return
        self._failed = True
        if self._transport is not None:
            self._transport.abort()
        self.resume_writing()
        if self._exchange is not None:
            self._exchange.fail(failure)
            self._end_exchange()

    def _end_exchange(self) -> None:
        exchange, self._exchange = self._exchange, None
        self.idle_since = self._loop.time()
        self._adjust_reading()
        if exchange is not None:
            exchange.end()

    # Called by the loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The connection is open, TLS included."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=self._limits.buffer_bytes)

    def data_received(self, data: bytes) -> None:
        """Bytes came."""
        try:
            self._reader.feed(data)
        except BrokenAnswer as broken:
            self._fail(broken)

    def eof_received(self) -> bool:
        """The server will send no more: nor shall we."""
        self._ended(None)
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._ended(exc)
        self._reader.close()
        self._transport = None

    def _ended(self, exc: Exception | None) -> None:
        if self._exchange is None or not self._reader.began:
            reason = "The server ended the connection without an answer."
            self._fail(NoAnswer(reason, stale=self._has_served))
            return
        try:
            if exc is not None:
                raise BrokenAnswer("The connection broke before the answer ended.")
            self._reader.end()
        except BrokenAnswer as broken:
            self._fail(broken)

    def pause_writing(self) -> None:
        """The transport is full."""
        self._write_paused = True

    def resume_writing(self) -> None:
        """The transport has room again."""
        self._write_paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)
