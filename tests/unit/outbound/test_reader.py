"""Any split of the bytes gives the same answers."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.outbound.failures import BrokenAnswer
from onread.outbound.reader import AnswerReader

ANSWERS = (
    b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 11\r\n\r\nhello world",
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nx-t: 1\r\n\r\n",
    b"HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n",
    b"HTTP/1.1 204 None\r\n\r\n",
    b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nto the end",
)


class Heard:
    def __init__(self, keep=True):
        self.told = []
        self.reader = AnswerReader(self, head_bytes=1000, header_count=10)

    def take_head(self, status, headers, length_bytes):
        self.told.append((status, tuple(headers), length_bytes, b""))

    def take_body(self, chunk):
        *head, body = self.told[-1]
        self.told[-1] = (*head, body + chunk)

    def take_end(self):
        self.told.append("end")


def heard(pieces):
    listener = Heard()
    answers = 0
    for piece in pieces:
        for start in range(len(piece)):
            if answers == listener.told.count("end"):
                listener.reader.expect(head_only=False)
                answers += 1
            listener.reader.feed(piece[start : start + 1])
    return listener


def test_answers_follow_each_other():
    told = heard(ANSWERS)
    told.reader.end()
    assert [entry[0] for entry in told.told if entry != "end"] == [200, 200, 404, 204, 200]
    assert [entry[3] for entry in told.told if entry != "end"] == [
        b"hello world", b"hello world", b"", b"", b"to the end",
    ]  # fmt: skip
    assert not told.reader.keep_alive


@given(st.sampled_from(ANSWERS[:4]), st.lists(st.integers(0, 120), max_size=6))
def test_any_split_gives_the_same(answer, cuts):
    expected = heard([answer]).told
    listener = Heard()
    listener.reader.expect(head_only=False)
    edges = sorted({0, len(answer), *(cut for cut in cuts if cut < len(answer))})
    for start, stop in itertools.pairwise(edges):
        listener.reader.feed(answer[start:stop])
    assert listener.told == expected


@given(st.binary(max_size=300), st.booleans())
def test_T188_no_bytes_are_more_than_a_broken_answer(garbage, head_only):
    listener = Heard()
    listener.reader.expect(head_only=head_only)
    try:
        listener.reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + garbage)
        listener.reader.end()
    except BrokenAnswer:
        pass
    assert listener.told.count("end") <= 1


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/0.9 200 OK\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 " + b"O" * 1001 + b"\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 0\r\n\r\n",
    ],
    ids=[
        "control byte",
        "2.0",
        "0.9",
        "endless reason",
        "two codings",
        "chunked twice",
        "both framings",
        "two lengths",
    ],
)
def test_R060_an_answer_that_can_be_read_in_more_ways_than_one_is_broken(answer):
    """What the fuzz target of this reader found, and its neighbours."""

    def fed(listener, size):
        listener.reader.expect(head_only=False)
        for start in range(0, len(answer), size):
            listener.reader.feed(answer[start : start + size])

    for size in (1, len(answer)):
        listener = Heard()
        with pytest.raises(BrokenAnswer):
            fed(listener, size)
        assert listener.told == []


@pytest.mark.parametrize("lines", [("close", "keep-alive"), ("keep-alive", "close"), ("x, Close",)])
def test_R060_a_connection_that_any_line_closes_is_not_kept(lines):
    listener = Heard()
    listener.reader.expect(head_only=False)
    sent = "".join(f"Connection: {line}\r\n" for line in lines)
    listener.reader.feed(f"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n{sent}\r\n".encode())
    assert (listener.told[-1], listener.reader.keep_alive) == ("end", False)


@pytest.mark.parametrize("behind", [b"e", b"0", b"0\r\n\r\n", b"1\r\na\r\n", b"HTTP/1.1 200 OK\r\n\r\n"])
def test_R060_bytes_behind_the_answer_to_head_are_not_passed_over(behind):
    listener = Heard()
    listener.reader.expect(head_only=True)
    with pytest.raises(BrokenAnswer):
        listener.reader.feed(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + behind)
    assert listener.told[1:] == ["end"]
