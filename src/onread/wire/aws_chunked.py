"""The ``aws-chunked`` content encoding, decoded without IO: bytes in, events out.

Owns the framing: chunk headers, data, trailers, and the headers that announce them. Refuses to know
keys (`onread.sigv4.chunks` checks signatures) and checksums. Feeding one byte at a time gives the
same events as feeding everything at once, except that data comes in smaller pieces.

Source: Amazon S3 API Reference, "Signature Calculations: Transferring a payload in multiple chunks"
and "... including trailing headers".
"""

import re
from dataclasses import dataclass
from enum import Enum, auto

from onread.errors import IncompleteBody, InvalidRequest, MalformedTrailerError, MissingContentLength
from onread.wire.checksums import BY_HEADER

# 16 hex digits, ";chunk-signature=", 64 hex digits and CRLF are 99 bytes.
_LONGEST_CHUNK_HEADER = 128
_LONGEST_TRAILER = 4096  # all lines together, in bytes
_SIGNATURE_TRAILER = "x-amz-trailer-signature"

_UNSIGNED_HEADER = re.compile(rb"([0-9A-Fa-f]{1,16})")
# AWS takes spaces around the parameter; a signature of another form is a wrong one.
_SIGNED_HEADER = re.compile(
    rb"([0-9A-Fa-f]{1,16})[ \t]*+;[ \t]*+chunk-signature[ \t]*+=[ \t]*+([!-:<-~]{1,64}+)[ \t]*+"
)
_TRAILER_LINE = re.compile(rb"([A-Za-z0-9-]{1,256}):[ \t]*([\x21-\x7e]{1,1024})[ \t]*")


@dataclass(frozen=True, slots=True)
class ChunkStart:
    """A chunk begins. The last one has size 0. ``signature`` is None in the unsigned form."""

    size_bytes: int
    signature: str | None


@dataclass(frozen=True, slots=True)
class Data:
    """Payload bytes of the current chunk, never empty."""

    content: bytes


@dataclass(frozen=True, slots=True)
class ChunkEnd:
    """The current chunk is complete."""


@dataclass(frozen=True, slots=True)
class Trailers:
    """Every announced trailer, in order, names in lower case; and the signature over them."""

    fields: tuple[tuple[str, str], ...]
    signature: str | None


@dataclass(frozen=True, slots=True)
class End:
    """The body is complete: every announced byte and trailer came."""


Event = ChunkStart | Data | ChunkEnd | Trailers | End


class _State(Enum):
    HEADER = auto()
    DATA = auto()
    DATA_END = auto()
    TRAILER = auto()
    DONE = auto()


