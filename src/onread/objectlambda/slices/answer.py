"""Which part of a kept result answers a read, and what is said about it.

Owns conditions, ranges and part numbers over a result, as S3 has them over an object. Does no IO.

Source: Amazon S3 API Reference, GetObject and HeadObject; RFC 9110 sections 13 and 14.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from onread.errors import InvalidPartNumber, InvalidRequest
from onread.objectlambda.admission import ReadCall
from onread.objectlambda.event import parameters
from onread.wire.checksums import ALGORITHMS
from onread.wire.dates import parse_http_date
from onread.wire.preconditions import check_preconditions
from onread.wire.ranges import ByteRange, content_range, parse_range, resolve_range

# What a function may say of its own answer and what is not true of a kept one.
_NOT_KEPT = frozenset({"AcceptRanges", "ContentLength", "ContentRange", "ETag", "PartsCount"})
_CHECKSUMS = frozenset({algorithm.member for algorithm in ALGORITHMS.values()} | {"ChecksumType"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What a read asks for.

    Attributes:
        range: the ``Range`` header or parameter as sent.
        sized: the answer cannot begin before the size of the result is known.
    """

    range: str | None
    part_number: int | None
    sized: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Slice:
    """The answer: bytes ``[start, stop)`` (``stop`` None: to an end not known yet)."""

    start: int
    stop: int | None
    status: int
    members: Mapping[str, Any]


def read_wanted(call: ReadCall) -> Wanted:
    """What the read asks for.

    Raises:
        InvalidRequest: a range and a part at once.
    """
    asked = call.params.get("Range") or next(
        (value for name, value in parameters(call.request.query) if name == "Range"), None
    )
    part_number = call.params.get("PartNumber")
    if asked and part_number is not None:
        raise InvalidRequest("Cannot specify both Range header and partNumber query parameter.")
    ranged = (asked is not None and parse_range(asked) is not None) or part_number is not None
    return Wanted(range=asked, part_number=part_number, sized=ranged or call.operation == "HeadObject")


def describe(members: Mapping[str, Any], *, made_at: datetime) -> dict[str, Any]:
    """What is kept of what the function said, as JSON can say it."""
    kept = {name: value for name, value in members.items() if name not in _NOT_KEPT}
    kept.setdefault("LastModified", made_at)
    return {
        name: [value.timestamp()] if isinstance(value, datetime) else value for name, value in kept.items()
    }


def etag_of(nonce: str) -> str:
    """The entity tag of a result: with a hyphen nobody takes it for an MD5."""
    return f'"{nonce}-1"'


def _members(about: Mapping[str, Any]) -> dict[str, Any]:
    """The members again; a time is the only one that is a list."""
    return {
        name: datetime.fromtimestamp(value[0], UTC) if isinstance(value, list) else value
        for name, value in about.items()
    }


def choose(
    call: ReadCall, wanted: Wanted, *, nonce: str, about: Mapping[str, Any], size_bytes: int | None
) -> Slice:
    """The part of a result that answers a read.

    Raises:
        PreconditionFailed, NotModified: a condition is not met.
        InvalidRange: the result has no such bytes.
        InvalidPartNumber: or no such part.
    """
    members = _members(about)
    etag = members["ETag"] = etag_of(nonce)
    members["AcceptRanges"] = "bytes"
    modified_at: datetime = members["LastModified"]
    check_preconditions(call.params, etag=etag, modified_at=modified_at, reading=True)
    chosen = _bytes_of(call, wanted, etag, modified_at, size_bytes)
    if chosen is None:
        if call.params.get("ChecksumMode") != "ENABLED":
            members = _without_checksums(members)
        if size_bytes is not None:
            members["ContentLength"] = size_bytes
        return Slice(start=0, stop=size_bytes, status=200, members=members)
    assert size_bytes is not None
    members = _without_checksums(members)
    members["ContentLength"] = chosen.size_bytes
    members["ContentRange"] = content_range(chosen, size_bytes)
    return Slice(start=chosen.start, stop=chosen.stop, status=206, members=members)


def _without_checksums(members: Mapping[str, Any]) -> dict[str, Any]:
    """They are of the whole result."""
    return {name: value for name, value in members.items() if name not in _CHECKSUMS}


def _bytes_of(
    call: ReadCall, wanted: Wanted, etag: str, modified_at: datetime, size_bytes: int | None
) -> ByteRange | None:
    """None: the whole result."""
    if wanted.part_number is not None:
        return _part(wanted.part_number, size_bytes or 0)
    if wanted.range is None or not _is_current(call.request.headers.get("if-range"), etag, modified_at):
        return None
    requested = parse_range(wanted.range)
    return resolve_range(requested, size_bytes or 0) if requested is not None else None


def _part(number: int, size_bytes: int) -> ByteRange | None:
    """A result has one part, as an object that was not uploaded in several. No range names an empty one."""
    if number != 1:
        raise InvalidPartNumber(PartNumberRequested=str(number))
    return ByteRange(0, size_bytes) if size_bytes else None


def _is_current(if_range: str | None, etag: str, modified_at: datetime) -> bool:
    """RFC 9110, section 13.1.5: an entity tag is compared strongly, a date exactly."""
    if if_range is None:
        return True
    condition = if_range.strip()
    if condition.startswith(('"', "W/")):
        return condition == etag
    try:
        return parse_http_date(condition) == modified_at.replace(microsecond=0)
    except ValueError:
        return condition == etag.strip('"')
