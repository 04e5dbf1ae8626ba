"""Lambda API: Invoke, waiting for the result, in the background, or dry."""

import asyncio
import base64
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import orjson
import structlog

from onread.control.call import ControlCall, Operations
from onread.control.function_names import asked_arn, find_version, read_qualifier
from onread.errors import (
    InvalidParameterValueException,
    InvalidRequestContentException,
    RequestTooLargeException,
    ServiceError,
)
from onread.functions.invoker import Failed, Invocation, Invoker, Outcome, Returned
from onread.metadata.facade import Records
from onread.metadata.records import Function
from onread.wire.output import Output

MOST_PAYLOAD_BYTES = 6 * 1024 * 1024
QUEUE_SECONDS = 10
"""How long an invocation waits for an environment, beyond the function's own timeout."""

_LONGEST_AT_ONCE = 64 << 10  # bytes of an event that are parsed while others wait (T-259)

Spawn = Callable[[Callable[[], Awaitable[None]], Callable[[], AsyncExitStack]], None]
"""Runs something in the owner's task group, with what its request held until then.

Raises TooManyRequestsException when that is full.
"""

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Asked:
    """The version that runs, and the function's ARN as it was asked for."""

    function: Function
    arn: str


class LambdaInvokeOperations:
    """Invoke.

    Args:
        spawn: owns the runs of events, which go on after their answer.
        draw: from 0 up to 1, equally likely everywhere: divides the invocations of an alias with weights.
    """

    def __init__(
        self, records: Records, *, invoker: Invoker, spawn: Spawn, draw: Callable[[], float] = random.random
    ) -> None:
        self._draw = draw
        self._records = records
        self._invoker = invoker
        self._spawn = spawn

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {"Invoke": self.invoke}

    async def invoke(self, call: ControlCall) -> Output:
        """Invoke.

        Cancellation: a run that somebody waited for is abandoned; an event goes on.
        """
        asked = self._asked(call)
        event = await _read_event(call)
        match call.params.get("InvocationType") or "RequestResponse":
            case "DryRun":
                return Output(members={"StatusCode": 204}, status=204)
            case "Event":
                self._spawn(lambda: self._run_event(call, asked, event), call.take_scope)
                return Output(members={"StatusCode": 202}, status=202)
            case "RequestResponse":
                return await self._run_and_wait(call, asked, event)
            case other:
                raise InvalidParameterValueException(
                    f"InvocationType {other[:40]!r} is none of RequestResponse, Event and DryRun."
                )

    def _asked(self, call: ControlCall) -> _Asked:
        function = find_version(self._records, call, draw=self._draw())
        return _Asked(function, asked_arn(function, read_qualifier(call)))

    async def _run_and_wait(self, call: ControlCall, asked: _Asked, event: bytes) -> Output:
        running = await self._invoker.start(_invocation(call, asked, event))
        try:
            outcome = await asyncio.shield(running.finished)
        finally:
            running.abandon()  # does nothing after the end
        members = {"StatusCode": 200, "ExecutedVersion": asked.function.version, "Payload": outcome.payload}
        if not isinstance(outcome, Returned):
            members["FunctionError"] = _function_error(outcome)
        if call.params.get("LogType") == "Tail":
            members["LogResult"] = base64.b64encode(running.log_tail).decode()
        return Output(members=members)

    async def _run_event(self, call: ControlCall, asked: _Asked, event: bytes) -> None:
        """Nobody waits for the result, so the log tells what became of it."""
        request_id, function = call.request_id, asked.function
        try:
            running = await self._invoker.start(_invocation(call, asked, event))
            outcome = await asyncio.shield(running.finished)
        except ServiceError as error:
            log.error(
                "invoke.event_lost",
                request_id=request_id,
                function=function.name,
                code=error.code,
                reason=error.text,
            )
            return
        if isinstance(outcome, Returned):
            log.info("invoke.event_done", request_id=request_id, function=function.name)
        else:
            log.error(
                "invoke.event_failed",
                request_id=request_id,
                function=function.name,
                outcome=type(outcome).__name__,
            )


def _invocation(call: ControlCall, asked: _Asked, event: bytes) -> Invocation:
    allowed_seconds = asked.function.timeout_seconds + QUEUE_SECONDS
    return Invocation(
        request_id=call.request_id,
        function=asked.function,
        event=event,
        deadline=asyncio.get_running_loop().time() + allowed_seconds,
        caller=call.principal.arn,
        invoked_arn=asked.arn,
    )


async def _read_event(call: ControlCall) -> bytes:
    """The event; without a payload it is an empty structure, as on AWS."""
    payload: bytes = call.params.get("Payload") or b"{}"
    if len(payload) > MOST_PAYLOAD_BYTES:
        raise RequestTooLargeException(
            f"Request must be smaller than {MOST_PAYLOAD_BYTES} bytes for the InvokeFunction operation"
        )
    try:
        if len(payload) <= _LONGEST_AT_ONCE:
            orjson.loads(payload)
        else:
            await asyncio.to_thread(orjson.loads, payload)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestContentException(f"Could not parse request body into json: {error}") from error
    return payload


def _function_error(outcome: Outcome) -> str:
    """A runtime that says Handled is believed; everything else Lambda calls Unhandled."""
    handled = isinstance(outcome, Failed) and outcome.error_type == "Handled"
    return "Handled" if handled else "Unhandled"
