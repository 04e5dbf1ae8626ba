"""`onread.wire.dates`: every form both ways."""

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime, parsedate_to_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.wire.dates import (
    format_basic,
    format_http_date,
    format_iso8601,
    format_iso8601_milliseconds,
    format_java_date,
    parse_basic,
    parse_http_date,
    parse_iso8601,
    parse_java_date,
)

moments = st.datetimes(datetime(1970, 1, 1), datetime(2069, 12, 31), timezones=st.just(UTC))
seconds = moments.map(lambda moment: moment.replace(microsecond=0))
PARSERS = [parse_http_date, parse_iso8601, parse_basic, parse_java_date]


@given(moments)
def test_every_form_reads_back_what_it_wrote(moment):
    second = moment.replace(microsecond=0)
    assert parse_http_date(format_http_date(moment)) == second
    assert parse_iso8601(format_iso8601(moment)) == second
    assert parse_basic(format_basic(moment)) == second
    assert parse_java_date(format_java_date(moment)) == second
    millisecond = moment.replace(microsecond=moment.microsecond // 1000 * 1000)
    assert parse_iso8601(format_iso8601_milliseconds(moment)) == millisecond


@given(seconds)
def test_http_dates_are_those_of_the_standard_library(moment):
    assert format_http_date(moment) == format_datetime(moment, usegmt=True)
    assert parsedate_to_datetime(format_http_date(moment)) == moment
    assert parse_http_date(moment.strftime("%A, %d-%b-%y %H:%M:%S GMT")) == moment
    assert parse_http_date(moment.strftime("%a %b %e %H:%M:%S %Y")) == moment


def test_every_form_is_written_in_utc():
    moment = datetime(2030, 1, 1, 2, 30, 5, 678_901, tzinfo=timezone(timedelta(hours=2, minutes=30)))
    assert format_http_date(moment) == "Tue, 01 Jan 2030 00:00:05 GMT"
    assert format_iso8601(moment) == "2030-01-01T00:00:05Z"
    assert format_iso8601_milliseconds(moment) == "2030-01-01T00:00:05.678Z"
    assert format_basic(moment) == "20300101T000005Z"
    assert format_java_date(moment) == "Tue Jan 01 00:00:05 UTC 2030"


def test_java_dates_are_those_of_the_documentation():
    assert parse_java_date("Wed Mar 10 23:41:52 UTC 2021") == datetime(2021, 3, 10, 23, 41, 52, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    [
        "Sun, 06 Nov 1994 08:49:37 GMT",
        "Sunday, 06-Nov-94 08:49:37 GMT",
        "Sun Nov  6 08:49:37 1994",
        "Sun, 6 Nov 1994 08:49:37 +0000",
        " Sun, 06 Nov 1994 08:49:37 -0000 ",
    ],
)
def test_http_dates_are_read_in_three_forms(text):
    assert parse_http_date(text) == datetime(1994, 11, 6, 8, 49, 37, tzinfo=UTC)


def test_two_digit_years_lie_between_1970_and_2069():
    assert parse_http_date("Tuesday, 01-Jan-30 00:00:00 GMT").year == 2030
    assert parse_http_date("Thursday, 01-Jan-70 00:00:00 GMT").year == 1970


def test_a_leap_second_is_the_second_before_it():
    assert parse_http_date("Sat, 31 Dec 2016 23:59:60 GMT").second == 59


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2030-01-01T00:00:00.5Z", datetime(2030, 1, 1, 0, 0, 0, 500_000, tzinfo=UTC)),
        ("2030-01-01T00:00:00.123456789Z", datetime(2030, 1, 1, 0, 0, 0, 123_456, tzinfo=UTC)),
        ("2030-01-01T02:00:00+02:00", datetime(2030, 1, 1, tzinfo=UTC)),
        ("2029-12-31T19:30:00-0430", datetime(2030, 1, 1, tzinfo=UTC)),
    ],
)
def test_iso_8601_has_fractions_and_offsets(text, moment):
    assert parse_iso8601(text) == moment


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2030-01-01",
        "2030-01-01T00:00:00",
        "2030-13-01T00:00:00Z",
        "2030-01-01T00:00:00+24:00",
        "2030-01-01T00:00:00+00:60",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "٢٠٣٠-01-01T00:00:00Z",
        "20300101T000000",
        "20300101T240000Z",
        "20300101 000000Z",
        "2030010²T000000Z",
        "2030-W01T0000000",
        "2030010XT000000Z",
        "Sun, 32 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 PST",
        "Sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT",
        "Sun Nov  0 08:49:37 1994",
        "Wed Mar 10 23:41:52 CET 2021",
        "Wed Mar 10 23:61:52 UTC 2021",
        "Sat, 31 Dec 2016 23:59:61 GMT",
    ],
)
@pytest.mark.parametrize("parse", PARSERS)
def test_anything_else_is_a_value_error(parse, text):
    with pytest.raises(ValueError):
        parse(text)


@given(st.text(max_size=30) | st.text(st.sampled_from("0123TZ:-+. GMTJanMon,"), max_size=30))
def test_no_text_is_another_error(text):
    for parse in PARSERS:
        try:
            assert parse(text).tzinfo is not None
        except ValueError:
            continue
