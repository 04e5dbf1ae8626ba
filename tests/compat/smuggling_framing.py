"""Raw requests whose end, or whose header lines, two readers might see in different places."""

from collections.abc import Iterator
from itertools import product

from tests.compat.smuggling_messages import CHUNKED_BODY, SMUGGLED, head, listed


def two_framings() -> Iterator[bytes]:
    encodings = [b"Transfer-Encoding: chunked", b"transfer-encoding: Chunked", b"Transfer-Encoding:chunked"]
    for encoding, length in product(encodings, (0, 5, len(CHUNKED_BODY), 6)):
        given = b"Content-Length: %d" % length
        yield head(given, encoding) + CHUNKED_BODY + SMUGGLED
        yield head(encoding, given) + b"0\r\n\r\n" + SMUGGLED
    yield head(b"Content-Length: 4", b"Transfer-Encoding: chunked", method=b"GET") + b"5c\r\n" + SMUGGLED


def lengths() -> Iterator[bytes]:
    values = listed(
        r"""
        5, 5 | 5,5 | +5 | -5 | 0x5 | 5\x20 | 5\t | \x205 | \t5 | 05 | 5.0 | 5e0 | \e | 5; | "5"
        """
    )
    values += listed(
        r"""
        \xd9\xa5 | 5 5 | 5_0 | 1_0 | 99999999999999999999 | 18446744073709551621 | -0 | +0 | NaN | 5\x00 |
        5\x0b | 5\r
        """
    )
    for value in values:
        yield (
            head(b"Content-Length:" + (b"" if value.startswith((b" ", b"\t")) else b" ") + value)
            + b"abcde"
            + SMUGGLED
        )
    for first, second in product((b"5", b"0", b"6"), (b"5", b"0", b"44")):
        yield head(b"Content-Length: " + first, b"Content-Length: " + second) + b"abcde" + SMUGGLED
    for name in listed(
        r"""
        content-length | CONTENT-LENGTH | Content_Length | Content-Length\x20 | Content\tLength |
        \x20Content-Length | Content-Length\x00 | \x0bContent-Length | Content-Length\xa0
        """
    ):
        yield head(name + b": 5", b"X-A: b") + b"abcde" + SMUGGLED
        yield head(b"Content-Length: 0", name + b": %d" % len(SMUGGLED)) + SMUGGLED


def encodings() -> Iterator[bytes]:
    values = listed(
        r"""
        xchunked | chunked, identity | identity, chunked | identity | gzip, chunked | chunked\x0b |
        \x0bchunked | chunked\x00 | chunked;q=1
        """
    )
    values += listed(
        r"""
        chunked, chunked | chunked, | ,chunked | \e | chunk | CHUNKED | cHuNkEd | "chunked" | chunked\xa0 |
        \xa0chunked | chunked\t | \tchunked | chunked\x20 | x chunked | chunked x | chun ked | \x0cchunked |
        chunked\x85
        """
    )
    for value in values:
        yield head(b"Transfer-Encoding: " + value) + CHUNKED_BODY + SMUGGLED
        yield head(b"Content-Length: 0", b"Transfer-Encoding: " + value) + b"0\r\n\r\n" + SMUGGLED
    for second in (b"chunked", b"identity", b"x"):
        yield head(b"Transfer-Encoding: chunked", b"Transfer-Encoding: " + second) + CHUNKED_BODY + SMUGGLED
        yield head(b"Transfer-Encoding: " + second, b"Transfer-Encoding: chunked") + CHUNKED_BODY + SMUGGLED
    for name in (
        b"Transfer-Encoding ",
        b"Transfer_Encoding",
        b"Transfer-Encoding\t",
        b" Transfer-Encoding",
        b"Transfer-Encoding\x00",
        b"X\nTransfer-Encoding",
        b"X: y\nTransfer-Encoding",
        b"X: y\rTransfer-Encoding",
    ):
        yield head(name + b": chunked") + CHUNKED_BODY + SMUGGLED
        yield head(b"Content-Length: 5", name + b": chunked") + b"0\r\n\r\n" + SMUGGLED
    yield head(b"Transfer-Encoding:", b" chunked") + CHUNKED_BODY + SMUGGLED
    yield head(b"Transfer-Encoding: chunked", version=b"HTTP/1.0") + CHUNKED_BODY + SMUGGLED
    yield (
        head(b"Connection: keep-alive", b"Transfer-Encoding: chunked", version=b"HTTP/1.0")
        + CHUNKED_BODY
        + SMUGGLED
    )
    yield head(b"TE: chunked", b"Connection: TE", b"Content-Length: 5") + b"abcde"


