"""R-060: what a server sends, read as answers: the same however it is cut, and never more than HTTP says.

The first byte says which requests were sent: up to three, one after the other as each is answered, some of
them HEAD. A line of `NEXT` parts what comes before the next request is sent from what comes after.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from tests.fuzz.harness import Target, pieces
from tests.fuzz.strict_answers import StrictAnswer, read_answer_strictly

from onread.outbound.failures import BrokenAnswer
from onread.outbound.reader import AnswerReader

HEAD_BYTES, HEADER_COUNT = 1000, 12
MOST_REQUESTS = 3
NEXT = b"\n--NEXT--\n"

OK = b"HTTP/1.1 200 OK\r\n"
SIZED = OK + b"Content-Length: 5\r\n\r\nabcde"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"

Cut = Callable[[bytes], Iterable[bytes]]


@dataclass
class Answer:
    """One answer, as much of it as was told."""

    status: int
    headers: tuple[tuple[str, str], ...]
    length_bytes: int | None
    body: bytes = b""
    ended: bool = False


@dataclass
class Told:
    """What the reader told, and how the connection ended."""

    answers: list[Answer] = field(default_factory=list)
    keep_alive: list[bool] = field(default_factory=list)
    broken: bool = False

    def take_head(self, status: int, headers: list[tuple[str, str]], length_bytes: int | None) -> None:
        assert not self.answers or self.answers[-1].ended, "a head inside an answer"
        self.answers.append(Answer(status, tuple(headers), length_bytes))

    def take_body(self, chunk: bytes) -> None:
        assert chunk
        self._open().body += chunk

    def take_end(self) -> None:
        self._open().ended = True

    def _open(self) -> Answer:
        assert self.answers, "no answer has begun"
        assert not self.answers[-1].ended, "the last answer has ended"
        return self.answers[-1]


def whole(content: bytes) -> Iterator[bytes]:
    yield content


def by_bytes(content: bytes) -> Iterator[bytes]:
    return (content[i : i + 1] for i in range(len(content)))


def plan_of(content: bytes) -> tuple[list[bool], list[bytes]]:
    """Which requests are HEAD, and what comes while each of them is the last that was sent."""
    first, rest = (content[0], content[1:]) if content else (0, b"")
    parts = rest.split(NEXT, MOST_REQUESTS - 1)
    return [bool(first >> number & 1) for number in range(len(parts))], parts


def read(heads: list[bool], parts: list[bytes], cut: Cut) -> Told:
    """Send the next request when the answer before has ended and the connection may be kept."""
    told = Told()
    reader = AnswerReader(told, head_bytes=HEAD_BYTES, header_count=HEADER_COUNT)
    try:
        for number, (head_only, part) in enumerate(zip(heads, parts, strict=True)):
            if number:
                if len(told.answers) < number or not told.answers[-1].ended or not reader.keep_alive:
                    break
                told.keep_alive.append(True)
            reader.expect(head_only=head_only)
            for piece in cut(part):
                reader.feed(piece)
        reader.end()
    except BrokenAnswer:
        told.broken = True
    finally:
        reader.close()
    return told


def check(content: bytes) -> None:
    heads, parts = plan_of(content)
    told = read(heads, parts, whole)
    strictly = [
        read_answer_strictly(part, head_only=head_only) for head_only, part in zip(heads, parts, strict=True)
    ]
    for answer, strict in zip(told.answers, strictly, strict=False):
        assert strict is not None, "an answer that HTTP's grammar does not see"
        _check_one(answer, strict)
    passed_over = _lines_behind(parts, strictly)
    for cut in (by_bytes, lambda part: pieces(part, content)):
        again = read(heads, parts, cut)
        if passed_over is None:
            assert again == told
        else:
            assert again.answers[: passed_over + 1] == told.answers[: passed_over + 1]


def _lines_behind(parts: list[bytes], strictly: list[StrictAnswer | None]) -> int | None:
    """The first answer with line ends behind it: they may come with it, or when nobody asked for anything."""
    for number, (part, strict) in enumerate(zip(parts, strictly, strict=True)):
        if strict is not None and strict.end is not None and part[strict.end :][:1] in (b"\r", b"\n"):
            return number
    return None


def _check_one(answer: Answer, strictly: StrictAnswer) -> None:
    assert answer.status == strictly.status
    assert [(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.headers] == (
        strictly.fields
    )
    assert strictly.body.startswith(answer.body)
    assert not answer.ended or (answer.body == strictly.body and strictly.whole)
    assert answer.length_bytes in (None, len(answer.body)) or not answer.ended
    assert sum(len(name) + len(value) for name, value in answer.headers) <= HEAD_BYTES
    assert len(answer.headers) <= HEADER_COUNT


TARGET = Target(
    case="R-060",
    check=check,
    seeds=[
        b"\0" + SIZED,
        b"\0" + SIZED + NEXT + SIZED,
        b"\1" + OK + b"Content-Length: 5\r\n\r\n" + NEXT + SIZED,
        b"\0" + CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n" + NEXT + CHUNKED + b"1;x=y\r\na\r\n00\r\nX: y\r\n\r\n",
        b"\0HTTP/1.1 100 Continue\r\n\r\n" + SIZED,
        b"\0HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + CHUNKED + b"0\r\n\r\n",
        b"\0" + OK + b"\r\nto the end",
        b"\0" + OK + b"Connection: close\r\n\r\nto the end" + NEXT + SIZED,
        b"\0HTTP/1.1 204 No Content\r\n\r\n"
        + NEXT
        + b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"
        + NEXT
        + SIZED,
        b"\0HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nabcde",
        b"\0HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: upgrade\r\n\r\n",
        b"\2" + SIZED + NEXT + OK + b"Transfer-Encoding: chunked\r\n\r\n" + NEXT + SIZED,
        b"\0HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n",
    ],
    words=[
        *(NEXT, OK, SIZED, CHUNKED, b"\r\n\r\n", b"\r\n", b"\n", b"\r", b"0\r\n\r\n", b"5\r\nabcde\r\n"),
        *(b"Content-Length: 5\r\n", b"Content-Length: 0\r\n", b"Transfer-Encoding: chunked\r\n"),
        *(
            b"Connection: close\r\n",
            b"Connection: keep-alive\r\n",
            b"Connection: upgrade\r\nUpgrade: h2c\r\n",
        ),
        *(
            b"HTTP/1.0 ",
            b"HTTP/1.1 ",
            b"HTTP/0.9 ",
            b"HTTP/2.0 ",
            b"HTTP/1.1 100 C\r\n\r\n",
            b"HTTP/1.1 204 N\r\n",
        ),
        *(
            b"chunked, gzip",
            b"gzip",
            b";x=y",
            b"X: y\r\n",
            b" x\r\n",
            b" :",
            b"ffffffffffffffff",
            b"999",
            b"000",
        ),
    ],
    rounds=10000,
)
