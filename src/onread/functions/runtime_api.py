"""The Lambda Runtime API 2018-06-01 for one execution environment, as a `Handler`.

Each environment has a listener of its own, so the listener says who is asking and no path needs to be
trusted. Which call is allowed when is decided by the table in ``environment``; this module only
translates between it and HTTP. It knows no process: its owner does.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes"; refusals as the
runtime interface emulator words them.
"""

import asyncio
import secrets
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Protocol

from onread.errors import IncompleteBody, MaxMessageLengthExceeded
from onread.functions.environment import Event, Machine, RefusedTransition, State
from onread.functions.failures import (
    RESPONSE_LIMIT_BYTES,
    parse_reported_error,
    render_error_document,
    response_too_large,
)
from onread.functions.invoker import Failed, Invocation, Returned
from onread.wire.frozen import frozen
from onread.wire.message import Request, Response

_PREFIX = "/2018-06-01/runtime/"
_JSON = ("Content-Type", "application/json")
_ACCEPTED = b'{"status":"OK"}\n'


@frozen(kw_only=True)
class Delivery:
    """One event as ``/next`` hands it over. ``deadline_ms`` is epoch milliseconds."""

    request_id: str
    event: bytes
    deadline_ms: int
    function_arn: str
    trace_id: str
    client_context: str = ""


def build_delivery(invocation: Invocation, deadline: datetime) -> Delivery:
    """The event with its headers; ``deadline`` is aware. The trace is never sampled: nobody collects it."""
    epoch_seconds = int(deadline.timestamp())
    root = f"1-{epoch_seconds:08x}-{secrets.token_hex(12)}"
    return Delivery(
        request_id=invocation.request_id,
        event=invocation.event,
        deadline_ms=int(deadline.timestamp() * 1000),
        function_arn=invocation.invoked_arn or invocation.function.arn,
        trace_id=f"Root={root};Parent={secrets.token_hex(8)};Sampled=0",
        client_context=invocation.client_context,
    )


class Owner(Protocol):
    """Whoever watches over the environment. Every call is made inside the event loop and returns at once."""

    def became_idle(self) -> None:
        """The runtime waits for an event; ``RuntimeApi.invoke`` may be called, now or later."""

    def left(self) -> None:
        """The runtime no longer waits: its connection broke."""

    def init_failed(self, error: Failed) -> None:
        """The runtime reported that it cannot initialise; it will exit."""

    def answered(self, outcome: Returned | Failed) -> None:
        """The run has its outcome."""


