"""One request and its answer: what of them has come to pass, told to the one who waits."""

import asyncio
from collections.abc import Callable

from onread.outbound.answer import AnswerBody
from onread.outbound.failures import CutAnswer, LateAnswer
from onread.wire.message import Response


class Exchange:
    """Outlives the connection's interest in it: a small answer may be whole before its reader wakes.

    Attributes:
        sent_whole: the last byte of the request has been written.
        response: set when the head of the answer has come.
        failure: why there is no answer, or no end of it.
    """

    def __init__(
        self, loop: asyncio.AbstractEventLoop, release: Callable[[], None], first_byte_seconds: float
    ) -> None:
        self.sent_whole = False
        self.response: Response | None = None
        self.answer: AnswerBody | None = None
        self.failure: BaseException | None = None
        self._loop = loop
        self._release = release
        self._first_byte_seconds = first_byte_seconds
        self._waiter: asyncio.Future[None] | None = None
        self._timer: asyncio.TimerHandle | None = None

    @property
    def full(self) -> bool:
        """The reader of the answer is behind: take nothing more off the wire."""
        return self.answer is not None and self.answer.full

    @property
    def _settled(self) -> bool:
        return self.response is not None or self.failure is not None

    def sent(self, late: Callable[[BaseException], None]) -> None:
        """The request is on its way, whole: ``late`` is called when no answer comes in time."""
        self.sent_whole = True
        if not self._settled:
            reason = LateAnswer("The server did not answer in time.")
            self._timer = self._loop.call_later(self._first_byte_seconds, late, reason)

    async def settled(self) -> None:
        """Wait until the head of an answer has come, or none will."""
        if not self._settled:
            self._waiter = self._loop.create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
                self._stop_timer()

    def take_head(self, response: Response, answer: AnswerBody) -> None:
        """The head of the answer has come."""
        self.response, self.answer = response, answer
        self._settle()

    def fail(self, failure: BaseException) -> None:
        """There is nothing more to come; what came is read first."""
        self.failure = failure
        if self.answer is not None:
            self.answer.fail(failure if isinstance(failure, CutAnswer) else CutAnswer(str(failure)))
        self._settle()

    def end(self) -> None:
        """The connection has no more to do with it."""
        self._release()

    def _settle(self) -> None:
        self._stop_timer()
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
