"""One run: what whoever started it holds in hand."""

import asyncio
from collections.abc import Callable

from onread.functions.invoker import Failed, Invocation, Outcome


class Run:
    """An invocation that an environment has, or one that is over (`onread.functions.invoker.Running`).

    Attributes:
        environment_id: the environment that runs it; empty when none could be started.
        finished: set once with the outcome; never raises.
        log_tail: the last 4 KiB of log, complete when ``finished`` is set.
    """

    __slots__ = ("_on_abandon", "environment_id", "finished", "invocation", "log_tail")

    def __init__(
        self, invocation: Invocation, environment_id: str, on_abandon: Callable[["Run"], None]
    ) -> None:
        self.invocation = invocation
        self.environment_id = environment_id
        self.finished: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.log_tail = b""
        self._on_abandon = on_abandon

    def abandon(self) -> None:
        """See `Running.abandon`."""
        if not self.finished.done():
            self._on_abandon(self)

    def finish(self, outcome: Outcome, log_tail: bytes = b"") -> None:
        """Tell the outcome. Does nothing the second time, or when whoever waits has cancelled the future."""
        if not self.finished.done():
            self.log_tail = log_tail
            self.finished.set_result(outcome)


def never_started(invocation: Invocation, outcome: Outcome) -> Run:
    """A run that was over before it began: its function could not be started."""
    run = Run(invocation, "", _nothing_to_abandon)
    text = outcome.payload if isinstance(outcome, Failed) else b""
    run.finish(outcome, text[-4096:])
    return run


def _nothing_to_abandon(_run: Run) -> None:
    return None
