"""The door of a listener: whose request is begun next, and who is sent away when too many come.

A request that has come stands at the door until it is begun, and only a few are begun in each turn of the
loop: as many as take about as long as everything else in the turn. So the loop looks at its sockets after
every few requests, what came meanwhile is known almost as soon as it is there, and sending somebody away
costs little more than reading their head.

While no more wait than a crowd of callers explains, each is served, keys in turn, first come first served: a
burst is no overload. When more do, they come faster than they can be served, and to wait would only make
everybody late. Then the line is kept so short that who stands in it is served about as soon as ever, and who
finds it full is sent away; a key of which hardly any are has a few places all the same. That goes on until
nobody had to be sent away for a second.

Sending away is work, too: it is done for many together, which makes each cheap, and a tenth of a second
later, so that a crowd that comes again at once takes little time from those who are served.
"""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from typing import Protocol

from onread.functions.fair_queue import FairQueue
from onread.server.request import ReceivedRequest
from onread.wire.message import Response

REQUEST_ID = "00000000-0000-0000-0000-000000000000"
"""Stands in a `Refuser`'s answer for the id of the request."""

_LEAST_BEGUN, _LEAST_BEGUN_CROWDED, _MOST_BEGUN = 4, 2, 64  # in one turn
# Who is sent away is told so together with others: so often, and so many at a time.
_TELLING_SECONDS, _MOST_TOLD = 0.005, 32


@dataclass(frozen=True, slots=True, kw_only=True)
class DoorLimits:
    """When a door is crowded, and what it does then.

    Attributes:
        crowd: how many requests may wait to be begun; with more the door is crowded.
        short_line: how many may at a door that is, not counting the first of each key.
        places, few: nor so many of a key of which fewer than ``few`` are about to be sent away: others make
            the crowd.
        hold_seconds: who is sent away is told so after so long, or later when there are many.
        calm_seconds: a door is crowded until nobody had to be sent away for so long.
        patience_seconds: who has waited for so long is sent away, so that everybody knows within a second.
    """

    crowd: int = 256
    short_line: int = 2
    places: int = 4
    few: int = 8
    hold_seconds: float = 0.1
    calm_seconds: float = 1.0
    patience_seconds: float = 0.9


class Guest(Protocol):
    """Whoever stands at the door, with one request. Each call returns at once."""

    def come_in(self) -> None:
        """The request is to be begun."""

    def is_simple(self) -> bool:
        """Whether the refuser's answer would do, and could be sent without more ado."""
        ...

    def turn_away(self, request_id: str | None) -> None:
        """It is not to be begun: the answer is the refuser's, with this id. None: its handler says so."""


class Refuser(Protocol):
    """Counts and logs who is sent away, and knows what they are told."""

    @property
    def answer(self) -> Response:
        """The answer, `REQUEST_ID` wherever it tells the id of the request; its body is bytes."""
        ...

    def suits(self, request: ReceivedRequest) -> bool:
        """Whether this answer would do for it."""
        ...

    def __call__(self, peers: Sequence[str]) -> Sequence[str]:
        """These are sent away; the ids of their requests."""
        ...


@dataclass(slots=True, eq=False)
class Place:
    """The place of one request: in the line, or (``refused``) among those who will be sent away."""

    guest: Guest
    peer: str
    key: str
    since: float
    refused: bool = False
    left: bool = False


