"""An HTTP message as every part of onread sees it: request, response, headers and bodies.

Owns the one representation of a message. Refuses to know sockets, signatures or services.

Header names and values are ``str`` in which each character stands for one byte (latin-1), exactly as
received: letter case and order are kept, because signatures and events depend on them.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterable, Callable, Iterable, Iterator, KeysView, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field

from onread.errors import IncompleteBody, MaxMessageLengthExceeded


class Headers:
    """An ordered, immutable list of header lines with look-up by name in any letter case."""

    __slots__ = ("_index", "_pairs")

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self._pairs = tuple(pairs)
        self._index: dict[str, list[str]] | None = None

    def _by_name(self) -> dict[str, list[str]]:
        if self._index is None:
            index: dict[str, list[str]] = {}
            for name, value in self._pairs:
                index.setdefault(name.lower(), []).append(value)
            self._index = index
        return self._index

    def get(self, name: str) -> str | None:
        """The value of the first line of this name (given in lower case), or None."""
        values = self._by_name().get(name)
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """The values of every line of this name (given in lower case), in order."""
        return self._by_name().get(name, [])

    def names(self) -> KeysView[str]:
        """Every name once, in lower case."""
        return self._by_name().keys()

    def __contains__(self, name: str) -> bool:
        return name in self._by_name()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter(self._pairs)

    def __len__(self) -> int:
        return len(self._pairs)

    def __repr__(self) -> str:
        return f"Headers({len(self._pairs)} lines)"  # never values: they hold signatures


class Body(ABC):
    """Bytes that are read once, in order, by one reader, as they come.

    ``length_bytes`` is the declared length, or None while it is unknown. Iteration raises
    `IncompleteBody` when the sender stops before the end. A reader that stops early just leaves:
    whoever made the body cleans up in its own scope.
    """

    length_bytes: int | None = None
    trailers: Sequence[tuple[str, str]] = ()
    """What stood behind an aws-chunked body, once it has ended and all of it was verified."""

    def __aiter__(self) -> "Body":
        return self

    @abstractmethod
    async def __anext__(self) -> bytes:
        """The next bytes, never empty; StopAsyncIteration at the end."""

    def let_sender_pause(self) -> None:  # noqa: B027  (bodies without a sender need nothing)
        """The sender may pause as long as it likes: only the reader's own deadline applies from now on."""

    def at_hand(self) -> bytes | None:
        """The whole body, when all of it has come already; then nothing is left to iterate over."""
        return None

    async def read(self, limit_bytes: int) -> bytes:
        """The whole body.

        Raises:
            MaxMessageLengthExceeded: it is longer than ``limit_bytes``; at most that much was held.
        """
        if self.length_bytes is not None and self.length_bytes > limit_bytes:
            raise MaxMessageLengthExceeded(f"The body may hold at most {limit_bytes} bytes.")
        chunks = []
        held = 0
        async for chunk in self:
            held += len(chunk)
            if held > limit_bytes:
                raise MaxMessageLengthExceeded(f"The body may hold at most {limit_bytes} bytes.")
            chunks.append(chunk)
        return b"".join(chunks)


class BytesBody(Body):
    """A body that is already in memory."""

    def __init__(self, content: bytes) -> None:
        self.length_bytes = len(content)
        self._content = content

    async def __anext__(self) -> bytes:
        if not self._content:
            raise StopAsyncIteration
        content, self._content = self._content, b""
        return content


class IteratorBody(Body):
    """A body over any async iterator of bytes; a declared length is enforced.

    Raises (from iteration):
        IncompleteBody: the iterator gave fewer or more bytes than declared.
    """

    def __init__(self, chunks: AsyncIterable[bytes], length_bytes: int | None = None) -> None:
        self._chunks = aiter(chunks)
        self.length_bytes = length_bytes
        self._seen = 0

    async def __anext__(self) -> bytes:
        async for chunk in self._chunks:
            if not chunk:
                continue
            self._seen += len(chunk)
            if self.length_bytes is not None and self._seen > self.length_bytes:
                raise IncompleteBody(f"More than the declared {self.length_bytes} bytes came.")
            return bytes(chunk)
        if self.length_bytes is not None and self._seen != self.length_bytes:
            raise IncompleteBody(f"{self._seen} of the declared {self.length_bytes} bytes came.")
        raise StopAsyncIteration


@dataclass(slots=True, kw_only=True)
class Request:
    """One request, its head read and its body not.

    Attributes:
        target: the request target as received, origin form (``/path?query``), undecoded; an absolute
            form was split by the server into this and ``host``.
        host: the one host this request names, as sent, port included; empty when HTTP/1.0 sent none.
        body: unread. The first read sends ``100 Continue`` when the client waits for it, so nobody
            reads before the request is authorised.
        peer: the address of the other side, without port.
        turned_away: whoever keeps the door has no time for it: it is to be told so and nothing else.
    """

    method: str
    target: str
    host: str
    headers: Headers
    body: Body
    peer: str = ""
    scheme: str = "http"
    turned_away: bool = False
    _parts: tuple[str, str, str] | None = field(default=None, init=False, repr=False, compare=False)

    @property
    def path(self) -> str:
        """The path as received, percent-encoding kept."""
        if self._parts is None:
            self._parts = self.target.partition("?")
        return self._parts[0]

    @property
    def query(self) -> str:
        """What follows the first question mark, as received; empty when there is none."""
        if self._parts is None:
            self._parts = self.target.partition("?")
        return self._parts[2]


@dataclass(slots=True, kw_only=True)
class Response:
    """One answer.

    ``body`` is bytes (sent with the head in one write) or a `Body` (streamed; chunked when its length
    is unknown). The server frames it: ``Content-Length``, ``Transfer-Encoding``, ``Connection`` and
    ``Date`` in ``headers`` are ignored, except that an answer to HEAD and a 304 keep a given
    ``Content-Length``. The server refuses to serialise a control byte in any name or value.
    """

    status: int
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes | Body = b""


Handler = Callable[[Request], AbstractAsyncContextManager[Response]]
"""The one shape of everything that serves: pipeline, Runtime API, health.

The scope stays open until the body has been sent or the caller has gone: leaving it normally means
the last byte was handed to the kernel; leaving it by an exception (CancelledError when the caller
left) means it was not. An exception before the response is yielded never comes from the pipeline; one
raised while the body is read cuts the connection.
"""
