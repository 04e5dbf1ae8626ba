"""Callers without SDK: one thread, many raw connections, a steady rate or as fast as answers come."""

import re
import selectors
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field

_LENGTH = re.compile(rb"\r\ncontent-length: (\d+)\r\n", re.IGNORECASE)
_LAST_CHUNK = b"\r\n0\r\n\r\n"
_MOST_CONNECTIONS = 2000
_TURN_SECONDS = 0.001
_PATIENCE_SECONDS = 10.0


@dataclass
class Tally:
    """What callers got.

    Attributes:
        seconds: from a request's moment to its whole answer, by status; 0 is a broken connection.
        hinted: how many of the refused were told when to come back.
        unsent: requests for which no connection was left.
    """

    seconds: dict[int, list[float]] = field(default_factory=dict)
    hinted: int = 0
    unsent: int = 0
    lasted: float = 0.0

    @property
    def counts(self) -> Counter[int]:
        """Answers by status."""
        return Counter({status: len(seconds) for status, seconds in self.seconds.items()})

    def per_second(self, status: int) -> float:
        """Answers of a status a second."""
        return self.counts[status] / self.lasted

    def quantile_ms(self, status: int, share: float) -> float:
        """How long such an answer took."""
        seconds = sorted(self.seconds.get(status, ()))
        return seconds[min(len(seconds) - 1, int(len(seconds) * share))] * 1000 if seconds else 0.0


@dataclass(eq=False)
class _Line:
    """One connection: a request at a time."""

    sock: socket.socket
    due: float = 0.0
    got: bytes = b""


class Callers:
    """Callers of one request on as many connections as it takes; kept alive between runs. Close it."""

    def __init__(self, port: int, request: bytes) -> None:
        self.request = request
        self._address = ("127.0.0.1", port)
        self._selector = selectors.DefaultSelector()
        self._idle: list[_Line] = []
        self._busy = 0
        self._tally = Tally()

    def close(self) -> None:
        """Close every connection."""
        for key in list(self._selector.get_map().values()):
            key.fileobj.close()  # type: ignore[union-attr]
        self._selector.close()

    def flat_out(self, lanes: int, seconds: float) -> Tally:
        """So many callers, each asking again as soon as it is answered."""

        def ask(now: float) -> None:
            for _ in range(lanes - self._busy):
                self._send(now)

        return self._run(seconds, ask)

    def steady(self, per_second: float, seconds: float) -> Tally:
        """A rate, whatever the answers: each request has its moment, and its seconds count from there."""
        began = time.perf_counter()
        moments = deque(began + number / per_second for number in range(int(per_second * seconds)))

        def ask(now: float) -> None:
            while moments and moments[0] <= now:
                self._send(moments.popleft())

        return self._run(seconds, ask)

    def _run(self, seconds: float, ask: Callable[[float], None]) -> Tally:
        self._tally = Tally(lasted=seconds)
        began = time.perf_counter()
        while (now := time.perf_counter()) - began < seconds:
            ask(now)
            self._take_answers(_TURN_SECONDS)
        while self._busy and time.perf_counter() - began < seconds + _PATIENCE_SECONDS:
            self._take_answers(_TURN_SECONDS)
        return self._tally

    def _send(self, due: float) -> None:
        line = self._idle.pop() if self._idle else self._connect()
        if line is None:
            self._tally.unsent += 1
            return
        line.due, line.got = due, b""
        self._busy += 1
        try:
            line.sock.send(self.request)
        except OSError:
            self._done(line, 0)

    def _connect(self) -> _Line | None:
        if self._busy >= _MOST_CONNECTIONS:
            return None
        sock = socket.create_connection(self._address, timeout=5)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = _Line(sock)
        self._selector.register(sock, selectors.EVENT_READ, line)
        return line

    def _take_answers(self, patience_seconds: float) -> None:
        for key, _ in self._selector.select(patience_seconds):
            line: _Line = key.data
            try:
                piece = line.sock.recv(65536)
            except OSError:
                piece = b""
            line.got += piece
            if not piece:
                self._done(line, 0)
            elif _is_whole(line.got):
                self._done(line, int(line.got[9:12]))

    def _done(self, line: _Line, status: int) -> None:
        if line.due:
            self._busy -= 1
            self._tally.seconds.setdefault(status, []).append(time.perf_counter() - line.due)
            self._tally.hinted += status == 503 and b"\r\nRetry-After: 1\r\n" in line.got
        line.due = 0.0
        if status == 0 or b"\r\nConnection: close\r\n" in line.got:
            self._selector.unregister(line.sock)
            line.sock.close()
        else:
            self._idle.append(line)


def _is_whole(got: bytes) -> bool:
    head, end, body = got.partition(b"\r\n\r\n")
    if not end:
        return False
    length = _LENGTH.search(head + b"\r\n")
    if length is not None:
        return len(body) >= int(length[1])
    return (b"\r\n" + body).endswith(_LAST_CHUNK)
