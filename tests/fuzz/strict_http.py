"""A second reader of HTTP/1.1, slow and written from RFC 9112's grammar, that shares no code with the first.

It takes no more than the grammar does, and the two liberties that every front takes alike: any line ends
before a request ("SHOULD ignore at least one empty line", section 2.2) and several spaces between the
parts of the request line ("MAY instead parse on whitespace-delimited word boundaries", section 3).
"""

import re
from dataclasses import dataclass

_TOKEN = rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
_START = re.compile(rb"(%b) +([\x21-\x7e\x80-\xff]+) +HTTP/1\.([01])" % _TOKEN)
FIELD = re.compile(
    rb"(%b):[ \t]*((?:[\x21-\x7e\x80-\xff](?:[\t\x20-\x7e\x80-\xff]*[\x21-\x7e\x80-\xff])?)?)[ \t]*" % _TOKEN
)
_CHUNK = re.compile(rb"([0-9A-Fa-f]+)(?:;[\t\x20-\x7e\x80-\xff]*)?\r\n")


@dataclass
class Message:
    method: bytes
    target: bytes
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    whole: bool = False

    def values(self, name: bytes) -> list[bytes]:
        return [value for each, value in self.fields if each.lower() == name]


def read_strictly(data: bytes) -> list[Message]:
    """The messages in the data, up to the first that is not one; the last may not be whole."""
    messages: list[Message] = []
    place = 0
    while (found := _head(data, place)) is not None:
        message, place = found
        messages.append(message)
        after = _body(message, data, place)
        if after is None:
            break
        message.whole, place = True, after
    return messages


def read_head(
    data: bytes, place: int, first_line: re.Pattern[bytes]
) -> tuple[re.Match[bytes], list[tuple[bytes, bytes]], int] | None:
    """The first line, the fields and where the head ends; any line ends may stand before it."""
    while data[place : place + 1] in (b"\r", b"\n"):
        place += 1
    end = data.find(b"\r\n\r\n", place)
    if end < 0:
        return None
    start, *lines = data[place:end].split(b"\r\n")
    fields = [FIELD.fullmatch(line) for line in lines]
    begun = first_line.fullmatch(start)
    if begun is None or None in fields:
        return None
    return begun, [(field[1], field[2]) for field in fields if field], end + 4


def _head(data: bytes, place: int) -> tuple[Message, int] | None:
    found = read_head(data, place, _START)
    if found is None:
        return None
    begun, fields, end = found
    message = Message(begun[1], begun[2], fields)
    return (message, end) if _has_one_framing(message, begun[3]) else None


def _has_one_framing(message: Message, minor_version: bytes) -> bool:
    lengths, codings = message.values(b"content-length"), message.values(b"transfer-encoding")
    if codings:
        return not lengths and [each.lower() for each in codings] == [b"chunked"] and minor_version == b"1"
    return len(lengths) <= 1 and all(re.fullmatch(rb"[0-9]+", length) for length in lengths)


def _body(message: Message, data: bytes, place: int) -> int | None:
    """Where the body ends; None when it does not, or not well."""
    if message.values(b"transfer-encoding"):
        message.body, end = read_chunks(data, place)
        return end
    length = int((message.values(b"content-length") or [b"0"])[0])
    message.body = data[place : place + length]
    return place + length if len(message.body) == length else None


def read_chunks(data: bytes, place: int) -> tuple[bytes, int | None]:
    """A chunked body, as much of it as came, and where it ends; None when it does not, or not well."""
    body = b""
    while (header := _CHUNK.match(data, place)) is not None:
        size, place = int(header[1], 16), header.end()
        if not size:
            return body, _trailers(data, place)
        body += data[place : place + size]
        place += size
        if data[place : place + 2] != b"\r\n":
            break
        place += 2
    return body, None


def _trailers(data: bytes, place: int) -> int | None:
    while not data.startswith(b"\r\n", place):
        end = data.find(b"\r\n", place)
        if end < 0 or FIELD.fullmatch(data[place:end]) is None:
            return None
        place = end + 2
    return place + 2


def names_the_same(read: str, sent: str) -> bool:
    """Whether a target in origin form is what a target as sent stands for."""
    absolute = re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/?#]*(.*)", sent, re.IGNORECASE | re.DOTALL)
    if absolute is None:
        return read == sent
    return read == (absolute[1] if absolute[1].startswith("/") else f"/{absolute[1]}")
