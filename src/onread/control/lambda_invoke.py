"""Lambda API: Invoke, waiting for the result, in the background, or dry; and its two relatives."""

import asyncio
import base64
import binascii
import json
import random
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

import orjson

from onread.control.call import ControlCall, Operations
from onread.control.function_names import asked_arn, find_version, read_qualifier
from onread.control.lambda_event_config import event_rules
from onread.control.lambda_events import Asked, EventRuns, Pause
from onread.errors import (
    InvalidParameterValueException,
    InvalidRequestContentException,
    RecursiveInvocationException,
    RequestTooLargeException,
)
from onread.functions.invoker import Failed, Invocation, Invoker, Outcome, Returned
from onread.metadata.facade import Records
from onread.protocol.event_stream import CONTENT_TYPE, encode_event
from onread.wire.output import Output

MOST_PAYLOAD_BYTES = 6 * 1024 * 1024
MOST_EVENT_BYTES = 1024 * 1024
MOST_CONTEXT_BYTES = 3583
# Source: AWS Lambda Developer Guide, "Lambda recursive loop detection": approximately sixteen.
MOST_NESTED = 16
QUEUE_SECONDS = 10
"""How long an invocation waits for an environment, beyond the function's own timeout."""

_LONGEST_AT_ONCE = 64 << 10  # bytes of an event that are parsed while others wait (T-259)

Spawn = Callable[[Callable[[], Awaitable[None]], Callable[[], AsyncExitStack]], None]
"""Runs something in the owner's task group, with what its request held until then.

Raises TooManyRequestsException when that is full.
"""


class LambdaInvokeOperations:
    """Invoke, InvokeAsync and InvokeWithResponseStream.

    Args:
        spawn: owns the runs of events, which go on after their answer.
        pause: waits between two tries of an event, while the owner lives.
        draw: from 0 up to 1, equally likely everywhere: divides the invocations of an alias with weights.
    """

    def __init__(
        self,
        records: Records,
        *,
        invoker: Invoker,
        spawn: Spawn,
        pause: Pause,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self._records = records
        self._invoker = invoker
        self._spawn = spawn
        self._draw = draw
        self._events = EventRuns(invoker, pause=pause)

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "Invoke": self.invoke,
            "InvokeAsync": self.invoke_async,
            "InvokeWithResponseStream": self.invoke_with_response_stream,
        }

    async def invoke(self, call: ControlCall) -> Output:
        """Invoke.

        Cancellation: a run that somebody waited for is abandoned; an event goes on.
        """
        if len(call.principal.chain) >= MOST_NESTED:
            raise RecursiveInvocationException(
                f"These runs are nested {MOST_NESTED} deep: Lambda has stopped what looks like a loop."
            )
        match call.params.get("InvocationType") or "RequestResponse":
            case "DryRun":
                await self._read(call, call.params.get("Payload"), MOST_PAYLOAD_BYTES)
                return Output(members={"StatusCode": 204}, status=204)
            case "Event":
                await self._start_event(call, call.params.get("Payload"))
                return Output(members={"StatusCode": 202}, status=202)
            case "RequestResponse":
                outcome, members = await self._run(call)
            case other:
                raise InvalidParameterValueException(
                    f"InvocationType {other[:40]!r} is none of RequestResponse, Event and DryRun."
                )
        members |= {"StatusCode": 200, "Payload": outcome.payload}
        if not isinstance(outcome, Returned):
            members["FunctionError"] = _function_error(outcome)
        return Output(members=members)

    async def invoke_async(self, call: ControlCall) -> Output:
        """InvokeAsync, the deprecated form of an Event."""
        await self._start_event(call, call.params.get("InvokeArgs"))
        return Output(members={"Status": 202}, status=202)

    async def invoke_with_response_stream(self, call: ControlCall) -> Output:
        """InvokeWithResponseStream: functions return whole results, so it is a stream of one chunk."""
        if call.params.get("InvocationType") == "DryRun":
            await self._read(call, call.params.get("Payload"), MOST_PAYLOAD_BYTES)
            return Output(members={"StatusCode": 204}, status=204)
        outcome, members = await self._run(call)
        complete: dict[str, str] = {}
        if not isinstance(outcome, Returned):
            complete["ErrorCode"] = _function_error(outcome)
            complete["ErrorDetails"] = outcome.payload.decode("utf-8", "replace")
        if "LogResult" in members:
            complete["LogResult"] = members.pop("LogResult")
        body = encode_event("PayloadChunk", "application/octet-stream", outcome.payload)
        body += encode_event("InvokeComplete", "application/json", orjson.dumps(complete))
        members["ResponseStreamContentType"] = "application/octet-stream"
        return Output(members=members, body=body, extra_headers=[("Content-Type", CONTENT_TYPE)])

    async def _run(self, call: ControlCall) -> tuple[Outcome, dict[str, Any]]:
        """The outcome, and the members that tell of it beside the payload."""
        if call.params.get("LogType") not in (None, "", "None", "Tail"):
            raise InvalidParameterValueException("LogType is None or Tail.")
        invocation = await self._read(call, call.params.get("Payload"), MOST_PAYLOAD_BYTES)
        running = await self._invoker.start(invocation)
        try:
            outcome = await asyncio.shield(running.finished)
        finally:
            running.abandon()  # does nothing after the end
        members = {"ExecutedVersion": invocation.function.version}
        if call.params.get("LogType") == "Tail":
            members["LogResult"] = base64.b64encode(running.log_tail).decode()
        return outcome, members

    async def _start_event(self, call: ControlCall, payload: bytes | None) -> None:
        invocation = await self._read(call, payload, MOST_EVENT_BYTES)
        rules = event_rules(self._records, invocation.function, read_qualifier(call))

        def again() -> Invocation:
            """The same event, for what the name means by then."""
            function = find_version(self._records, call, draw=self._draw())
            return replace(invocation, function=function, deadline=_deadline(function.timeout_seconds))

        self._spawn(lambda: self._events.run(Asked(invocation, again, rules)), call.take_scope)

    async def _read(self, call: ControlCall, payload: bytes | None, most_bytes: int) -> Invocation:
        function = find_version(self._records, call, draw=self._draw())
        return Invocation(
            request_id=call.request_id,
            function=function,
            event=await _read_event(payload, most_bytes),
            deadline=_deadline(function.timeout_seconds),
            caller=call.principal.arn,
            invoked_arn=asked_arn(function, read_qualifier(call)),
            chain=call.principal.chain,
            client_context=_read_client_context(call.params.get("ClientContext")),
        )


