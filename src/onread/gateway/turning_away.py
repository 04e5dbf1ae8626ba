"""The answer to whoever is sent away before anything is begun: it must cost next to nothing."""

import time

import structlog

from onread.errors import SlowDown
from onread.gateway.line_limit import LineLimit
from onread.gateway.observe import new_request_id, standing_headers
from onread.protocol.error_document import render_error
from onread.sigv4.verify import claimed_credential
from onread.telemetry.metrics import Metrics
from onread.wire.message import Request

_log = structlog.get_logger("onread.gateway")
_S3 = frozenset({None, "s3", "s3-object-lambda"})


class TurningAway:
    """Counts and logs: each is counted, and one line a second tells how many there were.

    Args:
        placeholder: stands in ``answer`` for the id of the request.

    Attributes:
        answer: S3's document, made once for all.
    """

    def __init__(self, metrics: Metrics, *, host_id: str, placeholder: str) -> None:
        self.answer = render_error(
            SlowDown(retry_after_seconds=1),
            service="s3",
            request_id=placeholder,
            host_id=host_id,
            resource="",
            head=False,
        )
        self.answer.headers += standing_headers(placeholder, host_id)
        self._metrics = metrics
        self._bytes = len(self.answer.body) if isinstance(self.answer.body, bytes) else 0
        self._lines = LineLimit(per_second=1)

    def __call__(self, request: Request) -> str | None:
        """A read of S3's is turned away; its id. None where it is told in another form, or to a browser."""
        _, service = claimed_credential(request)
        if request.method != "GET" or service not in _S3 or "origin" in request.headers:
            return None
        request_id = new_request_id()
        self._metrics.admission_refused.inc()
        self._metrics.request_done(
            "s3", "unknown", self.answer.status, seconds=0.0, received=0, sent=self._bytes
        )
        if self._lines.admits(time.monotonic()):
            requests = 1 + self._lines.take_left_out()
            _log.warning("request.turned_away", request_id=request_id, peer=request.peer, requests=requests)
        return request_id
