"""XML documents of requests as members, by the model."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from onread.errors import MalformedXML
from onread.protocol.model import Operation
from onread.protocol.shape import Member, Shape
from onread.protocol.text_value import reader
from onread.protocol.xml_reader import MOST_ELEMENTS, Element, read_xml

_MOST_ELEMENTS: Mapping[str, int] = {
    "CompleteMultipartUpload": 50_001,  # 10,000 parts with number, ETag and two checksums
    "ListObjects": 20_001,  # an answer: 1,000 objects with all that is known of them
    "ListObjectsV2": 20_001,
}


def parse_xml(operation: Operation, shape: Shape, content: bytes) -> dict[str, Any]:
    """The document's members by AWS's name.

    Elements that the model does not know are ignored, for newer clients send them.

    Raises:
        MalformedXML: not well-formed, or not what the model asks for.
    """
    payload = shape.payload
    if payload is not None and payload.shape.kind == "string":
        return {payload.name: _decode(content)} if content else {}
    if not content.strip():
        return _nothing(operation, shape)
    root = read_xml(content, _MOST_ELEMENTS.get(operation.name, MOST_ELEMENTS))
    if payload is not None:
        _check_root(root, payload.wire_name)
        return {payload.name: _structure(payload.shape, root)}
    return _structure(shape, root)


def _nothing(operation: Operation, shape: Shape) -> dict[str, Any]:
    missing = {member.name for member in shape.document_members} & shape.required
    if shape.payload is not None and shape.payload.name in shape.required:
        missing = {shape.payload.name}
    if missing or operation.patch.get("document_required"):
        raise MalformedXML
    return {}


def _decode(content: bytes) -> str:
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        raise MalformedXML("The document must be encoded in UTF-8.") from error


def _check_root(root: Element, name: str) -> None:
    if root.name != name:
        raise MalformedXML(f"The XML you provided must have the root element {name}.")


@dataclass(frozen=True, slots=True)
class _Plan:
    """What may stand in an element of one structure."""

    elements: Mapping[str, Member]
    attributes: tuple[Member, ...]
    required: tuple[Member, ...]


def _structure(shape: Shape, element: Element) -> dict[str, Any]:
    plan = _plan_of(shape)
    values: dict[str, Any] = {}
    for child in element.children:
        member = plan.elements.get(child.name)
        if member is None:
            continue
        if _is_flattened(member):
            values.setdefault(member.name, []).append(_read(member.shape.element, child))
        elif member.name in values:
            raise MalformedXML(f"The element {child.name} comes more than once.")
        else:
            values[member.name] = _read(member, child)
    for member in plan.attributes:
        if (text := _attribute(element, member.wire_name)) is not None:
            values[member.name] = text
    for member in plan.required:
        if member.name not in values:
            raise MalformedXML(f"The XML you provided lacks the element {member.wire_name}.")
    return values


@cache  # one entry a structure of the models
def _plan_of(shape: Shape) -> _Plan:
    members = [member for member in shape.members.values() if member.location is None]
    attributes = tuple(member for member in members if member.trait("xmlAttribute"))
    return _Plan(
        elements={member.wire_name: member for member in members if member not in attributes},
        attributes=attributes,
        required=tuple(member for member in members if member.name in shape.required),
    )


def _list(shape: Shape, element: Element) -> list[Any]:
    name = shape.element.wire_name or "member"
    return [_read(shape.element, child) for child in element.children if child.name == name]


def _map(shape: Shape, element: Element) -> dict[str, Any]:
    values: dict[str, Any] = {}
    key_name, value_name = shape.key.wire_name or "key", shape.element.wire_name or "value"
    for entry in element.children:
        parts = {child.name: child for child in entry.children}
        if key_name not in parts or value_name not in parts:
            raise MalformedXML(f"An entry of {element.name} needs {key_name} and {value_name}.")
        values[_scalar(shape.key, parts[key_name])] = _read(shape.element, parts[value_name])
    return values


_READ: Mapping[str, Callable[[Shape, Element], Any]] = {
    "structure": _structure,
    "list": _list,
    "map": _map,
}


def _read(member: Member, element: Element) -> Any:
    read = _READ.get(member.shape.kind)
    return read(member.shape, element) if read else _scalar(member, element)


def _scalar(member: Member, element: Element) -> Any:
    if element.children:
        raise MalformedXML(f"The element {element.name} must hold text alone.")
    # Space is part of a key, and is not part of a number.
    text = element.text if member.shape.kind == "string" else element.text.strip()
    try:
        return reader(member)(text)
    except ValueError as error:
        raise MalformedXML(f"The value of the element {element.name} is not valid.") from error


def _attribute(element: Element, wire_name: str) -> str | None:
    local_name = wire_name.rpartition(":")[2]  # `xsi:type`: the parser has resolved the prefix
    for name, value in zip(element.attributes[::2], element.attributes[1::2], strict=True):
        if name.rpartition("}")[2] == local_name:
            return value
    return None


def _is_flattened(member: Member) -> bool:
    return member.shape.kind == "list" and bool(member.trait("flattened"))
