"""Members as JSON documents, by the model."""

from base64 import b64encode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from onread.protocol.shape import Member, Shape


def write_json(shape: Shape, values: Mapping[str, Any]) -> bytes:
    """A document with the shape's document members."""
    return orjson.dumps(_structure(shape, values))


def _structure(shape: Shape, values: Mapping[str, Any]) -> dict[str, Any]:
    return {
        member.wire_name: _value(member, value)
        for member in shape.members.values()
        if member.location is None and (value := values.get(member.name)) is not None
    }


def _value(member: Member, value: Any) -> Any:
    shape = member.shape
    match shape.kind:
        case "structure":
            return _structure(shape, value)
        case "list":
            return [_value(shape.element, item) for item in value]
        case "map":
            return {key: _value(shape.element, item) for key, item in value.items()}
        case "blob":
            return b64encode(value).decode("ascii")
        case "timestamp":
            return round(value.timestamp(), 3)
        case "string" if isinstance(value, datetime):
            return _lambda_timestamp(value)
        case _:
            return value


def _lambda_timestamp(moment: datetime) -> str:
    """``2021-03-10T23:41:52.000+0000``: the Lambda API calls its dates strings (LastModified)."""
    moment = moment.astimezone(UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}+0000"
