"""Logs: every split of the bytes gives the same printable lines, within the limits."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from onread.functions.logs import EnvironmentLog, FunctionLog, LogLine, escape_line, render_report
from onread.metadata.records import Function

NOW = datetime(2030, 1, 1, tzinfo=UTC)
FUNCTION = Function(
    account_id="000000000000",
    region="us-east-1",
    name="f",
    runtime="python3.11",
    handler="app.handler",
    role="r",
    code_sha256="0" * 64,
    code_size_bytes=1,
    modified_at=NOW,
    revision_id="1",
)


def new_log(limit_bytes: int = 1000) -> tuple[EnvironmentLog, FunctionLog, list[LogLine]]:
    sunk: list[LogLine] = []
    kept = FunctionLog(100_000)
    log = EnvironmentLog(
        FUNCTION, kept, sink=lambda _f, line: sunk.append(line), clock=lambda: NOW, limit_bytes=limit_bytes
    )
    return log, kept, sunk


def texts(lines) -> list[str]:
    return [line.text for line in lines]


def test_lines_belong_to_the_run_that_wrote_them():
    log, kept, sunk = new_log()
    log.feed(b"loading\n")
    log.begin("id-1")
    log.feed(b"a\nb")
    tail = log.end("REPORT")
    log.feed(b"after\n")
    assert [(line.request_id, line.text) for line in sunk] == [
        (None, "loading"),
        ("id-1", "START RequestId: id-1 Version: $LATEST"),
        ("id-1", "a"),
        ("id-1", "b"),
        ("id-1", "END RequestId: id-1"),
        ("id-1", "REPORT"),
        (None, "after"),
    ]
    assert tuple(sunk) == kept.lines()
    assert tail == b"START RequestId: id-1 Version: $LATEST\na\nb\nEND RequestId: id-1\nREPORT\n"


@given(st.binary(max_size=200), st.integers(1, 20))
def test_T291_any_bytes_in_any_pieces_give_the_same_printable_lines(data, size):
    whole, _, expected = new_log()
    whole.begin("id")
    whole.feed(data.replace(b"\r", b" "))
    whole.end("")
    pieces, _, got = new_log()
    pieces.begin("id")
    for start in range(0, len(data), size):
        pieces.feed(data[start : start + size].replace(b"\r", b" "))
    pieces.end("")
    assert texts(got) == texts(expected)
    assert all(
        letter == "\t" or letter.isprintable() or ord(letter) > 0x9F for text in texts(got) for letter in text
    )
    assert all("\u2028" not in text and "\x1b" not in text for text in texts(got))


def test_T291_controls_invalid_utf8_and_separators_are_shown_as_escapes():
    assert (
        escape_line(b"a\x1b[2J\x00\xff\xc2\x85\xe2\x80\xa9\ttab \xc3\xa9")
        == r"a\x1b[2J\x00\xff\x85\u2029" + "\ttab é"
    )


def test_a_traceback_parted_by_carriage_returns_becomes_lines():
    log, _, sunk = new_log()
    log.feed(b"[ERROR] E: m\rTraceback\r\n")
    assert texts(sunk) == ["[ERROR] E: m", "Traceback"]


def test_T161_what_is_over_the_limit_of_a_run_is_dropped_with_a_marker_and_the_next_run_starts_anew():
    log, _, sunk = new_log(limit_bytes=10)
    log.begin("id-1")
    log.feed(b"12345678\n123\nmore\n" * 100)
    log.end("REPORT")
    log.begin("id-2")
    log.feed(b"fresh\n")
    assert texts(sunk)[1:3] == ["12345678", "[onread: the log of this invocation is cut after 10 bytes]"]
    assert texts(sunk)[3:] == [
        "END RequestId: id-1",
        "REPORT",
        "START RequestId: id-2 Version: $LATEST",
        "fresh",
    ]


def test_T161_a_line_without_end_is_parted():
    log, _, sunk = new_log(limit_bytes=1_000_000)
    for _ in range(5):
        log.feed(b"x" * 50_000)
    assert [len(text) for text in texts(sunk)] == [65536, 65536, 65536]


def test_the_oldest_lines_make_room():
    kept = FunctionLog(1000)
    for number in range(100):
        kept.append(LogLine(NOW, None, f"line {number}"))
    lines = texts(kept.lines())
    assert lines[-1] == "line 99"
    assert 10 <= len(lines) <= 15


def test_the_tail_holds_the_last_four_kibibytes():
    log, _, _ = new_log(limit_bytes=100_000)
    log.begin("id")
    for number in range(1000):
        log.feed(b"line %d of many\n" % number)
    tail = log.end("REPORT")
    assert len(tail) == 4096
    assert tail.endswith(b"line 999 of many\nEND RequestId: id\nREPORT\n")


def test_the_report_line_is_lambdas():
    report = render_report("id", seconds=0.01234, memory_mb=128, peak_memory_mb=36, init_seconds=0.1129)
    assert report == (
        "REPORT RequestId: id\tDuration: 12.34 ms\tBilled Duration: 13 ms\tMemory Size: 128 MB\t"
        "Max Memory Used: 36 MB\tInit Duration: 112.90 ms"
    )
    assert render_report("id", seconds=1, memory_mb=1, peak_memory_mb=1, status="timeout").endswith(
        "Status: timeout"
    )
