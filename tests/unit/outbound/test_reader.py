"""Any split of the bytes gives the same answers."""

import itertools

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
