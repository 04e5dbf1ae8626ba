"""How long to leave a function alone that dies at its start. Pure: time is an argument."""


class Backoff:
    """Doubles the pause after each failure, from ``first_seconds`` to ``last_seconds``."""

    def __init__(self, first_seconds: float, last_seconds: float) -> None:
        self._first_seconds = first_seconds
        self._last_seconds = last_seconds
        self._failures = 0
        self._until = float("-inf")

    def failed(self, now: float) -> None:
        """A start failed. One that fails while the pause runs does not lengthen it."""
        if now < self._until:
            return
        self._until = now + min(self._first_seconds * 2.0**self._failures, self._last_seconds)
        self._failures = min(self._failures + 1, 32)

    def succeeded(self) -> None:
        """A start worked: the next failure begins anew."""
        self._failures = 0
        self._until = float("-inf")

    def remaining_seconds(self, now: float) -> float:
        """What is left of the pause; 0 when a start may be tried."""
        return max(0.0, self._until - now)
