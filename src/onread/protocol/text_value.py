"""Values as text: how headers, query parameters and XML write integers, booleans and dates.

Both directions for the scalar kinds of a model. Raises ValueError for what cannot be read: the caller
knows whose member it is and which error its service gives.
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from functools import cache
from typing import Any

from onread.protocol.shape import Member
from onread.wire.dates import (
    format_http_date,
    format_iso8601,
    format_iso8601_milliseconds,
    parse_http_date,
    parse_iso8601,
)

# ASCII digits only: int() would also read "1_0", " 10" and digits of other scripts.
_INTEGER = re.compile(r"[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,19})?([eE][+-]?[0-9]{1,3})?")
_LARGEST = {"integer": 2**31 - 1, "long": 2**63 - 1}

Read = Callable[[str], Any]
Write = Callable[[Any], str]


def _read_integer(text: str) -> int:
    if _INTEGER.fullmatch(text) is None or int(text) > _LARGEST["integer"]:
        raise ValueError("not an integer")
    return int(text)


def _read_long(text: str) -> int:
    if _INTEGER.fullmatch(text) is None or int(text) > _LARGEST["long"]:
        raise ValueError("not an integer")
    return int(text)


def _read_number(text: str) -> float:
    if _NUMBER.fullmatch(text) is None:
        raise ValueError("not a number")
    return float(text)


def _read_boolean(text: str) -> bool:
    value = {"true": True, "false": False}.get(text.lower())
    if value is None:
        raise ValueError("neither true nor false")
    return value


def _read_blob(text: str) -> bytes:
    return b64decode(text, validate=True)


def moment_of(seconds: float) -> datetime:
    """The moment this many seconds after 1970.

    Raises:
        ValueError: it lies outside the years 1 to 9999.
    """
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError) as error:
        raise ValueError("a date out of range") from error


_READ: Mapping[str, Read] = {
    "string": str,
    "integer": _read_integer,
    "long": _read_long,
    "double": _read_number,
    "float": _read_number,
    "boolean": _read_boolean,
    "blob": _read_blob,
}
_READ_TIMESTAMP: Mapping[str, Read] = {
    "rfc822": parse_http_date,
    "iso8601": parse_iso8601,
}


def _write_boolean(value: Any) -> str:
    return "true" if value else "false"


def _write_blob(value: Any) -> str:
    return b64encode(value).decode("ascii")


def _write_text(value: Any) -> str:
    # The model calls some dates strings (`Expires`): they are HTTP dates.
    return value if isinstance(value, str) else format_http_date(value)


def _write_iso8601_header(value: datetime) -> str:
    # As SDKs send it: a fraction of a second only where there is one.
    return format_iso8601_milliseconds(value) if value.microsecond else format_iso8601(value)


_WRITE: Mapping[str, Write] = {
    "string": _write_text,
    "integer": str,
    "long": str,
    "double": str,
    "float": str,
    "boolean": _write_boolean,
    "blob": _write_blob,
}
_WRITE_TIMESTAMP: Mapping[str, Write] = {
    "rfc822": format_http_date,
    "iso8601": format_iso8601_milliseconds,
}
_WRITE_TIMESTAMP_HEADER: Mapping[str, Write] = {**_WRITE_TIMESTAMP, "iso8601": _write_iso8601_header}


@cache  # one entry a member of the models
def reader(member: Member) -> Read:
    """Reads the member's text; ValueError when it cannot be."""
    if member.shape.kind == "timestamp":
        return _READ_TIMESTAMP[_timestamp_format(member)]
    return _READ[member.shape.kind]


@cache  # one entry a member of the models
def writer(member: Member) -> Write:
    """Writes the member's value as text, unescaped."""
    if member.shape.kind == "timestamp":
        table = _WRITE_TIMESTAMP_HEADER if member.location == "header" else _WRITE_TIMESTAMP
        return table[_timestamp_format(member)]
    return _WRITE[member.shape.kind]


def _timestamp_format(member: Member) -> str:
    named: str | None = member.trait("timestampFormat")
    return named or ("rfc822" if member.location == "header" else "iso8601")
