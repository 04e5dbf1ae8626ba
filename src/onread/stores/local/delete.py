"""DeleteObject and DeleteObjects."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import MalformedXML, PreconditionFailed, S3Error
from onread.stores.local.content import require_null_version
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.index import Transaction
from onread.stores.local.object_rows import StoredObject, find_object, remove_object, require_bucket
from onread.stores.store import MOST_KEYS_IN_DELETE, StoreCall
from onread.wire.output import Output
from onread.wire.preconditions import check_preconditions


async def delete_object(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """There is no such object; no error when there was none before."""
    params = call.params
    require_null_version(params.get("VersionId"))
    key = encode_key(params["Key"])
    conditions = {
        "IfMatch": params.get("IfMatch"),
        "LastModifiedTime": params.get("IfMatchLastModifiedTime"),
        "Size": params.get("IfMatchSize"),
    }
    await engine.index.write(
        lambda transaction: _delete(transaction, call.bucket, key, conditions), frees=True
    )
    return Output(members=_version(params))


async def delete_objects(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """None of the named objects is there, save those the answer lists as errors.

    All of them go in one transaction; an error with one key leaves the others alone.

    Raises:
        MalformedXML: no key, or more than 1,000.
    """
    wanted = call.params.get("Delete") or {}
    named = wanted.get("Objects") or []
    if not 1 <= len(named) <= MOST_KEYS_IN_DELETE:
        raise MalformedXML

    def change(transaction: Transaction) -> list[S3Error | None]:
        require_bucket(transaction.connection, call.bucket)
        return [_delete_named(transaction, call.bucket, entry) for entry in named]

    outcomes = list(zip(named, await engine.index.write(change, frees=True), strict=True))
    members: dict[str, Any] = {}
    errors = [_error(entry, error) for entry, error in outcomes if error is not None]
    if errors:
        members["Errors"] = errors
    if not wanted.get("Quiet"):
        members["Deleted"] = [
            {"Key": entry["Key"], **_version(entry)} for entry, error in outcomes if not error
        ]
    return Output(members=members)


def _delete_named(transaction: Transaction, bucket: str, entry: Mapping[str, Any]) -> S3Error | None:
    try:
        require_null_version(entry.get("VersionId"))
        _delete(transaction, bucket, encode_key(entry["Key"]), {**entry, "IfMatch": entry.get("ETag")})
    except S3Error as error:
        if error.status >= 500:
            raise
        return error
    return None


def _delete(transaction: Transaction, bucket: str, key: bytes, conditions: Mapping[str, Any]) -> None:
    stored = find_object(transaction.connection, bucket, key)
    _check(stored, conditions)
    if stored is not None:
        remove_object(transaction, stored)


def _check(stored: StoredObject | None, conditions: Mapping[str, Any]) -> None:
    etag, modified_at = (stored.etag, stored.modified_at) if stored else (None, None)
    check_preconditions({"IfMatch": conditions["IfMatch"]}, etag=etag, modified_at=modified_at, reading=False)
    size_bytes, moment = conditions.get("Size"), conditions.get("LastModifiedTime")
    if stored is not None and size_bytes not in (None, stored.size_bytes):
        raise PreconditionFailed(Condition="x-amz-if-match-size")
    if modified_at is not None and moment not in (None, modified_at):
        raise PreconditionFailed(Condition="x-amz-if-match-last-modified-time")


def _version(params: Mapping[str, Any]) -> dict[str, str]:
    return {"VersionId": params["VersionId"]} if params.get("VersionId") else {}


def _error(entry: Mapping[str, Any], error: S3Error) -> dict[str, str]:
    return {"Key": entry["Key"], **_version(entry), "Code": error.code, "Message": error.text}


OPERATIONS: dict[str, Operation] = {"DeleteObject": delete_object, "DeleteObjects": delete_objects}