class ChunkedDecoder:
    """Decodes one body.

    Args:
        decoded_size_bytes: ``x-amz-decoded-content-length``.
        signed: whether chunks (and trailers, when announced) carry signatures.
        announced: the trailer names of ``x-amz-trailer``, from `parse_announced_trailers`.
    """

    def __init__(self, *, decoded_size_bytes: int, signed: bool, announced: tuple[str, ...] = ()) -> None:
        self._state = _State.HEADER
        self._line = bytearray()  # the beginning of a line whose end has not come
        self._expected = decoded_size_bytes
        self._awaited = decoded_size_bytes  # payload bytes that chunk headers have not promised yet
        self._left = 0  # payload bytes of the current chunk still to come
        self._last = False  # the current chunk is the one of size 0
        self._signed = signed
        self._trailers = _TrailerSection(announced, signed=signed and bool(announced))

    def feed(self, data: bytes) -> list[Event]:
        """The events of the next bytes.

        Raises:
            IncompleteBody: the framing is broken, or chunks hold more or fewer bytes than
                ``x-amz-decoded-content-length``. AWS's code for both.
            MalformedTrailerError: a trailer is unknown, unannounced, doubled, missing or unreadable.
        """
        events: list[Event] = []
        position, size = 0, len(data)
        while position < size:
            if self._state is _State.DATA:
                position = self._take_data(data, position, events)
            elif self._state is _State.DONE:
                raise _broken("Bytes follow the end of the aws-chunked body.")
            else:
                position = self._take_line(data, position, events)
        return events

    def close(self) -> list[Event]:
        """The last events, after the transport's end of the body.

        Raises:
            IncompleteBody: the body is not complete.
        """
        if self._state is _State.DONE:
            return []
        # Signers differ on the empty line after trailers; what counts has come when all of them have.
        if self._state is _State.TRAILER and not self._line and self._trailers.is_complete:
            return self._finish()
        raise _broken("The request body ended in the middle of its aws-chunked encoding.")

    def _take_data(self, data: bytes, position: int, events: list[Event]) -> int:
        content = data[position : position + self._left]
        events.append(Data(content))
        self._left -= len(content)
        if not self._left:
            events.append(ChunkEnd())
            self._state = _State.DATA_END
        return position + len(content)

    def _take_line(self, data: bytes, position: int, events: list[Event]) -> int:
        limit = _LONGEST_TRAILER if self._state is _State.TRAILER else _LONGEST_CHUNK_HEADER
        # Never look further than a line may be long: a megabyte without one costs nothing.
        found = data.find(b"\n", position, position + limit + 1)
        stop = found + 1 if found >= 0 else min(len(data), position + limit + 1)
        self._line += data[position:stop]
        if len(self._line) > limit:
            self._refuse_line()
        if found >= 0:
            line, self._line = bytes(self._line), bytearray()
            self._end_line(line, events)
        return stop

    def _refuse_line(self) -> None:
        if self._state is _State.TRAILER:
            raise MalformedTrailerError(Reason="The trailers are too long.")
        raise _broken("A chunk header of the aws-chunked body is too long.")

    def _end_line(self, line: bytes, events: list[Event]) -> None:
        if self._state is _State.TRAILER:
            if self._trailers.take(line):
                events.extend(self._finish())
        elif not line.endswith(b"\r\n"):
            raise _broken("A line of the aws-chunked body does not end with CRLF.")
        elif self._state is _State.HEADER:
            self._start_chunk(line[:-2], events)
        elif line != b"\r\n":
            raise _broken("A chunk of the aws-chunked body is longer than its header says.")
        else:
            self._state = _State.HEADER

    def _start_chunk(self, header: bytes, events: list[Event]) -> None:
        found = (_SIGNED_HEADER if self._signed else _UNSIGNED_HEADER).fullmatch(header)
        if found is None:
            raise _broken("A chunk header of the aws-chunked body is not valid.")
        size_bytes = int(found[1], 16)
        if size_bytes > self._awaited:
            raise self._other_length(size_bytes)
        self._awaited -= size_bytes
        self._left = size_bytes
        events.append(ChunkStart(size_bytes, found[2].decode("ascii") if self._signed else None))
        if size_bytes:
            self._state = _State.DATA
            return
        if self._awaited:
            raise self._other_length(0)
        events.append(ChunkEnd())
        self._state = _State.TRAILER

    def _other_length(self, more_bytes: int) -> IncompleteBody:
        provided = self._expected - self._awaited + more_bytes
        return IncompleteBody(NumberBytesExpected=str(self._expected), NumberBytesProvided=str(provided))

    def _finish(self) -> list[Event]:
        self._state = _State.DONE
        if not self._trailers.announced:
            return [End()]
        return [Trailers(tuple(self._trailers.fields), self._trailers.signature), End()]


def _broken(reason: str) -> IncompleteBody:
    """AWS's error for framing of any other form; ``Reason`` is ours."""
    return IncompleteBody("The request body terminated unexpectedly", Reason=reason)


