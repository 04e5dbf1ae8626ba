"""The heads of messages: what a request's head must be, and the one place that writes a response's.

Pure: no sockets, no clock. The rules are RFC 9112's where it says MUST, and stricter where a front
proxy and this server might otherwise read one message as two (request smuggling).
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache
from http import HTTPStatus

from onread.server.refusal import Refusal, bad_request

_METHODS = {name.encode(): name for name in ("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH")}

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_HOST = re.compile(r"(?:[A-Za-z0-9._\-]++|\[[0-9A-Fa-f:.]++\])(?::[0-9]{0,5})?")
_ABSOLUTE = re.compile(r"https?://([^/?#]*+)(.*+)", re.IGNORECASE | re.DOTALL)

# The server frames the message; what a handler says about it is dropped.
_FRAMING = frozenset({"connection", "content-length", "date", "keep-alive", "transfer-encoding"})

PLAIN_HEADERS = 64
"""The most headers of a plain read."""

# A GET whose end and meaning nothing can change: none of the headers that frame a message, ask for another
# protocol or an interim answer, name a host again or make it a browser's, and nothing beyond printable ASCII.
# That the connection stays is all that may be said of it.
_PLAIN_READ = re.compile(
    rb"GET /[!\"$-~]*+ HTTP/1\.1\r\n"
    rb"[Hh]ost: [A-Za-z0-9._\-]++(?::[0-9]{0,5})?\r\n"
    rb"(?:(?:[Cc]onnection: [Kk]eep-[Aa]live"
    rb"|(?![CcEeHhKkOoPpTt]|[Uu][Pp])[A-Za-z0-9\-]++: [!-~](?:[ -~]*+(?<! ))?)\r\n){0,%d}+\r\n"
    % (PLAIN_HEADERS - 1)
)

# A trailer may not change how the message was framed, routed, authorised or described.
FORBIDDEN_TRAILERS = frozenset(
    [
        "authorization",
        "connection",
        "content-encoding",
        "content-length",
        "content-range",
        "content-type",
        "cookie",
        "expect",
        "host",
        "keep-alive",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ]
)


# Requests


def is_plain_read(head: bytes) -> bool:
    """Whether this is exactly one request: a GET without a body, in HTTP/1.1, on a connection that stays."""
    return _PLAIN_READ.fullmatch(head) is not None


def body_length(version: str, content_length: str | None, transfer_encoding: str | None) -> int | None:
    """How many bytes of body follow the head; None when it is chunked.

    Raises:
        Refusal: the framing is not exactly one of the two forms (T-040 to T-042).
    """
    if transfer_encoding is not None:
        if content_length is not None:
            raise bad_request("Send Content-Length or Transfer-Encoding, not both.")
        if version != "1.1" or transfer_encoding.lower() != "chunked":
            raise bad_request("The only transfer encoding understood is chunked, in HTTP/1.1.")
        return None
    if content_length is None:
        return 0
    if not _LENGTH.fullmatch(content_length):
        raise bad_request("Content-Length must be one plain decimal number.")
    return int(content_length)


def split_target(target: str, host: str | None, version: str) -> tuple[str, str]:
    """The request target in origin form, and the one host the request names.

    Args:
        target: as received.
        host: the value of the one Host header, None when there was none.

    Raises:
        Refusal: no host in HTTP/1.1, a host that is none, two that differ, or another form of target.

    Source: RFC 9112 sections 3.2 and 3.2.2 ("MUST respond with a 400 ... to any HTTP/1.1 request
    message that lacks a Host header field"; the absolute form's host wins over the header's).
    """
    if host is None and version == "1.1":
        raise bad_request("The Host header is missing.")
    if not target.startswith("/"):
        target, named = _split_absolute(target)
        if host is not None and host.lower() != named.lower():
            raise bad_request("The Host header and the request target name different hosts.")
        host = named
    if "#" in target:
        raise bad_request("The request target must not hold a fragment; encode '#' as %23.")
    if host is not None:
        _check_host(host)
    return target, host or ""


def _split_absolute(target: str) -> tuple[str, str]:
    absolute = _ABSOLUTE.fullmatch(target)
    if absolute is None:
        raise bad_request("The request target must begin with a slash.")
    host, rest = absolute.groups()
    return (rest if rest.startswith("/") else f"/{rest}"), host


@lru_cache(maxsize=1024)
def _check_host(host: str) -> None:
    if not _HOST.fullmatch(host):
        raise bad_request("The Host header must name exactly one host, with a port or without.")


def check_start(raw_method: bytes, version: str) -> str:
    """The method, when a service has it and the version is spoken here.

    Raises:
        Refusal: 400 for CONNECT, whose target is no path, and for other versions; 405 for the rest.
    """
    if version not in ("1.1", "1.0"):
        raise bad_request("Only HTTP/1.1 and HTTP/1.0 are spoken here.")
    method = _METHODS.get(raw_method)
    if method is not None:
        return method
    if raw_method == b"CONNECT":
        raise bad_request("This is not a proxy.")
    raise Refusal(405, "MethodNotAllowed", "The specified method is not allowed against this resource.")


def check_expectation(expect: str, version: str) -> bool:
    """Whether the client waits for ``100 Continue``; HTTP/1.0 has no such thing.

    Raises:
        Refusal: 417 for any other expectation.
    """
    if expect.lower() != "100-continue":
        raise Refusal(417, "ExpectationFailed", "The only expectation understood is 100-continue.")
    return version == "1.1"


# Responses


class UnsafeHead(ValueError):
    """A response head that must not be written: it could be read as something else (T-060)."""


def render_head(status: int, headers: Collection[tuple[str, str]], framing: str) -> bytes:
    """The bytes of a response head, its empty line included.

    Args:
        headers: as the handler gave them; those about framing are dropped.
        framing: whole lines of the server's own (``Content-Length: 5\\r\\n``).

    Raises:
        UnsafeHead: a control byte, a character beyond latin-1, a name that is no token, or a status
            that ends no request.
    """
    names, values = zip(*headers, strict=True) if headers else ((), ())
    # Nearly every value is printable: one quick look at all, the exact rule only for the rest.
    if not "".join(values).isprintable():
        _refuse_control_bytes(headers)
    lines = _lines_of(names) % values
    try:
        return f"{_status_line(status)}{lines}{framing}\r\n".encode("latin-1")
    except UnicodeEncodeError:
        raise UnsafeHead("a character beyond latin-1") from None


def _refuse_control_bytes(headers: Iterable[tuple[str, str]]) -> None:
    for name, value in headers:
        if _CONTROL.search(value):
            raise UnsafeHead(f"control byte in the value of {name!r}")


def given_length(headers: Iterable[tuple[str, str]]) -> int | None:
    """The Content-Length a handler gave, for the answers that may keep it: to HEAD, and 304."""
    for name, value in headers:
        if name.lower() == "content-length" and _LENGTH.fullmatch(value):
            return int(value)
    return None


@lru_cache(maxsize=64)
def _status_line(status: int) -> str:
    if not 200 <= status <= 599:
        raise UnsafeHead(f"status {status}")
    reason = HTTPStatus(status).phrase if status in HTTPStatus._value2member_map_ else ""
    return f"HTTP/1.1 {status} {reason}\r\n"


@lru_cache(maxsize=256)  # most operations answer with one or two sets of names
def _lines_of(names: tuple[str, ...]) -> str:
    """The lines of these headers, their values left out; nothing of those that only the server writes."""
    return "".join(map(_line, names))


def _line(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise UnsafeHead(f"{name!r} is no header name")
    return "%.0s" if name.lower() in _FRAMING else f"{name.replace('%', '%%')}: %s\r\n"
