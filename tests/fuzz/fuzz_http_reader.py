"""R-060: what one peer sends, read as requests: the same however it is cut, and never more than HTTP says."""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.fuzz.harness import Target, pieces
from tests.fuzz.strict_http import names_the_same, read_strictly

from onread.errors import ServiceError
from onread.server.body import NO_BODY
from onread.server.head import is_plain_read
from onread.server.limits import DEFAULT_LIMITS
from onread.server.reader import RequestReader
from onread.server.refusal import Refusal
from onread.server.request import ReceivedRequest

GET = b"GET /a?b=c HTTP/1.1\r\nHost: h\r\n"
PUT = b"PUT /a HTTP/1.1\r\nHost: h:80\r\n"
CHUNKED = PUT + b"Transfer-Encoding: chunked\r\n\r\n"


class Silence:
    """An upstream that does nothing."""

    def send_continue(self) -> None: ...

    def reading_may_change(self) -> None: ...


@dataclass
class Seen:
    """One request and as much of its body as came."""

    request: ReceivedRequest
    body: bytes = b""
    ended: bool = False
    failed: bool = False

    taken_bytes: int = 0

    def take(self, *, keep: bool) -> None:
        """Read what is there without waiting for more."""
        body = self.request.body
        while not (self.ended or self.failed):
            if not body.settled and self.taken_bytes == body.received_bytes:
                return
            try:
                body.__anext__().send(None)
            except StopIteration as taken:
                self.taken_bytes += len(taken.value)
                self.body += taken.value if keep else b""
            except StopAsyncIteration:
                self.ended = True
            except ServiceError:
                self.failed = True

    def summary(self) -> tuple[object, ...]:
        request = self.request
        told = (request.method, request.target, request.host, tuple(request.headers), request.keep_alive)
        return (*told, self.body, self.ended, self.failed)


def read(parts: Iterable[bytes], *, keep_bodies: bool = True) -> tuple[list[Seen], list[int]]:
    """The requests in what a peer sends, and the status of the refusal at their end."""
    reader = RequestReader(DEFAULT_LIMITS, Silence(), peer="127.0.0.1", scheme="http")
    seen: list[Seen] = []
    refusals: list[int] = []
    for part in parts:
        reader.feed(part)
        while reader.received:
            received = reader.received.popleft()
            if isinstance(received, Refusal):
                refusals.append(received.status)
            else:
                assert not refusals, "a request behind a refusal"
                seen.append(Seen(received))
        for each in seen:
            each.take(keep=keep_bodies)
    reader.close()
    return seen, refusals


def check(content: bytes) -> None:
    seen, refusals = read([content])
    assert len(refusals) <= 1
    assert all(400 <= status <= 431 for status in refusals)
    _check_against_the_grammar(seen, content)
    if is_plain_read(content):
        _check_plain_read(content, seen, refusals)
    for parts in ((content[i : i + 1] for i in range(len(content))), pieces(content, content)):
        again, again_refusals = read(parts)
        assert [each.summary() for each in again] == [each.summary() for each in seen]
        assert again_refusals == refusals


def _check_plain_read(content: bytes, seen: list[Seen], refusals: list[int]) -> None:
    """What may be answered without being read is what it was taken for."""
    [only] = seen
    assert not refusals
    request = only.request
    assert (request.method, request.version, request.keep_alive) == ("GET", "1.1", True)
    assert request.body is NO_BODY
    assert "origin" not in request.headers
    behind, _ = read([content + GET + b"\r\n"])  # nothing is left of it
    assert [each.request.target for each in behind] == [request.target, "/a?b=c"]


def _check_against_the_grammar(seen: list[Seen], content: bytes) -> None:
    strictly = read_strictly(content)
    assert len(seen) <= len(strictly), "a request that HTTP's grammar does not see"
    for each, message in zip(seen, strictly, strict=False):
        assert each.request.method.encode() == message.method
        assert names_the_same(each.request.target, message.target.decode("latin-1"))
        assert [(n.encode("latin-1"), v.encode("latin-1")) for n, v in each.request.headers] == message.fields
        assert each.ended <= message.whole
        assert message.body.startswith(each.body)
        assert not each.ended or each.body == message.body


TARGET = Target(
    case="R-060",
    check=check,
    seeds=[
        GET + b"\r\n",
        GET + b"Accept-Encoding: identity\r\nUser-Agent: a b/1\r\nx-amz-date: 20260101T000000Z\r\n\r\n",
        GET + b"\r\n" + GET + b"Connection: close\r\n\r\n" + GET + b"\r\n",
        PUT + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\nabcde" + GET + b"\r\n",
        CHUNKED + b"5\r\nabcde\r\n0\r\n\r\n" + GET + b"\r\n",
        CHUNKED + b"5;a=b\r\nabcde\r\n00A\r\n0123456789\r\n0\r\nX-A: b\r\n\r\n",
        GET + b"Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\n\r\n" + GET + b"\r\n",
        CHUNKED[:-2]
        + b"Upgrade: websocket\r\nConnection: upgrade\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"
        + GET
        + b"\r\n",
        b"GET http://h/a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"\r\nGET / HTTP/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        b"CONNECT h:443 HTTP/1.1\r\nHost: h:443\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    words=[
        *(
            b"Content-Length: 5\r\n",
            b"Content-Length: 0\r\n",
            b"Transfer-Encoding: chunked\r\n",
            b"\r\n\r\n",
            b"\r\n",
        ),
        *(b"Connection: close\r\n", b"Connection: upgrade\r\nUpgrade: h2c\r\n", b"Expect: 100-continue\r\n"),
        *(
            b"HTTP/1.0",
            b"HTTP/1.1",
            b"HTTP/0.9",
            b"HTTP/2.0",
            b"POST ",
            b"HEAD ",
            b"Host: h\r\n",
            b"chunked, identity",
        ),
        *(
            b"0\r\n\r\n",
            b"5\r\nabcde\r\n",
            b";x=y",
            b"Trailer: X\r\n",
            b"\r\n ",
            b" :",
            b"http://h",
            b"*",
            b"ffffffffffffffff",
        ),
    ],
    rounds=20000,
)
