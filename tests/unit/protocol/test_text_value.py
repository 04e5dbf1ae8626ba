from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.protocol.model import load_services
from onread.protocol.shape import Member
from onread.protocol.text_value import moment_of, reader, writer

_SERVICES = load_services()


def test_a_date_in_a_header_has_a_fraction_only_when_there_is_one() -> None:
    output = _SERVICES.operation("s3", "GetObject").output
    assert output is not None
    write = writer(output.members["ObjectLockRetainUntilDate"])
    assert write(datetime(2030, 1, 1, tzinfo=UTC)) == "2030-01-01T00:00:00Z"
    assert write(datetime(2030, 1, 1, microsecond=5000, tzinfo=UTC)) == "2030-01-01T00:00:00.005Z"


def _member(operation: str, name: str) -> Member:
    return _SERVICES.operation("s3", operation).input.members[name]


@pytest.mark.parametrize(
    ("operation", "name", "text", "value"),
    [
        ("UploadPart", "PartNumber", "10000", 10_000),
        ("UploadPart", "ContentLength", "5497558138880", 5 * 1024**4),
        ("PutObject", "BucketKeyEnabled", "True", True),
        (
            "PutObject",
            "ObjectLockRetainUntilDate",
            "2030-01-01T01:00:00+01:00",
            datetime(2030, 1, 1, tzinfo=UTC),
        ),
        ("GetObject", "IfModifiedSince", "Tue, 01 Jan 2030 00:00:00 GMT", datetime(2030, 1, 1, tzinfo=UTC)),
    ],
)
def test_text_is_read_as_the_model_says(operation: str, name: str, text: str, value: Any) -> None:
    assert reader(_member(operation, name))(text) == value


@pytest.mark.parametrize(
    ("operation", "name", "text"),
    [
        ("UploadPart", "ContentLength", "9223372036854775808"),
        ("UploadPart", "PartNumber", "\u0661"),
        ("PutObject", "BucketKeyEnabled", "1"),
        ("PutObject", "ObjectLockRetainUntilDate", "2030-01-01"),
        ("GetObject", "IfModifiedSince", "2030-01-01T00:00:00Z"),
    ],
)
def test_text_of_another_form_is_refused(operation: str, name: str, text: str) -> None:
    with pytest.raises(ValueError):
        reader(_member(operation, name))(text)


@given(st.datetimes(min_value=datetime(1000, 1, 1), timezones=st.just(timezone(timedelta(hours=5)))))
def test_a_date_that_was_written_is_read_back_to_the_second(moment: datetime) -> None:
    for operation, name in (("PutObject", "ObjectLockRetainUntilDate"), ("GetObject", "IfModifiedSince")):
        member = _member(operation, name)
        read = reader(member)(writer(member)(moment))
        assert read.replace(microsecond=0) == moment.replace(microsecond=0)


@pytest.mark.parametrize("seconds", [1e18, -1e18, 253402300800])
def test_seconds_beyond_the_calendar_are_refused(seconds: float) -> None:
    with pytest.raises(ValueError):
        moment_of(seconds)
