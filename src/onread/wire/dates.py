"""The forms in which AWS writes a point in time, both ways.

Owns text and aware UTC datetimes. Refuses to read a clock, and uses no locale: ``strptime`` would
read month names in the language of the machine.
"""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache

_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_MONTH_NUMBERS = {name: number for number, name in enumerate(_MONTHS, start=1)}

_CLOCK = r"([0-9]{2}):([0-9]{2}):([0-9]{2})"
_DAY = "(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)"
_MONTH = "(" + "|".join(_MONTHS) + ")"
# botocore writes "-0000" where it signs a Date header (email.utils.formatdate).
_IMF_FIXDATE = re.compile(rf"{_DAY}, ([0-9]{{1,2}}) {_MONTH} ([0-9]{{4}}) {_CLOCK} (?:GMT|UTC|[+-]0000)")
_RFC_850 = re.compile(
    rf"(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ([0-9]{{2}})-{_MONTH}-([0-9]{{2}}) {_CLOCK} GMT"
)
_ASCTIME = re.compile(rf"{_DAY} {_MONTH} ([ 0-9][0-9]) {_CLOCK} ([0-9]{{4}})")
_JAVA = re.compile(rf"{_DAY} {_MONTH} ([0-9]{{2}}) {_CLOCK} (?:UTC|GMT) ([0-9]{{4}})")
_ISO_8601 = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})T"
    rf"{_CLOCK}(?:\.([0-9]{{1,9}}))?(?:Z|([+-])([0-9]{{2}}):?([0-9]{{2}}))"
)


@lru_cache(maxsize=256)  # answers name the same few seconds again and again
def _format_http_second(moment: datetime) -> str:
    return (
        f"{_DAYS[moment.weekday()]}, {moment.day:02} {_MONTHS[moment.month - 1]} {moment.year:04} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} GMT"
    )


def format_http_date(moment: datetime) -> str:
    """An IMF-fixdate, ``Tue, 01 Jan 2030 00:00:00 GMT``; fractions of a second are cut off."""
    return _format_http_second(moment.astimezone(UTC).replace(microsecond=0))


def parse_http_date(text: str) -> datetime:
    """The moment an HTTP date names, in any of the three forms that a recipient must read.

    Raises:
        ValueError: the text is none of them.

    Source: RFC 9110 section 5.6.7.
    """
    text = text.strip(" \t")
    if found := _IMF_FIXDATE.fullmatch(text):
        day, month, year, hour, minute, second = found.groups()
        return _moment(year, month, day, hour, minute, second)
    if found := _RFC_850.fullmatch(text):
        day, month, year, hour, minute, second = found.groups()
        return _moment(_full_year(year), month, day, hour, minute, second)
    if found := _ASCTIME.fullmatch(text):
        month, day, hour, minute, second, year = found.groups()
        return _moment(year, month, day, hour, minute, second)
    raise ValueError("not an HTTP date")


def format_iso8601(moment: datetime) -> str:
    """``2030-01-01T00:00:00Z``; fractions of a second are cut off."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")[:19] + "Z"


def format_iso8601_milliseconds(moment: datetime) -> str:
    """``2030-01-01T00:00:00.000Z``, as S3 writes LastModified in its documents."""
    return f"{format_iso8601(moment)[:-1]}.{moment.microsecond // 1000:03}Z"


def parse_iso8601(text: str) -> datetime:
    """The moment of ``2030-01-01T00:00:00Z``, with fractions or with an offset instead of ``Z``.

    Raises:
        ValueError: the text is not of this form; a time without zone is none.
    """
    found = _ISO_8601.fullmatch(text)
    if found is None:
        raise ValueError("not an ISO 8601 date and time")
    year, month, day, hour, minute, second = map(int, found.groups()[:6])
    microsecond = int((found[7] or "0").ljust(6, "0")[:6])
    moment = datetime(year, month, day, hour, minute, second, microsecond, tzinfo=UTC)
    if found[8] is None:
        return moment
    return _shifted(moment, found[8], int(found[9]), int(found[10]))


@lru_cache(maxsize=256)
def format_basic(moment: datetime) -> str:
    """``20300101T000000Z``, the form of ``x-amz-date``."""
    return moment.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ").rjust(16, "0")


@lru_cache(maxsize=256)  # every request of one second carries the same text
def parse_basic(text: str) -> datetime:
    """The moment of ``20300101T000000Z``.

    Raises:
        ValueError: the text is not of this form.
    """
    if len(text) != 16 or text[8] != "T" or text[15] != "Z" or not text.isascii():
        raise ValueError("not a date and time of the form yyyymmddThhmmssZ")
    if not (text[:8].isdigit() and text[9:15].isdigit()):
        raise ValueError("not a date and time of the form yyyymmddThhmmssZ")
    return datetime.fromisoformat(text)


def format_java_date(moment: datetime) -> str:
    """Java's ``Date.toString()``, ``Wed Mar 10 23:41:52 UTC 2021``, as ``userIdentity`` has it."""
    moment = moment.astimezone(UTC)
    return (
        f"{_DAYS[moment.weekday()]} {_MONTHS[moment.month - 1]} {moment.day:02} "
        f"{moment.hour:02}:{moment.minute:02}:{moment.second:02} UTC {moment.year:04}"
    )


def parse_java_date(text: str) -> datetime:
    """The moment of ``Wed Mar 10 23:41:52 UTC 2021``.

    Raises:
        ValueError: the text is not of this form.
    """
    found = _JAVA.fullmatch(text)
    if found is None:
        raise ValueError("not a date of the form of Java's Date.toString()")
    month, day, hour, minute, second, year = found.groups()
    return _moment(year, month, day, hour, minute, second)


def _moment(year: str, month: str, day: str, hour: str, minute: str, second: str) -> datetime:
    # RFC 9110 allows the leap second 60; datetime does not know it.
    counted = min(int(second), 59) if second == "60" else int(second)
    return datetime(int(year), _MONTH_NUMBERS[month], int(day), int(hour), int(minute), counted, tzinfo=UTC)


def _full_year(two_digits: str) -> str:
    # The form has been out of use since 1995: a fixed window does, and needs no clock.
    return ("19" if int(two_digits) >= 70 else "20") + two_digits


def _shifted(moment: datetime, sign: str, hours: int, minutes: int) -> datetime:
    if hours > 23 or minutes > 59:
        raise ValueError("not an offset from UTC")
    offset = timedelta(hours=hours, minutes=minutes)
    try:
        return moment - offset if sign == "+" else moment + offset
    except OverflowError as error:
        raise ValueError("a date out of range") from error
