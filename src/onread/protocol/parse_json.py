"""JSON documents of requests as members, by the model."""

import json
from base64 import b64decode
from collections.abc import Mapping
from typing import Any

import orjson

from onread.errors import InvalidParameterValueException, InvalidRequestContentException
from onread.protocol.shape import Member, Shape
from onread.protocol.text_value import moment_of
from onread.wire.dates import parse_iso8601

DEEPEST = 64
_LARGEST = {"integer": 2**31 - 1, "long": 2**63 - 1}


def parse_json(shape: Shape, content: bytes) -> dict[str, Any]:
    """The document's members by AWS's name. Members that the model does not know are ignored.

    Raises:
        InvalidRequestContentException: not a JSON object, nested deeper than 64 levels, or with a name
            that comes twice.
        InvalidParameterValueException: a member is missing or not of the model's type.
    """
    payload = shape.payload
    if payload is not None and payload.shape.kind == "blob":
        return {payload.name: content}
    document = _read_object(content) if content.strip() else {}
    if payload is not None:
        return {payload.name: _structure(payload.shape, document, payload.name)}
    return _structure(shape, document, "")


def _read_object(content: bytes) -> dict[str, Any]:
    try:
        document = orjson.loads(content)
        _check_depth(document)
        # orjson keeps the last of two equal names, another reader the first.
        json.loads(content, object_pairs_hook=_refuse_twins)
    except ValueError as error:
        raise InvalidRequestContentException(f"Could not parse the request body as JSON: {error}") from error
    if not isinstance(document, dict):
        raise InvalidRequestContentException("The request body must be a JSON object.")
    return document


def _check_depth(document: Any) -> None:
    level = [document]
    for _ in range(DEEPEST + 1):
        if not level:
            return
        level = [child for node in level for child in _children(node)]
    raise ValueError(f"nested deeper than {DEEPEST} levels")


def _children(node: Any) -> list[Any]:
    below = node.values() if isinstance(node, dict) else node
    return (
        [child for child in below if isinstance(child, dict | list)] if isinstance(node, dict | list) else []
    )


def _refuse_twins(pairs: list[tuple[str, Any]]) -> None:
    if len({name for name, _ in pairs}) != len(pairs):
        raise ValueError("a name comes twice in one object")


def _structure(shape: Shape, value: Any, path: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _mistyped(path, "an object")
    values = {}
    for member in shape.members.values():
        if member.location is None and (found := value.get(member.wire_name)) is not None:
            values[member.name] = _value(member, found, f"{path}.{member.wire_name}".lstrip("."))
    for name in shape.required:
        if name not in values and shape.members[name].location is None:
            missing = f"{path}.{name}".lstrip(".")
            raise InvalidParameterValueException(
                f"1 validation error detected: Value null at '{missing}' failed to satisfy constraint: "
                "Member must not be null"
            )
    return values


def _value(member: Member, value: Any, path: str) -> Any:
    shape = member.shape
    match shape.kind:
        case "structure":
            return _structure(shape, value, path)
        case "list":
            return [_value(shape.element, item, path) for item in _typed(value, list, path, "a list")]
        case "map":
            entries: Mapping[str, Any] = _typed(value, dict, path, "an object")
            return {key: _value(shape.element, item, path) for key, item in entries.items()}
        case "integer" | "long":
            return _integer(value, path, _LARGEST[shape.kind])
        case "double" | "float":
            return float(_typed(value, int | float, path, "a number"))
        case "boolean":
            return _boolean(value, path)
        case "timestamp":
            return _timestamp(value, path)
        case "blob":
            return _blob(value, path)
        case _:
            return _typed(value, str, path, "a string")


def _typed(value: Any, kind: Any, path: str, expected: str) -> Any:
    if not isinstance(value, kind) or isinstance(value, bool):
        raise _mistyped(path, expected)
    return value


def _integer(value: Any, path: str, largest: int) -> int:
    number: int = _typed(value, int, path, "an integer")
    if not -largest - 1 <= number <= largest:
        raise _mistyped(path, "an integer within range")
    return number


def _boolean(value: Any, path: str) -> bool:
    if not isinstance(value, bool):
        raise _mistyped(path, "true or false")
    return value


def _timestamp(value: Any, path: str) -> Any:
    try:
        if isinstance(value, str):
            return parse_iso8601(value)
        return moment_of(_typed(value, int | float, path, "a timestamp"))
    except ValueError as error:
        raise _mistyped(path, "a timestamp") from error


def _blob(value: Any, path: str) -> bytes:
    try:
        return b64decode(_typed(value, str, path, "base64 text"), validate=True)
    except ValueError as error:
        raise _mistyped(path, "base64 text") from error


def _mistyped(path: str, expected: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"The value of '{path}' must be {expected}.")
