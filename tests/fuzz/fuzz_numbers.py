"""R-067: ranges, dates, numbers and tokens: a value, or a refusal of the kind that is promised."""

from collections.abc import Callable
from datetime import UTC, datetime

from tests.fuzz.harness import Draw, Target
from tests.fuzz.refusals import check_refusal

from onread.errors import InvalidRange, ServiceError
from onread.objectlambda.route_token import open_ticket
from onread.protocol import text_value
from onread.server.head import given_length
from onread.sigv4.session_token import open_sealed
from onread.wire import dates
from onread.wire.aws_chunked import parse_decoded_length, strip_aws_chunked
from onread.wire.preconditions import check_preconditions
from onread.wire.ranges import parse_range, resolve_range

KEY = bytes(32)
MOMENT = datetime(2030, 1, 1, 12, 30, 15, tzinfo=UTC)
# (parse, the form that says the same)
DATES: tuple[tuple[Callable[[str], datetime], Callable[[datetime], str]], ...] = (
    (dates.parse_http_date, dates.format_http_date),
    (dates.parse_iso8601, dates.format_iso8601),
    (dates.parse_basic, dates.format_basic),
    (dates.parse_java_date, dates.format_java_date),
)


def check(content: bytes) -> None:
    draw = Draw(content)
    size, text = draw.below(1000), ""
    kind = draw.below(6)
    text = draw.rest().decode("latin-1")
    (_range, _dates, _lengths, _condition, _token, _scalars)[kind](text, size)


def _range(text: str, size: int) -> None:
    requested = parse_range(text)
    if requested is None:
        return
    assert parse_range(str(requested)) == requested
    covered = [
        place
        for place in range(size)
        if (
            requested.first is not None
            and requested.first <= place <= (size if requested.last is None else requested.last)
        )
        or (requested.first is None and place >= size - (requested.last or 0))
    ]
    try:
        given = resolve_range(requested, size)
    except InvalidRange as error:
        check_refusal(error, "s3")
        assert not covered
        return
    assert given is not None
    assert list(range(given.start, given.stop)) == covered


def _dates(text: str, size: int) -> None:
    for parse, write in DATES:
        try:
            moment = parse(text)
        except ValueError:
            continue
        assert moment.tzinfo is UTC
        assert parse(write(moment)) == moment.replace(microsecond=0)


def _lengths(text: str, size: int) -> None:
    length = given_length([("Content-Length", text)])
    assert length is None or (text.isdigit() and length == int(text))
    kept = strip_aws_chunked(text)[1]
    assert kept is None or "aws-chunked" not in [part.strip().lower() for part in kept.split(",")]
    try:
        assert parse_decoded_length(text) == int(text)
    except ServiceError as error:
        check_refusal(error, "s3")


def _condition(text: str, size: int) -> None:
    for name in ("IfMatch", "IfNoneMatch"):
        for etag in ('"abc"', "abc", None):
            try:
                check_preconditions({name: text}, etag=etag, modified_at=MOMENT, reading=bool(size % 2))
            except ServiceError as error:
                check_refusal(error, "s3")


def _token(text: str, size: int) -> None:
    for opened in (open_sealed, open_ticket):
        try:
            opened(text, key=KEY)
        except ServiceError as error:
            check_refusal(error, "s3")
        else:
            raise AssertionError("a token that nobody sealed")


def _scalars(text: str, size: int) -> None:
    for read in {*text_value._READ.values(), *text_value._READ_TIMESTAMP.values()}:
        try:
            read(text)
        except ValueError:
            continue


def _seed(kind: int, text: str, size: int = 100) -> bytes:
    return bytes([size >> 8, size & 255, kind]) + text.encode("latin-1")


TARGET = Target(
    case="R-067",
    check=check,
    seeds=[
        *(
            _seed(0, text)
            for text in ("bytes=0-4", "bytes=-5", "bytes=95-", "bytes=0-0,5-9", "bytes=200-", "bytes=-0")
        ),
        *(
            _seed(1, text)
            for text in (
                "Tue, 01 Jan 2030 00:00:00 GMT",
                "2030-01-01T00:00:00Z",
                "2030-01-01T00:00:00.123+05:30",
            )
        ),
        *(
            _seed(1, text)
            for text in (
                "20300101T000000Z",
                "Wed Mar 10 23:41:52 UTC 2021",
                "Tuesday, 01-Jan-30 00:00:60 GMT",
            )
        ),
        _seed(1, "Tue Jan  1 00:00:00 2030"),
        *(_seed(2, text) for text in ("5", "aws-chunked, gzip", "99999999999999999999", "\xb2")),
        *(_seed(3, text) for text in ('"abc"', 'W/"abc", "x"', "*", "abc,,")),
        *(_seed(4, text) for text in ("", "A" * 80, "AA==", "-_" * 40)),
        *(_seed(5, text) for text in ("1", "-1.5e300", "true", "YWJj", "1_0", "0001-01-01T00:00:00+23:59")),
    ],
    words=[
        b"bytes=",
        b"-",
        b"9" * 19,
        b"GMT",
        b"UTC",
        b"+0000",
        b"T",
        b"Z",
        b"Feb 30",
        b"0000",
        b"9999-12-31",
        b'"',
        b"W/",
        b":60",
    ],
    rounds=12000,
)