CHUNKINGS = listed(
    r"""
    5\nabcde\r\n0\r\n\r\n | 5\r\nabcde0\r\n\r\n | 5\r\nabcde\n0\r\n\r\n | 5\r\nabcde\r0\r\n\r\n |
    5\r\nabcde\rX0\r\n\r\n | 5;a\nb\r\nabcde\r\n0\r\n\r\n | 5;a\rb\r\nabcde\r\n0\r\n\r\n |
    5;a="\r\n"\r\nabcde\r\n0\r\n\r\n | 5 \r\nabcde\r\n0\r\n\r\n | \x205\r\nabcde\r\n0\r\n\r\n |
    5\t\r\nabcde\r\n0\r\n\r\n | 0x5\r\nabcde\r\n0\r\n\r\n | +5\r\nabcde\r\n0\r\n\r\n |
    -5\r\nabcde\r\n0\r\n\r\n | 5_\r\nabcde\r\n0\r\n\r\n | 5.\r\nabcde\r\n0\r\n\r\n |
    fffffffffffffffff\r\nabcde\r\n0\r\n\r\n | ffffffffffffffff\r\nabcde\r\n0\r\n\r\n |
    10000000000000005\r\nabcde\r\n0\r\n\r\n | 00000000000000005\r\nabcde\r\n0\r\n\r\n |
    \r\n5\r\nabcde\r\n0\r\n\r\n | \r\n\r\n0\r\n\r\n | ;\r\n\r\n0\r\n\r\n | 5\r\nabcde\r\n0\n\n |
    5\r\nabcde\r\n0\r\n\n | 5\r\nabcde\r\n0\n\r\n | 5\r\nabcde\r\n0\r\r\n\r\n | 5\r\nabcde\r\n0\rX\r\n\r\n |
    5\r\nabcdef\r\n0\r\n\r\n | 4\r\nabcde\r\n0\r\n\r\n | 5\r\nabcde\r\n00000\r\n\r\n |
    5\r\nabcde\r\n0;x=y\r\n\r\n | 5\r\nabcde\r\n0 \r\n\r\n | 5;\x00\r\nabcde\r\n0\r\n\r\n |
    5\x00\r\nabcde\r\n0\r\n\r\n | \xb5\r\nabcde\r\n0\r\n\r\n | 5;a=b;c="d e"\r\nabcde\r\n0\r\n\r\n |
    g\r\n\r\n0\r\n\r\n | 0\r\n\r\n | 5\r\r\nabcde\r\n0\r\n\r\n | 5\r\nabcde\r\n\r\n0\r\n\r\n
    """
)


def chunk_ends() -> Iterator[bytes]:
    for chunks in CHUNKINGS:
        yield head(b"Transfer-Encoding: chunked") + chunks + SMUGGLED
    yield head(b"Transfer-Encoding: chunked") + b"%x\n%b\n0\n\n" % (len(SMUGGLED), SMUGGLED)
    yield head(b"Transfer-Encoding: chunked") + b"2;\nxx\r\n4c\r\n0\r\n\r\n" + SMUGGLED


