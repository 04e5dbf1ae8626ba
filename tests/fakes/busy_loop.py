"""A loop with one thread whose time is what the work in it takes: for queues in front of a busy server."""

import heapq
from collections import deque
from collections.abc import Callable


class BusyLoop:
    """Turns as an event loop has them: what has come is looked at, then what was ready runs.

    Attributes:
        now: seconds; moves when something works, or to the next moment when nothing is ready.
    """

    def __init__(self) -> None:
        self.now = 0.0
        self._ready: deque[Callable[[], None]] = deque()
        self._coming: list[tuple[float, int, Callable[[], None]]] = []
        self._count = 0

    def call_soon(self, action: Callable[[], None]) -> None:
        self._ready.append(action)

    def call_later(self, seconds: float, action: Callable[[], None]) -> None:
        self.call_at(self.now + seconds, action)

    def call_at(self, moment: float, action: Callable[[], None]) -> None:
        """Something comes from outside; it is noticed in the first turn after its moment."""
        self._count += 1
        heapq.heappush(self._coming, (moment, self._count, action))

    def work(self, seconds: float) -> None:
        """Whoever runs takes so long."""
        self.now += seconds

    def clock(self) -> float:
        return self.now

    def run(self) -> None:
        """Until nothing is left."""
        while self._ready or self._coming:
            if not self._ready:
                self.now = max(self.now, self._coming[0][0])
            looked_at = self.now
            while self._coming and self._coming[0][0] <= looked_at:
                heapq.heappop(self._coming)[2]()
            for _ in range(len(self._ready)):
                self._ready.popleft()()
