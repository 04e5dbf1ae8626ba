"""How much one peer may ask of a listener: sizes, spans and numbers, each with its default."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The limits of one listener; a request at the limit passes, one byte over it is refused.

    A header counts as its name, its value and four bytes (colon, space, CR, LF).

    Attributes:
        request_line_bytes: method, target and version (414 beyond it).
        header_block_bytes: all headers together (431), ``header_count`` their number (431),
            ``header_bytes`` the largest single one (431).
        trailer_bytes: all trailers of a chunked request, and the spare framing bytes of its chunks
            (extensions, leading zeros): beyond it the body fails (400).
        pipelined_requests: how many requests may be parsed before the first is answered.
        head_seconds: from the first wait, or the first byte of a later head, to a whole header block.
        idle_seconds: how long a kept-alive connection may rest between requests.
        stall_seconds: how long a caller may take no byte, or an uploader send none.
        linger_seconds: after an answer that leaves the request's body unread, how long the rest of
            it is thrown away before the connection is cut, so that the answer is not lost to a reset.
        buffer_bytes: high-water mark of each direction of a connection, and of what the kernel holds unsent.
        drain_body_bytes: an unread rest of at most this much is read for the sake of the connection.
        connections: how many may be open at once; more are answered 503 and closed.
        handshakes: how many TLS handshakes may be in progress beside them; one more is cut.
        handshake_seconds: from the first wait to the end of a TLS handshake.
        refused_connections: how many of those may be on their way out at once; more are closed unheard.
    """

    request_line_bytes: int = 16 << 10
    header_block_bytes: int = 32 << 10
    header_count: int = 100
    header_bytes: int = 16 << 10
    trailer_bytes: int = 8 << 10
    pipelined_requests: int = 64
    head_seconds: float = 10.0
    idle_seconds: float = 60.0
    stall_seconds: float = 30.0
    linger_seconds: float = 1.0
    buffer_bytes: int = 256 << 10
    drain_body_bytes: int = 64 << 10
    connections: int = 4096
    handshakes: int = 1024
    handshake_seconds: float = 10.0
    refused_connections: int = 64


DEFAULT_LIMITS = Limits()
