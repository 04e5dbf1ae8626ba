"""What Lambda says when a run did not end well: its error documents, word for word.

Pure: times and exit codes are arguments. The documents are for the log and for Invoke; nothing of them
is ever shown to the reader of an object.

Source: AWS Lambda Developer Guide, "Troubleshoot invocation issues in Lambda"; the runtime interface
emulator (github.com/aws/aws-lambda-runtime-interface-emulator).
"""

import re
import signal
from datetime import datetime

import orjson

from onread.functions.invoker import Failed, TimedOut

RESPONSE_LIMIT_BYTES = 6 * 1024 * 1024

_ERROR_TYPE = re.compile(r"[A-Za-z0-9_.:-]{1,128}")
# Go names signals so, and Lambda's documents bear Go's words.
_SIGNAL_NAMES = {
    signal.SIGABRT: "aborted",
    signal.SIGBUS: "bus error",
    signal.SIGFPE: "floating point exception",
    signal.SIGILL: "illegal instruction",
    signal.SIGINT: "interrupt",
    signal.SIGKILL: "killed",
    signal.SIGSEGV: "segmentation fault",
    signal.SIGTERM: "terminated",
    signal.SIGXFSZ: "file size limit exceeded",
}


def render_error_document(message: str, error_type: str) -> bytes:
    """Lambda's error document of a failure that has no stack trace."""
    return orjson.dumps({"errorMessage": message, "errorType": error_type})


def exit_reason(return_code: int) -> str:
    """How a process ended, in Lambda's words (``return_code`` as subprocess gives it)."""
    if return_code == 0:
        return "Runtime exited without providing a reason"
    if return_code > 0:
        return f"Runtime exited with error: exit status {return_code}"
    try:
        number = signal.Signals(-return_code)
    except ValueError:
        return f"Runtime exited with error: signal: {-return_code}"
    return f"Runtime exited with error: signal: {_SIGNAL_NAMES.get(number, number.name.lower())}"


def runtime_exited(request_id: str, return_code: int) -> Failed:
    """The process ended before it answered."""
    message = f"RequestId: {request_id} Error: {exit_reason(return_code)}"
    return Failed("Runtime.ExitError", render_error_document(message, "Runtime.ExitError"))


def task_timed_out(request_id: str, at: datetime, limit_seconds: float) -> TimedOut:
    """The time limit passed. ``at`` is aware UTC."""
    return TimedOut(orjson.dumps({"errorMessage": timed_out_text(request_id, at, limit_seconds)}))


def timed_out_text(request_id: str, at: datetime, limit_seconds: float) -> str:
    """``2026-01-02T03:04:05.678Z REQUEST-ID Task timed out after 3.00 seconds``."""
    stamp = at.strftime("%Y-%m-%dT%H:%M:%S.") + f"{at.microsecond // 1000:03d}Z"
    return f"{stamp} {request_id} Task timed out after {limit_seconds:.2f} seconds"


def response_too_large() -> Failed:
    """The handler returned more than Lambda carries."""
    kind = "Function.ResponseSizeTooLarge"
    message = f"Response payload size exceeded maximum allowed payload size ({RESPONSE_LIMIT_BYTES} bytes)."
    return Failed(kind, render_error_document(message, kind))


def could_not_start(message: str) -> Failed:
    """The process could not be started at all: the machine's fault, not the function's."""
    return Failed("Runtime.StartFailed", render_error_document(message, "Runtime.StartFailed"))


def parse_reported_error(document: bytes, header: str | None) -> Failed:
    """The error a runtime reported, its type made safe to log and to send in a header.

    Args:
        document: the posted body; passed on unchanged when it is a JSON object.
        header: ``Lambda-Runtime-Function-Error-Type``, used when the document names no type.
    """
    try:
        parsed = orjson.loads(document)
    except orjson.JSONDecodeError:
        parsed = None
    named = parsed.get("errorType") if isinstance(parsed, dict) else None
    for kind in (named, header):
        if isinstance(kind, str) and _ERROR_TYPE.fullmatch(kind):
            break
    else:
        kind = "Runtime.Unknown"
    if isinstance(parsed, dict):
        return Failed(kind, document)
    return Failed(kind, render_error_document("The runtime reported an error without a document.", kind))
