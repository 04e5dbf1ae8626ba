"""Aliases of functions, as rows and as records."""

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, Row, delete, insert, select, update

from onread.errors import ResourceConflictException, ResourceNotFoundException
from onread.metadata.function_records import FunctionAlias
from onread.metadata.functions import Place
from onread.metadata.schema import function_aliases


def create(connection: Connection, record: FunctionAlias) -> None:
    """Add an alias of a function that exists.

    Raises:
        ResourceConflictException: the name is taken.
    """
    place = (record.account_id, record.region, record.function_name)
    if connection.execute(select(function_aliases.c.alias).where(*_at(place, record.name))).first():
        raise ResourceConflictException(f"Alias already exists: {record.arn}")
    connection.execute(insert(function_aliases).values(_row(record)))


def update_alias(
    connection: Connection, place: Place, name: str, change: Callable[[FunctionAlias], FunctionAlias]
) -> FunctionAlias:
    """Replace an alias by what ``change`` makes of it.

    Raises:
        ResourceNotFoundException: there is none.
    """
    row = connection.execute(select(function_aliases).where(*_at(place, name))).first()
    if row is None:
        account_id, region, function = place
        raise ResourceNotFoundException(
            f"Cannot find alias arn: arn:aws:lambda:{region}:{account_id}:function:{function}:{name}"
        )
    changed = change(_record(row))
    connection.execute(update(function_aliases).where(*_at(place, name)).values(_row(changed)))
    return changed


def delete_alias(connection: Connection, place: Place, name: str) -> None:
    """Remove an alias; nothing when there is none."""
    connection.execute(delete(function_aliases).where(*_at(place, name)))


def aliases_of_version(connection: Connection, place: Place, version: str) -> list[str]:
    """The names of the aliases that lead to a version, wholly or by weight."""
    account_id, region, name = place
    table = function_aliases.c
    here = (table.account_id == account_id, table.region == region, table.name == name)
    rows = connection.execute(select(function_aliases).where(*here))
    return [row.alias for row in rows if row.version == version or version in orjson.loads(row.weights)]


def load_aliases(connection: Connection, region: str) -> dict[tuple[str, str], dict[str, FunctionAlias]]:
    """Every alias of a Region by account and function, sorted by name."""
    table = function_aliases
    found: dict[tuple[str, str], dict[str, FunctionAlias]] = {}
    for row in connection.execute(select(table).where(table.c.region == region).order_by(table.c.alias)):
        found.setdefault((row.account_id, row.name), {})[row.alias] = _record(row)
    return found


def _at(place: Place, alias: str) -> list[Any]:
    account_id, region, name = place
    table = function_aliases.c
    return [table.account_id == account_id, table.region == region, table.name == name, table.alias == alias]


def _row(record: FunctionAlias) -> dict[str, Any]:
    return {
        "account_id": record.account_id,
        "region": record.region,
        "name": record.function_name,
        "alias": record.name,
        "version": record.version,
        "description": record.description,
        "weights": orjson.dumps(dict(record.weights)).decode(),
        "revision_id": record.revision_id,
    }


def _record(row: Row[Any]) -> FunctionAlias:
    return FunctionAlias(
        account_id=row.account_id,
        region=row.region,
        function_name=row.name,
        name=row.alias,
        version=row.version,
        description=row.description,
        weights=orjson.loads(row.weights),
        revision_id=row.revision_id,
    )
