"""How many may be in, and in what order the others come in: counts and a queue. No task, no waiting.

A request counts under a key. Keys take turns in the queue, and none may hold everything.
"""

from collections.abc import Callable
from dataclasses import dataclass

from onread.functions.fair_queue import FairQueue

Clock = Callable[[], float]
"""Monotonic seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
    """How much may go on at once. No limit, however small, keeps a request that comes alone out.

    Attributes:
        in_flight: requests from their head to the last byte of their answer.
        memory_bytes: what they may hold, added up; see `onread.gateway.admission.weight_bytes`.
        waiting: requests that wait for room.
        patience_seconds: how long one waits at most, so that it is answered within a second.
        standing_seconds, short_patience_seconds: a key that has had requests waiting for so long without
            a break asks for more than there is: its next ones wait less, for they would only grow old.
    """

    in_flight: int = 1024
    memory_bytes: int = 512 << 20
    waiting: int = 1024
    patience_seconds: float = 0.9
    standing_seconds: float = 1.0
    short_patience_seconds: float = 0.1

    @property
    def in_flight_per_key(self) -> int:
        """A quarter is never one key's: whoever comes new finds room, however slow a busy key's are."""
        return max(1, self.in_flight - self.in_flight // 4)

    @property
    def memory_bytes_per_key(self) -> int:
        """See ``in_flight_per_key``."""
        return self.memory_bytes - self.memory_bytes // 4


@dataclass(slots=True, eq=False)
class Place:
    """A place in the queue; ``decide`` is called once: True, come in, or False, make way."""

    key: str
    weight: int
    decide: Callable[[bool], None]


@dataclass(slots=True)
class _Share:
    """What one key holds, and since when it has had requests waiting."""

    in_flight: int = 0
    held_bytes: int = 0
    standing_since: float | None = None


class Gate:
    """The count of what is in flight and the queue in front of it. Knows no task and never waits."""

    def __init__(self, limits: AdmissionLimits, clock: Clock) -> None:
        self.in_flight = 0
        self.held_bytes = 0
        self.waiting: FairQueue[Place] = FairQueue()
        self._limits = limits
        self._clock = clock
        self._most_in_flight = limits.in_flight
        self._most_bytes = limits.memory_bytes
        self._key_in_flight = limits.in_flight_per_key
        self._key_bytes = limits.memory_bytes_per_key
        self._shares: dict[str, _Share] = {}

    @property
    def keys(self) -> int:
        """How many keys are remembered: those with something in flight or waiting."""
        return len(self._shares)

    def enter(self, key: str, weight: int) -> bool:
        """Come in, if nobody waits and there is room: then `leave`. Else `join`."""
        if self.waiting:
            return False
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = _Share()
        if not self._has_room(share, weight):
            return False
        self._count(share, weight)
        return True

    def leave(self, key: str, weight: int) -> None:
        """Somebody who came in is done: whoever fits now comes in."""
        share = self._shares[key]
        share.in_flight -= 1
        share.held_bytes -= weight
        self.in_flight -= 1
        self.held_bytes -= weight
        if self.waiting:
            self._admit()
        if not share.in_flight:
            self._forget(key)

    def join(self, place: Place) -> float:
        """Wait; ``place`` is decided by what others do. How many seconds it may wait.

        In a full queue the key with the most waiting makes way with its newest, which may be this very one.
        """
        limits, now = self._limits, self._clock()
        share = self._shares.setdefault(place.key, _Share())
        if share.standing_since is None:
            share.standing_since = now
        standing = now - share.standing_since >= limits.standing_seconds
        self.waiting.append(place.key, place)
        self._admit()  # those before it may wait for more room than it needs
        if len(self.waiting) > limits.waiting:
            self._make_way()
        return limits.short_patience_seconds if standing else limits.patience_seconds

    def give_up(self, place: Place) -> None:
        """A place that was not decided is given back."""
        self.waiting.remove(place.key, place)
        self._no_longer_waits(place.key)

    def _make_way(self) -> None:
        place = self.waiting.pop_newest(self.waiting.greediest())
        self._no_longer_waits(place.key)
        place.decide(False)

    def _admit(self) -> None:
        """Let in, turn by turn, whoever fits; who does not is passed over for this once."""
        while (place := self._next()) is not None:
            self.waiting.take(place.key)
            self._count(self._shares[place.key], place.weight)
            self._no_longer_waits(place.key)
            place.decide(True)

    def _next(self) -> Place | None:
        if self.in_flight >= self._most_in_flight:
            return None
        for key, place in self.waiting.heads():
            if self._has_room(self._shares[key], place.weight):
                return place
        return None

    def _has_room(self, share: _Share, weight: int) -> bool:
        """Whether one more fits; the first of a key does whatever its weight, once there is nothing else."""
        if self.in_flight >= self._most_in_flight or share.in_flight >= self._key_in_flight:
            return False
        if self.held_bytes + weight > self._most_bytes and self.in_flight:
            return False
        return share.held_bytes + weight <= self._key_bytes or not share.in_flight

    def _count(self, share: _Share, weight: int) -> None:
        share.in_flight += 1
        share.held_bytes += weight
        self.in_flight += 1
        self.held_bytes += weight

    def _no_longer_waits(self, key: str) -> None:
        if not self.waiting.count(key):
            self._shares[key].standing_since = None
            self._forget(key)

    def _forget(self, key: str) -> None:
        share = self._shares.get(key)
        if share is not None and not share.in_flight and not self.waiting.count(key):
            del self._shares[key]
