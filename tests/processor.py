"""How long something keeps the processor busy."""

import time
from collections.abc import Callable


def least_seconds(work: Callable[[], object], times: int = 3) -> float:
    """The processor time of this thread for the quickest of some runs.

    What is slow is slow each time; what is slow once met a collection of garbage, or cold caches.
    """
    return min(_seconds(work) for _ in range(times))


def _seconds(work: Callable[[], object]) -> float:
    began = time.thread_time()
    work()
    return time.thread_time() - began
