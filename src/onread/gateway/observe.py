"""What is seen of one request: its id, its log line, its metrics."""

import os
import time
from dataclasses import dataclass, field

import structlog

from onread.gateway.line_limit import LineLimit
from onread.telemetry.metrics import Metrics
from onread.wire.message import Body, Request, Response

_NOBODY = ("", "anonymous")


def new_request_id() -> str:
    """A random UUID (version 4) as text; in a third of the time of the ``uuid`` module."""
    return _as_uuid(os.urandom(16).hex())


def new_request_ids(count: int) -> list[str]:
    """So many of them at once, which takes less of the system."""
    digits = os.urandom(16 * count).hex()
    return [_as_uuid(digits[at : at + 32]) for at in range(0, 32 * count, 32)]


def _as_uuid(digits: str) -> str:
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-8{digits[17:20]}-{digits[20:]}"


def standing_headers(request_id: str, host_id: str) -> list[tuple[str, str]]:
    """What every answer bears. Not AWS's: no browser may take an object for more than its type says."""
    return [
        ("x-amz-request-id", request_id),
        ("x-amz-id-2", host_id),
        ("X-Content-Type-Options", "nosniff"),
    ]


def request_log() -> structlog.typing.FilteringBoundLogger:
    """The log of requests as logging is configured now: bound once, it need not be at each line."""
    bound: structlog.typing.FilteringBoundLogger = structlog.get_logger("onread.request").bind()
    return bound


class _CountedBody(Body):
    """Passes a streamed body on and counts what was handed over."""

    def __init__(self, body: Body, seen: "Observation") -> None:
        self._body = body
        self._seen = seen
        self.length_bytes = body.length_bytes

    async def __anext__(self) -> bytes:
        chunk = await self._body.__anext__()
        self._seen.bytes_sent += len(chunk)
        return chunk


@dataclass(slots=True)
class Observation:
    """One request from head to last byte; whoever answers it says when it is ``done``.

    The request id is ours alone: a caller cannot choose it.

    Attributes:
        strangers: bounds the lines about refused requests of nobody known, over all requests.
        cors: the headers for browsers of other origins, on whatever the answer will be.
        resource: what an error document names; empty for those of Object Lambda, which name nothing.
    """

    request: Request
    metrics: Metrics
    log: structlog.typing.FilteringBoundLogger
    strangers: LineLimit = field(default_factory=LineLimit)
    request_id: str = field(default_factory=new_request_id)
    started_at: float = field(default_factory=time.perf_counter)
    service: str = "unknown"
    operation: str = "unknown"
    target: str = ""
    caller: str = ""
    key: str = ""
    status: int = 0
    error_code: str = ""
    resource: str = ""
    cors: list[tuple[str, str]] = field(default_factory=list)
    bytes_sent: int = 0
    first_byte_seconds: float = 0.0

    def __post_init__(self) -> None:
        self.resource = self.request.path

    def answered(self, response: Response) -> Response:
        """The response as it leaves; its body is counted."""
        self.status = response.status
        self.first_byte_seconds = time.perf_counter() - self.started_at
        if isinstance(response.body, Body):
            response.body = _CountedBody(response.body, self)
        else:
            self.bytes_sent = len(response.body)
        return response

    def done(self, *, whole: bool) -> None:
        """The last byte is with the kernel, or nobody wants it any more."""
        seconds = time.perf_counter() - self.started_at
        self.metrics.request_done(
            self.service,
            self.operation,
            self.status,
            seconds=seconds,
            received=self.request.body.length_bytes or 0,
            sent=self.bytes_sent,
        )
        if self.error_code and self.caller in _NOBODY:
            # Strangers are refused as often as they like to be: what they cause to be written is bounded.
            if not self.strangers.admits(time.monotonic()):
                return
            if left_out := self.strangers.take_left_out():
                self.log.warning("request.strangers_not_written", requests=left_out)
        self.log.info(
            "request.done",
            request_id=self.request_id,
            operation=self.operation,
            status=self.status,
            **({"error_code": self.error_code} if self.error_code else {}),
            outcome="complete" if whole else "cut",
            target=self.target,
            key=self.key,
            caller=self.caller,
            peer=self.request.peer,
            bytes_sent=self.bytes_sent,
            first_byte_ms=round(self.first_byte_seconds * 1000, 2),
            total_ms=round(seconds * 1000, 2),
        )
