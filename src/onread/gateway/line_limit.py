"""How many lines of one kind are written in a second, however many there are to write (T-258)."""

from dataclasses import dataclass

LINES_PER_SECOND = 100


@dataclass(slots=True)
class LineLimit:
    """Counts the lines of each second. Not for several threads.

    Args:
        per_second: what is more is not written, and said to be so afterwards.
    """

    per_second: int = LINES_PER_SECOND
    _second: int = 0
    _written: int = 0
    _left_out: int = 0

    def admits(self, now: float) -> bool:
        """Whether one more line is written at ``now``, in seconds of a clock that never goes back."""
        if int(now) != self._second:
            self._second, self._written = int(now), 0
        self._written += 1
        if self._written <= self.per_second:
            return True
        self._left_out += 1
        return False

    def take_left_out(self) -> int:
        """How many were not written since this was last asked; to be told with a line that is."""
        left_out, self._left_out = self._left_out, 0
        return left_out
