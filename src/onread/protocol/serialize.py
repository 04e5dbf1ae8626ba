"""An operation's output as an HTTP answer: status, headers, document or stream.

The inverse of ``parse``, by the same models. A plan for each operation is made at its first answer.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from onread.protocol.model import Operation
from onread.protocol.serialize_json import write_json
from onread.protocol.serialize_xml import (
    DECLARATION,
    opening_tag,
    write_document,
    write_members,
    write_text_document,
)
from onread.protocol.shape import Member
from onread.protocol.text_value import Write, writer
from onread.protocol.xml_text import escape
from onread.wire.message import Body, Response
from onread.wire.output import Output


@dataclass(frozen=True, slots=True)
class _Plan:
    headers: Mapping[str, tuple[str, Write]]
    header_maps: Mapping[str, str]
    status_member: str | None


def serialize(operation: Operation, output: Output, *, request_id: str = "") -> Response:
    """The answer of an operation that succeeded.

    Args:
        operation: what was done.
        output: its members by AWS's name; those that the operation does not have are left out.
        request_id: stands in the document of IAM's and STS's answers.

    Returns:
        The response without the headers that every answer has (``x-amz-request-id``, ``Date``).
    """
    plan, members = _plan_of(operation), output.members
    known = plan.headers
    headers = [
        (written[0], written[1](value))
        for name, value in members.items()
        if value is not None and (written := known.get(name)) is not None
    ]
    for name, prefix in plan.header_maps.items():
        headers += [(prefix + key, text) for key, text in (members.get(name) or {}).items()]
    if not "".join([text for _, text in headers]).isascii():
        headers = [(name, _header_text(text)) for name, text in headers]
    content_type, body = _body(operation, output, request_id)
    if content_type:
        headers.append(("Content-Type", content_type))
    headers.extend(output.extra_headers)
    return Response(status=_status(operation, plan, output), headers=headers, body=body)


def _status(operation: Operation, plan: _Plan, output: Output) -> int:
    if output.status is not None:
        return output.status
    if plan.status_member is not None and (status := output.members.get(plan.status_member)):
        return int(status)
    return operation.status


def _header_text(text: str) -> str:
    """Text as header bytes: one character a byte as it came in, UTF-8 when it cannot be that."""
    if text.isascii():
        return text
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode().decode("latin-1")
    return text


def _body(operation: Operation, output: Output, request_id: str) -> tuple[str, bytes | Body]:
    """The content type, empty when the members name it or there is nothing, and the body."""
    if operation.protocol == "query":
        return "text/xml", _query_document(operation, output.members, request_id)
    shape = operation.output
    if output.body is not None:
        return "", output.body
    if shape is None:
        return "", b""
    if shape.payload is not None:
        return _payload(operation, shape.payload, output.members.get(shape.payload.name))
    if not shape.document_members:
        return "", b""
    if operation.protocol == "rest-json":
        return "application/json", write_json(shape, output.members)
    root = _root_of(operation)
    if (text_member := operation.patch.get("text_of_root")) is not None:
        text = output.members.get(text_member) or ""
        return "application/xml", write_text_document(root, operation.namespace, text)
    return "application/xml", write_document(root, operation.namespace, shape, output.members)


def _payload(operation: Operation, payload: Member, value: Any) -> tuple[str, bytes]:
    if value is None:
        return "", b""
    match payload.shape.kind:
        case "blob":
            return "", bytes(value)
        case "string":
            return "application/json", value.encode()  # bucket policies are the only such payload
        case _ if operation.protocol == "rest-json":
            return "application/json", write_json(payload.shape, value)
        case _:
            root = operation.patch.get("root") or payload.wire_name
            return "application/xml", write_document(root, operation.namespace, payload.shape, value)


def _root_of(operation: Operation) -> str:
    assert operation.output is not None  # asked for only when there are members to write
    patched: str | None = operation.patch.get("root")
    return patched or _result_name(operation.output.name)


def _result_name(shape_name: str) -> str:
    # ListPartsOutput is ListPartsResult on the wire; s3control's shapes already say Result.
    return f"{shape_name.removesuffix('Output')}Result" if shape_name.endswith("Output") else shape_name


def _query_document(operation: Operation, members: Mapping[str, Any], request_id: str) -> bytes:
    parts = [DECLARATION, opening_tag(f"{operation.name}Response", operation.namespace)]
    if operation.output is not None:
        wrapper = operation.result_wrapper or f"{operation.name}Result"
        parts.append(f"<{wrapper}>")
        write_members(parts.append, operation.output, members)
        parts.append(f"</{wrapper}>")
    parts.append(f"<ResponseMetadata><RequestId>{escape(request_id)}</RequestId></ResponseMetadata>")
    parts.append(f"</{operation.name}Response>")
    return "".join(parts).encode()


@cache  # one entry an operation
def _plan_of(operation: Operation) -> _Plan:
    members = list(operation.output.members.values()) if operation.output else []
    statuses = [one.name for one in members if one.location == "statusCode"]
    return _Plan(
        headers={one.name: (one.wire_name, writer(one)) for one in members if one.location == "header"},
        header_maps={one.name: one.wire_name for one in members if one.location == "headers"},
        status_member=statuses[0] if statuses else None,
    )
