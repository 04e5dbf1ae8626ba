"""The body of an answer, handed from its connection to its one reader through a bounded buffer."""

import asyncio
from collections import deque
from collections.abc import Callable

from onread.outbound.failures import CutAnswer, OutboundFailure
from onread.wire.message import Body

_SMALL_CHUNK_BYTES = 16 << 10


class AnswerBody(Body):
    """The bytes of one answer as they arrive.

    Raises (from iteration):
        CutAnswer: the peer stopped before the end, broke its framing, or sent nothing for the time
            allowed while the reader waited. A reader that takes its time costs the peer nothing.

    Cancellation: a cancelled read loses nothing; the next one goes on.
    """

    def __init__(
        self,
        *,
        length_bytes: int | None,
        mark_bytes: int,
        stall_seconds: float,
        reading_may_change: Callable[[], None],
    ) -> None:
        self.length_bytes = length_bytes
        self.received_bytes = 0
        self.ended = False
        self._mark_bytes = mark_bytes
        self._stall_seconds = stall_seconds
        self._reading_may_change = reading_may_change
        self._chunks: deque[bytes] = deque()
        self._buffered_bytes = 0
        self._failure: OutboundFailure | None = None
        self._reader: asyncio.Future[None] | None = None
        self._waits_since = 0.0
        self._watch: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """More is buffered than the mark allows: stop reading."""
        return self._buffered_bytes > self._mark_bytes

    def at_hand(self) -> bytes | None:
        """See `Body.at_hand`."""
        if not self.ended:
            return None
        whole = b"".join(self._chunks)
        self._chunks.clear()
        self._buffered_bytes = 0
        return whole

    async def __anext__(self) -> bytes:
        while not self._chunks:
            if self._failure is not None:
                raise self._failure
            if self.ended:
                raise StopAsyncIteration
            await self._wait()
        return self._take()

    def _take(self) -> bytes:
        chunks, was_full = self._chunks, self.full
        if len(chunks) > 1 and len(chunks[0]) < _SMALL_CHUNK_BYTES:
            taken = b"".join(chunks)
            chunks.clear()
        else:
            taken = chunks.popleft()
        self._buffered_bytes -= len(taken)
        if was_full:
            self._reading_may_change()
        return taken

    async def _wait(self) -> None:
        loop = asyncio.get_running_loop()
        self._reader = loop.create_future()
        self._waits_since = loop.time()
        if self._watch is None:
            self._watch = loop.call_later(self._stall_seconds, self._check_stall)
        try:
            await self._reader
        finally:
            self._reader = None

    def _check_stall(self) -> None:
        """One timer for as many waits as fall into its time: a large answer has thousands."""
        self._watch = None
        if self._reader is None:
            return
        loop = asyncio.get_running_loop()
        left = self._waits_since + self._stall_seconds - loop.time()
        if left > 0:
            self._watch = loop.call_later(left, self._check_stall)
        else:
            self.fail(CutAnswer("The answer paused for too long."))

    def _stop_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def push(self, chunk: bytes) -> None:
        """Take the next bytes off the wire."""
        self.received_bytes += len(chunk)
        self._chunks.append(chunk)
        self._buffered_bytes += len(chunk)
        if self.full:
            self._reading_may_change()
        self._wake()

    def finish(self) -> None:
        """The last byte has been pushed."""
        self.ended = True
        self._stop_watch()
        self._wake()

    def fail(self, failure: OutboundFailure) -> None:
        """No more bytes will come; what came is read first, and the first reason stays."""
        if not self.ended and self._failure is None:
            self._failure = failure
            self._stop_watch()
            self._wake()

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)
