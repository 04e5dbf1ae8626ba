"""The one place that writes heads, and the rules for those that come."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.server.head import PLAIN_HEADERS, UnsafeHead, given_length, is_plain_read, render_head

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


PLAIN = b"GET /a?b=%2F HTTP/1.1\r\nHost: h:80\r\n"


@pytest.mark.parametrize(
    "more",
    [
        b"",
        b"Accept: */*\r\nUser-Agent: a (b; c)\r\n",
        b"authorization: AWS4-HMAC-SHA256 Credential=a/b/c/s3/aws4_request, Signature=d\r\nRange: x\r\n",
        b"Connection: keep-alive\r\n",
        b"a: b\r\n" * (PLAIN_HEADERS - 1),
    ],
)
def test_a_plain_read_is_seen_as_one(more):
    assert is_plain_read(PLAIN + more + b"\r\n")


@pytest.mark.parametrize(
    "head",
    [
        PLAIN,
        PLAIN + b"\r\n" + PLAIN + b"\r\n",
        PLAIN + b"\r\nx",
        PLAIN.replace(b"GET", b"HEAD") + b"\r\n",
        PLAIN.replace(b"1.1", b"1.0") + b"\r\n",
        PLAIN.replace(b"/a", b"http://h/a") + b"\r\n",
        PLAIN.replace(b"/a", b"/a#b") + b"\r\n",
        PLAIN.replace(b"/a", b"/\xc3\xa9") + b"\r\n",
        PLAIN.replace(b"h:80", b"h, i") + b"\r\n",
        PLAIN.replace(b"\r\n", b"\n") + b"\r\n",
        b"GET /a HTTP/1.1\r\n\r\n",
        *(
            PLAIN + line + b"\r\n\r\n"
            for line in (
                b"Content-Length: 0",
                b"content-length: 5",
                b"Transfer-Encoding: chunked",
                b"Connection: keep-alive, upgrade",
                b"Connection: close",
                b"Keep-Alive: 5",
                b"Upgrade: h2c",
                b"Expect: 100-continue",
                b"Origin: https://example.com",
                b"host: i",
                b"TE: trailers",
                b"Proxy-Connection: close",
                b"A : b",
                b" a: b",
                b"A: b ",
                b"A:b",
                b"A: ",
                b"A: b\x00",
                b"A: \xe9",
                b"A_b: c",
                b"A: b\r\n folded",
            )
        ),
        PLAIN + b"a: b\r\n" * PLAIN_HEADERS + b"\r\n",
    ],
)
def test_what_is_more_than_a_plain_read_or_less_is_not_taken_for_one(head):
    assert not is_plain_read(head)
