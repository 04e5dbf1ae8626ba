"""What becomes of the requests to one store, counted and timed."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from onread.errors import SlowDown
from onread.outbound.failures import Busy, LateAnswer, NoAnswer, OutboundFailure, Unreachable
from onread.telemetry.metrics import Metrics

_OUTCOMES: dict[type[BaseException], str] = {
    Busy: "busy",
    Unreachable: "unreachable",
    NoAnswer: "no_answer",
    LateAnswer: "late",
    SlowDown: "not_asked",
}


class StoreMetrics:
    """The metrics of one store."""

    def __init__(self, metrics: Metrics, store: str) -> None:
        self._store = store
        self._requests = metrics.store_requests
        self._seconds = metrics.store_seconds.labels(store)

    @contextmanager
    def request(self) -> Iterator[list[int]]:
        """One request, from its first byte to the head of the answer, whose status the caller appends."""
        begin, status = perf_counter(), list[int]()
        try:
            yield status
        except (OutboundFailure, SlowDown) as failure:
            self._count(_OUTCOMES.get(type(failure), "broken"))
            raise
        if status:
            self._seconds.observe(perf_counter() - begin)
            self._count(f"{status[0] // 100}xx")

    def _count(self, outcome: str) -> None:
        self._requests.labels(self._store, outcome).inc()