class Door:
    """The line in front of one listener. Loop only.

    Args:
        key_of: in whose name a request waits; costs next to nothing and proves nothing.
        glance: the same by a whole head that nobody has read, and its peer; None: only who reads it knows.
        call_soon, call_later: have something done in the next turn of the loop, or after so many seconds;
            the running loop's, unless given.
        clock: monotonic seconds.
        work_clock: seconds that the loop's thread has had a processor; what it has to share out.
    """

    def __init__(
        self,
        limits: DoorLimits,
        *,
        key_of: Callable[[ReceivedRequest], str],
        glance: Callable[[bytes, str], str | None] = lambda _head, _peer: None,
        refuser: Refuser,
        call_soon: Callable[[Callable[[], None]], object] | None = None,
        call_later: Callable[[float, Callable[[], None]], object] | None = None,
        clock: Callable[[], float] = time.monotonic,
        work_clock: Callable[[], float] = time.thread_time,
    ) -> None:
        self.crowded = False
        self.refuser = refuser
        self._limits = limits
        self._key_of = key_of
        self._glance = glance
        self._clock = clock
        self._work_clock = work_clock
        self._call_soon = call_soon or asyncio.get_running_loop().call_soon
        self._call_later = call_later or asyncio.get_running_loop().call_later
        self._line: FairQueue[str, Place] = FairQueue()
        self._refused: deque[Place] = deque()
        self._sent_away: Counter[str] = Counter()  # of those, by key
        self._turning = self._telling = self._found_full = False
        self._turned_at = self._began_at = self._full_at = 0.0
        self._begun = 0

    @property
    def waiting(self) -> int:
        """How many requests wait to be begun or to be sent away."""
        return len(self._line) + len(self._refused)

    def knock(self, guest: Guest, request: ReceivedRequest) -> Place | None:
        """Ask to be let in. None: the guest is told to come in already."""
        if not self._turning:
            self._turning = True
            self._turned_at = self._began_at = self._work_clock()
            self._begun = 1
            self._call_soon(self._turn)
            guest.come_in()
            return None
        key = self._key_of(request)
        place = Place(guest, request.peer, key, self._clock())
        if self.crowded and not self._has_place(key):
            self._found_full = True
            self._refuse(place)
            return place
        self._line.append(key, place)
        if len(self._line) > self._limits.crowd:
            self._become_crowded()
        return place

    def wave_off(self, guest: Guest, head: bytes, peer: str) -> Place | None:
        """Send away whose request nobody has read. None: read it and `knock`, for there may be room."""
        key = self._glance(head, peer) if self.crowded else None
        if key is None or self._has_place(key):
            return None
        self._found_full = True
        place = Place(guest, peer, key, self._clock())
        self._refuse(place)
        return place

    def leave(self, place: Place) -> None:
        """A guest who was not told yet waits no longer."""
        if not place.left:
            place.left = True
            if not place.refused:
                self._line.remove(place.key, place)

    def _has_place(self, key: str) -> bool:
        limits, waiting = self._limits, len(self._line)
        if waiting < limits.short_line:
            return True
        places = limits.places if self._sent_away[key] < limits.few else 1
        return waiting < limits.crowd and self._line.count(key) < places

    def _become_crowded(self) -> None:
        self.crowded = self._found_full = True
        for place in self._line.keep_newest(self._limits.places):
            self._refuse(place)

    def _refuse(self, place: Place) -> None:
        place.refused = True
        self._refused.append(place)
        self._sent_away[place.key] += 1
        if not self._telling:
            self._telling = True
            self._call_later(self._limits.hold_seconds, self._tell)

    def _tell(self) -> None:
        """Send away those who were held long enough; those who must know, all of them."""
        refused, now = self._refused, self._clock()
        held, late = now - self._limits.hold_seconds, now - self._limits.patience_seconds
        told: list[Place] = []
        while refused and refused[0].since <= (held if len(told) < _MOST_TOLD else late):
            place = refused.popleft()
            self._forget(place.key)
            if not place.left:
                told.append(place)
        try:
            self._send_away(told)
        finally:
            self._telling = bool(refused)
            if refused:
                self._call_later(_TELLING_SECONDS, self._tell)

    def _forget(self, key: str) -> None:
        self._sent_away[key] -= 1
        if not self._sent_away[key]:
            del self._sent_away[key]

    def _send_away(self, places: list[Place]) -> None:
        for place in places:
            place.left = True
        simple: list[Place] = []
        request_ids: Sequence[str] = ()
        try:
            simple += (place for place in places if place.guest.is_simple())
            request_ids = self.refuser([place.peer for place in simple]) if simple else ()
        finally:  # whatever fails, they are told
            chosen = set(simple)
            others = [place for place in places if place not in chosen]
            self._turn_away(deque(zip_longest([*simple, *others], request_ids)))

    def _turn_away(self, told: deque[tuple[Place, str | None]]) -> None:
        try:
            while told:
                place, request_id = told.popleft()
                place.guest.turn_away(request_id)
        finally:
            if told:
                self._call_soon(partial(self._turn_away, told))

    def _turn(self) -> None:
        """What was let in a turn ago has run: send away who must go, and let in the next."""
        worked = self._work_clock()
        begin = self._share_of_turn(worked)
        self._turned_at, self._begun = worked, 0
        try:
            now = self._clock()
            self._look_around(now)
            if self._line:
                self._call_soon(self._begin)
                self._let_in(begin, now)
        finally:  # whatever fails, nobody is left standing
            if self._begun or self._line:
                self._call_soon(self._turn)
            else:
                self._turning = False

    def _share_of_turn(self, worked: float) -> int:
        """How many take as long as what else the last turn had to do, by how long the last ones took."""
        least = _LEAST_BEGUN_CROWDED if self.crowded else _LEAST_BEGUN
        taken = worked - self._began_at
        if not self._begun or taken <= 0:
            return least
        others = self._began_at - self._turned_at
        return min(_MOST_BEGUN, max(least, int(others * self._begun / taken)))

    def _look_around(self, now: float) -> None:
        if self._found_full:
            self._found_full = False
            self._full_at = now
        elif self.crowded and now - self._full_at > self._limits.calm_seconds:
            self.crowded = False

    def _let_in(self, begin: int, now: float) -> None:
        oldest = now - self._limits.patience_seconds
        while self._line and self._begun < begin:
            place = self._line.popleft()
            if place.since <= oldest:
                self._send_away([place])
            else:
                place.left = True
                self._begun += 1
                place.guest.come_in()

    def _begin(self) -> None:
        """Now begins what this turn lets in; everything else in it has been."""
        self._began_at = self._work_clock()
