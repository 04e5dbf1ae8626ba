"""Functions and their code, as rows and as records.

A package is kept once for each content, in the database, where every gateway reaches it. It goes when
the last function that used it is changed or deleted, in the same transaction.
"""

import hashlib
from collections.abc import Callable
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, exists, insert, select, update

from onread.errors import ResourceConflictException, ResourceNotFoundException
from onread.metadata.records import Function
from onread.metadata.schema import function_code, functions
from onread.metadata.sealing import Sealer

Place = tuple[str, str, str]
"""Account, Region and name: what makes a function unique."""


def create(
    connection: Connection, sealer: Sealer, record: Function, code: bytes, stored_at: datetime
) -> None:
    """Add a function with its code.

    Raises:
        ResourceConflictException: the name is taken in this account and Region.
    """
    place = (record.account_id, record.region, record.name)
    if connection.execute(select(functions.c.name).where(*_at(place))).first() is not None:
        raise ResourceConflictException(f"Function already exist: {record.name}")
    _keep_code(connection, code, stored_at)
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
    before = _record(sealer, _require(connection, place))
    changed = change(before)
    if code is not None:
        _keep_code(connection, code, stored_at)
    connection.execute(update(functions).where(*_at(place)).values(_row(sealer, changed)))
    _drop_unused_code(connection, before.code_sha256)
    return changed


def delete_function(connection: Connection, place: Place) -> None:
    """Remove a function, and its code when no other function uses it.

    Raises:
        ResourceNotFoundException: there is none.
    """
    row = _require(connection, place)
    connection.execute(delete(functions).where(*_at(place)))
    _drop_unused_code(connection, row.code_sha256)


def load_functions(connection: Connection, sealer: Sealer, region: str) -> list[Function]:
    """Every function of a Region.

    Raises:
        WrongMasterKey: the environments were sealed under another master key.
    """
    rows = connection.execute(select(functions).where(functions.c.region == region))
    return [_record(sealer, row) for row in rows]


def load_code(connection: Connection, sha256: str) -> bytes:
    """The zip with this hexadecimal SHA-256.

    Raises:
        ResourceNotFoundException: no function uses such code any more.
    """
    content = connection.scalar(select(function_code.c.content).where(function_code.c.sha256 == sha256))
    if content is None:
        raise ResourceNotFoundException("The function's code is no longer stored.")
    return bytes(content)


def _at(place: Place) -> list[Any]:
    account_id, region, name = place
    table = functions
    return [table.c.account_id == account_id, table.c.region == region, table.c.name == name]


def _require(connection: Connection, place: Place) -> Row[Any]:
    row = connection.execute(select(functions).where(*_at(place))).first()
    if row is None:
        account_id, region, name = place
        raise ResourceNotFoundException(
            f"Function not found: arn:aws:lambda:{region}:{account_id}:function:{name}"
        )
    return row


def _keep_code(connection: Connection, code: bytes, stored_at: datetime) -> None:
    sha256 = hashlib.sha256(code).hexdigest()
    if not connection.scalar(select(exists().where(function_code.c.sha256 == sha256))):
        connection.execute(insert(function_code).values(sha256=sha256, content=code, stored_at=stored_at))


def _drop_unused_code(connection: Connection, sha256: str) -> None:
    if not connection.scalar(select(exists().where(functions.c.code_sha256 == sha256))):
        connection.execute(delete(function_code).where(function_code.c.sha256 == sha256))


def _row(sealer: Sealer, record: Function) -> dict[str, Any]:
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
        "sealed_environment": sealer.seal(orjson.dumps(dict(record.environment)), record.arn),
        "tags": orjson.dumps(dict(record.tags)).decode(),
        "warm_environments": record.warm_environments,
        "state_reason": record.state_reason,
    }


def _record(sealer: Sealer, row: Row[Any]) -> Function:
    arn = f"arn:aws:lambda:{row.region}:{row.account_id}:function:{row.name}"
    return Function(
        account_id=row.account_id,
        region=row.region,
        name=row.name,
        runtime=row.runtime,
        handler=row.handler,
        role=row.role,
        code_sha256=row.code_sha256,
        code_size_bytes=row.code_size_bytes,
        modified_at=row.modified_at,
        revision_id=row.revision_id,
        description=row.description,
        timeout_seconds=row.timeout_seconds,
        memory_mb=row.memory_mb,
        environment=orjson.loads(sealer.open(row.sealed_environment, arn)),
        tags=orjson.loads(row.tags),
        warm_environments=row.warm_environments,
        state_reason=row.state_reason,
    )
