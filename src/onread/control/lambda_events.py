"""Asynchronous invocations: tried again after errors, as Lambda does, until they succeed or are too old.

They wait in memory: what is open when the gateway stops is in the log, and lost.

Source: AWS Lambda Developer Guide, "How Lambda handles errors and retries with asynchronous invocation".
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from onread.control.lambda_event_config import EventRules
from onread.errors import ServiceError, TooManyRequestsException
from onread.functions.invoker import Invocation, Invoker, Outcome, Returned

# "Lambda waits one minute before the second attempt, and two minutes between the second and third."
ERROR_PAUSES_SECONDS = (60.0, 120.0)
# "The retry interval increases exponentially from 1 second after the first attempt to at most 5 minutes."
THROTTLED_SECONDS = (1.0, 300.0)

Pause = Callable[[float], Awaitable[bool]]
"""Waits so many seconds; False, perhaps sooner, when the owner is stopping."""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Asked:
    """An event that was accepted.

    Attributes:
        first: its first try.
        again: makes the next try; raises ResourceNotFoundException when the function is gone.
    """

    first: Invocation
    again: Callable[[], Invocation]
    rules: EventRules


class EventRuns:
    """Runs events that nobody waits for; the log tells what became of them."""

    def __init__(self, invoker: Invoker, *, pause: Pause) -> None:
        self._invoker = invoker
        self._pause = pause

    async def run(self, asked: Asked) -> None:
        """Try until the function returns, the tries are used up, or the event is too old."""
        too_old_at = asyncio.get_running_loop().time() + asked.rules.age_seconds
        invocation, failures, throttled_seconds = asked.first, 0, THROTTLED_SECONDS[0]
        while True:
            try:
                outcome = await self._try(invocation)
            except TooManyRequestsException as throttled:
                reason, pause_seconds = throttled.code, throttled_seconds
                throttled_seconds = min(throttled_seconds * 2, THROTTLED_SECONDS[1])
            except ServiceError as error:
                _lost(invocation, error.code)
                return
            else:
                if isinstance(outcome, Returned):
                    log.info(
                        "invoke.event_done",
                        request_id=invocation.request_id,
                        function=invocation.function.name,
                    )
                    return
                reason = type(outcome).__name__
                if failures >= asked.rules.retries:
                    _lost(invocation, reason)
                    return
                pause_seconds = ERROR_PAUSES_SECONDS[failures]
                failures += 1
            if asyncio.get_running_loop().time() + pause_seconds > too_old_at:
                _lost(invocation, reason, why="too old")
                return
            if not await self._pause(pause_seconds):
                _lost(invocation, reason, why="the gateway is stopping")
                return
            try:
                invocation = asked.again()
            except ServiceError as error:
                _lost(invocation, error.code)
                return

    async def _try(self, invocation: Invocation) -> Outcome:
        running = await self._invoker.start(invocation)
        return await asyncio.shield(running.finished)


def _lost(invocation: Invocation, reason: str, *, why: str = "not tried again") -> None:
    log.error(
        "invoke.event_lost",
        request_id=invocation.request_id,
        function=invocation.function.name,
        reason=reason,
        why=why,
    )
