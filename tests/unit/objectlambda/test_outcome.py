from dataclasses import replace

import pytest
from structlog.testing import capture_logs
from tests.fakes.object_lambda import FUNCTION, REQUEST_ID

from onread.errors import (
    AccessDeniedException,
    LambdaError,
    LambdaInvocationFailed,
    LambdaNotFound,
    LambdaPermissionError,
    NoSuchKey,
    RequestTooLargeException,
    ResourceNotFoundException,
    ResourceNotReadyException,
    SlowDown,
    TooManyRequestsException,
)
from onread.functions.invoker import Failed, Returned, TimedOut
from onread.objectlambda.outcome import error_of_run, invoke_errors

DOCUMENT = b'{"errorMessage":"secret at /opt","stackTrace":["line 1"]}'


def told(outcome, timeout_seconds=3):
    function = replace(FUNCTION, timeout_seconds=timeout_seconds)
    return error_of_run(outcome, function=function, request_id=REQUEST_ID, limit_seconds=60)


@pytest.mark.parametrize(
    ("outcome", "timeout_seconds", "code"),
    [
        (Returned(b"null"), 3, "LambdaResponseNotReceived"),
        (Failed("ValueError", DOCUMENT), 3, "LambdaRuntimeError"),
        (TimedOut(DOCUMENT), 59, "LambdaRuntimeError"),
        (TimedOut(DOCUMENT), 60, "LambdaTimeout"),
        (TimedOut(DOCUMENT), 900, "LambdaTimeout"),
    ],
)
def test_every_outcome_without_an_answer_has_its_code(outcome, timeout_seconds, code):
    assert told(outcome, timeout_seconds).code == code


def test_T111_the_reason_is_logged_under_the_request_id_and_not_told():
    with capture_logs() as logs:
        error = told(Failed("ValueError", DOCUMENT + b"\xff" + b"x" * 10_000))
    assert "secret" not in error.text
    assert logs[0]["request_id"] == REQUEST_ID
    assert logs[0]["error_type"] == "ValueError"
    assert logs[0]["detail"].startswith('{"errorMessage":"secret at /opt"')
    assert len(logs[0]["detail"]) <= 4096


@pytest.mark.parametrize(
    ("raised", "expected"),
    [
        (ResourceNotFoundException("f"), LambdaNotFound),
        (AccessDeniedException("f"), LambdaPermissionError),
        (TooManyRequestsException("queue"), SlowDown),
        (ResourceNotReadyException("f"), LambdaInvocationFailed),
        (RequestTooLargeException("f"), LambdaInvocationFailed),
        (LambdaError("f"), LambdaInvocationFailed),
    ],
)
def test_lambdas_errors_become_object_lambdas(raised, expected):
    with capture_logs() as logs, pytest.raises(expected) as error, invoke_errors(REQUEST_ID, FUNCTION):
        raise raised
    assert error.value.text == expected.message
    assert logs[0]["detail"] == raised.text


def test_other_errors_are_left_alone():
    with pytest.raises(NoSuchKey), invoke_errors(REQUEST_ID, FUNCTION):
        raise NoSuchKey
