"""As `strict_http`, for answers: slow, from RFC 9112's grammar, sharing no code with the reader under test.

It takes two liberties that every client takes: any line ends before an answer, and a status line without
its reason and the space before it.
"""

import re
from dataclasses import dataclass

from tests.fuzz.strict_http import read_chunks, read_head

_STATUS = re.compile(rb"HTTP/1\.[01] ([0-9]{3})(?: [\t\x20-\x7e\x80-\xff]*)?")


@dataclass
class StrictAnswer:
    status: int
    fields: list[tuple[bytes, bytes]]
    body: bytes = b""
    end: int | None = None  # where it ends, when it does

    @property
    def whole(self) -> bool:
        return self.end is not None

    def values(self, name: bytes) -> list[bytes]:
        return [value for each, value in self.fields if each.lower() == name]


def read_answer_strictly(data: bytes, *, head_only: bool) -> StrictAnswer | None:
    """The first final answer in the data, as much of it as there is; None when there is none."""
    place = 0
    while (found := _head(data, place)) is not None:
        answer, place = found
        if answer.status >= 200:
            return answer if _read_body(answer, data, place, head_only=head_only) else None
    return None


def _head(data: bytes, place: int) -> tuple[StrictAnswer, int] | None:
    found = read_head(data, place, _STATUS)
    if found is None:
        return None
    begun, fields, end = found
    return StrictAnswer(int(begun[1]), fields), end


def _read_body(answer: StrictAnswer, data: bytes, place: int, *, head_only: bool) -> bool:
    """RFC 9112 section 6.3; False when it does not say how long the body is."""
    lengths, codings = answer.values(b"content-length"), answer.values(b"transfer-encoding")
    if head_only or answer.status in (204, 304):
        answer.end = place
    elif codings:
        answer.body, answer.end = read_chunks(data, place)
        return not lengths and [each.lower() for each in codings] == [b"chunked"]
    elif lengths:
        if len(lengths) > 1 or not re.fullmatch(rb"[0-9]+", lengths[0]):
            return False
        length = int(lengths[0])
        answer.body = data[place : place + length]
        answer.end = place + length if len(answer.body) == length else None
    else:
        answer.body, answer.end = data[place:], len(data)
    return True
