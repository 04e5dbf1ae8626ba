"""Functions at ``$LATEST``, as rows and as records."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, insert, select, update

from onread.errors import ResourceConflictException, ResourceNotFoundException
from onread.metadata.function_code import drop_unused_code, keep_code, require_code
from onread.metadata.function_records import FunctionLayer
from onread.metadata.records import LATEST, Function
from onread.metadata.schema import function_versions, functions
from onread.metadata.sealing import Sealer
from onread.metadata.webhooks import open_webhook, seal_webhook

Place = tuple[str, str, str]
"""Account, Region and name: what makes a function unique."""


def create(
    connection: Connection, sealer: Sealer, record: Function, code: bytes, stored_at: datetime
) -> None:
    """Add a function with its code.

    Raises:
        ResourceConflictException: the name is taken in this account and Region, or a layer is gone.
    """
    place = (record.account_id, record.region, record.name)
    if connection.execute(select(functions.c.name).where(*_at(place))).first() is not None:
        raise ResourceConflictException(f"Function already exist: {record.name}")
    keep_code(connection, code, stored_at)
    require_code(connection, named_code(record))
    connection.execute(insert(functions).values(_row(sealer, record)))


def update_function(
    connection: Connection,
    sealer: Sealer,
    place: Place,
    change: Callable[[Function], Function],
    code: bytes | None,
    stored_at: datetime,
) -> Function:
    """Replace a function by what ``change`` makes of it, with new code when some is given.

    Raises:
        ResourceNotFoundException: there is none.
    """
    before = find(connection, sealer, place)
    changed = change(before)
    if code is not None:
        keep_code(connection, code, stored_at)
    require_code(connection, named_code(changed) - named_code(before))
    connection.execute(update(functions).where(*_at(place)).values(_row(sealer, changed)))
    drop_unused_code(connection, named_code(before) - named_code(changed))
    return changed


def delete_function(connection: Connection, sealer: Sealer, place: Place) -> None:
    """Remove a function with its versions and aliases, and the code that nothing else uses.

    Raises:
        ResourceNotFoundException: there is none.
    """
    code = named_code(find(connection, sealer, place))
    table = function_versions.c
    here = (table.account_id == place[0], table.region == place[1], table.name == place[2])
    for row in connection.execute(select(table.code_sha256, table.layers).where(*here)):
        code |= {row.code_sha256, *(layer.code_sha256 for layer in _read_layers(row.layers))}
    connection.execute(delete(functions).where(*_at(place)))
    drop_unused_code(connection, code)


def load_functions(connection: Connection, sealer: Sealer, region: str) -> list[Function]:
    """Every function of a Region.

    Raises:
        WrongMasterKey: the environments were sealed under another master key.
    """
    rows = connection.execute(select(functions).where(functions.c.region == region))
    return [_record(sealer, row) for row in rows]


def find(connection: Connection, sealer: Sealer, place: Place) -> Function:
    """The function as the database has it.

    Raises:
        ResourceNotFoundException: there is none.
    """
    row = connection.execute(select(functions).where(*_at(place))).first()
    if row is None:
        account_id, region, name = place
        raise ResourceNotFoundException(
            f"Function not found: arn:aws:lambda:{region}:{account_id}:function:{name}"
        )
    return _record(sealer, row)


def named_code(function: Function) -> set[str]:
    """The zips that one version of a function needs."""
    return {function.code_sha256, *(layer.code_sha256 for layer in function.layers)}


def version_row(sealer: Sealer, record: Function) -> dict[str, Any]:
    """The columns that every version has, ``$LATEST`` or published."""
    return {
        "account_id": record.account_id,
        "region": record.region,
        "name": record.name,
        "runtime": record.runtime,
        "handler": record.handler,
        "role": record.role,
        "code_sha256": record.code_sha256,
        "code_size_bytes": record.code_size_bytes,
        "modified_at": record.modified_at,
        "revision_id": record.revision_id,
        "description": record.description,
        "timeout_seconds": record.timeout_seconds,
        "memory_mb": record.memory_mb,
        "sealed_environment": sealer.seal(
            orjson.dumps(dict(record.environment)), _sealed_for(record.arn, record.version)
        ),
        "sealed_webhook": seal_webhook(sealer, record),
        "state_reason": record.state_reason,
        "unzipped_bytes": record.unzipped_bytes,
        "ephemeral_storage_mb": record.ephemeral_storage_mb,
        "layers": orjson.dumps([_layer_document(layer) for layer in record.layers]).decode(),
        "further": orjson.dumps(dict(record.further)).decode(),
    }


def version_fields(sealer: Sealer, row: Row[Any], version: str) -> dict[str, Any]:
    """The inverse of `version_row`: fields of a record."""
    arn = f"arn:aws:lambda:{row.region}:{row.account_id}:function:{row.name}"
    sealed = sealer.open(row.sealed_environment, _sealed_for(arn, version))
    return {
        "account_id": row.account_id,
        "region": row.region,
        "name": row.name,
        "version": version,
        "runtime": row.runtime,
        "handler": row.handler,
        "role": row.role,
        "code_sha256": row.code_sha256,
        "code_size_bytes": row.code_size_bytes,
        "modified_at": row.modified_at,
        "revision_id": row.revision_id,
        "description": row.description,
        "timeout_seconds": row.timeout_seconds,
        "memory_mb": row.memory_mb,
        "environment": orjson.loads(sealed),
        "webhook": open_webhook(sealer, row.sealed_webhook, f"{arn}:{version}"),
        "state_reason": row.state_reason,
        "unzipped_bytes": row.unzipped_bytes,
        "ephemeral_storage_mb": row.ephemeral_storage_mb,
        "layers": _read_layers(row.layers),
        "further": orjson.loads(row.further),
    }


def _sealed_for(arn: str, version: str) -> str:
    """What the sealed environment belongs to: put into another row, it does not open."""
    return arn if version == LATEST else f"{arn}:{version}"


def _layer_document(layer: FunctionLayer) -> Mapping[str, Any]:
    return {
        "arn": layer.arn,
        "sha256": layer.code_sha256,
        "bytes": layer.code_size_bytes,
        "unzipped": layer.unzipped_bytes,
    }


def _read_layers(text: str) -> tuple[FunctionLayer, ...]:
    return tuple(
        FunctionLayer(
            arn=each["arn"],
            code_sha256=each["sha256"],
            code_size_bytes=each["bytes"],
            unzipped_bytes=each["unzipped"],
        )
        for each in orjson.loads(text)
    )


def _at(place: Place) -> list[Any]:
    account_id, region, name = place
    table = functions
    return [table.c.account_id == account_id, table.c.region == region, table.c.name == name]


def _row(sealer: Sealer, record: Function) -> dict[str, Any]:
    return {
        **version_row(sealer, record),
        "tags": orjson.dumps(dict(record.tags)).decode(),
        "warm_environments": record.warm_environments,
        "min_environments": record.min_environments,
        "reserved_concurrency": record.reserved_concurrency,
        "last_version": record.last_version,
    }


def _record(sealer: Sealer, row: Row[Any]) -> Function:
    return Function(
        **version_fields(sealer, row, LATEST),
        tags=orjson.loads(row.tags),
        warm_environments=row.warm_environments,
        min_environments=row.min_environments,
        reserved_concurrency=row.reserved_concurrency,
        last_version=row.last_version,
    )
