"""`onread.wire.message`: headers and bodies."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import IncompleteBody, MaxMessageLengthExceeded
from onread.wire.message import BytesBody, Headers, IteratorBody, Request


async def pieces(*chunks):
    for chunk in chunks:
        yield chunk


def read(body, limit_bytes=1000):
    return asyncio.run(body.read(limit_bytes))


async def collected(body):
    return [chunk async for chunk in body]


def test_headers_keep_order_and_letter_case():
    pairs = [("B", "1"), ("a", "2"), ("b", "3")]
    headers = Headers(pairs)
    assert list(headers) == pairs
    assert len(headers) == 3
    assert list(headers.names()) == ["b", "a"]


def test_headers_are_found_in_any_letter_case():
    headers = Headers([("X-A", "1"), ("x-a", "2")])
    assert headers.get("x-a") == "1"
    assert headers.get_all("x-a") == ["1", "2"]
    assert "x-a" in headers
    assert headers.get("x-b") is None
    assert headers.get_all("x-b") == []
    assert "x-b" not in headers


def test_headers_show_no_values():
    assert "secret" not in repr(Headers([("Authorization", "secret")]))


def test_a_target_has_a_path_and_a_query():
    def request(target):
        return Request(method="GET", target=target, host="h", headers=Headers(), body=BytesBody(b""))

    assert (request("/a%20b?c=d?e").path, request("/a%20b?c=d?e").query) == ("/a%20b", "c=d?e")
    assert (request("/a").path, request("/a").query) == ("/a", "")
    assert request("/a?").query == ""


@pytest.mark.parametrize("content", [b"", b"x", b"x" * 1000])
def test_bytes_are_read_once(content):
    body = BytesBody(content)
    assert body.length_bytes == len(content)
    assert read(body) == content
    assert read(body) == b""


def test_bytes_come_whole_and_never_empty():
    assert asyncio.run(collected(BytesBody(b"abc"))) == [b"abc"]
    assert asyncio.run(collected(BytesBody(b""))) == []


@given(st.lists(st.binary(max_size=10), max_size=6))
def test_an_iterator_gives_its_bytes_without_the_empty_ones(chunks):
    body = IteratorBody(pieces(*chunks))
    assert body.length_bytes is None
    assert asyncio.run(collected(body)) == [chunk for chunk in chunks if chunk]


def test_an_iterator_may_give_any_buffer():
    assert read(IteratorBody(pieces(bytearray(b"ab"), memoryview(b"c")))) == b"abc"


@pytest.mark.parametrize("chunks", [[b"ab", b"cd"], [b"abcd"], [b"", b"abcd", b""]])
def test_a_declared_length_is_kept(chunks):
    assert read(IteratorBody(pieces(*chunks), 4)) == b"abcd"


@pytest.mark.parametrize("chunks", [[], [b"abc"], [b"abcde"], [b"abcd", b"e"]])
def test_a_declared_length_that_is_not_kept_is_incomplete(chunks):
    with pytest.raises(IncompleteBody):
        read(IteratorBody(pieces(*chunks), 4))


def test_the_limit_itself_may_be_read():
    assert read(BytesBody(b"abcd"), 4) == b"abcd"
    assert read(IteratorBody(pieces(b"ab", b"cd")), 4) == b"abcd"


@pytest.mark.parametrize("body", [lambda: BytesBody(b"abcd"), lambda: IteratorBody(pieces(b"ab", b"cd"))])
def test_more_than_the_limit_is_refused(body):
    with pytest.raises(MaxMessageLengthExceeded, match="at most 3 bytes"):
        read(body(), 3)


def test_a_declared_length_over_the_limit_is_refused_before_anything_is_read():
    async def unread():
        raise AssertionError("read")
        yield b""

    with pytest.raises(MaxMessageLengthExceeded):
        read(IteratorBody(unread(), 5), 4)


def test_a_reader_of_an_endless_body_holds_no_more_than_the_limit():
    given_bytes = 0

    async def endless():
        nonlocal given_bytes
        while True:
            given_bytes += 10
            yield b"x" * 10

    with pytest.raises(MaxMessageLengthExceeded):
        read(IteratorBody(endless()), 100)
    assert given_bytes == 110
