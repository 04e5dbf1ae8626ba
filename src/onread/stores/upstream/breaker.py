"""A store that is gone is not asked by everybody: one asks, the others are told to come again."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from onread.errors import SlowDown

FAILURES_TO_OPEN = 5
FIRST_PAUSE_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 16.0


class Breaker:
    """Closed while the store answers; open for a growing pause when it does not; then one request probes.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._open_until: float | None = None
        self._probing = False

    @property
    def is_open(self) -> bool:
        """Nobody but a probe gets through."""
        return self._open_until is not None

    @contextmanager
    def passage(self) -> Iterator[None]:
        """One request's way to the store. Leave it by `answered` or `failed`; else it says nothing.

        Raises:
            SlowDown: the store is gone, and it is not yet time, or not our turn, to look again.
        """
        probe = self._open_until is not None
        if probe:
            left = self._open_until - self._clock() if self._open_until is not None else 0.0
            if left > 0 or self._probing:
                raise SlowDown("The store does not answer.", retry_after_seconds=max(1, round(left)))
            self._probing = True
        try:
            yield
        finally:
            if probe:
                self._probing = False

    def answered(self) -> None:
        """The store is there, whatever it said."""
        self._failures = 0
        self._pause_seconds = FIRST_PAUSE_SECONDS
        self._open_until = None

    def failed(self) -> None:
        """The store could not be reached, or said nothing."""
        self._failures += 1
        if self._open_until is None and self._failures < FAILURES_TO_OPEN:
            return
        now = self._clock()
        if self._open_until is not None and now < self._open_until:
            return  # one that was under way when it opened
        self._open_until = now + self._pause_seconds
        self._pause_seconds = min(2 * self._pause_seconds, LONGEST_PAUSE_SECONDS)
