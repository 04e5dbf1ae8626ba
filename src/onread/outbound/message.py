"""What is sent, where to, and within which limits."""

import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from onread.wire.frozen import frozen
from onread.wire.message import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What one server may cost us.

    Attributes:
        connect_seconds: for a free place in the pool, the name, the connection and TLS together.
        first_byte_seconds: from the last byte of the request to the end of the answer's head.
        stall_seconds: for which a peer may take no byte, or give none, while we wait for it.
        connections: open at once.
        idle_seconds: for which a connection is kept when nobody uses it.
        fresh_seconds: for which an idle one is taken for a request that cannot be repeated.
        head_bytes: of an answer's head, and of its trailers.
    """

    connect_seconds: float = 2.0
    first_byte_seconds: float = 10.0
    stall_seconds: float = 30.0
    connections: int = 256
    idle_seconds: float = 15.0
    fresh_seconds: float = 4.0
    head_bytes: int = 64 << 10
    header_count: int = 256
    buffer_bytes: int = 256 << 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """A server: where a pool's connections lead to.

    Attributes:
        host: a name or an address, IPv6 without brackets.
        tls: the terms of TLS; None: plain HTTP.
    """

    host: str
    port: int
    tls: ssl.SSLContext | None = None


@frozen(kw_only=True)
class Outgoing:
    """One request to be sent.

    Attributes:
        target: as it goes on the wire, byte for byte: nothing is encoded or normalised.
        headers: in this order and spelling, ``Host`` among them; framing (``Content-Length``,
            ``Transfer-Encoding``, ``Connection``) is the client's and must not be.
        body: bytes, or a `Body` that is streamed: with its length when it knows it, else chunked. The
            last bytes of a declared length are sent only when the body has ended well, so a peer never
            has a whole request whose body raised.
        first_byte_seconds: another limit for this request alone.
    """

    method: str
    target: str
    headers: Sequence[tuple[str, str]]
    body: Body | bytes = b""
    first_byte_seconds: float | None = None

    @property
    def repeatable(self) -> bool:
        """Whether sending it twice is the same as sending it once."""
        return self.method in ("GET", "HEAD") and isinstance(self.body, bytes)


def tls_terms(
    ca: Path | None = None, certificate: Path | None = None, key: Path | None = None
) -> ssl.SSLContext:
    """The terms for servers over TLS: their certificate and name are always checked.

    Args:
        ca: certificates to trust instead of the system's, PEM.
        certificate: what we show them, with its ``key``; None: nothing.

    Raises:
        OSError, ssl.SSLError: a file cannot be read, or is no PEM.
    """
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context
