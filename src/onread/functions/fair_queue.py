"""A queue that is fair between keys: each key in turn, and within a key first come, first served.

Owns the order alone: who waits, for what and how long is its user's. Loop only, no clock.
"""

from collections import OrderedDict, deque
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
T = TypeVar("T")


class FairQueue(Generic[K, T]):
    """What waits, by key.

    A key that comes new is served after at most one item of every other key, however many items the
    others have waiting.
    """

    def __init__(self) -> None:
        # In the order of their turns; a line without items is not kept.
        self._lines: OrderedDict[K, deque[T]] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def append(self, key: K, item: T) -> None:
        """Wait behind everything of this key."""
        line = self._lines.get(key)
        if line is None:
            line = self._lines[key] = deque()
        line.append(item)
        self._count += 1

    def keep_newest(self, count: int = 1, spared: Callable[[T], bool] = lambda _: False) -> list[T]:
        """Of every key only the last items wait on, so many, and the spared ones; the others, key by key."""
        left = []
        for line in self._lines.values():
            older = [line.popleft() for _ in range(len(line) - count)]
            line.extendleft(item for item in reversed(older) if spared(item))
            left += [item for item in older if not spared(item)]
        self._count -= len(left)
        return left

    def heads(self) -> Iterator[tuple[K, T]]:
        """The first item of every key, in the order of the turns. Not to be changed meanwhile."""
        for key, line in self._lines.items():
            yield key, line[0]

    def first(self) -> T:
        """The item whose turn it is.

        Raises:
            IndexError: nothing waits.
        """
        for line in self._lines.values():
            return line[0]
        raise IndexError("nothing waits")

    def popleft(self) -> T:
        """Take the item whose turn it is.

        Raises:
            IndexError: nothing waits.
        """
        for key in self._lines:
            return self.take(key)
        raise IndexError("nothing waits")

    def take(self, key: K) -> T:
        """Take the first item of a key; its next one waits until all others had their turn."""
        line = self._lines[key]
        item = line.popleft()
        self._forget_one(key, line)
        if line:
            self._lines.move_to_end(key)
        return item

    def remove(self, key: K, item: T) -> None:
        """An item waits no longer.

        Raises:
            ValueError: it did not wait.
        """
        line = self._lines.get(key)
        if line is None:
            raise ValueError("it does not wait")
        line.remove(item)
        self._forget_one(key, line)

    def greediest(self) -> K:
        """The key with the most items. Asked only when something waits."""
        return max(self._lines, key=lambda key: len(self._lines[key]))

    def count(self, key: K) -> int:
        """How many items of a key wait."""
        line = self._lines.get(key)
        return 0 if line is None else len(line)

    def turns_until(self, key: K) -> int:
        """How many items are taken before one of this key that came now."""
        own = self.count(key)
        return sum(
            min(len(line), own if line_key == key else own + 1) for line_key, line in self._lines.items()
        )

    def pop_newest(self, key: K) -> T:
        """Take the item of a key that came last; no turn is used up."""
        line = self._lines[key]
        item = line.pop()
        self._forget_one(key, line)
        return item

    def _forget_one(self, key: K, line: deque[T]) -> None:
        self._count -= 1
        if not line:
            del self._lines[key]
