"""TLS between the loop's transport and a connection: bytes are pumped, OpenSSL does the rest.

The loops' own TLS is not used: theirs do not tell of a handshake that has begun, so it could be
neither counted nor ended with the rest, cannot close one side only, and differ from each other.
"""

import asyncio
import ssl
import time
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any, cast

from onread.server.head import render_head
from onread.server.refusal import bad_request

if TYPE_CHECKING:
    from onread.server.listener import Listener

_RECORD_BYTES = 16 << 10
# What the peer may make us say (key updates, alerts) while it takes nothing.
_UNTAKEN_BYTES = 64 << 10


class TlsLink(asyncio.Transport, asyncio.Protocol):
    """The loop's protocol on one side, the connection's transport on the other.

    The connection hears of its peer when the handshake is done. Until then the listener counts and
    ends us: a handshake has a deadline, and only so many may be in progress.
    """

    _transport: asyncio.Transport

    def __init__(self, listener: "Listener", context: ssl.SSLContext) -> None:
        super().__init__()
        self._listener = listener
        self._connection = listener.make_connection()
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._untaken_bytes = 0
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._established = False
        self._finished = False
        self._ended = False
        self.deadline = 0.0

    # Told by the loop's transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake; one too many is cut."""
        self._transport = cast("asyncio.Transport", transport)
        self.deadline = time.monotonic() + self._listener.limits.handshake_seconds
        if not self._listener.admit_handshake(self):
            self._transport.abort()

    def data_received(self, data: bytes) -> None:
        """Go on with the handshake, or hand on what the peer said."""
        if self._ended or self._finished:
            return
        self._incoming.write(data)
        if self._established or self._shake():
            self._hand_on()

    def eof_received(self) -> bool:
        """The peer has closed its side, with a word or without: framing tells what is whole."""
        if not self._established:
            return False
        self._end()
        return True

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell the connection, or the listener when there is none yet."""
        self._listener.end_handshake(self)
        self._ended = True
        if self._established:
            self._connection.connection_lost(exc)
        del self._connection  # it holds us: without this only the garbage collector would end both

    def pause_writing(self) -> None:
        """The peer takes less than we send."""
        if self._established:
            self._connection.pause_writing()

    def resume_writing(self) -> None:
        """The peer has caught up."""
        if self._established:
            self._connection.resume_writing()

    # The handshake

    def _shake(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._flush()
            return False
        except ssl.SSLError as error:
            self._fail_handshake(error)
            return False
        self._flush()
        self._established = True
        self._listener.end_handshake(self)
        self._connection.connection_made(self)
        return True

    def _fail_handshake(self, error: ssl.SSLError) -> None:
        self._ended = True
        if error.reason == "HTTP_REQUEST":
            self._transport.write(_spoke_plainly(self._listener.standing_lines))
        else:
            self._flush()
        self._transport.close()

    def check(self, now: float) -> None:
        """Enforce the deadline of the handshake."""
        if now >= self.deadline:
            self._transport.abort()

    # The pump

    def _hand_on(self) -> None:
        """Decrypt all there is; at most what the loop read at once, so pausing need not stop it."""
        pieces, ends = self._decrypt()
        self._say()
        if pieces:
            self._connection.data_received(pieces[0] if len(pieces) == 1 else b"".join(pieces))
        if ends and not self._transport.is_closing():
            self._end()

    def _decrypt(self) -> tuple[list[bytes], bool]:
        pieces: list[bytes] = []
        read = self._tls.read
        try:
            while piece := read(_RECORD_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            return pieces, False
        except ssl.SSLError:  # close_notify, or bytes that are not what the peer's OpenSSL would send
            return pieces, True
        return pieces, True

    def _say(self) -> None:
        """What OpenSSL itself has to say; a peer that makes it talk and does not listen is cut."""
        said = self._outgoing.pending
        if not said:
            return
        self._flush()
        self._untaken_bytes = self._untaken_bytes + said if self._transport.get_write_buffer_size() else 0
        if self._untaken_bytes > _UNTAKEN_BYTES:
            self._transport.abort()

    def _end(self) -> None:
        if self._ended:
            return
        self._ended = True
        if not self._connection.eof_received():
            self.close()

    def _flush(self) -> None:
        if self._outgoing.pending:
            self._transport.write(self._outgoing.read())

    def _say_goodbye(self) -> None:
        """Send close_notify, without which the peer could not tell an end from a cut."""
        self._finished = True
        with suppress(ssl.SSLError):  # it would wait for the peer's goodbye: we do not
            self._tls.unwrap()
        self._flush()

    # Asked by the connection

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Send bytes, encrypted at once."""
        if not data or self._finished:
            return
        try:
            self._tls.write(data)
        except ssl.SSLError:  # the peer broke the session: there is nobody to write to
            self.abort()
        else:
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        """Send pieces as few records."""
        self.write(b"".join(list_of_data))

    def write_eof(self) -> None:
        """Say goodbye; the peer may still send."""
        if not self._finished:
            self._say_goodbye()
            self._transport.write_eof()

    def can_write_eof(self) -> bool:
        """Always, unlike the loops' own TLS."""
        return True

    def close(self) -> None:
        """Say goodbye and end when all that was written has left."""
        if not self._finished and not self._transport.is_closing():
            self._say_goodbye()
        self._transport.close()

    def abort(self) -> None:
        """End at once, without a goodbye: the peer sees a failure."""
        self._finished = True
        self._transport.abort()

    def is_closing(self) -> bool:
        """Whether the end has begun."""
        return self._transport.is_closing()

    def pause_reading(self) -> None:
        """Take no more from the peer."""
        self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more from the peer."""
        self._transport.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Of encrypted bytes, which are nearly as many."""
        self._transport.set_write_buffer_limits(high=high, low=low)

    def get_write_buffer_size(self) -> int:
        """Of encrypted bytes."""
        return self._transport.get_write_buffer_size()

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """What the loop's transport knows."""
        return self._transport.get_extra_info(name, default)


def _spoke_plainly(standing_lines: str) -> bytes:
    """What a client is told that speaks HTTP to a port of HTTPS."""
    response = bad_request("This port speaks HTTPS: write https:// in the endpoint.").response()
    assert isinstance(response.body, bytes)
    framing = f"{standing_lines}Content-Length: {len(response.body)}\r\nConnection: close\r\n"
    return render_head(response.status, response.headers, framing) + response.body
