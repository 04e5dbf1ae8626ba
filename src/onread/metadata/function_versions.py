"""Published versions of functions, as rows and as records. A row is never changed."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from onread.errors import ResourceConflictException
from onread.metadata import functions
from onread.metadata.function_aliases import aliases_of_version
from onread.metadata.function_code import drop_unused_code
from onread.metadata.functions import Place
from onread.metadata.records import Function
from onread.metadata.schema import function_versions
from onread.metadata.sealing import Sealer

Publish = Callable[[Function, int], Function]
"""Makes the version of this number from ``$LATEST``."""


def publish(connection: Connection, sealer: Sealer, place: Place, make: Publish) -> Function:
    """Publish ``$LATEST``, or find the version published last when nothing has changed since.

    Raises:
        ResourceNotFoundException: there is no such function; and whatever ``make`` raises.
    """
    latest = functions.find(connection, sealer, place)
    made = make(latest, latest.last_version + 1)
    table = function_versions
    newest = connection.execute(
        select(table).where(*_at(place)).order_by(table.c.number.desc()).limit(1)
    ).first()
    if newest is not None and _is_same(_record(sealer, newest, latest), newest.latest_description, latest):
        return _record(sealer, newest, latest)
    row = functions.version_row(sealer, made)
    row |= {"number": int(made.version), "latest_description": latest.description}
    connection.execute(insert(table).values(row))
    functions.update_function(
        connection,
        sealer,
        place,
        lambda function: replace(function, last_version=int(made.version)),
        None,
        latest.modified_at,
    )
    return made


def delete_version(connection: Connection, sealer: Sealer, place: Place, number: int) -> None:
    """Remove a version that no alias points to; nothing when there is none of that number.

    Raises:
        ResourceNotFoundException: there is no such function.
        ResourceConflictException: an alias points to it.
    """
    latest = functions.find(connection, sealer, place)
    here = (*_at(place), function_versions.c.number == number)
    row = connection.execute(select(function_versions).where(*here)).first()
    if row is None:
        return
    if used_by := aliases_of_version(connection, place, str(number)):
        raise ResourceConflictException(
            "Unable to delete version because the following aliases reference it: "
            f"[{', '.join(sorted(used_by))}]"
        )
    connection.execute(delete(function_versions).where(*here))
    drop_unused_code(connection, functions.named_code(_record(sealer, row, latest)))


def version_exists(connection: Connection, place: Place, version: str) -> bool:
    """Whether the function has a published version of this number."""
    if not version.isdecimal() or len(version) > 9:
        return False
    here = (*_at(place), function_versions.c.number == int(version))
    return connection.execute(select(function_versions.c.number).where(*here)).first() is not None


def load_versions(
    connection: Connection, sealer: Sealer, region: str, latest: dict[tuple[str, str], Function]
) -> dict[tuple[str, str], dict[int, Function]]:
    """Every published version of a Region by account and name, in the order of their numbers.

    Args:
        latest: the functions at ``$LATEST``, whose tags and bounds hold for all their versions.
    """
    table = function_versions
    found: dict[tuple[str, str], dict[int, Function]] = {}
    for row in connection.execute(select(table).where(table.c.region == region).order_by(table.c.number)):
        key = (row.account_id, row.name)
        found.setdefault(key, {})[row.number] = _record(sealer, row, latest[key])
    return found


def _is_same(version: Function, described_as: str, latest: Function) -> bool:
    """Whether publishing ``$LATEST`` again would publish nothing new."""
    return (
        replace(
            latest,
            version=version.version,
            revision_id=version.revision_id,
            modified_at=version.modified_at,
            state_reason=version.state_reason,
            description=version.description,
            min_environments=version.min_environments,
        )
        == version
        and described_as == latest.description
    )


def _at(place: Place) -> list[Any]:
    account_id, region, name = place
    table = function_versions
    return [table.c.account_id == account_id, table.c.region == region, table.c.name == name]


def _record(sealer: Sealer, row: Row[Any], latest: Function) -> Function:
    return Function(
        **functions.version_fields(sealer, row, str(row.number)),
        tags=latest.tags,
        warm_environments=latest.warm_environments,
        reserved_concurrency=latest.reserved_concurrency,
        last_version=latest.last_version,
    )
