"""The arithmetic of listings: prefix, delimiter, pages and continuation tokens.

Owns the order (by the bytes of UTF-8) and what stands on which page. Rows come from a function that is
handed in; a page asks for a bounded number of them however many keys a common prefix hides.

Source: Amazon S3 API Reference, ListObjects, ListObjectsV2, ListMultipartUploads.
"""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from onread.errors import InvalidArgument

Row = TypeVar("Row")

MOST_KEYS = 1000
END = b"\xff"  # above every key: UTF-8 has no such byte

_FIRST_BATCH = 32
_LEAST_BATCH = 2
_TAG_BYTES = 16


class Cursor(NamedTuple):
    """A place in the order: first by key, then by what tells entries of one key apart (upload id)."""

    key: bytes
    tie: bytes = b""

    def after(self) -> "Cursor":
        """The least place above this one."""
        return Cursor(self.key, self.tie + b"\0") if self.tie else Cursor(self.key + b"\0")


BEGINNING = Cursor(b"")

Fetch = Callable[[Cursor, int], Sequence[tuple[Cursor, Row]]]
"""(from this place on, at most so many) -> rows with their places, in order, of this prefix only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Query:
    """What one page is to hold.

    Attributes:
        start: the least place that may appear.
        limit: keys and common prefixes together, at most.
    """

    prefix: bytes
    delimiter: bytes
    start: Cursor
    limit: int


@dataclass(slots=True)
class Page(Generic[Row]):
    """One page of a listing.

    Attributes:
        last: the last key or common prefix on it.
        next: where the next page starts; None when this is the last one.
    """

    rows: list[Row] = field(default_factory=list)
    common_prefixes: list[bytes] = field(default_factory=list)
    last: Cursor = BEGINNING
    next: Cursor | None = None

    @property
    def count(self) -> int:
        """Keys and common prefixes, as ``KeyCount`` counts them."""
        return len(self.rows) + len(self.common_prefixes)


def after_prefix(prefix: bytes) -> bytes:
    """The least string above all that begin with ``prefix``; `END` when that is every string."""
    stem = prefix.rstrip(END)
    return stem[:-1] + bytes([stem[-1] + 1]) if stem else END


def common_prefix(key: bytes, prefix: bytes, delimiter: bytes) -> bytes | None:
    """``key`` up to the first delimiter behind ``prefix``, delimiter included; None without one."""
    if not delimiter:
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]


def cursor_after_marker(marker: bytes, prefix: bytes, delimiter: bytes) -> Cursor:
    """Where a page behind a marker starts.

    A marker that is a common prefix, as ``NextMarker`` may be, has all its keys behind it.
    """
    if marker.startswith(prefix) and common_prefix(marker, prefix, delimiter) == marker:
        return Cursor(after_prefix(marker))
    return Cursor(marker).after() if marker else BEGINNING


def collect_page(query: Query, fetch: Fetch[Row]) -> Page[Row]:
    """The page that a query asks for.

    Behind a common prefix the next rows are fetched from its end on: a page costs at most
    ``limit + 1`` fetches, and rows fetched in vain halve the next batch.
    """
    page: Page[Row] = Page()
    cursor = max(query.start, Cursor(query.prefix))
    batch = _FIRST_BATCH if query.delimiter else query.limit + 1
    while query.limit:
        fetched = fetch(cursor, batch)
        for place, row in fetched:
            if place < cursor:
                continue  # below a common prefix that is already on the page
            if page.count == query.limit:
                page.next = cursor
                return page
            cursor = _put(page, query, place, row)
        if len(fetched) < batch:
            break
        in_vain = fetched[-1][0] < cursor and page.last != fetched[-1][0]
        batch = max(_LEAST_BATCH, batch // 2) if in_vain else min(MOST_KEYS + 1, batch * 2)
    return page


def _put(page: Page[Row], query: Query, place: Cursor, row: Row) -> Cursor:
    """Put one row on the page, or the common prefix it belongs to; where to go on."""
    group = common_prefix(place.key, query.prefix, query.delimiter)
    if group is None:
        page.rows.append(row)
        page.last = place
        return place.after()
    page.common_prefixes.append(group)
    page.last = Cursor(group)
    return Cursor(after_prefix(group))


def page_limit(asked: int | None, name: str) -> int:
    """How many entries a page may have: what was asked, 1,000 at most.

    Raises:
        InvalidArgument: a negative number.
    """
    if asked is None:
        return MOST_KEYS
    if asked < 0:
        raise InvalidArgument(
            f"Argument {name} must be an integer between 0 and 2147483647",
            ArgumentName=name,
            ArgumentValue=str(asked),
        )
    return min(asked, MOST_KEYS)


def seal_token(secret: bytes, bucket: str, cursor: Cursor) -> str:
    """A continuation token: the next place of an object listing, good for this bucket only."""
    return base64.urlsafe_b64encode(_tag(secret, bucket, cursor.key) + cursor.key).decode("ascii")


def open_token(secret: bytes, bucket: str, token: str) -> Cursor:
    """The place that `seal_token` was given.

    Raises:
        InvalidArgument: we made no such token for this bucket.
    """
    try:
        sealed = base64.b64decode(token, altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise _wrong_token() from error
    tag, key = sealed[:_TAG_BYTES], sealed[_TAG_BYTES:]
    if not hmac.compare_digest(tag, _tag(secret, bucket, key)):
        raise _wrong_token()
    return Cursor(key)


def _wrong_token() -> InvalidArgument:
    return InvalidArgument("The continuation token provided is incorrect", ArgumentName="continuation-token")


def _tag(secret: bytes, bucket: str, key: bytes) -> bytes:
    return hmac.digest(secret, bucket.encode() + b"\0" + key, hashlib.sha256)[:_TAG_BYTES]
