"""What is measured of one transformed request: how it ended, and how long each stage took."""

import asyncio
from types import TracebackType
from typing import Self

from onread.errors import ServiceError
from onread.objectlambda.response import FunctionReportedError
from onread.telemetry.metrics import Metrics


class TransformWatch:
    """Measures from its entry to its exit; how it is left is the outcome."""

    def __init__(self, metrics: Metrics, access_point: str) -> None:
        self._metrics = metrics
        self._access_point = access_point
        self._now = asyncio.get_running_loop().time
        self._entered = self._marked = self._now()

    def __enter__(self) -> Self:
        return self

    def mark(self, stage: str) -> None:
        """The stage that began at the mark before has ended."""
        now = self._now()
        self._metrics.stages[stage].observe(now - self._marked)
        self._marked = now

    def first_byte(self) -> None:
        """The answer's head is ready to leave."""
        self._metrics.stages["first_byte"].observe(self._now() - self._entered)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self._metrics.stages["total"].observe(self._now() - self._entered)
        self._metrics.transformed.labels(self._access_point, _outcome(error)).inc()


def _outcome(error: BaseException | None) -> str:
    match error:
        case None:
            return "delivered"
        case FunctionReportedError():  # its code is the function's own, and labels are bounded
            return "reported_error"
        case ServiceError():
            return error.code
        case _:
            return "caller_left"
