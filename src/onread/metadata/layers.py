"""Layers of functions, as rows and as records."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, insert, select, update

from onread.metadata.function_code import drop_unused_code, keep_code
from onread.metadata.function_records import LayerVersion
from onread.metadata.functions import Place
from onread.metadata.schema import layer_versions, layers


def publish(
    connection: Connection,
    place: Place,
    make: Callable[[int], LayerVersion],
    code: bytes,
    stored_at: datetime,
) -> LayerVersion:
    """Add a version to a layer, which is made when it is new. Numbers are never used twice."""
    last = connection.scalar(select(layers.c.last_number).where(*_at(layers.c, place)))
    record = make((last or 0) + 1)
    account_id, region, name = place
    if last is None:
        values = {"account_id": account_id, "region": region, "name": name, "last_number": record.number}
        connection.execute(insert(layers).values(values))
    else:
        connection.execute(update(layers).where(*_at(layers.c, place)).values(last_number=record.number))
    keep_code(connection, code, stored_at)
    connection.execute(insert(layer_versions).values(_row(record)))
    return record


def delete_layer_version(connection: Connection, place: Place, number: int) -> None:
    """Remove a version; functions that use it go on. Nothing when there is none of that number."""
    here = (*_at(layer_versions.c, place), layer_versions.c.number == number)
    sha256 = connection.scalar(select(layer_versions.c.code_sha256).where(*here))
    if sha256 is None:
        return
    connection.execute(delete(layer_versions).where(*here))
    drop_unused_code(connection, [sha256])


def load_layers(connection: Connection, region: str) -> dict[tuple[str, str], dict[int, LayerVersion]]:
    """Every layer version of a Region by account and layer, in the order of their numbers."""
    table = layer_versions
    found: dict[tuple[str, str], dict[int, LayerVersion]] = {}
    for row in connection.execute(select(table).where(table.c.region == region).order_by(table.c.number)):
        found.setdefault((row.account_id, row.name), {})[row.number] = _record(row)
    return found


def _at(columns: Any, place: Place) -> list[Any]:
    account_id, region, name = place
    return [columns.account_id == account_id, columns.region == region, columns.name == name]


def _row(record: LayerVersion) -> dict[str, Any]:
    return {
        "account_id": record.account_id,
        "region": record.region,
        "name": record.name,
        "number": record.number,
        "code_sha256": record.code_sha256,
        "code_size_bytes": record.code_size_bytes,
        "unzipped_bytes": record.unzipped_bytes,
        "created_at": record.created_at,
        "description": record.description,
        "license": record.license,
        "runtimes": orjson.dumps(record.runtimes).decode(),
        "architectures": orjson.dumps(record.architectures).decode(),
    }


def _record(row: Row[Any]) -> LayerVersion:
    return LayerVersion(
        account_id=row.account_id,
        region=row.region,
        name=row.name,
        number=row.number,
        code_sha256=row.code_sha256,
        code_size_bytes=row.code_size_bytes,
        unzipped_bytes=row.unzipped_bytes,
        created_at=row.created_at,
        description=row.description,
        license=row.license,
        runtimes=tuple(orjson.loads(row.runtimes)),
        architectures=tuple(orjson.loads(row.architectures)),
    )
