"""Bytes in, answers out: the framing of what one server sends. Knows no socket.

httptools (llhttp) reads heads and chunks, strictly. The rest of a body of known length goes past it,
uncopied.
"""

import re
from typing import Protocol

import httptools

from onread.outbound.failures import BrokenAnswer
from onread.wire.head_names import HeadNames, read_names, read_values

_LENGTH = re.compile(r"[0-9]{1,18}", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_HEAD_END = b"\r\n\r\n"
_FRAMING = frozenset({"content-length", "transfer-encoding"})
_MOST_INTERIM_ANSWERS = 16
_HEADER_EXTRA_BYTES = 4  # colon, space, CR, LF
_CHUNK_FRAMING_BYTES = 32  # what an honest chunk spends on its size and line ends, amply


class Receiver(Protocol):
    """Who is told what has come."""

    def take_head(self, status: int, headers: list[tuple[str, str]], length_bytes: int | None) -> None:
        """The head of the final answer; ``length_bytes`` of the body that follows, None: unknown."""

    def take_body(self, chunk: bytes) -> None:
        """Bytes of the body."""

    def take_end(self) -> None:
        """The answer is whole."""


class AnswerReader:
    """Turns what one server sends into answers, one for each `expect`.

    Feeding one byte at a time gives the same as feeding all at once; but for line ends behind an answer,
    which the parser passes over when they come with it, and which else are bytes that nobody asked for.

    Attributes:
        began: a byte of the expected answer has come.
        keep_alive: another request may be sent when this answer has ended.

    Raises (from `feed`):
        BrokenAnswer: this connection is good for nothing more.
    """

    def __init__(self, receiver: Receiver, *, head_bytes: int, header_count: int) -> None:
        self._receiver = receiver
        self._head_bytes = head_bytes
        self._header_count = header_count
        self._parser = httptools.HttpResponseParser(self)
        self._names: list[bytes] = []
        self._values: list[bytes] = []
        self._expecting = False
        self._head_only = self._bodiless = False
        self._in_head = True
        self._until_close = self._chunked = False
        self._interim = 0
        self._reason_bytes = 0
        self._seen_bytes = 0
        self._feed_bytes = 0
        self._spare_bytes = 0
        self._direct_bytes = 0
        self._undelivered: int | None = None
        self.began = False
        self.keep_alive = True

    def expect(self, *, head_only: bool) -> None:
        """An answer will come; one to HEAD has no body, whatever it says."""
        self._expecting, self._head_only = True, head_only
        self._in_head, self.began = True, False
        self._until_close = self._chunked = False
        self._interim = self._seen_bytes = 0

    def close(self) -> None:
        """Nothing more will be fed; the parser lets go of us."""
        del self._parser

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        while data:
            if self._direct_bytes:
                data = self._feed_direct(data)
            elif not self._expecting:
                raise BrokenAnswer("Bytes came that nobody had asked for.")
            else:
                self._feed_parser(data)
                return

    def end(self) -> None:
        """The server will send no more.

        Raises:
            BrokenAnswer: that is no end of an answer.
        """
        if self._expecting and self._until_close and not self._in_head:
            self._finish()
        elif self._expecting:
            raise BrokenAnswer("The connection ended before the answer did.")

    def _feed_direct(self, data: bytes) -> bytes:
        rest = b""
        if len(data) > self._direct_bytes:
            data, rest = data[: self._direct_bytes], data[self._direct_bytes :]
        self._direct_bytes -= len(data)
        self._receiver.take_body(data)
        if not self._direct_bytes:
            self._parser = httptools.HttpResponseParser(self)
            self._finish()
        return rest

    def _feed_parser(self, data: bytes) -> None:
        self.began = True
        self._feed_bytes = len(data)
        self._seen_bytes += len(data)
        self._spare_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade:
            raise BrokenAnswer("The server speaks another protocol.") from None
        except httptools.HttpParserError as error:
            if isinstance(error.__context__, BrokenAnswer):
                raise error.__context__ from None
            raise BrokenAnswer("The answer is not HTTP/1.1.") from error
        if not self._expecting:
            # Behind a head without a body the parser may wait for more of a chunk's size, and say nothing.
            if self._bodiless and not (data.endswith(_HEAD_END) or _HEAD_END.endswith(data)):
                raise BrokenAnswer("Bytes came that nobody had asked for.")
            return
        if self._in_head and self._seen_bytes > 2 * self._head_bytes:
            raise BrokenAnswer("The head of the answer is too large.")
        if self._undelivered is not None:
            self._direct_bytes, self._undelivered = self._undelivered, None
        elif self._chunked and self._spare_bytes > self._head_bytes:
            raise BrokenAnswer("Too many bytes lie between the chunks of the answer.")

    def _finish(self) -> None:
        self._expecting = False
        self._undelivered = None
        self._receiver.take_end()

    # Called by the parser

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        if not self._expecting:
            raise BrokenAnswer("Bytes came that nobody had asked for.")
        self._in_head = True
        self._names, self._values = [], []
        self._reason_bytes = 0

    def on_status(self, reason: bytes) -> None:
        """Some or all of the words behind the status. Nobody reads them, and they are HTTP all the same."""
        self._reason_bytes += len(reason)
        if _CONTROL.search(reason.decode("latin-1")):
            raise BrokenAnswer("The status line of the answer holds a control byte.")

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        """One whole header, or trailer."""
        self._names.append(raw_name)
        self._values.append(raw_value)

    def on_headers_complete(self) -> None:
        """The empty line behind a head."""
        status, names, values = self._parser.get_status_code(), self._names, self._values
        self._names, self._values = [], []
        if self._parser.get_http_version() not in ("1.0", "1.1"):
            raise BrokenAnswer("The answer is not HTTP/1.1.")
        read = self._read_values(names, values)
        if status < 200:
            self._interim += 1
            if self._interim > _MOST_INTERIM_ANSWERS or status == 101:
                raise BrokenAnswer("The server says much before it answers.")
            return
        if status > 599:
            raise BrokenAnswer("The status of the answer is none.")
        self._in_head = False
        self._begin(status, read_names(names), read)

    def _read_values(self, names: list[bytes], raw_values: list[bytes]) -> list[str]:
        values, end_in_space = read_values(raw_values)
        if end_in_space:
            values = [value.rstrip(" \t") for value in values]
        text = "".join(values)
        size_bytes = self._reason_bytes + len(text) + len(b"".join(names)) + _HEADER_EXTRA_BYTES * len(names)
        if size_bytes > self._head_bytes or len(names) > self._header_count:
            raise BrokenAnswer("The head of the answer is too large.")
        if not text.isprintable() and _CONTROL.search(text):
            raise BrokenAnswer("A header of the answer holds a control byte.")
        return values

    def _begin(self, status: int, names: HeadNames, values: list[str]) -> None:
        framing = dict(zip(names.keys, values, strict=True))
        headers = list(zip(names.sent, values, strict=True))
        connection = framing.get("connection", "")
        if names.repeated:
            connection = _all_connection(names, values)
        self.keep_alive = self._parser.get_http_version() == "1.1" and "close" not in connection.lower()
        self._bodiless = self._head_only or status in (204, 304)
        if self._bodiless:
            self._parser = httptools.HttpResponseParser(self)  # it would wait for the body
            self._receiver.take_head(status, headers, 0)
            self._finish()
            return
        length_bytes = _body_length(framing)
        self._chunked = "transfer-encoding" in framing
        self._until_close = length_bytes is None and not self._chunked
        self.keep_alive = self.keep_alive and not self._until_close
        self._undelivered = length_bytes or None
        # Bytes of this feed may belong to the head: none counts against the framing of the chunks.
        self._spare_bytes = -self._feed_bytes
        self._receiver.take_head(status, headers, length_bytes)

    def on_chunk_header(self) -> None:
        """The size of a chunk."""
        if not self._expecting:
            raise BrokenAnswer("A body came with an answer that has none.")
        self._spare_bytes -= _CHUNK_FRAMING_BYTES

    def on_body(self, chunk: bytes) -> None:
        """Bytes of the body."""
        self._spare_bytes -= len(chunk)
        if not self._expecting:
            raise BrokenAnswer("A body came with an answer that has none.")
        if self._undelivered is not None:
            self._undelivered -= len(chunk)
        self._receiver.take_body(chunk)

    def on_message_complete(self) -> None:
        """The last byte of a message."""
        if self._expecting and not self._in_head:
            if self._names:  # trailers, which nobody reads
                self._read_values(self._names, self._values)
            self._finish()


def _all_connection(names: HeadNames, values: list[str]) -> str:
    """Every ``Connection`` together, of headers of which some come more than once.

    Raises:
        BrokenAnswer: those that say how long the body is do: which one counts is read in more ways than one.
    """
    if not _FRAMING.isdisjoint(names.repeated):
        raise BrokenAnswer("The answer says twice how long it is.")
    return ",".join(value for key, value in zip(names.keys, values, strict=True) if key == "connection")


def _body_length(framing: dict[str, str]) -> int | None:
    encoding = framing.get("transfer-encoding")
    if encoding is not None and "content-length" in framing:
        raise BrokenAnswer("The answer says twice how long it is.")
    if encoding is not None and encoding.lower() != "chunked":
        raise BrokenAnswer("The answer has a transfer encoding that was not asked for.")
    length = framing.get("content-length")
    if length is None:
        return None
    if not _LENGTH.fullmatch(length):
        raise BrokenAnswer("The length of the answer is no number.")
    return int(length)
