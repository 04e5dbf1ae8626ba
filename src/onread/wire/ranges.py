"""One byte range: as asked, as fitted to an object, as told in the answer.

Owns the ``Range`` header of S3, which knows one range of bytes and ignores everything else.
"""

from dataclasses import dataclass

from onread.errors import InvalidRange

_LONGEST_NUMBER = 19  # digits: 2**63 - 1 has as many; S3's largest object has fourteen


@dataclass(frozen=True, slots=True)
class RangeHeader:
    """A range as on the wire, offsets in bytes, both ends inclusive.

    ``first`` is None in the form ``bytes=-n``, where ``last`` counts bytes from the end; ``last`` is
    None in the form ``bytes=a-``.
    """

    first: int | None
    last: int | None

    def __str__(self) -> str:
        first = "" if self.first is None else self.first
        last = "" if self.last is None else self.last
        return f"bytes={first}-{last}"


@dataclass(frozen=True, slots=True)
class ByteRange:
    """Half-open ``[start, stop)`` in bytes, never empty."""

    start: int
    stop: int

    @property
    def size_bytes(self) -> int:
        """How many bytes the range holds."""
        return self.stop - self.start


def parse_range(text: str) -> RangeHeader | None:
    """The one range that a ``Range`` header asks for; None when the header is to be ignored.

    S3 ignores what it does not understand: other units, several ranges, ends before starts.

    Source: RFC 9110 section 14.2, "A server MAY ignore the Range header field"; Amazon S3 API
    Reference, GetObject: "Amazon S3 doesn't support retrieving multiple ranges of data".
    """
    unit, _, span = text.strip(" \t").partition("=")
    first_text, dash, last_text = span.partition("-")
    if unit.lower() != "bytes" or not dash:
        return None
    if not first_text:
        return RangeHeader(None, int(last_text)) if _is_number(last_text) else None
    if not _is_number(first_text) or not (_is_number(last_text) or not last_text):
        return None
    first, last = int(first_text), int(last_text) if last_text else None
    return RangeHeader(first, last) if last is None or first <= last else None


def resolve_range(requested: RangeHeader | None, size_bytes: int) -> ByteRange | None:
    """Fit a requested range to an object of known size; None is the whole object.

    Raises:
        InvalidRange: no byte of the object is in the range (416).

    Source: RFC 9110 section 14.1.2; Amazon S3 API Reference, GetObject.
    """
    if requested is None:
        return None
    start, stop = _bounds(requested, size_bytes)
    if start >= stop:
        raise InvalidRange(RangeRequested=str(requested), ActualObjectSize=str(size_bytes))
    return ByteRange(start, stop)


def content_range(given: ByteRange, size_bytes: int) -> str:
    """The ``Content-Range`` of an answer that holds this part of an object of this size."""
    return f"bytes {given.start}-{given.stop - 1}/{size_bytes}"


def _bounds(requested: RangeHeader, size_bytes: int) -> tuple[int, int]:
    if requested.first is None:
        return max(0, size_bytes - (requested.last or 0)), size_bytes
    if requested.last is None:
        return requested.first, size_bytes
    return requested.first, min(requested.last + 1, size_bytes)


def _is_number(text: str) -> bool:
    # isdigit alone would take Arabic digits and superscripts too.
    return len(text) <= _LONGEST_NUMBER and text.isascii() and text.isdigit()
