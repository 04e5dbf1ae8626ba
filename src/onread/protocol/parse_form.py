"""Query-protocol forms of requests as members, by the model.

``Tags.member.1.Key=a`` is a tree written flat: it is folded first and read by the shape then.
"""

from collections.abc import Mapping
from typing import Any

from onread.errors import ValidationError
from onread.protocol.form import read_form
from onread.protocol.shape import Member, Shape
from onread.protocol.text_value import reader

_DEEPEST = 32


class _Node:
    """A field and the fields below it."""

    __slots__ = ("children", "text")

    def __init__(self) -> None:
        self.children: dict[str, _Node] = {}
        self.text: str | None = None


def parse_form(shape: Shape, content: bytes) -> dict[str, Any]:
    """The form's members by AWS's name; fields that the model does not know are ignored.

    Raises:
        ValidationError: not a form, or a member is missing or not of the model's type.
    """
    return _structure(shape, _fold(read_form(content)), "")


def _fold(fields: Mapping[str, str]) -> _Node:
    root = _Node()
    for name, value in fields.items():
        steps = name.split(".")
        if len(steps) > _DEEPEST:
            raise ValidationError("A field is nested too deep.")
        node = root
        for step in steps:
            node = node.children.setdefault(step, _Node())
        node.text = value
    return root


def _structure(shape: Shape, node: _Node, path: str) -> dict[str, Any]:
    values = {}
    for member in shape.members.values():
        if (child := node.children.get(member.wire_name)) is not None:
            values[member.name] = _value(member, child, f"{path}{member.wire_name}")
    for name in shape.required:
        if name not in values:
            raise ValidationError(f"The request must contain the parameter {path}{name}.")
    return values


def _value(member: Member, node: _Node, path: str) -> Any:
    match member.shape.kind:
        case "structure":
            return _structure(member.shape, node, f"{path}.")
        case "list":
            return _list(member, node, path)
        case "map":
            return _map(member, node, path)
        case _:
            return _scalar(member, node.text, path)


def _list(member: Member, node: _Node, path: str) -> list[Any]:
    element = member.shape.element
    items = node if member.trait("flattened") else node.children.get(element.wire_name or "member", _Node())
    return [_value(element, items.children[index], f"{path}.{index}") for index in _in_order(items, path)]


def _map(member: Member, node: _Node, path: str) -> dict[str, Any]:
    shape = member.shape
    entries = node if member.trait("flattened") else node.children.get("entry", _Node())
    values = {}
    for index in _in_order(entries, path):
        entry = entries.children[index].children
        key = entry.get(shape.key.wire_name or "key", _Node())
        value = entry.get(shape.element.wire_name or "value", _Node())
        values[_scalar(shape.key, key.text, path)] = _value(shape.element, value, path)
    return values


def _in_order(node: _Node, path: str) -> list[str]:
    for index in node.children:
        if not (index.isascii() and index.isdigit() and len(index) <= 6):
            raise ValidationError(f"{path}.{index[:20]} is not an index of a list.")
    return sorted(node.children, key=int)


def _scalar(member: Member, text: str | None, path: str) -> Any:
    if text is None:
        raise ValidationError(f"The parameter {path} must have a value.")
    try:
        return reader(member)(text)
    except ValueError as error:
        raise ValidationError(f"The value of the parameter {path} is not valid.") from error
