"""Standard and Object Lambda access points, as rows and as records."""

from collections.abc import Callable
from typing import Any

import orjson
from sqlalchemy import Connection, Row, Table, delete, func, insert, select, update

from onread.errors import AccessPointAlreadyOwnedByYou, InvalidRequest, NoSuchAccessPoint, TooManyAccessPoints
from onread.metadata.records import AccessPoint, ObjectLambdaAccessPoint
from onread.metadata.schema import access_points, object_lambda_access_points

# Quotas of an account in a Region: Amazon S3 User Guide, "Access points restrictions and limitations".
MOST_ACCESS_POINTS = 10_000
MOST_OBJECT_LAMBDA_ACCESS_POINTS = 1_000

Place = tuple[str, str, str]
"""Account, Region and name: what makes an access point unique."""


def create_access_point(connection: Connection, record: AccessPoint) -> None:
    """Add a standard access point.

    Raises:
        AccessPointAlreadyOwnedByYou: the name is taken in this account and Region.
        TooManyAccessPoints: the quota is used up.
    """
    _require_free(connection, access_points, _place(record), MOST_ACCESS_POINTS)
    connection.execute(insert(access_points).values(_access_point_row(record)))


def update_access_point(
    connection: Connection, place: Place, change: Callable[[AccessPoint], AccessPoint]
) -> AccessPoint:
    """Replace an access point by what ``change`` makes of it.

    Raises:
        NoSuchAccessPoint: there is none.
    """
    changed = change(_access_point(_require(connection, access_points, place)))
    connection.execute(
        update(access_points).where(*_at(access_points, place)).values(_access_point_row(changed))
    )
    return changed


def delete_access_point(connection: Connection, place: Place) -> None:
    """Remove a standard access point that supports nothing.

    Raises:
        NoSuchAccessPoint: there is none.
        InvalidRequest: an Object Lambda access point uses it.
    """
    _require(connection, access_points, place)
    account_id, region, name = place
    table = object_lambda_access_points
    user = connection.scalar(
        select(table.c.name).where(
            table.c.account_id == account_id,
            table.c.region == region,
            table.c.supporting_access_point == name,
        )
    )
    if user is not None:
        raise InvalidRequest(
            f"The access point supports the Object Lambda access point {user}. Delete that first."
        )
    connection.execute(delete(access_points).where(*_at(access_points, place)))


def create_object_lambda_access_point(connection: Connection, record: ObjectLambdaAccessPoint) -> None:
    """Add an Object Lambda access point.

    Raises:
        AccessPointAlreadyOwnedByYou: the name is taken in this account and Region.
        InvalidRequest: the supporting access point does not exist.
        TooManyAccessPoints: the quota is used up.
    """
    table = object_lambda_access_points
    _require_free(connection, table, _place(record), MOST_OBJECT_LAMBDA_ACCESS_POINTS)
    _require_supporting(connection, record)
    connection.execute(insert(table).values(_object_lambda_row(record)))


def update_object_lambda_access_point(
    connection: Connection,
    place: Place,
    change: Callable[[ObjectLambdaAccessPoint], ObjectLambdaAccessPoint],
) -> ObjectLambdaAccessPoint:
    """Replace an Object Lambda access point by what ``change`` makes of it.

    Raises:
        NoSuchAccessPoint: there is none.
        InvalidRequest: the new supporting access point does not exist.
    """
    table = object_lambda_access_points
    changed = change(_object_lambda_access_point(_require(connection, table, place)))
    _require_supporting(connection, changed)
    connection.execute(update(table).where(*_at(table, place)).values(_object_lambda_row(changed)))
    return changed


def delete_object_lambda_access_point(connection: Connection, place: Place) -> None:
    """Remove an Object Lambda access point; its alias is free again.

    Raises:
        NoSuchAccessPoint: there is none.
    """
    _require(connection, object_lambda_access_points, place)
    connection.execute(delete(object_lambda_access_points).where(*_at(object_lambda_access_points, place)))


def load_access_points(connection: Connection, region: str) -> list[AccessPoint]:
    """Every standard access point of a Region."""
    rows = connection.execute(select(access_points).where(access_points.c.region == region))
    return [_access_point(row) for row in rows]


def load_object_lambda_access_points(connection: Connection, region: str) -> list[ObjectLambdaAccessPoint]:
    """Every Object Lambda access point of a Region."""
    table = object_lambda_access_points
    rows = connection.execute(select(table).where(table.c.region == region))
    return [_object_lambda_access_point(row) for row in rows]


def supporting_access_point_name(configuration: str) -> str:
    """The name at the end of the configuration's ``SupportingAccessPoint`` ARN."""
    arn: str = orjson.loads(configuration)["SupportingAccessPoint"]
    return arn.rpartition(":accesspoint")[2].lstrip("/:")


def _place(record: AccessPoint | ObjectLambdaAccessPoint) -> Place:
    return record.account_id, record.region, record.name


def _at(table: Table, place: Place) -> list[Any]:
    account_id, region, name = place
    return [table.c.account_id == account_id, table.c.region == region, table.c.name == name]


def _require(connection: Connection, table: Table, place: Place) -> Row[Any]:
    row = connection.execute(select(table).where(*_at(table, place))).first()
    if row is None:
        raise NoSuchAccessPoint
    return row


def _require_free(connection: Connection, table: Table, place: Place, most: int) -> None:
    if connection.execute(select(table.c.name).where(*_at(table, place))).first() is not None:
        raise AccessPointAlreadyOwnedByYou
    account_id, region, _ = place
    held = connection.scalar(
        select(func.count())
        .select_from(table)
        .where(table.c.account_id == account_id, table.c.region == region)
    )
    if (held or 0) >= most:
        raise TooManyAccessPoints


def _require_supporting(connection: Connection, record: ObjectLambdaAccessPoint) -> None:
    name = supporting_access_point_name(record.configuration)
    place = (record.account_id, record.region, name)
    if connection.execute(select(access_points.c.name).where(*_at(access_points, place))).first() is None:
        raise InvalidRequest(f"The supporting access point {name} does not exist in this account and Region.")


def _access_point_row(record: AccessPoint) -> dict[str, Any]:
    return {
        "account_id": record.account_id,
        "region": record.region,
        "name": record.name,
        "bucket": record.bucket,
        "alias": record.alias,
        "created_at": record.created_at,
        "policy": record.policy,
        "public_access_block": orjson.dumps(dict(record.public_access_block)).decode(),
        "tags": orjson.dumps(dict(record.tags)).decode(),
    }


def _access_point(row: Row[Any]) -> AccessPoint:
    return AccessPoint(
        account_id=row.account_id,
        region=row.region,
        name=row.name,
        bucket=row.bucket,
        alias=row.alias,
        created_at=row.created_at,
        policy=row.policy,
        public_access_block=orjson.loads(row.public_access_block),
        tags=orjson.loads(row.tags),
    )


def _object_lambda_row(record: ObjectLambdaAccessPoint) -> dict[str, Any]:
    return {
        "account_id": record.account_id,
        "region": record.region,
        "name": record.name,
        "alias": record.alias,
        "created_at": record.created_at,
        "configuration": record.configuration,
        "policy": record.policy,
        "supporting_access_point": supporting_access_point_name(record.configuration),
    }


def _object_lambda_access_point(row: Row[Any]) -> ObjectLambdaAccessPoint:
    return ObjectLambdaAccessPoint(
        account_id=row.account_id,
        region=row.region,
        name=row.name,
        alias=row.alias,
        created_at=row.created_at,
        configuration=row.configuration,
        policy=row.policy,
    )
