"""Buckets: create, list, head, delete."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

from onread.addressing.names import validate_bucket_name
from onread.errors import (
    AccessControlListNotSupported,
    AccessDenied,
    BucketAlreadyExists,
    BucketAlreadyOwnedByYou,
    BucketNotEmpty,
    InvalidArgument,
    InvalidBucketAclWithObjectOwnership,
)
from onread.stores.local.access import new_bucket_settings
from onread.stores.local.content import refuse_other_acls, refuse_unkept
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.index import Transaction
from onread.stores.local.object_rows import Bucket, find_bucket, require_bucket
from onread.stores.local.settings_rows import insert_settings
from onread.stores.store import StoreCall
from onread.wire.output import Output

MOST_BUCKETS = 10_000

_ANY_OBJECT = """
    SELECT 1 FROM objects WHERE bucket_id = ?1 AND is_current = 1
    UNION ALL SELECT 1 FROM objects WHERE bucket_id = ?1 AND is_current = 0 LIMIT 1
"""


async def create_bucket(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket exists and is empty.

    Raises:
        InvalidBucketName: no bucket may have this name.
        BucketAlreadyOwnedByYou: in every region; AWS's silent 200 in us-east-1 is for old clients.
        BucketAlreadyExists: of another account.
        InvalidArgument: a location that is not this gateway's region.
        InvalidBucketAclWithObjectOwnership: an ACL that gives others rights.
        MalformedXML, InvalidTag, BadRequest: an ownership or tags that cannot be.
    """
    validate_bucket_name(call.bucket)
    _refuse_acls(call.params)
    refuse_unkept(call.params)
    _check_location(engine, call.params.get("CreateBucketConfiguration") or {})
    created_at_ms, settings = engine.now_ms(), new_bucket_settings(call.params)

    def change(transaction: Transaction) -> None:
        existing = find_bucket(transaction.connection, call.bucket)
        if existing is not None:
            is_own = existing.account_id == call.account_id
            raise (BucketAlreadyOwnedByYou if is_own else BucketAlreadyExists)(BucketName=call.bucket)
        made = transaction.connection.execute(
            "INSERT INTO buckets (name, account_id, created_at_ms) VALUES (?, ?, ?) RETURNING bucket_id",
            (call.bucket, call.account_id, created_at_ms),
        )
        insert_settings(transaction, made.fetchone()[0], settings)

    await engine.index.write(change)
    return Output(members={"Location": f"/{call.bucket}", "BucketArn": _arn(call.bucket)})


def _refuse_acls(params: Mapping[str, Any]) -> None:
    try:
        refuse_other_acls(params)
    except AccessControlListNotSupported as error:
        raise InvalidBucketAclWithObjectOwnership from error


def _check_location(engine: Engine, configuration: Mapping[str, Any]) -> None:
    constraint = configuration.get("LocationConstraint")
    if constraint not in (None, "", engine.region):
        raise InvalidArgument(
            f"This gateway's region is {engine.region}: leave LocationConstraint out, or name that.",
            ArgumentName="LocationConstraint",
            ArgumentValue=constraint,
        )


async def head_bucket(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket exists."""
    _require(engine, call.bucket)
    return Output(members={"BucketRegion": engine.region, "BucketArn": _arn(call.bucket)})


async def get_bucket_location(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket's region; AWS: empty for us-east-1."""
    _require(engine, call.bucket)
    return Output(members={"LocationConstraint": "" if engine.region == "us-east-1" else engine.region})


async def delete_bucket(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket is gone, and with it the uploads that were never completed.

    Raises:
        BucketNotEmpty: it holds an object.
    """

    def change(transaction: Transaction) -> None:
        connection = transaction.connection
        bucket_id = require_bucket(connection, call.bucket).bucket_id
        if connection.execute(_ANY_OBJECT, (bucket_id,)).fetchone():
            raise BucketNotEmpty(BucketName=call.bucket)
        _remove_uploads(transaction, bucket_id)
        connection.execute("DELETE FROM buckets WHERE bucket_id = ?", (bucket_id,))
        # Who remembers the bucket looks again, also where nothing was set of it.
        connection.execute("UPDATE bucket_settings_changes SET number = number + 1")

    await engine.index.write(change)
    return Output()


def _remove_uploads(transaction: Transaction, bucket_id: int) -> None:
    connection = transaction.connection
    ours = "upload_id IN (SELECT upload_id FROM uploads WHERE bucket_id = ?)"
    for (blob_id,) in connection.execute(f"SELECT blob_id FROM parts WHERE {ours}", (bucket_id,)):
        transaction.condemn(blob_id)
    connection.execute(f"DELETE FROM parts WHERE {ours}", (bucket_id,))
    connection.execute("DELETE FROM uploads WHERE bucket_id = ?", (bucket_id,))


async def list_buckets(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The account's buckets by name, at most ``MaxBuckets`` of them."""
    params = call.params
    limit = params.get("MaxBuckets")
    if limit is not None and not 1 <= limit <= MOST_BUCKETS:
        raise InvalidArgument("MaxBuckets must be between 1 and 10000.", ArgumentName="max-buckets")
    limit = limit or MOST_BUCKETS
    found = await engine.workers.run(_load_buckets, engine, call, limit + 1)
    members: dict[str, Any] = {
        "Buckets": [_bucket_member(engine, bucket) for bucket in found[:limit]],
        "Owner": {"ID": call.account_id},
    }
    if params.get("Prefix"):
        members["Prefix"] = params["Prefix"]
    if len(found) > limit:
        members["ContinuationToken"] = found[limit - 1].name
    return Output(members=members)


def _load_buckets(engine: Engine, call: StoreCall, limit: int) -> list[Bucket]:
    prefix = call.params.get("Prefix") or ""
    with engine.index.reading() as connection:
        rows = connection.execute(
            "SELECT bucket_id, name, account_id, created_at_ms FROM buckets"
            " WHERE account_id = ? AND name > ? AND substr(name, 1, ?) = ? ORDER BY name LIMIT ?",
            (call.account_id, call.params.get("ContinuationToken") or "", len(prefix), prefix, limit),
        )
        return [Bucket._make(row) for row in rows]


def _bucket_member(engine: Engine, bucket: Bucket) -> dict[str, Any]:
    return {
        "Name": bucket.name,
        "CreationDate": datetime.fromtimestamp(bucket.created_at_ms / 1000, UTC),
        "BucketRegion": engine.region,
        "BucketArn": _arn(bucket.name),
    }


def check_owner(engine: Engine, name: str, expected_account_id: str | None) -> None:
    """Return when the bucket belongs to the account that the caller expects, or none is expected.

    Raises:
        NoSuchBucket: there is no bucket of that name.
        AccessDenied: it belongs to another account.
    """
    if expected_account_id is not None and _require(engine, name).account_id != expected_account_id:
        raise AccessDenied


def _require(engine: Engine, name: str) -> Bucket:
    with map_disk_faults():
        return require_bucket(engine.index.connection, name)


def _arn(name: str) -> str:
    return f"arn:aws:s3:::{name}"


OPERATIONS: dict[str, Operation] = {
    "CreateBucket": create_bucket,
    "DeleteBucket": delete_bucket,
    "GetBucketLocation": get_bucket_location,
    "HeadBucket": head_bucket,
    "ListBuckets": list_buckets,
}
