"""The head of a request as bytes."""

import re
from functools import lru_cache

from onread.outbound.message import Outgoing

_TOKEN = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_TARGET = re.compile(r"/[!-~\x80-\xff]*")
_FRAMING = frozenset({"content-length", "transfer-encoding", "connection", "keep-alive", "upgrade", "te"})
_BODYLESS = frozenset({"GET", "HEAD", "DELETE", "OPTIONS"})


def render_head(outgoing: Outgoing) -> bytes:
    """The request line, the headers as given, and how the body is framed.

    Raises:
        ValueError: something could be read as more than one request, or as another one. Whoever asks
            has checked what it was given: this is the last line.
    """
    if not _TOKEN.fullmatch(outgoing.method) or not _TARGET.fullmatch(outgoing.target):
        raise ValueError("no method or no target")
    names, values = zip(*outgoing.headers, strict=True) if outgoing.headers else ((), ())
    text = "".join(values)
    if not text.isprintable() and _CONTROL.search(text):
        raise ValueError("a control byte in the value of a header")
    lines = _lines_of(names) % values
    head = f"{outgoing.method} {outgoing.target} HTTP/1.1\r\n{lines}{_framing(outgoing)}".encode("latin-1")
    return head + outgoing.body if isinstance(outgoing.body, bytes) else head


def _framing(outgoing: Outgoing) -> str:
    body = outgoing.body
    length = len(body) if isinstance(body, bytes) else body.length_bytes
    if length is None:
        return "Transfer-Encoding: chunked\r\n\r\n"
    if not length and outgoing.method in _BODYLESS:
        return "\r\n"
    return f"Content-Length: {length}\r\n\r\n"


@lru_cache(maxsize=256)  # a client sends the same names all day
def _lines_of(names: tuple[str, ...]) -> str:
    """The lines of these headers, their values left out."""
    return "".join(map(_line, names))


def _line(name: str) -> str:
    if not _TOKEN.fullmatch(name) or name.lower() in _FRAMING:
        raise ValueError(f"{name!r} is no header to send")
    return f"{name.replace('%', '%%')}: %s\r\n"
