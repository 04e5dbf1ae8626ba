"""A peer that never ends anything: what is held of it is bounded, whatever it repeats (R-060)."""

import tracemalloc

import pytest
from tests.fuzz.fuzz_http_reader import CHUNKED, GET, PUT, read

SENT_BYTES = 8 << 20
PIECE_BYTES = 64 << 10
MOST_HELD_BYTES = 1 << 20


@pytest.mark.parametrize(
    ("start", "repeated"),
    [
        (b"", b"A"),
        (b"", b"\r\n"),
        (b"", b" "),
        (b"GET /", b"a"),
        (b"GET ", b" "),
        (b"GET / HTTP/1.1", b" "),
        (GET, b"X: y\r\n"),
        (GET, b"X-"),
        (GET + b"X: ", b"y"),
        (GET + b"X: ", b" "),
        (GET + b"X: y\r\n", b" y\r\n"),
        (CHUNKED, b"0"),
        (CHUNKED, b"1;"),
        (CHUNKED, b"1;x=y\r\na\r\n"),
        (CHUNKED + b"0\r\n", b"X: y\r\n"),
        (CHUNKED + b"0\r\n", b"X"),
        (CHUNKED + b"7fffffffffffffff\r\n", b"a"),
        (PUT + b"Content-Length: 999999999999\r\n\r\n", b"a"),
    ],
)
def test_R060_what_is_held_of_an_endless_peer_is_bounded(start, repeated):
    piece = repeated * (PIECE_BYTES // len(repeated))
    held = []

    def parts():
        yield start
        for _ in range(SENT_BYTES // len(piece)):
            held.append(tracemalloc.get_traced_memory()[0])
            yield piece

    tracemalloc.start()
    try:
        read(parts(), keep_bodies=False)
    finally:
        tracemalloc.stop()
    assert max(held) - held[0] < MOST_HELD_BYTES
