"""Raw requests whose start, host, method or answer two readers might take for something different."""

from collections.abc import Iterator
from itertools import product

from tests.compat.smuggling_messages import HOST, SMUGGLED, chunk, head, listed


def targets() -> Iterator[bytes]:
    for target in (
        b"http://h/attack",
        b"http://other/attack",
        b"HTTP://h/attack",
        b"http://h",
        b"http://h?x",
        b"http:///attack",
        b"http://u@h/attack",
        b"http://h:80/attack",
        b"https://h/attack",
        b"ftp://h/attack",
        b"//h/attack",
        b"h/attack",
        b"attack",
        b"?x",
        b"*",
        b"",
        b"/a\x00b",
        b"/a b",
        b"/a\tb",
        b"/a\xffb",
        b"/a#b",
        b"/a\\b",
        b"/%00",
        b"/%0d%0aX:%20y",
        b"/%",
        b"/" + b"a" * 17000,
    ):
        yield head(b"Content-Length: %d" % len(SMUGGLED), target=target) + SMUGGLED


def hosts() -> Iterator[bytes]:
    for lines in (
        (b"",),
        (b"Host: h", b"Host: h"),
        (b"Host: h", b"Host: i"),
        (b"Host: h, i",),
        (b"Host:",),
        (b"Host: h:80:80",),
        (b"Host: u@h",),
        (b"Host: h/x",),
        (b"Host: [::1%25lo]",),
        (b"Host: a_b",),
        (b"Host: h.",),
        (b"Host: H",),
        (b"Host : h",),
        (b" Host: h",),
        (b"Host: h\x00",),
        (b"Host: h h",),
        (b"Host: h:",),
        (b"Host: h:99999",),
        (b"Host: h\thttp",),
        (b"Host: h?x",),
        (b"Host: h#x",),
        (b"X-Forwarded-Host: i", b"Host: h"),
        (b"Host: r-1", b"Host : h"),
    ):
        given = b"".join(line + b"\r\n" for line in lines if line)
        yield b"PUT /attack HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n" % (given, len(SMUGGLED)) + SMUGGLED


def odd_starts() -> Iterator[bytes]:
    for start in listed(
        r"""
        CONNECT h:443 HTTP/1.1 | CONNECT /attack HTTP/1.1 | TRACE /attack HTTP/1.1 | OPTIONS * HTTP/1.1 |
        GET h:80 HTTP/1.1 | GET /attack | GET /attack HTTP/0.9 | GET /attack HTTP/1.2 | GET /attack HTTP/2.0 |
        GET /attack HTTP/1.1\x20 | GET /attack HTTP/1.1 x | GET /attack HTTP/1.1\x00 |
        GET  /attack  HTTP/1.1 | GET\t/attack\tHTTP/1.1 | GET /attack http/1.1 | GET /attack HTTP/01.1 |
        GET /attack HTTP/1.01 | GET /attack HTTP/11 | GET /attack HTTP/1,1 | get /attack HTTP/1.1 |
        \x20GET /attack HTTP/1.1 | G\x00ET /attack HTTP/1.1 | GET/attack HTTP/1.1 | GET /attackHTTP/1.1 |
        M-SEARCH * HTTP/1.1 | PRI * HTTP/2.0 | SOURCE /attack ICE/1.0 | DESCRIBE /attack RTSP/1.0 |
        PROPFIND /attack HTTP/1.1 | \x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03
        """
    ):
        yield start + b"\r\n" + HOST + b"Content-Length: %d\r\n\r\n" % len(SMUGGLED) + SMUGGLED
    yield b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + b"\0" * 9


def upgrades() -> Iterator[bytes]:
    for protocol, connection in product(
        (b"websocket", b"h2c", b"HTTP/2.0", b"TLS/1.0", b""),
        (b"Upgrade", b"keep-alive, Upgrade", b"Upgrade, HTTP2-Settings", b"close, Upgrade"),
    ):
        lines = (b"Upgrade: " + protocol, b"Connection: " + connection)
        yield head(*lines, b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA", method=b"GET") + SMUGGLED
        yield head(*lines, b"Content-Length: %d" % len(SMUGGLED)) + SMUGGLED
        yield head(*lines, b"Transfer-Encoding: chunked") + chunk(SMUGGLED) + b"0\r\n\r\n"


def overrides() -> Iterator[bytes]:
    for name in (
        b"X-HTTP-Method-Override",
        b"X-HTTP-Method",
        b"X-Method-Override",
        b"X-Original-URL",
        b"X-Rewrite-URL",
    ):
        yield head(name + b": DELETE", b"Content-Length: 5") + b"abcde"
    yield head(b"Content-Length: 14", target=b"/attack?_method=DELETE") + b"_method=DELETE"


def paths() -> Iterator[bytes]:
    for path in listed(
        r"""
        // | //a | /./a | /../a | /b/../a | /%2e%2e/a | /b%2fa | /b%2Fa | /b;x=y/a | /%c0%af | /%u0041 |
        /a/. | /a/.. | /b\\..\\a | /a// | /a?b?c | /a?b#c
        """
    ):
        yield head(b"Content-Length: 5", method=b"PUT", target=path) + b"abcde"


def early_answers() -> Iterator[bytes]:
    for size in (len(SMUGGLED), 70_000, 300_000):
        yield head(b"Content-Length: %d" % size, target=b"/early") + SMUGGLED.ljust(size, b"x")
        yield (
            head(b"Transfer-Encoding: chunked", target=b"/early")
            + chunk(SMUGGLED.ljust(size, b"x"))
            + b"0\r\n\r\n"
        )
        yield head(b"Content-Length: %d" % size, target=b"/early") + SMUGGLED.ljust(size // 2, b"x")
    yield head(b"Content-Length: %d" % len(SMUGGLED), b"Expect: 100-continue", target=b"/early") + SMUGGLED
    yield head(b"Transfer-Encoding: chunked", target=b"/early") + b"zz\r\n" + SMUGGLED


def bodiless() -> Iterator[bytes]:
    for method, target in product(
        (b"HEAD", b"GET", b"OPTIONS", b"DELETE"), (b"/attack", b"/status/204", b"/status/304")
    ):
        yield head(method=method, target=target)
        yield head(b"Content-Length: %d" % len(SMUGGLED), method=method, target=target) + SMUGGLED
        yield (
            head(b"Transfer-Encoding: chunked", method=method, target=target) + chunk(SMUGGLED) + b"0\r\n\r\n"
        )
