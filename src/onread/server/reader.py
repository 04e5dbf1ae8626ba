"""Bytes in, requests out: the framing of what one peer sends. Knows no socket.

httptools (llhttp) reads heads and chunks and is strict in nearly all that request smuggling lives on;
what it lets pass is refused here. It sees no more than it must: the rest of a body of known length
goes past it, uncopied, and a fresh parser takes over behind the body.
"""

from collections import deque

import httptools

from onread.errors import IncompleteBody
from onread.server.body import NO_BODY, IncomingBody, Upstream
from onread.server.head import (
    FORBIDDEN_TRAILERS,
    PLAIN_HEADERS,
    body_length,
    check_expectation,
    check_start,
    is_plain_read,
    split_target,
)
from onread.server.limits import Limits
from onread.server.refusal import Refusal, bad_request, headers_too_large, request_line_too_long
from onread.server.request import ReceivedHeaders, ReceivedRequest, read_headers
from onread.wire.head_names import read_names

_HEADER_EXTRA_BYTES = 4  # colon, space, CR, LF
_REQUEST_LINE_EXTRA_BYTES = 12  # two spaces, HTTP/1.1, CR, LF
_EMPTY_LINE_BYTES = 2
_CHUNKED_HEAD = b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: %b\r\n\r\n"
_CHUNK_FRAMING_BYTES = 32  # what an honest chunk spends on its size and line ends, amply