def _deadline(timeout_seconds: float) -> float:
    return asyncio.get_running_loop().time() + timeout_seconds + QUEUE_SECONDS


async def _read_event(payload: bytes | None, most_bytes: int) -> bytes:
    """The event; without a payload it is an empty structure, as on AWS."""
    event = payload or b"{}"
    if len(event) > most_bytes:
        raise RequestTooLargeException(
            f"Request must be smaller than {most_bytes} bytes for the InvokeFunction operation"
        )
    try:
        if len(event) <= _LONGEST_AT_ONCE:
            orjson.loads(event)
        else:
            await asyncio.to_thread(orjson.loads, event)
    except orjson.JSONDecodeError as error:
        raise InvalidRequestContentException(f"Could not parse request body into json: {error}") from error
    return event


def _read_client_context(text: str | None) -> str:
    """The caller's context as JSON in ASCII, as it goes into a header of the Runtime API."""
    if not text:
        return ""
    try:
        if len(text) > MOST_CONTEXT_BYTES:
            raise ValueError(f"longer than {MOST_CONTEXT_BYTES} bytes")
        context = json.loads(base64.b64decode(text, validate=True))
        if not isinstance(context, dict):
            raise ValueError("no object")
    except (ValueError, RecursionError, binascii.Error) as error:
        raise InvalidRequestContentException(
            "Client context must be a valid Base64-encoded JSON object of at most "
            f"{MOST_CONTEXT_BYTES} bytes."
        ) from error
    return json.dumps(context)


def _function_error(outcome: Outcome) -> str:
    """A runtime that says Handled is believed; everything else Lambda calls Unhandled."""
    handled = isinstance(outcome, Failed) and outcome.error_type == "Handled"
    return "Handled" if handled else "Unhandled"
