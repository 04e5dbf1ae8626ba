"""What a function wrote, read as the answer to its caller: an object, or the function's own error.

Owns the rules of WriteGetObjectResponse's parameters. Which members travel is no list of ours: they are
those that WriteGetObjectResponse and GetObject's output have in common in the service model, so a new one
needs no code here, and a header that is no member goes nowhere.

Source: Amazon S3 API Reference, WriteGetObjectResponse.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from onread.errors import (
    AccessDenied,
    InternalError,
    InvalidRange,
    InvalidRequest,
    MethodNotAllowed,
    MissingContentLength,
    NoSuchKey,
    OperationAborted,
    PreconditionFailed,
    S3Error,
    ServiceUnavailable,
    ValidationError,
)
from onread.protocol.model import Services
from onread.wire.checksums import ALGORITHMS
from onread.wire.frozen import frozen

# The enumeration of StatusCode in the API reference, and no other.
SUCCESS_STATUSES = frozenset({200, 206, 304})
_STANDARD_ERRORS: Mapping[int, type[S3Error]] = MappingProxyType(
    {
        400: InvalidRequest,
        401: AccessDenied,
        403: AccessDenied,
        404: NoSuchKey,
        405: MethodNotAllowed,
        409: OperationAborted,
        411: MissingContentLength,
        412: PreconditionFailed,
        416: InvalidRange,
        500: InternalError,
        503: ServiceUnavailable,
    }
)
ALLOWED_STATUSES = SUCCESS_STATUSES | _STANDARD_ERRORS.keys()

NOT_MODIFIED = 304
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
"""S3's own, for an answer that names none."""

# "A-Z, a-z; the first letter must be upper case": ErrorCode's pattern in the service model.
_ERROR_CODE = re.compile(r"[A-Z][a-zA-Z]+")
# AWS refuses a header value outside 1 to 3000 characters ("Map value must satisfy constraint").
_MAXIMUM_VALUE = 3000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
# The body's members are not header members: the length is the body's own.
_OF_THE_BODY = frozenset({"Body", "ContentLength"})