class _TrailerSection:
    """What follows the chunk of size 0."""

    def __init__(self, announced: tuple[str, ...], *, signed: bool) -> None:
        self.announced = announced
        self.fields: list[tuple[str, str]] = []
        self.signature: str | None = None
        self._signed = signed
        self._size_bytes = 0
        self._after_bare_newline = False

    @property
    def is_complete(self) -> bool:
        """Whether every announced trailer and the signature have come, to the last byte of their lines.

        Never true where none was announced.
        """
        return bool(self.announced) and not self._after_bare_newline and not self._missing()

    def take(self, line: bytes) -> bool:
        """Take one line with its ending; True at the end of the section."""
        self._size_bytes += len(line)
        if self._size_bytes > _LONGEST_TRAILER:
            raise MalformedTrailerError(Reason="The trailers are too long.")
        content = line[:-2] if line.endswith(b"\r\n") else line[:-1]
        if content:
            # AWS's documentation ends a trailer with "\n\r\n", the SDKs with "\r\n".
            self._after_bare_newline = not line.endswith(b"\r\n")
            self._take_field(content)
            return False
        if self._after_bare_newline and line == b"\r\n":
            self._after_bare_newline = False
            return False
        return self._end(line)

    def _end(self, line: bytes) -> bool:
        if line != b"\r\n":
            raise MalformedTrailerError(Reason="The trailers do not end with CRLF.")
        if missing := self._missing():
            raise MalformedTrailerError(Reason=f"The trailer {missing} was announced and did not come.")
        return True

    def _missing(self) -> str | None:
        came = {name for name, _ in self.fields}
        for name in self.announced:
            if name not in came:
                return name
        return _SIGNATURE_TRAILER if self._signed and self.signature is None else None

    def _take_field(self, content: bytes) -> None:
        found = _TRAILER_LINE.fullmatch(content)
        if found is None or self.signature is not None:
            raise MalformedTrailerError
        name, value = found[1].decode("ascii").lower(), found[2].decode("ascii")
        if name == _SIGNATURE_TRAILER and self._signed:
            self.signature = value
        elif name not in self.announced:
            raise MalformedTrailerError(Reason=f"The trailer {name} was not announced in x-amz-trailer.")
        elif any(name == seen for seen, _ in self.fields):
            raise MalformedTrailerError(Reason=f"The trailer {name} came twice.")
        else:
            self.fields.append((name, value))


def parse_announced_trailers(header: str | None) -> tuple[str, ...]:
    """The names in ``x-amz-trailer``, in lower case; S3 takes checksums and nothing else there.

    Raises:
        InvalidRequest: another name, or one name twice. A trailer never changes routing or metadata.
            Commas behind the last name are nothing, as for AWS.
    """
    names = tuple(name.strip().lower() for name in header.strip().rstrip(",").split(",")) if header else ()
    if len(set(names)) != len(names) or not BY_HEADER.keys() >= set(names):
        raise InvalidRequest("The value specified in the x-amz-trailer header is not supported")
    return names


def parse_decoded_length(header: str | None) -> int:
    """The bytes that ``x-amz-decoded-content-length`` promises.

    Raises:
        MissingContentLength: there is no such header, or it is not a number (411, as AWS answers both).
    """
    if header is None:
        raise MissingContentLength(Reason="You must provide the x-amz-decoded-content-length HTTP header.")
    if len(header) > 19 or not (header.isascii() and header.isdigit()):
        raise MissingContentLength(Reason="The x-amz-decoded-content-length header is not a number of bytes.")
    return int(header)


def strip_aws_chunked(content_encoding: str | None) -> tuple[bool, str | None]:
    """Whether ``aws-chunked`` is among the content encodings, and the others as the object keeps them."""
    if content_encoding is None:
        return False, None
    codings = [coding.strip() for coding in content_encoding.split(",")]
    kept = [coding for coding in codings if coding.lower() != "aws-chunked"]
    if len(kept) == len(codings):
        return False, content_encoding
    return True, ", ".join(kept) or None