class RuntimeApi:
    """The four requests of the Runtime API over one environment's state."""

    def __init__(self, owner: Owner) -> None:
        self.machine = Machine()
        self._owner = owner
        self._delivery: Delivery | None = None
        self._offer: asyncio.Future[Delivery] | None = None

    @property
    def ready(self) -> bool:
        """Whether a runtime waits for an event at this moment."""
        return self.machine.state is State.IDLE and self._offer is not None and not self._offer.done()

    def invoke(self, delivery: Delivery) -> None:
        """Answer the waiting ``/next``. Only while `ready`."""
        assert self._offer is not None
        self.machine.fire(Event.INVOKE)
        self._delivery = delivery
        self._offer.set_result(delivery)

    def handle(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Serve one request of the runtime (a `Handler`). ``/next`` waits without a limit of its own.

        Cancellation: a runtime that goes away while it waits leaves nothing behind.
        """
        return _Answering(self, request)

    async def answer(self, request: Request) -> Response:
        """The answer to one request: nothing of it stays open."""
        try:
            return await self._route(request)
        except RefusedTransition as refused:
            message = (
                f"Transition from {refused.state.value} is not allowed: the runtime {refused.event.value}."
            )
            return _refusal(403, "InvalidStateTransition", message)
        except IncompleteBody as error:
            return _refusal(400, "InvalidRequestBody", error.text)

    async def _route(self, request: Request) -> Response:
        parts = request.path.removeprefix(_PREFIX).split("/") if request.path.startswith(_PREFIX) else []
        match (request.method, *parts):
            case ("GET", "invocation", "next"):
                return await self._next()
            case ("POST", "invocation", request_id, "response"):
                return await self._response(request, request_id)
            case ("POST", "invocation", request_id, "error"):
                return await self._error(request, request_id)
            case ("POST", "init", "error"):
                return await self._init_error(request)
        return _refusal(404, "NotFound", "The Runtime API 2018-06-01 has no such call.")

    async def _next(self) -> Response:
        self.machine.fire(Event.NEXT)
        offer = self._offer = asyncio.get_running_loop().create_future()
        self._owner.became_idle()
        try:
            delivery = await offer
        except asyncio.CancelledError:
            if self.machine.state is State.IDLE:
                self.machine.fire(Event.LEFT)
                self._owner.left()
            raise
        return Response(status=200, headers=_event_headers(delivery), body=delivery.event)

    async def _response(self, request: Request, request_id: str) -> Response:
        if not self._is_current(request_id):
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        self._check(Event.RESPONSE)
        try:
            payload = await request.body.read(RESPONSE_LIMIT_BYTES)
        except MaxMessageLengthExceeded:
            self.machine.fire(Event.ERROR)
            self._owner.answered(response_too_large())
            message = f"Exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
            return _refusal(413, "RequestEntityTooLarge", message)
        self.machine.fire(Event.RESPONSE)
        self._owner.answered(Returned(payload))
        return Response(status=202, headers=[_JSON], body=_ACCEPTED)

    async def _error(self, request: Request, request_id: str) -> Response:
        if not self._is_current(request_id):
            return _refusal(400, "InvalidRequestID", "Invalid request ID")
        self._check(Event.ERROR)
        error = await _read_error(request)
        self.machine.fire(Event.ERROR)
        self._owner.answered(error)
        return Response(status=202, headers=[_JSON], body=_ACCEPTED)

    async def _init_error(self, request: Request) -> Response:
        self._check(Event.INIT_ERROR)
        error = await _read_error(request)
        self.machine.fire(Event.INIT_ERROR)
        self._owner.init_failed(error)
        return Response(status=202, headers=[_JSON], body=_ACCEPTED)

    def _is_current(self, request_id: str) -> bool:
        return self._delivery is not None and self._delivery.request_id == request_id

    def _check(self, event: Event) -> None:
        """Refuse before the body is read; firing after it refuses the second of two at once."""
        if not self.machine.allows(event):
            raise RefusedTransition(self.machine.state, event)


class _Answering(AbstractAsyncContextManager[Response]):
    """The scope of an answer that needs none. A plain class: there are two for each run of a function."""

    __slots__ = ("_api", "_request")

    def __init__(self, api: RuntimeApi, request: Request) -> None:
        self._api = api
        self._request = request

    async def __aenter__(self) -> Response:
        return await self._api.answer(self._request)

    async def __aexit__(self, *_why: object) -> None:
        return


async def _read_error(request: Request) -> Failed:
    """The reported error; one that is too large keeps its type and loses its document."""
    header = request.headers.get("lambda-runtime-function-error-type")
    try:
        return parse_reported_error(await request.body.read(RESPONSE_LIMIT_BYTES), header)
    except MaxMessageLengthExceeded:
        return parse_reported_error(b"", header)


def _event_headers(delivery: Delivery) -> list[tuple[str, str]]:
    context = delivery.client_context
    # awslambdaric 4.2.2 dies with SIGSEGV without Content-Type and hangs without the trace id.
    return [
        _JSON,
        ("Lambda-Runtime-Aws-Request-Id", delivery.request_id),
        ("Lambda-Runtime-Deadline-Ms", str(delivery.deadline_ms)),
        ("Lambda-Runtime-Invoked-Function-Arn", delivery.function_arn),
        ("Lambda-Runtime-Trace-Id", delivery.trace_id),
        *((("Lambda-Runtime-Client-Context", context),) if context else ()),
    ]


def _refusal(status: int, error_type: str, message: str) -> Response:
    return Response(status=status, headers=[_JSON], body=render_error_document(message, error_type))