def trailers() -> Iterator[bytes]:
    names = listed(
        r"""
        X-A | Content-Length | Transfer-Encoding | Host | Authorization | Connection | Trailer |
        Content-Type | x-amz-checksum-crc32
        """
    )
    for name in names:
        yield (
            head(b"Transfer-Encoding: chunked", b"Trailer: " + name)
            + b"1\r\na\r\n0\r\n%b: 44\r\n\r\n" % name
            + SMUGGLED
        )
    for lines in listed(
        r"""
        X-A: GET /b HTTP/1.1\r\n | X-A : b\r\n | \x20X-A: b\r\n | X-A: b\n | X-A: b\r |
        GET /smuggled HTTP/1.1\r\nHost: h\r\n | : b\r\n | X-A\r\n | X-A: b\x00\r\n | X-A: b\r\n c\r\n
        """
    ):
        yield head(b"Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n" + lines + b"\r\n" + SMUGGLED
    yield head(b"Transfer-Encoding: chunked") + b"0\r\nX-A: " + b"b" * 65536 + b"\r\n\r\n"


def header_lines() -> Iterator[bytes]:
    lines = [
        b"X: a\r\n b",
        b"X: a\r\n\tb",
        b" X: a",
        b"\tX: a",
        b"X : a",
        b"X\t: a",
        b"X: a\rb",
        b"X: a\r",
        b"X: a\x00b",
        b"\x00X: a",
        b": a",
        b":",
        b"X",
        b"X a",
        b"X;y: a",
        b"X\xe9: a",
        b"(X): a",
        b"X\x7f: a",
        b"X: a\x7f",
        b"X: a\x01",
        b"X: a\nContent-Length: 44",
        b"X: a\n\nGET /smuggled HTTP/1.1",
        b"X: a\r\rContent-Length: 44",
        b"X: \xff\xfe",
        b"X:",
        b"X:" + b" " * 200 + b"a",
        b"X: a\x0b",
        b"X: a\x0c",
        b'X": a',
        b"X\\: a",
        b"X@: a",
        b"X/Y: a",
        b"X=Y: a",
    ]
    for line in lines:
        yield head(line, b"Content-Length: 0", method=b"PUT") + SMUGGLED
        yield head(b"Content-Length: %d" % len(SMUGGLED), line, method=b"PUT") + SMUGGLED
    yield b"GET /attack HTTP/1.1\nHost: h\n\n"
    yield b"GET /attack HTTP/1.1\r\nHost: h\n\r\n"
    yield b"GET /attack HTTP/1.1\r\nHost: h\r\n\n"
    yield b"GET /attack HTTP/1.1\r\nHost: h\r\n\r" + SMUGGLED
    yield b"\r\n\r\nGET /attack HTTP/1.1\r\nHost: h\r\n\r\n"
    yield b"\n\rGET /attack HTTP/1.1\r\nHost: h\r\n\r\n"
    yield b"GET /attack HTTP/1.1\r\n Host: h\r\n\r\n"
    yield b"GET /attack HTTP/1.1\r\n\r\nHost: h\r\n\r\n"


def pipelines() -> Iterator[bytes]:
    get, put = (
        head(method=b"GET", target=b"/first"),
        head(b"Content-Length: 5", method=b"PUT", target=b"/second") + b"abcde",
    )
    yield get + put
    yield put + get + put
    yield get * 5
    yield head(b"Transfer-Encoding: chunked", target=b"/slow") + CHUNKED_BODY + get + put
    yield put + b"\r\n" + get
    yield put + b"\r\n\r\n\r\n" + get
    yield head(b"Connection: close", method=b"GET") + SMUGGLED
    yield head(b"Connection: keep-alive, close", method=b"GET") + SMUGGLED
    yield head(b"Connection: close, Content-Length", b"Content-Length: 5") + b"abcde"
    yield head(b"Connection: Transfer-Encoding", b"Transfer-Encoding: chunked") + CHUNKED_BODY
    yield head(method=b"GET", version=b"HTTP/1.0") + SMUGGLED
    yield head(b"Connection: keep-alive", method=b"GET", version=b"HTTP/1.0") + SMUGGLED
    yield head(b"Expect: 100-continue", b"Content-Length: 5") + b"abcde"
    yield head(b"Expect: 100-continue", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED
    yield head(b"Expect: 200-ok", b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED
    yield head(b"Expect: 100-continue", b"Expect: 100-continue", b"Content-Length: 5") + b"abcde"
