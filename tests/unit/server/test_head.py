"""The one place that writes heads, and the rules for those that come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.server.head import UnsafeHead, given_length, render_head

NAMES = st.text(st.characters(max_codepoint=300), max_size=6)
VALUES = st.text(st.characters(max_codepoint=300), max_size=6)


def test_a_head_is_the_status_the_headers_and_the_framing():
    head = render_head(404, [("X-A", "b\tc"), ("date", "no"), ("X-É"[:1], "é")], "Content-Length: 0\r\n")
    assert head == b"HTTP/1.1 404 Not Found\r\nX-A: b\tc\r\nX: \xe9\r\nContent-Length: 0\r\n\r\n"


def test_an_unknown_status_has_no_reason():
    assert render_head(599, [], "") == b"HTTP/1.1 599 \r\n\r\n"


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 600, 1000])
def test_a_status_that_ends_no_request_is_never_sent(status):
    with pytest.raises(UnsafeHead):
        render_head(status, [], "")


@given(st.lists(st.tuples(NAMES, VALUES), max_size=4))
def test_T060_what_is_written_reads_back_as_it_was_given(headers):
    try:
        head = render_head(200, headers, "")
    except UnsafeHead:
        return
    lines = head.decode("latin-1").split("\r\n")[1:-2]
    framing = {"connection", "content-length", "date", "keep-alive", "transfer-encoding"}
    assert lines == [f"{name}: {value}" for name, value in headers if name.lower() not in framing]
    assert not any(byte < 32 and byte != 9 for line in lines for byte in line.encode("latin-1"))


@pytest.mark.parametrize(
    ("value", "length"),
    [("7", 7), ("", None), ("-7", None), ("7, 7", None), ("\u0667", None), ("7\r\n", None)],
)
def test_only_a_plain_number_is_kept_as_length(value, length):
    assert given_length([("X", "1"), ("content-length", value)]) == length
