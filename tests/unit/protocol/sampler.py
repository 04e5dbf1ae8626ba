"""Input and output values made from the shapes of a model.

Made from botocore's reading of the models, not ours, so that a mistake of ours cannot agree with itself.
"""

from datetime import UTC, datetime
from typing import Any

from botocore.model import Shape

MOMENT = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
_DEEPEST = 8


class CannotSample(Exception):
    """An event stream, or a structure that needs itself without end."""


def sample(shape: Shape, name: str = "a", depth: int = 0) -> Any:
    """A value for every member, different for each name, with what needs escaping where it may stand."""
    if depth > _DEEPEST:
        raise CannotSample(shape.name)
    match shape.type_name:
        case "structure":
            return _structure(shape, depth)
        case "list":
            return [sample(shape.member, f"{name}{number}", depth + 1) for number in (1, 2)]
        case "map":
            return _map(shape, name, depth)
        case "integer" | "long":
            return len(name)
        case "double" | "float":
            return 1.5
        case "boolean":
            return len(name) % 2 == 0
        case "timestamp":
            return MOMENT
        case "blob":
            # botocore reads a payload that is a blob as UTF-8; inside a document any bytes may stand.
            return b"\x00" + name.encode() + (b"\xff" if depth > 1 else b"")
        case _:
            return _text(shape, name)


def _map(shape: Shape, name: str, depth: int) -> dict[str, Any]:
    if shape.serialization.get("location") == "headers":
        return {"first": "a value", "second": "*"}
    return {key: sample(shape.value, f"{key}-{name}", depth + 1) for key in ("first", "second")}


def _text(shape: Shape, name: str) -> str:
    if getattr(shape, "enum", None):
        return str(shape.enum[0])
    becomes_header = shape.serialization.get("name", "").startswith("response-")
    if becomes_header or shape.serialization.get("location") == "header" or "AccountId" in name:
        return name
    if name == "RequestRoute":
        return "io-local"
    return f" {name}/<&>\"'é+%20\n😀"


def _structure(shape: Shape, depth: int) -> dict[str, Any]:
    if shape.serialization.get("eventstream"):
        raise CannotSample(shape.name)
    values = {}
    for name, member in shape.members.items():
        try:
            values[name] = sample(member, name, depth + 1)
        except CannotSample:
            if name in shape.required_members or member.serialization.get("eventstream"):
                raise
    if shape.is_tagged_union:
        if not values:
            raise CannotSample(shape.name)
        first = next(iter(values))
        return {first: values[first]}
    return values