class FunctionReportedError(S3Error):
    """The error that a function gave its caller, under the function's own code and status."""

    def __init__(self, code: str, status: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.status = status


@frozen(kw_only=True)
class DeclaredChecksum:
    """The one checksum that a function may give: AWS's algorithm name and the base64 value."""

    algorithm: str
    value: str


@frozen(kw_only=True)
class FunctionResponse:
    """An answer that keeps the rules.

    Attributes:
        members: GetObject's output members, without the body and its length.
        error: set when the caller gets an error document instead of a body.
    """

    status: int
    members: Mapping[str, Any]
    checksum: DeclaredChecksum | None = None
    error: FunctionReportedError | None = None

    @property
    def has_body(self) -> bool:
        """Whether the writer's bytes go to the caller."""
        return self.error is None and self.status != NOT_MODIFIED


def forwarded_members(services: Services) -> frozenset[str]:
    """The members that WriteGetObjectResponse and the output of GetObject have in common."""
    written = services.operation("s3", "WriteGetObjectResponse").input
    answered = services.operation("s3", "GetObject").output
    assert written is not None  # the model was refused at start otherwise
    assert answered is not None
    return frozenset(written.members.keys() & answered.members.keys()) - _OF_THE_BODY


def emptiness_matters(params: Mapping[str, Any]) -> bool:
    """Whether `read_response` depends on the body being empty: it must be known before, then."""
    return _status(params) == NOT_MODIFIED or _status(params) >= 400 or _names_error(params)


def read_response(
    params: Mapping[str, Any], *, forwarded: frozenset[str], body_is_empty: bool
) -> FunctionResponse:
    """The answer that a function's parameters stand for.

    Args:
        params: WriteGetObjectResponse's input by AWS's name, the body left out.
        forwarded: what `forwarded_members` gave.
        body_is_empty: asked only when `emptiness_matters`.

    Raises:
        ValidationError: a rule is broken; the message names the member and says what to write.
    """
    status = _status(params)
    if status not in ALLOWED_STATUSES:
        allowed = ", ".join(str(number) for number in sorted(ALLOWED_STATUSES))
        raise ValidationError(f"StatusCode {status} is not allowed. Use one of {allowed}.")
    members = {name: params[name] for name in params.keys() & forwarded if params[name] is not None}
    _check_values(members)
    error = _read_error(params, status, body_is_empty=body_is_empty)
    if status == NOT_MODIFIED and not body_is_empty:
        raise ValidationError("An answer with StatusCode 304 has no body. Leave Body out.")
    return FunctionResponse(status=status, members=members, checksum=_read_checksum(members), error=error)


def standard_error(status: int) -> FunctionReportedError:
    """The usual code of an error status: AWS's decompression sample gives a status and nothing else."""
    standard = _STANDARD_ERRORS.get(status, InvalidRequest if status < 500 else InternalError)
    return FunctionReportedError(standard.code, status, standard.message)


def _status(params: Mapping[str, Any]) -> int:
    status: int | None = params.get("StatusCode")
    return 200 if status is None else status


def _names_error(params: Mapping[str, Any]) -> bool:
    return params.get("ErrorCode") is not None or params.get("ErrorMessage") is not None


def _read_error(
    params: Mapping[str, Any], status: int, *, body_is_empty: bool
) -> FunctionReportedError | None:
    """AWS: ErrorCode and ErrorMessage are "not allowed with a success status or with a body"."""
    if not _names_error(params):
        return standard_error(status) if status >= 400 and body_is_empty else None
    if status < 400:
        raise ValidationError(
            f"ErrorCode and ErrorMessage are not allowed with StatusCode {status}. "
            "Give a StatusCode of 400 or more."
        )
    if not body_is_empty:
        raise ValidationError(
            "ErrorCode and ErrorMessage are not allowed with a Body. Leave one of them out."
        )
    message = _error_message(params)
    code: str | None = params.get("ErrorCode")
    if code is None:
        return FunctionReportedError(standard_error(status).code, status, message or "")
    if _ERROR_CODE.fullmatch(code) is None or len(code) > _MAXIMUM_VALUE:
        raise ValidationError("ErrorCode must be letters only and begin with a capital one.")
    return FunctionReportedError(code, status, message if message is not None else code)


def _error_message(params: Mapping[str, Any]) -> str | None:
    message: str | None = params.get("ErrorMessage")
    if message is None:
        return None
    _check_text("ErrorMessage", message)
    return _as_utf8(message)


def _as_utf8(text: str) -> str:
    """Header text stands for bytes; for people it is UTF-8 where it can be."""
    try:
        return text.encode("latin-1").decode("utf-8")
    except UnicodeError:
        return text


def _check_values(members: Mapping[str, Any]) -> None:
    for name, value in members.items():
        if isinstance(value, str):
            _check_text(name, value)
        elif isinstance(value, Mapping):
            for header, text in value.items():
                _check_metadata(header, text)


def _check_metadata(name: str, value: str) -> None:
    if _HEADER_NAME.fullmatch(name) is None:
        raise ValidationError(
            "Metadata has a name that cannot be a header's. Use letters, digits and hyphens."
        )
    _check_text(f"Metadata {name[:80]}", value)


def _check_text(name: str, value: str) -> None:
    if not 1 <= len(value) <= _MAXIMUM_VALUE:
        raise ValidationError(f"{name} must have 1 to {_MAXIMUM_VALUE} characters.")
    if _CONTROL.search(value):
        raise ValidationError(f"{name} must not hold control characters, line breaks among them.")


_CHECKSUMS = {algorithm.member: algorithm for algorithm in ALGORITHMS.values()}


def _read_checksum(members: Mapping[str, Any]) -> DeclaredChecksum | None:
    """AWS: "Only one checksum header can be specified at a time"."""
    if _CHECKSUMS.keys().isdisjoint(members):
        return None
    given = [algorithm for member, algorithm in _CHECKSUMS.items() if member in members]
    if len(given) > 1:
        names = " and ".join(algorithm.member for algorithm in given)
        raise ValidationError(f"Only one checksum may be given at a time, not {names}.")
    return DeclaredChecksum(algorithm=given[0].name, value=members[given[0].member])
