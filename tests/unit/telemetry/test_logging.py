import io
import json
import logging

import pytest
import structlog

from onread.telemetry.logging import configure_logging


@pytest.fixture
def log():
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, write_through=True)
    configure_logging("debug", stream)
    yield raw
    structlog.reset_defaults()
    logging.basicConfig(handlers=[logging.NullHandler()], force=True)


def records(raw):
    return [json.loads(line) for line in raw.getvalue().splitlines()]


@pytest.mark.parametrize(
    "name", ["secret_access_key", "session_token", "authorization", "output_token", "signature"]
)
def test_T290_a_field_named_like_a_secret_is_cut_out(log, name):
    structlog.get_logger().info("event", **{name: "c4n4ry"})
    assert b"c4n4ry" not in log.getvalue()
    assert records(log)[0][name] == "***"


def test_T292_presigned_signatures_are_cut_out_of_any_value(log):
    url = "http://h/k?X-Amz-Signature=c4n4ry1&X-Amz-Security-Token=c4n4ry2&X-Amz-Credential=c4n4ry3&width=3"
    structlog.get_logger().info("event", url=url)
    assert b"c4n4ry" not in log.getvalue()
    assert b"width=3" in log.getvalue()


@pytest.mark.parametrize(
    "nasty", ["a\nb", "a\rb", "\x1b[2J", "\x00", "\x7f", "\u2028", "\x85", "\x9b2J", "\u202e", "\ufeff", "ü"]
)
def test_T291_a_record_is_one_line_whatever_it_holds(log, nasty):
    structlog.get_logger().info("event", key=nasty)
    line = log.getvalue().decode()
    assert line.splitlines() == [line[:-1]]
    assert line[:-1].isprintable()
    assert records(log)[0]["key"] == nasty


def test_libraries_log_through_the_same_road(log):
    logging.getLogger("some.library").warning("X-Amz-Signature=%s", "c4n4ry")
    (record,) = records(log)
    assert record["logger"] == "some.library"
    assert "c4n4ry" not in record["text"]
