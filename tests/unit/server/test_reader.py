"""What is a request and what is not, over a real connection."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.processor import least_seconds

from onread.errors import IncompleteBody
from onread.server.limits import Limits
from onread.server.reader import RequestReader
from onread.server.refusal import Refusal

from .peer import Echo, served

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n"
POST = b"POST /a HTTP/1.1\r\nHost: h\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"


def refused(run, content: bytes, statuses=(400,)) -> None:
    """The bytes are refused with a document, the connection closes, and nothing was handed on whole."""

    async def main():
        echo = Echo()
        async with served(echo) as (_, peer):
            peer.send(content)
            answer = await peer.answer()
            assert answer.status in statuses
            assert answer.headers["connection"] == "close"
            assert answer.body.startswith(b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>')
            assert b"Traceback" not in answer.body
            assert await peer.rest() == b""
        assert echo.bodies == []

    run(main())


def test_T040_content_length_with_transfer_encoding_is_refused(run):
    refused(run, POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")
    refused(run, POST + b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n")


@pytest.mark.parametrize(
    "lines",
    [
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content-Length: 5\r\nContent-Length: 6\r\n",
        b"Content-Length: 5\r\ncontent-length: 5\r\n",
        b"Content-Length: 5, 5\r\n",
        b"Content-Length: +5\r\n",
        b"Content-Length: -5\r\n",
        b"Content-Length: 0x5\r\n",
        b"Content-Length: 5 \r\n",
        b"Content-Length: 5\t\r\n",
        b"Content-Length: \xd9\xa5\r\n",
        b"Content-Length: 5.0\r\n",
        b"Content-Length:\r\n",
        b"Content-Length: 99999999999999999999\r\n",
    ],
)
def test_T041_a_content_length_that_is_not_one_plain_number_is_refused(run, lines):
    refused(run, POST + lines + b"\r\nabcde")


@pytest.mark.parametrize(
    "content",
    [
        POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: identity\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: \r\n\r\n0\r\n\r\n",
        POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /a HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    ],
)
def test_T042_any_transfer_encoding_but_chunked_is_refused(run, content):
    refused(run, content)


@pytest.mark.parametrize(
    "chunks",
    [
        b"5\nabcde\r\n0\r\n\r\n",
        b"5\r\nabcde0\r\n\r\n",
        b"5\r\nabcde\n0\r\n\r\n",
        b"5\r\nabcde\rX0\r\n\r\n",
        b"5;a\nb\r\nabcde\r\n0\r\n\r\n",
        b"5 \r\nabcde\r\n0\r\n\r\n",
        b" 5\r\nabcde\r\n0\r\n\r\n",
        b"0x5\r\nabcde\r\n0\r\n\r\n",
        b"-5\r\nabcde\r\n0\r\n\r\n",
        b"fffffffffffffffff\r\nabcde\r\n0\r\n\r\n",
        b"5\r\nabcde\r\n0\r\nX: a\nY: b\r\n\r\n",
    ],
)
def test_T043_badly_ended_chunks_are_refused(run, chunks):
    refused(run, CHUNKED + chunks)


def test_T043_the_spare_bytes_of_chunks_are_bounded(run):
    refused(run, CHUNKED + b"1;" + b"x" * 600_000)
    refused(run, CHUNKED + b"0" * 600_000)


@pytest.mark.parametrize("name", [b"Content-Length", b"Host", b"transfer-encoding", b"Authorization"])
def test_T044_a_trailer_that_speaks_about_the_message_is_refused(run, name):
    refused(run, CHUNKED + b"1\r\na\r\n0\r\n" + name + b": chunked\r\n\r\n")


def test_T044_trailers_are_bounded(run):
    refused(run, CHUNKED + b"1\r\na\r\n0\r\n" + b"X-A: %b\r\n\r\n" % (b"b" * 65536))
    refused(run, CHUNKED + b"1\r\na\r\n0\r\n" + b"X-A: b\r\n" * 10_000 + b"\r\n")


def test_T044_trailers_are_not_the_next_request(run):
    async def main():
        echo = Echo()
        async with served(echo) as (_, peer):
            peer.send(CHUNKED + b"1\r\nx\r\n0\r\nX-A: GET /b HTTP/1.1\r\n\r\n" + GET + b"\r\n")
            assert (await peer.answer()).body == b"POST /a:x"
            assert (await peer.answer()).body == b"GET /a:"
        assert [request.headers.get("x-a") for request in echo.seen] == [None, None]

    run(main())


@pytest.mark.parametrize(
    "lines",
    [
        b"X: a\r\n b\r\n",
        b"X: a\r\n\tb\r\n",
        b" X: a\r\n",
        b"X : a\r\n",
        b"X: a\rb\r\n",
        b"X: a\r\r\n",
        b"X: a\x00b\r\n",
        b"X: a\x01b\r\n",
        b"X: a\x7fb\r\n",
        b": a\r\n",
        b"X(: a\r\n",
        b"X\xe9: a\r\n",
        b'"X": a\r\n',
        b"X\r\n",
        b"X: a\n",
        b"X: a\nY: b\r\n",
        b"X: a\r\n\n",
    ],
)
def test_T045_header_lines_that_two_readers_may_read_differently_are_refused(run, lines):
    refused(run, GET + lines + b"\r\n")


def test_T045_a_bare_line_feed_behind_the_request_line_is_refused(run):
    refused(run, b"GET /a HTTP/1.1\nHost: h\r\n\r\n")


def test_T047_the_host_of_an_absolute_target_counts(run):
    async def main():
        echo = Echo()
        async with served(echo) as (_, peer):
            peer.send(b"GET http://Mine.h:80/a?b HTTP/1.1\r\nHost: mine.h:80\r\n\r\n")
            assert (await peer.answer()).status == 200
            peer.send(b"GET http://mine.h HTTP/1.1\r\nHost: mine.h\r\n\r\n")
            assert (await peer.answer()).status == 200
        assert [(request.host, request.target) for request in echo.seen] == [
            ("Mine.h:80", "/a?b"),
            ("mine.h", "/"),
        ]

    run(main())


@pytest.mark.parametrize(
    "content",
    [
        b"GET http://other.h/x HTTP/1.1\r\nHost: mine\r\n\r\n",
        b"GET http://u@mine/x HTTP/1.1\r\nHost: u@mine\r\n\r\n",
        b"GET ftp://mine/x HTTP/1.1\r\nHost: mine\r\n\r\n",
        b"GET http:///x HTTP/1.1\r\nHost: \r\n\r\n",
        b"GET /x#y HTTP/1.1\r\nHost: mine\r\n\r\n",
    ],
)
def test_T047_two_hosts_or_strange_targets_are_refused(run, content):
    refused(run, content)


@pytest.mark.parametrize(
    "lines",
    [
        b"",
        b"Host:\r\n",
        b"Host: a\r\nHost: a\r\n",
        b"Host: a\r\nhost: b\r\n",
        b"Host: a, b\r\n",
        b"Host: a,b\r\n",
        b"Host: a b\r\n",
        b"Host: u@a\r\n",
        b"Host: a:80:80\r\n",
        b"Host: [fe80::1%25eth0]\r\n",
        b"Host: a/b\r\n",
        b"Host: a\xe9\r\n",
        b"Host: a \r\n",
    ],
)
def test_T048_a_host_that_is_not_exactly_one_is_refused(run, lines):
    refused(run, b"GET /a HTTP/1.1\r\n" + lines + b"\r\n")


@pytest.mark.parametrize(
    "content",
    [
        b"CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"TRACE /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"SOURCE /a ICE/1.0\r\n\r\n",
        b"OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET h:80 HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /a\r\n\r\n",
        b"GET /a HTTP/0.9\r\n\r\n",
        b"GET /a HTTP/2.0\r\nHost: h\r\n\r\n",
        b"GET /a HTTP/1.2\r\nHost: h\r\n\r\n",
        b"get /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"FOO /a HTTP/1.1\r\nHost: h\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: h\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"\x00\x00\x00\x00",
        b"EHLO example.com\r\n",
    ],
)
def test_T050_what_is_no_request_of_ours_is_refused(run, content):
    refused(run, content, statuses=(400, 405))


@pytest.mark.parametrize("token", [b"websocket", b"h2c"])
def test_T051_an_upgrade_is_ignored(run, token):
    async def main():
        async with served(Echo()) as (_, peer):
            lines = b"Connection: Upgrade\r\nUpgrade: " + token + b"\r\n"
            peer.send(GET + lines + b"\r\n" + GET + b"\r\n")
            peer.send(POST + lines + b"Content-Length: 2\r\n\r\nhi" + GET + b"\r\n")
            peer.send(
                POST + lines + b"Transfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\n\r\n" + GET + b"\r\n"
            )
            bodies = [(await peer.answer()).body for _ in range(6)]
        assert bodies == [b"GET /a:", b"GET /a:", b"POST /a:hi", b"GET /a:", b"POST /a:ho", b"GET /a:"]

    run(main())


def test_T051_nothing_is_read_behind_a_declined_upgrade_that_closes():
    lines = b"Connection: close, upgrade\r\nUpgrade: h2c\r\nTransfer-Encoding: chunked\r\n\r\n"
    content = POST + lines + b"2\r\nhi\r\n0\r\n\r\n" + GET + b"\r\n"
    at_once = read_all([content])
    assert [method for method, *_ in at_once] == ["POST"]
    assert read_all([content[i : i + 1] for i in range(len(content))]) == at_once


def test_T052_method_overrides_are_ignored(run):
    async def main():
        echo = Echo()
        async with served(echo) as (_, peer):
            peer.send(b"GET /a?_method=DELETE HTTP/1.1\r\nHost: h\r\nX-HTTP-Method-Override: PUT\r\n\r\n")
            assert (await peer.answer()).body == b"GET /a?_method=DELETE:"

    run(main())


def test_names_and_values_keep_case_order_and_bytes(run):
    async def main():
        echo = Echo()
        async with served(echo) as (_, peer):
            peer.send(GET + b"X-B:  one \t\r\nx-A: \xe9\r\nX-b: two\r\nE:\r\n\r\n")
            await peer.answer()
        headers = echo.seen[0].headers
        assert list(headers) == [("Host", "h"), ("X-B", "one"), ("x-A", "\xe9"), ("X-b", "two"), ("E", "")]
        assert headers.get_all("x-b") == ["one", "two"]
        assert headers.get("x-b") == "one"
        assert headers.get_all("host") == ["h"]
        assert headers.get_all("none") == []
        assert "e" in headers
        assert set(headers.names()) == {"host", "x-b", "x-a", "e"}

    run(main())


def test_http_1_0_needs_no_host_and_closes(run):
    async def main():
        async with served(Echo()) as (_, peer):
            peer.send(b"GET /a HTTP/1.0\r\n\r\n")
            answer = await peer.answer()
            assert answer.headers["connection"] == "close"
            assert await peer.rest() == b""

    run(main())


def test_http_1_0_may_ask_to_stay(run):
    async def main():
        async with served(Echo()) as (_, peer):
            for _ in range(2):
                peer.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                assert (await peer.answer()).headers["connection"] == "keep-alive"

    run(main())


# Limits: at the limit it passes, one byte over it does not

SMALL = Limits(request_line_bytes=64, header_block_bytes=100, header_count=4, header_bytes=50)


def status_within(run, limits: Limits, content: bytes, *, bytewise: bool) -> int:
    async def main():
        async with served(Echo(), limits) as (_, peer):
            for part in [content[i : i + 1] for i in range(len(content))] if bytewise else [content]:
                peer.send(part)
                await peer.writer.drain()
            return (await peer.answer()).status

    return run(main())


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(("excess", "status"), [(-1, 200), (0, 200), (1, 414)])
def test_request_line_limit(run, excess, status, bytewise):
    target = b"/" + b"a" * (64 - len(b"GET / HTTP/1.1\r\n") + excess)
    content = b"GET " + target + b" HTTP/1.1\r\nHost: h\r\n\r\n"
    assert status_within(run, SMALL, content, bytewise=bytewise) == status


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(("excess", "status"), [(-1, 200), (0, 200), (1, 431)])
def test_one_header_limit(run, excess, status, bytewise):
    line = b"X: " + b"a" * (50 - len(b"X: \r\n") + excess) + b"\r\n"
    assert status_within(run, SMALL, GET + line + b"\r\n", bytewise=bytewise) == status


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(("excess", "status"), [(-1, 200), (0, 200), (1, 431)])
def test_header_block_limit(run, excess, status, bytewise):
    line = b"X: " + b"a" * 43 + b"\r\n"
    last = b"Y: " + b"a" * (100 - len(b"Host: h\r\nY: \r\n") - len(line) + excess) + b"\r\n"
    assert status_within(run, SMALL, GET + line + last + b"\r\n", bytewise=bytewise) == status


@pytest.mark.parametrize("bytewise", [False, True])
@pytest.mark.parametrize(("count", "status"), [(3, 200), (4, 200), (5, 431)])
def test_header_count_limit(run, count, status, bytewise):
    lines = b"".join(b"X%d: a\r\n" % n for n in range(count - 1))
    assert status_within(run, SMALL, GET + lines + b"\r\n", bytewise=bytewise) == status


def test_a_head_without_end_is_refused_before_it_is_large(run):
    async def main():
        async with served(Echo(), SMALL) as (_, peer):
            peer.send(GET)
            for _ in range(1200):
                peer.send(b"a")
                await peer.writer.drain()
            assert (await peer.answer()).status == 431

    run(main())


@pytest.mark.parametrize("before", [b"", b"\r\n" * 200])
@pytest.mark.parametrize("size", [1, 7, 1 << 20])
@pytest.mark.parametrize(("excess", "refused"), [(0, False), (1, True)])
def test_a_head_without_end_is_refused_however_it_is_cut(before, size, excess, refused):
    head = b"GET /%b HTTP/1.1\r\n" % (b"a" * (64 - len(b"GET / HTTP/1.1\r\n")))
    content = before + head + b"X" * (100 + len(b"\r\n") + excess)
    reader = RequestReader(SMALL, Nowhere(), peer="", scheme="http")
    reader.feed(content[:size])
    for begin in range(size, len(content), size):
        reader.feed(content[begin : begin + size])
    assert bool(reader.received) == refused
    assert all(isinstance(each, Refusal) and each.status == 431 for each in reader.received)


# Splitting: how the bytes are cut into reads changes nothing


class Nowhere:
    """A connection that is asked for nothing."""

    def send_continue(self) -> None:
        raise AssertionError("nobody reads here")

    def reading_may_change(self) -> None:
        return


def read_all(parts):
    """What a reader makes of the parts: requests with their bodies, and the refusal if any."""
    reader = RequestReader(Limits(), Nowhere(), peer="", scheme="http")
    for part in parts:
        reader.feed(part)
    seen = []
    for received in reader.received:
        if isinstance(received, Refusal):
            seen.append((received.status, received.code))
        else:
            seen.append((received.method, received.target, list(received.headers), drained(received.body)))
    return seen


def drained(body):
    """The bytes a body holds, and how it ended, without waiting."""
    content = bytearray()
    while True:
        try:
            anext(body).send(None)
        except StopIteration as chunk:
            content += chunk.value
        except StopAsyncIteration:
            return bytes(content), "whole"
        except IncompleteBody:
            return bytes(content), "broken"
        else:
            return bytes(content), "waiting"


def test_T259_many_small_headers_are_refused_without_being_counted_again_and_again():
    def read():
        reader = RequestReader(Limits(), Nowhere(), peer="", scheme="http")
        reader.feed(GET + b"a:\r\n" * 60_000 + b"\r\n")
        assert [refusal.status for refusal in reader.received] == [431]

    assert least_seconds(read) < 0.2  # two seconds when each one counts all before it


MESSAGES = st.sampled_from(
    [
        GET + b"\r\n",
        GET + b"Connection: close\r\n\r\n",
        POST + b"Content-Length: 10\r\n\r\n0123456789",
        CHUNKED + b"3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\nX: y\r\n\r\n",
        CHUNKED + b"3\r\nabcX\r\n0\r\n\r\n",
        CHUNKED + b"3\r\nabc\r\n0\r\nHost: y\r\n\r\n",
        POST + b"Content-Length: 1\r\nContent-Length: 1\r\n\r\na",
        b"GET /a HTTP/1.1\r\n\r\n",
        POST + b"Content-Length: 3\r\nConnection: upgrade\r\nUpgrade: h2c\r\n\r\nabc",
        b"\x16\x03\x01",
    ]
)


@given(st.lists(MESSAGES, min_size=1, max_size=4), st.lists(st.integers(1, 40), max_size=40))
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_T046_every_split_gives_the_same_requests(messages, cuts):
    content = b"".join(messages)
    parts = []
    rest = content
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    parts.append(rest)
    assert read_all(parts) == read_all([content])
    assert read_all([content[i : i + 1] for i in range(len(content))]) == read_all([content])
