"""What onread itself asks of a store, by AWS's model: members in, members out.

For a few operations without a document (HeadBucket, GetObject, PutObject); callers' requests go through raw.
"""

import re
from collections.abc import Mapping
from typing import Any

from onread import errors
from onread.errors import AccessDenied, NoSuchBucket, NoSuchKey, S3Error, ServiceUnavailable
from onread.protocol.model import Operation
from onread.protocol.text_value import reader, writer
from onread.sigv4.canonical import Pair, encode
from onread.wire.message import Headers, Response
from onread.wire.output import Output

_CODE = re.compile(rb"<Code>([A-Za-z0-9]{1,100})</Code>")


def render_members(operation: Operation, params: Mapping[str, Any]) -> tuple[str, list[Pair]]:
    """Query and headers that say what the members say; ``Key`` stands in the path."""
    query = [f"{name}={value}" if value else name for name, value in operation.literals.items()]
    headers: list[Pair] = []
    members = operation.input.members if operation.input else {}
    for name, value in params.items():
        member = members[name]
        if value is not None and member.location == "headers":
            headers += [(member.wire_name + key, text) for key, text in value.items()]
        if value is None or member.location not in ("querystring", "header"):
            continue
        text = writer(member)(value)
        if member.location == "header":
            headers.append((member.wire_name, text))
        else:
            query.append(f"{member.wire_name}={encode(text.encode())}")
    return "&".join(query), headers


def read_members(operation: Operation, response: Response) -> Output:
    """The answer's head by AWS's names, and its body; what cannot be read is left out."""
    headers = Headers(response.headers)
    members: dict[str, Any] = {}
    for name, member in (operation.output.members if operation.output else {}).items():
        text = headers.get(member.wire_name.lower()) if member.location == "header" else None
        if text is not None:
            try:
                members[name] = reader(member)(text)
            except ValueError:
                continue
        elif member.location == "headers":
            prefix = member.wire_name.lower()
            pairs = [(key.lower(), value) for key, value in headers]
            members[name] = {key[len(prefix) :]: value for key, value in pairs if key.startswith(prefix)}
    return Output(members=members, body=response.body, status=response.status)


def refusal(operation: str, response: Response, document: bytes) -> S3Error:
    """The error that a store's answer to onread itself stands for."""
    found = _CODE.search(document)
    named = getattr(errors, found[1].decode(), None) if found else None
    if isinstance(named, type) and issubclass(named, S3Error):
        return named()
    if response.status == 404 and (found or operation.startswith("Head")):  # else it does not speak S3
        return NoSuchBucket() if operation == "HeadBucket" else NoSuchKey()
    return AccessDenied() if response.status == 403 else ServiceUnavailable()
