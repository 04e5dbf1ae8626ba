"""What is seen of one request: its id, its log line, its metrics."""

import time
from dataclasses import dataclass, field
from typing import Self
from uuid import uuid4

import structlog

from onread.telemetry.metrics import Metrics
from onread.wire.message import Body, Request, Response

_log = structlog.get_logger("onread.request")


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
    """One request from head to last byte. Used as a context manager around its whole life.

    The request id is ours alone: a caller cannot choose it.
    """

    request: Request
    metrics: Metrics
    request_id: str = field(default_factory=lambda: str(uuid4()))
    started_at: float = field(default_factory=time.perf_counter)
    service: str = "unknown"
    operation: str = "unknown"
    target: str = ""
    caller: str = ""
    key: str = ""
    status: int = 0
    error_code: str = ""
    bytes_sent: int = 0
    first_byte_seconds: float = 0.0

    def __enter__(self) -> Self:
        return self

    def answered(self, response: Response) -> Response:
        """The response as it leaves; its body is counted."""
        self.status = response.status
        self.first_byte_seconds = time.perf_counter() - self.started_at
        if isinstance(response.body, Body):
            response.body = _CountedBody(response.body, self)
        else:
            self.bytes_sent = len(response.body)
        return response

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        seconds = time.perf_counter() - self.started_at
        self.metrics.requests.labels(self.service, self.operation, str(self.status)).inc()
        self.metrics.request_seconds.labels(self.operation).observe(seconds)
        self.metrics.bytes_sent.labels(self.operation).inc(self.bytes_sent)
        self.metrics.bytes_received.labels(self.operation).inc(self.request.body.length_bytes or 0)
        _log.info(
            "request.done",
            request_id=self.request_id,
            operation=self.operation,
            status=self.status,
            **({"error_code": self.error_code} if self.error_code else {}),
            outcome="complete" if kind is None else "cut",
            target=self.target,
            key=self.key,
            caller=self.caller,
            peer=self.request.peer,
            bytes_sent=self.bytes_sent,
            first_byte_ms=round(self.first_byte_seconds * 1000, 2),
            total_ms=round(seconds * 1000, 2),
        )
