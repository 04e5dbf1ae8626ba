"""The members that stand in a request's head: path labels, query parameters, headers.

Read before anybody knows who asks, so that policies can look at them; the document is read later, by
``parse_body``. A plan for each operation is made at its first request: what is read is looked up by the
request's own parameters and headers, which are few, and not by the model's, which are many.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from onread.protocol.model import Operation
from onread.protocol.query_string import Query, read_query
from onread.protocol.route import Routed
from onread.protocol.shape import Member
from onread.protocol.text_value import Read, reader
from onread.wire.aws_chunked import strip_aws_chunked
from onread.wire.message import Headers

_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class _Reading:
    """How one member is read, and what AWS adds to the model."""

    member: Member
    read: Read
    takes_list: bool
    allowed: frozenset[str]
    refusal_message: str
    lenient: bool
    without_aws_chunked: bool


@dataclass(frozen=True, slots=True)
class _Plan:
    labels: tuple[_Reading, ...]
    parameters: Mapping[str, _Reading]
    headers: Mapping[str, _Reading]
    header_maps: tuple[tuple[str, str], ...]
    required: Mapping[str, Member]


def parse_head(routed: Routed, *, query: str, headers: Headers) -> dict[str, Any]:
    """The head's members by AWS's name, typed; ``Bucket`` of a data address is left out.

    Text from the path and the query is what its percent-encoded UTF-8 says. Text from headers keeps one
    character a byte, so that metadata goes out as it came in.

    Raises:
        ServiceError: a value is not what the model asks for, comes twice, or is missing; in the words of
            the service (`InvalidArgument` with ``ArgumentName`` and ``ArgumentValue`` for S3).
        InvalidURI: a value in the query is not percent-encoded UTF-8.
    """
    operation = routed.operation
    plan = _plan_of(operation)
    params: dict[str, Any] = {}
    for reading in plan.labels:
        if (label := routed.path_params.get(reading.member.name)) is not None:
            params[reading.member.name] = _value(operation, reading, label)
    if query and not plan.parameters.keys().isdisjoint((asked := read_query(query)).names()):
        _read_query(operation, plan, asked, params)
    if plan.header_maps or not plan.headers.keys().isdisjoint(headers.names()):
        _read_headers(operation, plan, headers, params)
    if not plan.required.keys() <= params.keys():
        missing = next(member for name, member in plan.required.items() if name not in params)
        raise operation.refusal(f"Missing required parameter {missing.wire_name}.", missing.wire_name, "")
    return params


def _read_query(operation: Operation, plan: _Plan, query: Query, params: dict[str, Any]) -> None:
    for name in query.names():
        reading = plan.parameters.get(name)
        if reading is None:
            continue
        values = query.get_all(name)
        if reading.takes_list:
            params[reading.member.name] = [_value(operation, reading, value) for value in values]
            continue
        if len(values) > 1:
            raise operation.refusal(f"The parameter {name} comes more than once.", name, values[1][:200])
        # `?max-keys=` says nothing; `?prefix=` says an empty prefix.
        if values[0] or reading.member.shape.kind == "string":
            _put(operation, reading, values[0], params)


def _read_headers(operation: Operation, plan: _Plan, headers: Headers, params: dict[str, Any]) -> None:
    for name in headers.names():
        reading = plan.headers.get(name)
        if reading is None:
            for prefix, member in plan.header_maps:
                if name.startswith(prefix):
                    metadata = params.setdefault(member, {})
                    metadata[name[len(prefix) :]] = ",".join(headers.get_all(name))
            continue
        # Lines of one name are one value (RFC 9110 section 5.3), and signed as such.
        text = ",".join(headers.get_all(name))
        if reading.takes_list:
            items = [item.strip() for item in text.split(",")]
            params[reading.member.name] = [_value(operation, reading, item) for item in items if item]
        elif text or reading.member.shape.kind == "string":
            _put(operation, reading, text, params)


def _put(operation: Operation, reading: _Reading, text: str, params: dict[str, Any]) -> None:
    if reading.without_aws_chunked:
        _, kept = strip_aws_chunked(text)
        if not kept:
            return
        text = kept
    if reading.lenient:
        try:
            params[reading.member.name] = reading.read(text)
        except ValueError:
            return  # as if it were not there
    else:
        params[reading.member.name] = _value(operation, reading, text)


def _value(operation: Operation, reading: _Reading, text: str) -> Any:
    try:
        value = reading.read(text)
    except ValueError as error:
        raise _refused(operation, reading, text) from error
    if reading.allowed and value not in reading.allowed:
        raise _refused(operation, reading, text)
    return value


def _refused(operation: Operation, reading: _Reading, text: str) -> Exception:
    return operation.refusal(reading.refusal_message, reading.member.wire_name, text[:200])


@cache  # one entry an operation
def _plan_of(operation: Operation) -> _Plan:
    members = list(operation.input.members.values()) if operation.input else []
    skipped = {"Bucket"} if operation.uri.startswith("/{Bucket}") else set()
    required = operation.input.required if operation.input else frozenset()
    return _Plan(
        labels=tuple(_reading(operation, one) for one in members if one.location == "uri"),
        parameters={
            one.wire_name: _reading(operation, one) for one in members if one.location == "querystring"
        },
        headers={
            one.wire_name.lower(): _reading(operation, one) for one in members if one.location == "header"
        },
        header_maps=tuple((one.wire_name.lower(), one.name) for one in members if one.location == "headers"),
        required={
            one.name: one
            for one in members
            if one.name in required - skipped - set(operation.patch.get("optional", ()))
            and one.location is not None
        },
    )


def _reading(operation: Operation, member: Member) -> _Reading:
    takes_list = member.shape.kind == "list"
    rule = operation.patch.get("values", {}).get(member.name, {})
    return _Reading(
        member=member,
        read=_read_header_value
        if _becomes_header(member)
        else reader(member.shape.element if takes_list else member),
        takes_list=takes_list,
        allowed=frozenset(rule.get("allowed", ())),
        refusal_message=rule.get("message") or _expectation(member),
        lenient=member.name in operation.patch.get("lenient", ()),
        without_aws_chunked=member.name in operation.patch.get("without_aws_chunked", ()),
    )


def _becomes_header(member: Member) -> bool:
    """Whether a parameter goes out as it came in: ``response-content-type`` and its like (T-060)."""
    return (
        member.location == "querystring"
        and member.wire_name.startswith("response-")
        and member.shape.kind == "string"
    )


def _read_header_value(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("no header can hold it")
    return text


def _expectation(member: Member) -> str:
    match member.shape.kind:
        case "integer" | "long":
            return f"Provided {member.wire_name} not an integer or within integer range"
        case "boolean":
            return f"Provided {member.wire_name} must be true or false"
        case "timestamp":
            return f"Provided {member.wire_name} is not a date in the expected form"
        case _:
            return f"Provided {member.wire_name} is not valid"
