"""What functions write: lines made safe, bounded, and kept with the request they belong to.

A function's output is hostile: it may hold terminal escapes, forged line ends, invalid UTF-8, and no
end. A line here is one line of printable text; what is over a limit is dropped and said to be dropped.

Source: AWS Lambda Developer Guide, "Sending Lambda function logs to CloudWatch Logs" (START, END, REPORT).
"""

import math
import re
from collections import deque
from collections.abc import Callable, Iterable
from datetime import datetime

from onread.metadata.records import Function
from onread.wire.frozen import frozen

TAIL_BYTES = 4096
LINE_BYTES = 64 * 1024

# Control characters, the line and paragraph separators and lone surrogates; tabs are Lambda's own.
_UNPRINTABLE = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
# awslambdaric parts the lines of a traceback by carriage returns.
_LINE_END = re.compile(rb"\r\n|\n|\r")


@frozen()
class LogLine:
    """One line of printable text. ``request_id`` is None outside a run; ``at`` is aware UTC."""

    at: datetime
    request_id: str | None
    text: str


LogSink = Callable[[Function, LogLine], None]
Clock = Callable[[], datetime]


def escape_line(raw: bytes) -> str:
    """One line without its end as printable text; what cannot be printed is shown as an escape."""
    text = raw.decode("utf-8", "backslashreplace")
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape").decode(), text)


class FunctionLog:
    """The latest lines of one function, at most ``limit_bytes`` of text."""

    def __init__(self, limit_bytes: int) -> None:
        self._lines: deque[LogLine] = deque()
        self._limit_bytes = limit_bytes
        self._held_bytes = 0

    def append(self, line: LogLine) -> None:
        """Keep a line; the oldest make room."""
        self._lines.append(line)
        self._held_bytes += len(line.text) + 64
        while self._held_bytes > self._limit_bytes and self._lines:
            self._held_bytes -= len(self._lines.popleft().text) + 64

    def lines(self) -> Iterable[LogLine]:
        """The kept lines, oldest first."""
        return tuple(self._lines)


class EnvironmentLog:
    """Turns the output of one environment into lines of the run that wrote them."""

    def __init__(
        self, function: Function, kept: FunctionLog, *, sink: LogSink, clock: Clock, limit_bytes: int
    ) -> None:
        self._function = function
        self._kept = kept
        self._sink = sink
        self._clock = clock
        self._limit_bytes = limit_bytes
        self._request_id: str | None = None
        self._partial = b""
        self._written_bytes = 0
        self._tail: deque[bytes] = deque()
        self._tail_bytes = 0

    def feed(self, data: bytes) -> None:
        """Take output as it comes, in pieces of any size."""
        if self._written_bytes > self._limit_bytes:
            return
        *lines, rest = _LINE_END.split(self._partial + data)
        for line in lines:
            self._write(line)
        while len(rest) > LINE_BYTES:
            self._write(rest[:LINE_BYTES])
            rest = rest[LINE_BYTES:]
        self._partial = rest if self._written_bytes <= self._limit_bytes else b""

    def begin(self, request_id: str) -> None:
        """A run starts: what follows is its own, and its limit is fresh."""
        self._flush()
        self._request_id = request_id
        self._written_bytes = 0
        self._tail.clear()
        self._tail_bytes = 0
        self.note(f"START RequestId: {request_id} Version: $LATEST")

    def end(self, report: str, *, notes: Iterable[str] = ()) -> bytes:
        """The run is over; its last 4 KiB, with the platform's own lines at their end."""
        self._flush()
        for note in (*notes, f"END RequestId: {self._request_id}", report):
            self.note(note)
        self._request_id = None
        self._written_bytes = 0
        return b"".join(self._tail)[-TAIL_BYTES:]

    def note(self, text: str) -> None:
        """Write a line of the platform's own; no limit applies."""
        line = LogLine(self._clock(), self._request_id, text)
        self._kept.append(line)
        self._sink(self._function, line)
        encoded = text.encode() + b"\n"
        self._tail.append(encoded)
        self._tail_bytes += len(encoded)
        while self._tail_bytes - len(self._tail[0]) > TAIL_BYTES:
            self._tail_bytes -= len(self._tail.popleft())

    def _write(self, raw: bytes) -> None:
        if self._written_bytes > self._limit_bytes:
            return
        self._written_bytes += len(raw) + 1
        if self._written_bytes > self._limit_bytes:
            self.note(f"[onread: the log of this invocation is cut after {self._limit_bytes} bytes]")
        elif raw:
            self.note(escape_line(raw))

    def _flush(self) -> None:
        partial, self._partial = self._partial, b""
        if partial:
            self._write(partial)


def render_report(
    request_id: str,
    *,
    seconds: float,
    memory_mb: int,
    peak_memory_mb: int,
    init_seconds: float | None = None,
    status: str | None = None,
) -> str:
    """Lambda's REPORT line. ``status`` is ``timeout`` or ``error`` when the run did not end by itself."""
    milliseconds = seconds * 1000
    fields = [
        f"REPORT RequestId: {request_id}",
        f"Duration: {milliseconds:.2f} ms",
        f"Billed Duration: {math.ceil(milliseconds)} ms",
        f"Memory Size: {memory_mb} MB",
        f"Max Memory Used: {peak_memory_mb} MB",
    ]
    if init_seconds is not None:
        fields.append(f"Init Duration: {init_seconds * 1000:.2f} ms")
    if status is not None:
        fields.append(f"Status: {status}")
    return "\t".join(fields)
