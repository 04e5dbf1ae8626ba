"""`onread.wire.ranges`: one range, or the whole object."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import InvalidRange
from onread.wire.ranges import ByteRange, RangeHeader, content_range, parse_range, resolve_range

numbers = st.integers(0, 10**19 - 1)


@given(numbers, numbers)
def test_every_range_in_order_is_read(first, more):
    last = min(first + more, 10**19 - 1)
    assert parse_range(f"bytes={first}-{last}") == RangeHeader(first, last)
    assert parse_range(f"bytes={first}-") == RangeHeader(first, None)
    assert parse_range(f"bytes=-{first}") == RangeHeader(None, first)
    assert str(RangeHeader(first, last)) == f"bytes={first}-{last}"


@pytest.mark.parametrize("text", ["bytes=0-9", " bytes=0-9\t", "Bytes=0-9"])
def test_the_unit_is_bytes_in_any_letter_case(text):
    assert parse_range(text) == RangeHeader(0, 9)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bytes",
        "bytes=",
        "bytes=-",
        "bytes=5",
        "bytes=9-0",
        "bytes=0-0,1-1",
        "bytes=" + ",".join(["0-0"] * 10_000),
        "bytes=a-b",
        "bytes=0x1-0x2",
        "bytes=+1-2",
        "bytes=1_0-20",
        "bytes=1--2",
        "bytes=--1",
        "bytes= 0-9",
        "bytes=0 - 9",
        "bytes =0-9",
        "bytes=\u0660-\u0669",
        "bytes=\u00b2-\u00b3",
        "bytes=0-" + "9" * 10_240,
        "bytes=" + "0" * 20 + "-1",
        "items=0-9",
        "0-9",
    ],
)
def test_T039_whatever_is_not_one_range_of_bytes_is_ignored(text):
    assert parse_range(text) is None


@given(st.text(max_size=30) | st.text(st.sampled_from("bytes=-,0159 "), max_size=30))
def test_T039_no_text_is_an_error(text):
    parse_range(text)


@given(st.integers(0, 50), st.none() | st.integers(0, 60), st.none() | st.integers(0, 60))
def test_a_range_is_fitted_as_rfc_9110_says(size, first, last):
    if first is None and last is None:
        assert resolve_range(None, size) is None
        return
    content = list(range(size))
    if first is None:
        expected = content[-last:] if last else []
    elif last is None:
        expected = content[first:]
    else:
        expected = content[first : last + 1]
    if not expected:
        with pytest.raises(InvalidRange):
            resolve_range(RangeHeader(first, last), size)
        return
    given_range = resolve_range(RangeHeader(first, last), size)
    assert content[given_range.start : given_range.stop] == expected
    assert given_range.size_bytes == len(expected)


@pytest.mark.parametrize(
    ("text", "size"),
    [("bytes=-0", 10), ("bytes=10-", 10), ("bytes=10-20", 10), ("bytes=0-", 0), ("bytes=-5", 0)],
)
def test_T039_a_range_without_a_byte_is_not_satisfiable(text, size):
    with pytest.raises(InvalidRange) as caught:
        resolve_range(parse_range(text), size)
    assert caught.value.fields == {"RangeRequested": text, "ActualObjectSize": str(size)}


def test_the_answer_tells_its_part():
    assert content_range(ByteRange(0, 10), 100) == "bytes 0-9/100"
