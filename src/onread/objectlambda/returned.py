"""What a function returned for HeadObject and the lists becomes the answer to its caller.

Owns the leniency that AWS's own samples need: names in any letter case, numbers and booleans as text, one
object where a list is meant. Which headers and members there are, the service model says.

Source: Amazon S3 User Guide, "Writing Lambda functions", HeadObject, ListObjects and ListObjectsV2.
"""

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

import orjson

from onread.errors import LambdaInvalidResponse
from onread.objectlambda.response import (
    DEFAULT_CONTENT_TYPE,
    NOT_MODIFIED,
    FunctionReportedError,
    standard_error,
)
from onread.protocol.model import Operation, Shape
from onread.wire.dates import parse_http_date, parse_iso8601
from onread.wire.message import Response
from onread.wire.output import Output

MAXIMUM_RETURN_BYTES = 6 * 1024 * 1024
"""Lambda's limit for the answer of a synchronous Invoke."""

_MAXIMUM_VALUE = 3000
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_INTEGER = re.compile(r"[+-]?[0-9]{1,18}")
_METADATA = "x-amz-meta-"

# The members that the User Guide marks as required, by the shape they belong to.
_REQUIRED: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "ListObjectsOutput": ("Name", "MaxKeys", "IsTruncated"),
        "ListObjectsV2Output": ("Name", "MaxKeys", "KeyCount", "IsTruncated"),
        "Object": ("Key", "Size"),
        "Owner": ("DisplayName", "ID"),
        "CommonPrefix": ("Prefix",),
    }
)


def read_returned(payload: bytes, operation: Operation) -> Output | Response:
    """The answer for HeadObject, ListObjects or ListObjectsV2.

    Raises:
        FunctionReportedError: the function returned an error.
        LambdaInvalidResponse: what it returned cannot be made into an answer.
    """
    returned = _document(payload)
    status = _status(returned)
    if operation.name == "HeadObject":
        return _head(returned, status, operation)
    return _list(returned, status, operation)


def _document(payload: bytes) -> Mapping[str, Any]:
    if len(payload) > MAXIMUM_RETURN_BYTES:
        raise LambdaInvalidResponse("The function returned more than 6 MiB.")
    try:
        returned = orjson.loads(payload)
    except orjson.JSONDecodeError as error:  # too deep is one of them
        raise LambdaInvalidResponse("The function did not return JSON.") from error
    if not isinstance(returned, dict):
        raise LambdaInvalidResponse("The function must return an object with a statusCode.")
    return returned


def _status(returned: Mapping[str, Any]) -> int:
    status = _to_integer(returned.get("statusCode"))
    if status is None or not 200 <= status <= 599:
        raise LambdaInvalidResponse("The function must return a statusCode from 200 to 599.")
    return status


def _reported_error(returned: Mapping[str, Any], status: int) -> FunctionReportedError:
    standard = standard_error(status)
    code, message = returned.get("errorCode"), returned.get("errorMessage")
    return FunctionReportedError(
        code[:_MAXIMUM_VALUE] if isinstance(code, str) and code else standard.code,
        status,
        message[:_MAXIMUM_VALUE] if isinstance(message, str) else standard.text,
    )


# HeadObject


def _head(returned: Mapping[str, Any], status: int, operation: Operation) -> Response:
    if status >= 400:
        raise _reported_error(returned, status)
    given = returned.get("headers")
    if given is not None and not isinstance(given, dict):
        raise LambdaInvalidResponse("headers must be an object of names and values.")
    headers = _headers(given or {}, operation)
    if status != NOT_MODIFIED:
        if "Content-Length" not in headers:
            raise LambdaInvalidResponse("headers must hold the Content-Length.")
        headers.setdefault("Content-Type", DEFAULT_CONTENT_TYPE)
    return Response(status=status, headers=list(headers.items()))


