"""What is seen of runs: counters, and each line a function wrote, in the gateway's own log at debug."""

import logging

import structlog

from onread.functions.invoker import Outcome
from onread.functions.logs import LogLine
from onread.metadata.records import Function
from onread.telemetry.logging import is_logged
from onread.telemetry.metrics import Metrics

_log = structlog.get_logger("onread.function")


def log_function_line(function: Function, line: LogLine) -> None:
    """One line of a function, under its request id."""
    if not is_logged(logging.DEBUG):  # three lines a run, at least
        return
    _log.debug("function.line", function=function.name, request_id=line.request_id, text=line.text)


class InvocationObserver:
    """Counts runs and starts; see `onread.functions.pool.Observer`."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics

    def environment_started(self, function: Function, seconds: float) -> None:
        """An environment asked for its first event."""
        self._metrics.environment_start_seconds.observe(seconds)

    def environment_ended(self, function: Function, reason: str) -> None:
        """An environment is gone."""
        _log.info("environment.ended", function=function.name, reason=reason)

    def ran(self, function: Function, outcome: Outcome, seconds: float) -> None:
        """A run is over."""
        self._metrics.invocations.labels(type(outcome).__name__.lower()).inc()
