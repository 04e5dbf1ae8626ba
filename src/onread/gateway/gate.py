"""How many may be in, and in what order the others come in: counts and a queue. No task, no waiting.

A request counts under a key, and under a target when that can be busy by itself. Keys take turns in the
queue, and none may hold everything; who waits for a busy target is in nobody's way.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from onread.functions.fair_queue import FairQueue

Clock = Callable[[], float]
"""Monotonic seconds."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AdmissionLimits:
    """How much may go on at once. No limit, however small, keeps a request that comes alone out.

    Attributes:
        in_flight: requests from their head to the last byte of their answer.
        memory_bytes: what they may hold, added up; see `onread.gateway.admission.weight_bytes`.
        per_target: of ``in_flight``, those for one target: an Object Lambda access point, whose function
            runs a few at a time. Less than the function's own queue holds, for to refuse there costs much.
        crowding_seconds: a target is crowded when so many are in flight, others have waited for so long, and
            more come. It may then have in flight what runs at once and as many again, so that who comes in is
            served about as soon as ever; who finds that full is refused at once. ``calm_seconds`` after the
            last one was, it is crowded no more.
        few: so many of a key that has next to nothing in flight may wait for a crowded target all the same.
        waiting: requests that wait for room.
        patience_seconds: how long one waits at most, so that it is answered within a second.
        standing_seconds, short_patience_seconds: a key that has had requests waiting for so long without
            a break asks for more than there is: its next ones wait less, for they would only grow old.
        modest: a line shorter than that is never hopeless.
    """

    in_flight: int = 1024
    memory_bytes: int = 512 << 20
    per_target: int = 100
    crowding_seconds: float = 0.1
    calm_seconds: float = 1.0
    few: int = 4
    waiting: int = 1024
    patience_seconds: float = 0.9
    standing_seconds: float = 1.0
    short_patience_seconds: float = 0.1
    modest: int = 8

    @property
    def in_flight_per_key(self) -> int:
        """A quarter is never one key's: whoever comes new finds room, however slow a busy key's are."""
        return max(1, self.in_flight - self.in_flight // 4)

    @property
    def memory_bytes_per_key(self) -> int:
        """See ``in_flight_per_key``."""
        return self.memory_bytes - self.memory_bytes // 4


class Claim(NamedTuple):
    """What a request asks of the gate. ``target`` is empty for what is limited by nothing but the sum."""

    key: str
    weight: int
    target: str = ""

    @property
    def line(self) -> tuple[str, str]:
        """Where it waits: behind the same key's requests for the same target."""
        return self.key, self.target


@dataclass(slots=True, eq=False)
class Place:
    """A place in the queue; ``decide`` is called once: True, come in, or False, make way."""

    claim: Claim
    decide: Callable[[bool], None]


@dataclass(slots=True)
class _Share:
    """What one key has."""

    in_flight: int = 0
    held_bytes: int = 0
    waiting: int = 0


class Targets(Protocol):
    """What is known of the functions behind targets."""

    def runs_at_once(self, target: str) -> int | None:
        """How many requests for a target are worked on at a time; None when nothing limits that."""
        ...

    def shed(self, target: str) -> None:
        """A target is crowded: those who have come in and still wait for their turn may be refused."""


class NoTargets:
    """Nothing is known of any: none is ever crowded."""

    def runs_at_once(self, target: str) -> int | None:
        """See `Targets`."""
        return None

    def shed(self, target: str) -> None:
        """See `Targets`."""


class Gate:
    """The count of what is in flight and the queue in front of it. Knows no task and never waits."""

    def __init__(self, limits: AdmissionLimits, clock: Clock, targets: Targets | None = None) -> None:
        self.in_flight = 0
        self.held_bytes = 0
        self.waiting: FairQueue[tuple[str, str], Place] = FairQueue()
        self._limits = limits
        self._clock = clock
        self._most_in_flight = limits.in_flight
        self._most_bytes = limits.memory_bytes
        self._key_in_flight = limits.in_flight_per_key
        self._key_bytes = limits.memory_bytes_per_key
        self._shares: dict[str, _Share] = {}
        self._targets: dict[str, int] = {}
        self._behind = targets or NoTargets()
        self._crowded: dict[str, float] = {}  # targets, and when somebody last found them full
        self._standing_since: dict[tuple[str, str], float] = {}  # of every line that is not empty

    @property
    def remembered(self) -> int:
        """How many keys, targets and lines are remembered: none when nothing is in flight or waits."""
        return len(self._shares) + len(self._targets) + len(self._standing_since)

    def enter(self, claim: Claim) -> bool:
        """Come in, if nobody waits and there is room: then `leave`. Else `join`."""
        if self._standing_since or not self._has_room(claim):
            return False
        self._count(claim)
        return True

    def is_hopeless(self, claim: Claim) -> bool:
        """Whether to wait would be in vain: so many have stood there for so long that to queue only costs."""
        since = self._standing_since.get(claim.line)
        if claim.target and self._finds_crowded(claim, since):
            return True
        if since is None or self.waiting.count(claim.line) < self._limits.modest:
            return False
        return self._clock() - since >= self._limits.standing_seconds

    def _finds_crowded(self, claim: Claim, since: float | None) -> bool:
        """Whether the target is crowded, and its line as long as it may be then."""
        now, target = self._clock(), claim.target
        if target not in self._crowded:
            full = self._targets.get(target, 0) >= self._limits.per_target
            if not full or since is None or now - since < self._limits.crowding_seconds:
                return False
            if self._behind.runs_at_once(target) is None:
                return False
            self._behind.shed(target)
        elif self._targets.get(target, 0) < self._most_of(target) or self._asks_for_little(claim):
            return False
        self._crowded[target] = now
        return True

    def _asks_for_little(self, claim: Claim) -> bool:
        """Whether it is not this key that crowds: it has next to nothing in flight, and few wait."""
        waiting = self.waiting.count(claim.line)
        share = self._shares.get(claim.key)
        return not waiting or (waiting < self._limits.few and (share is None or share.in_flight <= 1))

    def _most_of(self, target: str) -> int:
        """How many may be in flight for a target now."""
        found_full_at = self._crowded.get(target)
        if found_full_at is None:
            return self._limits.per_target
        runs = self._behind.runs_at_once(target)
        if runs is None or self._clock() - found_full_at > self._limits.calm_seconds:
            del self._crowded[target]
            return self._limits.per_target
        return min(2 * runs, self._limits.per_target)

    def leave(self, claim: Claim) -> None:
        """Somebody who came in is done: whoever fits now comes in."""
        key, weight, target = claim
        share = self._shares[key]
        share.in_flight -= 1
        share.held_bytes -= weight
        self.in_flight -= 1
        self.held_bytes -= weight
        if target:
            self._targets[target] -= 1
            if not self._targets[target]:
                del self._targets[target]
        if self._standing_since:
            self._admit()
        self._forget(key, share)

    def join(self, place: Place) -> float:
        """Wait; ``place`` is decided by what others do. How many seconds it may wait.

        In a full queue the line with the most waiting makes way with its newest, which may be this very one.
        """
        limits, line, now = self._limits, place.claim.line, self._clock()
        standing = now - self._standing_since.setdefault(line, now) >= limits.standing_seconds
        self._share(place.claim.key).waiting += 1
        self.waiting.append(line, place)
        self._admit()  # those before it may wait for what it does not need
        if len(self.waiting) > limits.waiting:
            self._make_way()
        impatient = standing or place.claim.target in self._crowded
        return limits.short_patience_seconds if impatient else limits.patience_seconds

    def give_up(self, place: Place) -> None:
        """A place that was not decided is given back."""
        self.waiting.remove(place.claim.line, place)
        self._no_longer_waits(place.claim)

    def _make_way(self) -> None:
        place = self.waiting.pop_newest(self.waiting.greediest())
        self._no_longer_waits(place.claim)
        place.decide(False)

    def _admit(self) -> None:
        """Let in, turn by turn, whoever fits; who does not is passed over for this once."""
        while (place := self._next()) is not None:
            self.waiting.take(place.claim.line)
            self._count(place.claim)
            self._no_longer_waits(place.claim)
            place.decide(True)

    def _next(self) -> Place | None:
        if self.in_flight >= self._most_in_flight:
            return None
        for _, place in self.waiting.heads():
            if self._has_room(place.claim):
                return place
        return None

    def _has_room(self, claim: Claim) -> bool:
        """Whether one more fits. The first of a key does whatever its weight, once there is nothing else."""
        if self.in_flight >= self._most_in_flight:
            return False
        key, weight, target = claim
        if self.held_bytes + weight > self._most_bytes and self.in_flight:
            return False
        if target and self._targets.get(target, 0) >= self._most_of(target):
            return False
        share = self._shares.get(key)
        if share is None or not share.in_flight:
            return True
        return share.in_flight < self._key_in_flight and share.held_bytes + weight <= self._key_bytes

    def _count(self, claim: Claim) -> None:
        key, weight, target = claim
        share = self._share(key)
        share.in_flight += 1
        share.held_bytes += weight
        self.in_flight += 1
        self.held_bytes += weight
        if target:
            self._targets[target] = self._targets.get(target, 0) + 1

    def _share(self, key: str) -> _Share:
        share = self._shares.get(key)
        if share is None:
            share = self._shares[key] = _Share()
        return share

    def _no_longer_waits(self, claim: Claim) -> None:
        if not self.waiting.count(claim.line):
            del self._standing_since[claim.line]
        share = self._shares[claim.key]
        share.waiting -= 1
        self._forget(claim.key, share)

    def _forget(self, key: str, share: _Share) -> None:
        if not share.in_flight and not share.waiting:
            self._shares.pop(key, None)