def _headers(given: Mapping[str, Any], operation: Operation) -> dict[str, str]:
    """What the model knows of them. AWS's sample returns all of S3's headers: others are dropped."""
    assert operation.output is not None
    known = {
        member.wire_name.lower(): member.wire_name
        for member in operation.output.members.values()
        if member.location == "header"
    }
    headers: dict[str, str] = {}
    for name, value in given.items():
        lowered = name.lower()
        if lowered.startswith(_METADATA) and _HEADER_NAME.fullmatch(lowered):
            known[lowered] = lowered
        if lowered in known and (text := _header_text(name, value)):
            headers[known[lowered]] = text
    _check_length(headers)
    return headers


def _header_text(name: str, value: Any) -> str:
    """A value as a header has it, one character a byte; empty when there is nothing to send."""
    if value is None:
        return ""
    text = _CONTROL.sub("", _to_text(value)).strip().encode("utf-8").decode("latin-1")
    if len(text) > _MAXIMUM_VALUE:
        raise LambdaInvalidResponse(f"The header {name[:80]} is longer than {_MAXIMUM_VALUE} characters.")
    return text


def _check_length(headers: dict[str, str]) -> None:
    length = headers.get("Content-Length")
    if length is not None and not (length.isascii() and length.isdigit()):
        raise LambdaInvalidResponse("Content-Length must be a whole number of bytes.")


# ListObjects and ListObjectsV2


def _list(returned: Mapping[str, Any], status: int, operation: Operation) -> Output | Response:
    xml, result = returned.get("listResultXml"), returned.get("listBucketResult")
    if xml is not None and result is not None:
        raise LambdaInvalidResponse("Return listResultXml or listBucketResult, not both.")
    if status >= 400 and (xml is None or returned.get("errorCode")):
        raise _reported_error(returned, status)
    if xml is not None:
        if not isinstance(xml, str):
            raise LambdaInvalidResponse("listResultXml must be text.")
        # "S3 Object Lambda does not validate this": it may even be S3's own error document.
        return Response(
            status=status, headers=[("Content-Type", "application/xml")], body=xml.encode("utf-8")
        )
    if result is None:
        raise LambdaInvalidResponse("Return listResultXml or listBucketResult.")
    assert operation.output is not None
    return Output(status=status, members=_read(operation.output, result, "listBucketResult"))


def _read(shape: Shape, value: Any, place: str) -> Any:
    """A value as the model's shape of it."""
    match shape.kind:
        case "structure":
            return _structure(shape, value, place)
        case "list":
            elements = value if isinstance(value, list) else [value]  # xmltodict makes one element an object
            return [_read(shape.element.shape, element, place) for element in elements]
        case kind:
            converted = _CONVERSIONS[kind](value)
            if converted is None:
                raise LambdaInvalidResponse(f"{place} must be a {kind}.")
            return converted


def _structure(shape: Shape, value: Any, place: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise LambdaInvalidResponse(f"{place} must be an object.")
    by_name = {name.lower(): given for name, given in value.items()}
    members = {}
    for name, member in shape.members.items():
        given = by_name.get(name.lower())
        if given is not None and member.location is None:
            members[name] = _read(member.shape, given, f"{place}.{name[0].lower()}{name[1:]}")
    for name in _REQUIRED.get(shape.name, ()):
        if name not in members:
            raise LambdaInvalidResponse(f"{place} must have {name[0].lower()}{name[1:]}.")
    return members


def _to_text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return value
        case int() | float():
            return str(int(value)) if float(value).is_integer() else str(value)
        case _:
            raise LambdaInvalidResponse("A value must be text, a number or a boolean.")


def _to_integer(value: Any) -> int | None:
    match value:
        case bool():
            return None
        case int():
            return value
        case float():
            return int(value) if value.is_integer() else None
        case str():
            return int(value) if _INTEGER.fullmatch(value) else None
        case _:
            return None


def _to_boolean(value: Any) -> bool | None:
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def _to_moment(value: Any) -> datetime | None:
    if not isinstance(value, str):
        return None
    for parse in (parse_iso8601, parse_http_date):
        try:
            return parse(value)
        except ValueError:
            continue
    return None


_CONVERSIONS: Mapping[str, Callable[[Any], Any]] = MappingProxyType(
    {
        "string": _to_text,
        "integer": _to_integer,
        "long": _to_integer,
        "boolean": _to_boolean,
        "timestamp": _to_moment,
    }
)
