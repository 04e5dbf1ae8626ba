"""R-063: the document of every operation, be it XML, JSON or a form: members or a refusal, nothing else."""

import json
from typing import Any

from tests.fuzz.harness import Target
from tests.fuzz.refusals import check_refusal

from onread.errors import ServiceError
from onread.protocol.model import Operation, load_services
from onread.protocol.operations import SERVED
from onread.protocol.parse import parse_body
from onread.protocol.shape import Shape

_SERVICES = load_services()
OPERATIONS = [
    operation
    for service, names in sorted(SERVED.items())
    for operation in (_SERVICES.operation(service, name) for name in sorted(names))
    if operation.reads_document
]
_DEEPEST = 4


def check(content: bytes) -> None:
    operation = OPERATIONS[int.from_bytes(content[:2]) % len(OPERATIONS)]
    try:
        members = parse_body(operation, content[2:])
    except ServiceError as error:
        check_refusal(error, operation.service)
        return
    assert operation.input is not None or members == {}
    assert operation.input is None or members.keys() <= operation.input.members.keys()


def sample(operation: Operation) -> bytes:
    """A document with every member that the model knows, down to a depth."""
    shape = operation.input
    if operation.protocol == "query":
        head = f"Action={operation.name}&Version={operation.api_version}&".encode()
        return head if shape is None else head + _form(shape)
    if shape is None:
        return b""
    payload = shape.payload
    described = payload.shape if payload is not None else shape
    if described.kind != "structure":
        return b'{"Version":"2012-10-17"}'
    if operation.protocol == "rest-json":
        return json.dumps(_value(described, 0)).encode()
    name = payload.wire_name if payload is not None else operation.name
    return _element(name, described, 0).encode()


def _form(shape: Shape) -> bytes:
    fields = []
    for member in shape.members.values():
        ending = {"list": ".member.1", "structure": ".Key"}.get(member.shape.kind, "")
        fields.append(f"{member.wire_name}{ending}=1")
    return "&".join(fields).encode()


def _value(shape: Shape, depth: int) -> Any:
    match shape.kind:
        case "structure":
            members = shape.members.values() if depth < _DEEPEST else ()
            return {m.wire_name: _value(m.shape, depth + 1) for m in members if m.location is None}
        case "list":
            return [_value(shape.element.shape, depth + 1)] if depth < _DEEPEST else []
        case "map":
            return {"key": _value(shape.element.shape, depth + 1)} if depth < _DEEPEST else {}
        case "string" | "blob":
            return "YWJj"
        case "boolean":
            return True
        case _:
            return 1


def _element(name: str, shape: Shape, depth: int) -> str:
    return f"<{name}>{_inside(shape, depth)}</{name}>"


def _inside(shape: Shape, depth: int) -> str:
    if depth >= _DEEPEST:
        return ""
    match shape.kind:
        case "structure":
            members = [member for member in shape.members.values() if member.location is None]
            return "".join(_member(member, depth) for member in members if not member.trait("xmlAttribute"))
        case "list":
            return _element(shape.element.wire_name or "member", shape.element.shape, depth + 1)
        case "map":
            return "<entry><key>k</key><value>v</value></entry>"
        case "boolean":
            return "true"
        case "timestamp":
            return "2030-01-01T00:00:00Z"
        case "integer" | "long":
            return "1"
        case _:
            return "YWJj"


def _member(member: Any, depth: int) -> str:
    if member.shape.kind == "list" and member.trait("flattened"):
        return _element(member.wire_name, member.shape.element.shape, depth + 1)
    return _element(member.wire_name, member.shape, depth + 1)


def _seeds() -> list[bytes]:
    return [number.to_bytes(2) + sample(each) for number, each in enumerate(OPERATIONS)]


TARGET = Target(
    case="R-063",
    check=check,
    seeds=_seeds(),
    words=[
        *(
            b"<!DOCTYPE a [<!ENTITY x 'y'>]>",
            b"&x;",
            b"&#0;",
            b"&#xD800;",
            b"<![CDATA[",
            b"]]>",
            b"<!--",
            b"<?xml version='1.0'?>",
        ),
        *(
            b'xmlns="http://s3.amazonaws.com/doc/2006-03-01/"',
            b"<a>",
            b"</a>",
            b"<a/>",
            b"xsi:type=",
            b"\xef\xbb\xbf",
            b"\xed\xa0\x80",
        ),
        *(
            b'{"a":',
            b"[[[[[[[[",
            b'"\\ud800"',
            b"1e999",
            b"-0",
            b"NaN",
            b"null",
            b"true",
            b"99999999999999999999",
            b".member.1",
            b"=",
            b"&",
        ),
    ],
    longest_bytes=8192,
    rounds=8000,
)
