"""Lambda's words for what went wrong."""

import json
from datetime import UTC, datetime

import pytest

from onread.functions.failures import exit_reason, parse_reported_error, runtime_exited, task_timed_out


@pytest.mark.parametrize(
    ("return_code", "reason"),
    [
        (1, "Runtime exited with error: exit status 1"),
        (0, "Runtime exited without providing a reason"),
        (-9, "Runtime exited with error: signal: killed"),
        (-11, "Runtime exited with error: signal: segmentation fault"),
        (-12, "Runtime exited with error: signal: sigusr2"),
        (-99, "Runtime exited with error: signal: 99"),
    ],
)
def test_an_exit_is_told_in_lambdas_words(return_code, reason):
    assert exit_reason(return_code) == reason
    document = json.loads(runtime_exited("id", return_code).payload)
    assert document == {"errorMessage": f"RequestId: id Error: {reason}", "errorType": "Runtime.ExitError"}


def test_a_timeout_is_told_in_lambdas_words():
    outcome = task_timed_out("id", datetime(2030, 1, 2, 3, 4, 5, 67_890, tzinfo=UTC), 3)
    message = "2030-01-02T03:04:05.067Z id Task timed out after 3.00 seconds"
    assert json.loads(outcome.payload) == {"errorMessage": message}


def test_a_reported_document_is_kept_and_its_type_read():
    assert parse_reported_error(b'{"errorType":"E"}', "H").error_type == "E"
    assert parse_reported_error(b'{"errorType":1}', "H").error_type == "H"
    assert parse_reported_error(b'{"errorType":1}', "H").payload == b'{"errorType":1}'


@pytest.mark.parametrize("document", [b"", b"[]", b"\xff", b"[" * 100_000])
def test_what_is_no_document_gets_one(document):
    failed = parse_reported_error(document, None)
    assert failed.error_type == "Runtime.Unknown"
    assert json.loads(failed.payload)["errorType"] == "Runtime.Unknown"
