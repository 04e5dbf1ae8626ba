"""What a caller is told when a function gave no answer. The reasons go to the log, and no further.

Source: Amazon S3 API Reference, "S3 Object Lambda error responses".
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from types import MappingProxyType, TracebackType

import structlog

from onread.errors import (
    AccessDeniedException,
    LambdaError,
    LambdaInvalidResponse,
    LambdaInvocationFailed,
    LambdaNotFound,
    LambdaPermissionError,
    LambdaResponseNotReceived,
    LambdaRuntimeError,
    LambdaTimeout,
    ResourceNotFoundException,
    S3Error,
    SlowDown,
    TooManyRequestsException,
)
from onread.functions.invoker import INVALID_ANSWER, UNREACHABLE, Failed, Outcome, Returned, TimedOut
from onread.metadata.records import Function

_log = structlog.get_logger("onread.transform")

_LOGGED_DETAIL_BYTES = 4096
# Whatever is not here is LambdaInvocationFailed.
_INVOKE_ERRORS: Mapping[type[LambdaError], Callable[[], S3Error]] = MappingProxyType(
    {
        ResourceNotFoundException: LambdaNotFound,
        AccessDeniedException: LambdaPermissionError,
        TooManyRequestsException: lambda: SlowDown(retry_after_seconds=1),
    }
)

_FAILED_WEBHOOKS: Mapping[str, Callable[[], S3Error]] = MappingProxyType(
    {UNREACHABLE: LambdaInvocationFailed, INVALID_ANSWER: LambdaInvalidResponse}
)


class invoke_errors:
    """Lambda's errors become those of Object Lambda.

    Raises:
        LambdaNotFound, LambdaPermissionError, SlowDown, LambdaInvocationFailed: nothing was invoked.
    """

    __slots__ = ("_function", "_request_id")

    def __init__(self, request_id: str, function: Function) -> None:
        self._request_id = request_id
        self._function = function

    def __enter__(self) -> None:
        return

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        if not isinstance(error, LambdaError):
            return
        _log.warning(
            "transform.not_invoked",
            request_id=self._request_id,
            function=self._function.arn,
            error_type=error.code,
            detail=error.text,
        )
        raise _INVOKE_ERRORS.get(type(error), LambdaInvocationFailed)() from error


@contextmanager
def invalid_response(request_id: str, function: Function) -> Iterator[None]:
    """What a function returned and cannot be made into an answer is in the log, with the member's name."""
    try:
        yield
    except LambdaInvalidResponse as error:
        _log.warning(
            "transform.invalid_response", request_id=request_id, function=function.arn, detail=error.text
        )
        raise


def error_of_run(outcome: Outcome, *, function: Function, request_id: str, limit_seconds: float) -> S3Error:
    """The error for a run that ended before anything was written.

    Args:
        limit_seconds: the time for the whole answer; a shorter timeout of the function's own is its error.
    """
    _log_outcome(outcome, function=function, request_id=request_id)
    match outcome:
        case Returned():
            return LambdaResponseNotReceived()
        case Failed(error_type) if error_type in _FAILED_WEBHOOKS:
            return _FAILED_WEBHOOKS[error_type]()
        case TimedOut() if function.timeout_seconds >= limit_seconds:
            return LambdaTimeout()
        case TimedOut() | Failed():
            return LambdaRuntimeError()


def _log_outcome(outcome: Outcome, *, function: Function, request_id: str) -> None:
    error_type, payload = _reason(outcome)
    _log.warning(
        "transform.no_answer",
        request_id=request_id,
        function=function.arn,
        error_type=error_type,
        detail=payload[:_LOGGED_DETAIL_BYTES].decode("utf-8", "replace"),
    )


def _reason(outcome: Outcome) -> tuple[str, bytes]:
    match outcome:
        case Returned():
            return "NothingWritten", b""
        case TimedOut(payload):
            return "TimedOut", payload
        case Failed(error_type, payload):
            return error_type, payload
