"""The answer to whoever is sent away before anything is begun: it must cost next to nothing."""

import time
from collections.abc import Sequence

import structlog

from onread.errors import SlowDown
from onread.gateway.door_keys import S3_SERVICES
from onread.gateway.line_limit import LineLimit
from onread.gateway.observe import new_request_ids, standing_headers
from onread.protocol.error_document import render_error
from onread.sigv4.verify import claimed_credential
from onread.telemetry.metrics import Metrics
from onread.wire.message import Request

_log = structlog.get_logger("onread.gateway")


class TurningAway:
    """Counts and logs: each is counted, and one line a second tells how many there were.

    It names the peer of one of them; of one that was not read that may be a proxy.

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
        self._untold = 0

    def suits(self, request: Request) -> bool:
        """Whether it is a read of S3's; others are told in another form, and browsers are told more."""
        _, service = claimed_credential(request)
        return request.method == "GET" and service in S3_SERVICES and "origin" not in request.headers

    def __call__(self, peers: Sequence[str]) -> list[str]:
        """These are turned away; the ids of their requests."""
        self._metrics.admission_refused.inc(len(peers))
        self._metrics.requests_done(
            "s3", "unknown", self.answer.status, len(peers), seconds=0.0, received=0, sent=self._bytes
        )
        request_ids = new_request_ids(len(peers))
        self._untold += len(peers)
        if self._lines.admits(time.monotonic()):
            untold, self._untold = self._untold, 0
            _log.warning("request.turned_away", request_id=request_ids[0], peer=peers[0], requests=untold)
        return request_ids
