"""The body of a request, handed from the parser to its one reader through a bounded buffer."""

import asyncio
from collections import deque
from typing import Protocol

from onread.errors import IncompleteBody, RequestTimeout, ServiceError
from onread.wire.message import Body

# Below this the chunks of a burst are joined: a reader pays for each one it is handed.
_SMALL_CHUNK_BYTES = 16 << 10


class Upstream(Protocol):
    """What a body asks of the connection it comes from."""

    def send_continue(self) -> None:
        """Tell the waiting client to send its body."""

    def reading_may_change(self) -> None:
        """The buffer has passed its mark, one way or the other."""


class NoBody(Body):
    """The body of a request that announced none; one serves all of them."""

    length_bytes = 0
    ended = True
    settled = True

    async def __anext__(self) -> bytes:
        raise StopAsyncIteration

    def worth_draining(self, limit_bytes: int) -> bool:
        """Nothing is left of it."""
        return True

    async def discard(self) -> None:
        """Nothing is left of it."""


NO_BODY = NoBody()


class IncomingBody(Body):
    """The bytes of one request as they arrive.

    Iteration raises `IncompleteBody` when the sender stops, breaks the chunk framing or leaves, and
    `RequestTimeout` when it sends nothing for ``stall_limit_seconds`` while the reader waits. The
    limit may be set at any time; None leaves the sender to its reader's own deadline.

    Cancellation: a cancelled read loses nothing; the next one goes on.
    """

    # Where every body begins; most small ones never get further.
    stall_limit_seconds: float | None = None
    received_bytes = 0
    ended = False
    _buffered_bytes = 0
    _failure: ServiceError | None = None
    _reader: asyncio.Future[None] | None = None
    _discarding = False
    _quiet_since: float | None = None

    def __init__(
        self, upstream: Upstream, *, length_bytes: int | None, continue_expected: bool, mark_bytes: int
    ) -> None:
        self.length_bytes = length_bytes
        self.continue_expected = continue_expected
        self._upstream = upstream
        self._mark_bytes = mark_bytes
        self._chunks: deque[bytes] = deque()

    # The reader's side

    def let_sender_pause(self) -> None:
        """See `Body.let_sender_pause`."""
        self.stall_limit_seconds = None

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._failure is not None:
                raise type(self._failure)(self._failure.text)
            if self.ended:
                raise StopAsyncIteration
            await self._wait()
        return self._take()

    def _take(self) -> bytes:
        chunks = self._chunks
        over_mark = self._buffered_bytes > self._mark_bytes
        if len(chunks) > 1 and len(chunks[0]) < _SMALL_CHUNK_BYTES:
            taken = b"".join(chunks)
            chunks.clear()
        else:
            taken = chunks.popleft()
        self._buffered_bytes -= len(taken)
        if over_mark:
            self._upstream.reading_may_change()
        return taken

    async def _wait(self) -> None:
        if self.continue_expected:
            self.continue_expected = False
            self._upstream.send_continue()
        self._reader = asyncio.get_running_loop().create_future()
        self._quiet_since = None
        try:
            await self._reader
        finally:
            self._reader = None

    async def discard(self) -> None:
        """Throw away what is buffered and what is still to come, to the end or the failure."""
        self._discarding = True
        self._chunks.clear()
        self._buffered_bytes = 0
        self._upstream.reading_may_change()
        while not self.ended and self._failure is None:
            await self._wait()

    # The connection's side

    @property
    def full(self) -> bool:
        """More is buffered than the mark allows: stop reading."""
        return self._buffered_bytes > self._mark_bytes

    @property
    def settled(self) -> bool:
        """Nothing more will come, well or badly."""
        return self.ended or self._failure is not None

    def worth_draining(self, limit_bytes: int) -> bool:
        """Whether what is still to come is known, little and on its way (T-056)."""
        if self.ended:
            return True
        if self.settled or self.continue_expected or self.length_bytes is None:
            return False
        return self.length_bytes - self.received_bytes <= limit_bytes

    def push(self, chunk: bytes) -> None:
        """Take the next bytes off the wire."""
        self.received_bytes += len(chunk)
        self.continue_expected = False
        self._quiet_since = None
        if self._discarding:
            return
        self._chunks.append(chunk)
        self._buffered_bytes += len(chunk)
        if self._buffered_bytes > self._mark_bytes:
            self._upstream.reading_may_change()
        self._wake()

    def finish(self) -> None:
        """The last byte has been pushed."""
        self.ended = True
        self._wake()

    def fail(self, failure: ServiceError) -> None:
        """No more bytes will come; the first reason stays."""
        if not self.settled:
            self._failure = failure
            self._wake()

    def leave(self) -> None:
        """The sender is gone."""
        self.fail(IncompleteBody())

    def check_stall(self, now: float) -> None:
        """Fail the body when its reader has waited for a byte for longer than the limit."""
        limit = self.stall_limit_seconds
        if self._reader is None or limit is None or self.settled:
            return
        if self._quiet_since is None:
            self._quiet_since = now
        elif now - self._quiet_since >= limit:
            self.fail(RequestTimeout())

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