class RequestReader:
    """Turns what one peer sends into requests, in order; a `Refusal` among them is the last.

    Feeding one byte at a time gives the same requests and bodies as feeding all at once; only a head without
    end is refused later, by one feed at most, when it begins in the middle of one.

    Attributes:
        received: requests whose heads are complete and which nobody has taken yet.
        in_head: the first byte of a head has come and its end has not.
        body: the body that is arriving; None between messages.
        finished: nothing more will be read: the peer asked to close, or broke the framing.
        peer: the address of who asks.
    """

    def __init__(self, limits: Limits, upstream: Upstream, *, peer: str, scheme: str) -> None:
        self.received: deque[ReceivedRequest | Refusal] = deque()
        self.in_head = False
        self.finished = False
        self._limits = limits
        self._upstream = upstream
        self.peer = peer
        self._scheme = scheme
        self._parser = httptools.HttpRequestParser(self)
        self.body: IncomingBody | None = None
        self._direct_bytes = 0
        self._target = b""
        self._names: list[bytes] = []
        self._values: list[bytes] = []
        self._longest_target = limits.request_line_bytes - _REQUEST_LINE_EXTRA_BYTES
        self._keep_alive = True
        self._upgrading = False
        self._replaying = False
        # How much may have gone into the head so far: never less than the truth.
        self._span_bytes = 0
        self._first_feed_bytes = 0  # of them, what may have lain before the head
        self._feed_bytes = 0
        self._spare_bytes = 0
        self._counted = self._counted_bytes = 0  # headers whose size is known, and that size
        # Below it no limit on a part of a head can be passed, and none is looked at.
        self._harmless_bytes = min(limits.request_line_bytes, limits.header_bytes, limits.header_block_bytes)
        self._plain_bytes = self._harmless_bytes if limits.header_count >= PLAIN_HEADERS else 0

    def serve_peer(self, peer: str, scheme: str) -> None:
        """Who really asks, and how: another process has accepted the connection. Before the first byte."""
        self.peer = peer
        self._scheme = scheme

    def may_stay_unread(self, data: bytes) -> bool:
        """Whether these next bytes are one `plain read <is_plain_read>`, behind a message that is whole.

        They may be fed later, or be answered and never be fed.
        """
        between = not (self.in_head or self.finished or self.received or self.body is not None)
        return between and len(data) <= self._plain_bytes and is_plain_read(data)

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the connection."""
        while data:
            if self._direct_bytes:
                data = self._feed_direct(data)
            elif self.finished:
                return
            else:
                data = self._feed_parser(data)

    def close(self) -> None:
        """The peer will send no more: a body in the middle fails, and the parser lets go of us."""
        self.finished = True
        if self.body is not None:
            self.body.leave()
        # All hold us: without this only the garbage collector would end them, and what they buffer.
        self.body = None
        del self._parser, self._upstream

    def _feed_direct(self, data: bytes) -> bytes:
        """Pass on body bytes of a declared length; return what lies behind the body."""
        body = self.body
        assert body is not None
        rest = b""
        if len(data) > self._direct_bytes:
            data, rest = data[: self._direct_bytes], data[self._direct_bytes :]
        self._direct_bytes -= len(data)
        body.push(data)
        if not self._direct_bytes:
            self._parser = httptools.HttpRequestParser(self)
            self.on_message_complete()
        return rest

    def _feed_parser(self, data: bytes) -> bytes:
        """Let the parser read on; return what it left."""
        between = self.body is None and not self.in_head
        waiting = len(self.received)
        self._feed_bytes = len(data)
        self._span_bytes += len(data)
        self._spare_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._decline_upgrade()
            return data[upgrade.args[0] :]
        except httptools.HttpParserError as error:
            self._stop(error)
            return b""
        if self.body is not None:
            self._after_body_bytes(self.body)
        elif self.in_head:
            if between and len(self.received) == waiting:  # all but empty lines is of this head
                self._first_feed_bytes -= len(data.lstrip(b"\r\n"))
            self._after_head_bytes()
        return b""

    def _decline_upgrade(self) -> None:
        """Go on in HTTP/1.1 (T-051), though the parser takes all behind the head for another protocol."""
        self._parser = httptools.HttpRequestParser(self)
        if self.body is None:
            return
        if self.body.length_bytes is not None:
            self._direct_bytes = self.body.length_bytes
            return
        self._replaying = True
        # It stops by itself behind the last request, as the first parser would have.
        self._parser.feed_data(_CHUNKED_HEAD % (b"keep-alive" if self._keep_alive else b"close"))

    def _after_body_bytes(self, body: IncomingBody) -> None:
        if body.length_bytes is not None:
            self._direct_bytes = body.length_bytes - body.received_bytes
        elif self._spare_bytes > self._limits.trailer_bytes:
            self._fail_body("Too many bytes lie between the chunks.")

    def _after_head_bytes(self) -> None:
        grown = self._span_bytes - self._first_feed_bytes
        if grown > self._limits.request_line_bytes + self._limits.header_block_bytes + _EMPTY_LINE_BYTES:
            self.refuse(headers_too_large())

    def refuse(self, refusal: Refusal) -> None:
        """Read no further; the refusal follows the requests that were whole."""
        self.in_head = False
        self.finished = True
        self.received.append(refusal)

    def _stop(self, error: httptools.HttpParserError) -> None:
        cause = error.__context__
        if self.body is not None:
            message = (
                cause.message if isinstance(cause, Refusal) else "The chunks are not framed as HTTP demands."
            )
            self._fail_body(message)
        elif isinstance(cause, Refusal):
            self.refuse(cause)
        elif isinstance(error, httptools.HttpParserCallbackError) and cause is not None:
            raise cause
        elif not self.finished:
            self.refuse(bad_request("The request is not HTTP/1.1 as this server reads it."))

    def _fail_body(self, message: str) -> None:
        assert self.body is not None
        self.body.fail(IncompleteBody(message))
        self.finished = True
        self.body = None

    # Called by the parser

    def on_message_begin(self) -> None:
        """The first byte of a head."""
        self.in_head = True
        self._target = b""
        self._span_bytes = self._first_feed_bytes = self._feed_bytes
        self._counted = self._counted_bytes = 0

    def on_url(self, part: bytes) -> None:
        """Some or all of the request target."""
        self._target += part
        if len(self._target) > self._longest_target:
            raise request_line_too_long()

    def on_header(self, raw_name: bytes, raw_value: bytes) -> None:
        """One whole header, or trailer."""
        self._names.append(raw_name)
        self._values.append(raw_value)
        if self._span_bytes > self._harmless_bytes and self.in_head:
            self._check_size(raw_name, raw_value)

    def on_headers_complete(self) -> None:
        """The empty line behind the head."""
        names, self._names = self._names, []
        values, self._values = self._values, []
        self.in_head = False
        if self._replaying:
            self._replaying = False
            return
        if len(names) > self._limits.header_count:
            raise Refusal(431, "RequestHeaderSectionTooLarge", "The request has too many headers.")
        if len(self.received) >= self._limits.pipelined_requests:
            raise bad_request("Too many requests were sent without waiting for an answer.")
        request = self._build(read_headers(names, values))
        self._upgrading = "upgrade" in request.headers and self._parser.should_upgrade()
        self._keep_alive = request.keep_alive
        self.received.append(request)

    def on_chunk_header(self) -> None:
        """The size of a chunk."""
        self._spare_bytes -= _CHUNK_FRAMING_BYTES

    def on_body(self, chunk: bytes) -> None:
        """Bytes of the body."""
        assert self.body is not None
        self._spare_bytes -= len(chunk)
        self.body.push(chunk)

    def on_message_complete(self) -> None:
        """The last byte of a message, or of the head of one that asks for an upgrade."""
        if self._upgrading and self.body is not None:
            self._upgrading = False
            return
        if self._names:
            self._check_trailers()
            self._names, self._values = [], []
        body, self.body = self.body, None
        if body is not None:
            body.finish()
        if not self._keep_alive:
            self.finished = True

    # What the callbacks are made of

    def _check_size(self, name: bytes, value: bytes) -> None:
        if len(name) + len(value) + _HEADER_EXTRA_BYTES > self._limits.header_bytes:
            raise headers_too_large()
        # Each header is counted once: a block of many small ones would cost their square.
        self._counted_bytes += _size_bytes(self._names[self._counted :], self._values[self._counted :])
        self._counted = len(self._names)
        if self._counted_bytes > self._limits.header_block_bytes:
            raise headers_too_large()

    def _check_trailers(self) -> None:
        if _size_bytes(self._names, self._values) > self._limits.trailer_bytes:
            raise bad_request("The trailers of the body are too large.")
        if not FORBIDDEN_TRAILERS.isdisjoint(read_names(self._names).keys):
            raise bad_request("A trailer of the body has a name that only a header may have.")

    def _build(self, headers: ReceivedHeaders) -> ReceivedRequest:
        parser = self._parser
        version = parser.get_http_version()
        method = check_start(parser.get_method(), version)
        if len(method) + len(self._target) > self._longest_target:
            raise request_line_too_long()
        target, host = split_target(self._target.decode("latin-1"), headers.get("host"), version)
        length = body_length(version, headers.get("content-length"), headers.get("transfer-encoding"))
        expect = headers.get("expect")
        continue_expected = expect is not None and check_expectation(expect, version)
        return ReceivedRequest(
            method=method,
            target=target,
            host=host,
            headers=headers,
            body=NO_BODY if length == 0 else self._begin_body(length, continue_expected),
            peer=self.peer,
            scheme=self._scheme,
            version=version,
            keep_alive=parser.should_keep_alive(),
        )

    def _begin_body(self, length: int | None, continue_expected: bool) -> IncomingBody:
        # Bytes of this feed may belong to the head: none counts against the framing of the chunks.
        self._spare_bytes = -self._feed_bytes
        self.body = IncomingBody(
            self._upstream,
            length_bytes=length,
            continue_expected=continue_expected,
            mark_bytes=self._limits.buffer_bytes,
        )
        self.body.stall_limit_seconds = self._limits.stall_seconds
        return self.body


def _size_bytes(names: list[bytes], values: list[bytes]) -> int:
    return sum(map(len, names)) + sum(map(len, values)) + _HEADER_EXTRA_BYTES * len(names)
