"""Clients that take their time, a thousand at once, and good ones that are counted."""

import http.client
import itertools
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from urllib.parse import urlsplit

BEAT_SECONDS = 0.25
ROUND = 200  # connections opened between two beats
BLINK = (BlockingIOError, InterruptedError)


@dataclass(frozen=True)
class Attack:
    """What one slow client sends: at once, and then at every beat. It reads a little, or nothing."""

    opening: bytes
    drip: bytes = b""
    bytes_read: int = 0


@dataclass(eq=False)
class _Attacker:
    sock: socket.socket
    attack: Attack
    group: int


@dataclass
class Attackers:
    """Keeps a number of slow clients going in a thread; one that is cut comes again.

    Attributes:
        groups: clients who know nothing of each other beat at moments of their own, in so many groups;
            1 has all beat at once.
        cut: how often the other side ended a connection.
    """

    address: tuple[str, int]
    attacks: Sequence[Attack]
    number: int
    groups: int = 25
    cut: int = 0
    most_at_once: int = 0
    ready: threading.Event = field(default_factory=threading.Event)
    _stop: threading.Event = field(default_factory=threading.Event)
    _at_work: set[_Attacker] = field(default_factory=set)
    _begun: int = 0

    def run(self) -> None:
        for group in itertools.cycle(range(self.groups)):
            if self._stop.wait(BEAT_SECONDS / self.groups):
                break
            for attacker in tuple(self._at_work):
                if attacker.group == group and not self._beat(attacker):
                    self._at_work.discard(attacker)
                    attacker.sock.close()
                    self.cut += 1
            if group == 0:
                for _ in range(min(ROUND, self.number - len(self._at_work))):
                    self._begin()
            self.most_at_once = max(self.most_at_once, len(self._at_work))
            if len(self._at_work) >= self.number:
                self.ready.set()
        for attacker in self._at_work:
            attacker.sock.close()

    def stop(self) -> None:
        self._stop.set()

    def _begin(self) -> None:
        attack = self.attacks[self._begun % len(self.attacks)]
        self._begun += 1
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            sock.settimeout(5)
            sock.connect(self.address)
            sock.sendall(attack.opening)
        except OSError:
            sock.close()
            self.cut += 1
            return
        sock.setblocking(False)
        self._at_work.add(_Attacker(sock, attack, self._begun // len(self.attacks) % self.groups))

    def _beat(self, attacker: _Attacker) -> bool:
        try:
            with suppress(*BLINK):
                if attacker.attack.drip:
                    attacker.sock.send(attacker.attack.drip)
            with suppress(*BLINK):
                return not attacker.attack.bytes_read or bool(attacker.sock.recv(attacker.attack.bytes_read))
        except OSError:
            return False
        return True


@contextmanager
def attacked(
    address: tuple[str, int], attacks: Sequence[Attack], number: int, **more: int
) -> Iterator[Attackers]:
    """Slow clients for the length of a block, all of them at work at its beginning."""
    attackers = Attackers(address, attacks, number, **more)
    with ThreadPoolExecutor(1) as pool:
        running = pool.submit(attackers.run)
        try:
            assert attackers.ready.wait(30), f"only {attackers.most_at_once} attackers got in"
            yield attackers
        finally:
            attackers.stop()
            running.result(timeout=30)


@dataclass
class Goodwill:
    """What good clients got: outcomes counted, and how long each answer took."""

    outcomes: Counter[str] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)

    @property
    def share(self) -> float:
        """Of 200 among all."""
        return self.outcomes["200"] / self.outcomes.total()

    @property
    def p99_ms(self) -> float:
        return sorted(self.seconds)[int(len(self.seconds) * 0.99)] * 1000


def good_reads(urls: Sequence[str], *, count: int, lanes: int = 4) -> Goodwill:
    """So many reads over a few connections that are kept alive, as one good client after the other."""
    found = Goodwill()
    with ThreadPoolExecutor(lanes) as pool:
        for part in pool.map(lambda _: _lane(urls, count // lanes), range(lanes)):
            found.outcomes += part.outcomes
            found.seconds += part.seconds
    return found


def _lane(urls: Sequence[str], count: int) -> Goodwill:
    found = Goodwill()
    parts = urlsplit(urls[0])
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=10)
    for number in range(count):
        target = urls[number % len(urls)].partition(parts.netloc)[2]
        began = time.perf_counter()
        try:
            connection.request("GET", target)
            answer = connection.getresponse()
            answer.read()
            outcome = str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            outcome = type(error).__name__
            connection.close()
        found.outcomes[outcome] += 1
        found.seconds.append(time.perf_counter() - began)
    connection.close()
    return found


@dataclass
class Flood:
    """Connections that are opened and say nothing, as many as can be."""

    held: list[socket.socket] = field(default_factory=list)
    refused: int = 0

    def open(self, address: tuple[str, int], number: int) -> None:
        for _ in range(number):
            sock = socket.socket()
            sock.settimeout(2)
            try:
                sock.connect(address)
            except OSError:
                self.refused += 1
                sock.close()
            else:
                self.held.append(sock)

    def close(self) -> None:
        while self.held:
            self.held.pop().close()


@contextmanager
def flooded(address: tuple[str, int], number: int) -> Iterator[Flood]:
    """A flood for the length of a block."""
    flood = Flood()
    try:
        flood.open(address, number)
        yield flood
    finally:
        flood.close()


def answers(url: str) -> bool:
    """Whether a new connection gets 200 within five seconds."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port or 0, timeout=5)
    try:
        connection.request("GET", url.partition(parts.netloc)[2])
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def within(seconds: float, holds: Callable[[], bool]) -> float:
    """How long it took until something held; fails when it never did."""
    began = time.monotonic()
    while not holds():
        assert time.monotonic() - began < seconds, f"not within {seconds} seconds"
    return time.monotonic() - began
