"""Members as XML documents, by the model.

A plan for each structure is made when it is first written: the tags of its members and how each is
written, so that a listing of a thousand keys is a walk over tuples.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Any

from onread.protocol.shape import Member, Shape
from onread.protocol.text_value import writer
from onread.protocol.xml_text import escape

DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n'

_Append = Callable[[str], None]
# A member's name, its tags, and the writer of its text or, for what is not text, its member.
_Entry = tuple[str, str, str, Callable[[Any], str] | None, Member]
_ATTRIBUTE_NAMESPACE = ' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"'


def write_document(root: str, namespace: str, shape: Shape, values: Mapping[str, Any]) -> bytes:
    """A document whose root holds the shape's document members."""
    parts = [DECLARATION, opening_tag(root, namespace)]
    write_members(parts.append, shape, values)
    parts.append(f"</{root}>")
    return "".join(parts).encode()


def write_text_document(root: str, namespace: str, text: str) -> bytes:
    """A document whose root is one text."""
    if not text:
        return f"{DECLARATION}{opening_tag(root, namespace)[:-1]}/>".encode()
    return f"{DECLARATION}{opening_tag(root, namespace)}{escape(text)}</{root}>".encode()


def opening_tag(root: str, namespace: str) -> str:
    """The root's start tag."""
    return f'<{root} xmlns="{escape(namespace)}">' if namespace else f"<{root}>"


def write_members(append: _Append, shape: Shape, values: Mapping[str, Any]) -> None:
    """The document members of a structure, in the model's order; None and absent ones are left out."""
    for name, opening, closing, text_of, member in _plan_of(shape):
        value = values.get(name)
        if value is None:
            continue
        if text_of is not None:
            append(f"{opening}{escape(text_of(value))}{closing}")
        else:
            _write_nested(append, member, value, opening, closing)


@cache  # one entry a structure of the models
def _plan_of(shape: Shape) -> tuple[_Entry, ...]:
    return tuple(
        _entry(member)
        for member in shape.members.values()
        if member.location is None and not member.trait("xmlAttribute")
    )


@cache  # one entry a member of the models
def _entry(member: Member) -> _Entry:
    name = member.wire_name or "member"
    text_of = None if member.shape.kind in ("structure", "list", "map") else writer(member)
    return member.name, f"<{name}>", f"</{name}>", text_of, member


def _write_nested(append: _Append, member: Member, value: Any, opening: str, closing: str) -> None:
    match member.shape.kind:
        case "structure":
            append(_with_attributes(opening, member.shape, value))
            write_members(append, member.shape, value)
            append(closing)
        case "list" if member.trait("flattened"):
            _write_elements(append, member.shape.element, value, opening, closing)
        case "list":
            append(opening)
            name = member.shape.element.wire_name or "member"
            _write_elements(append, member.shape.element, value, f"<{name}>", f"</{name}>")
            append(closing)
        case _:
            append(opening)
            _write_map(append, member.shape, value)
            append(closing)


def _write_elements(
    append: _Append, element: Member, values: Sequence[Any], opening: str, closing: str
) -> None:
    if element.shape.kind in ("structure", "list", "map"):
        for value in values:
            _write_nested(append, element, value, opening, closing)
        return
    text_of = writer(element)
    for value in values:
        append(f"{opening}{escape(text_of(value))}{closing}")


def _write_map(append: _Append, shape: Shape, values: Mapping[str, Any]) -> None:
    key, value_tag = shape.key.wire_name or "key", shape.element.wire_name or "value"
    for name, value in values.items():
        append(f"<entry><{key}>{escape(name)}</{key}>")
        _write_elements(append, shape.element, [value], f"<{value_tag}>", f"</{value_tag}>")
        append("</entry>")


def _with_attributes(opening: str, shape: Shape, values: Mapping[str, Any]) -> str:
    attributes = [member for member in _attributes_of(shape) if values.get(member.name) is not None]
    if not attributes:
        return opening
    written = "".join(f' {member.wire_name}="{escape(values[member.name])}"' for member in attributes)
    return f"{opening[:-1]}{_ATTRIBUTE_NAMESPACE}{written}>"


@cache  # one entry a structure of the models
def _attributes_of(shape: Shape) -> tuple[Member, ...]:
    return tuple(member for member in shape.members.values() if member.trait("xmlAttribute"))
