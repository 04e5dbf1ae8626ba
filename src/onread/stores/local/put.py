"""PutObject, and how any finished blob becomes an object."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import NotImplemented
from onread.stores.local.blobs import Blob
from onread.stores.local.content import announced, checksum_members, describe, pack, refuse_unkept
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.index import Transaction
from onread.stores.local.object_rows import (
    NewObject,
    Segment,
    StoredObject,
    find_object,
    insert_object,
    remove_object,
    require_bucket,
)
from onread.stores.store import StoreCall
from onread.wire.output import Output
from onread.wire.preconditions import check_preconditions


async def put_object(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The body is the object, visible as a whole from the index transaction on.

    Conditions are looked at twice: before the first byte is read, to spare the sender, and again in
    the transaction, where they decide.
    """
    params = call.params
    key = encode_key(params["Key"])
    refuse_unkept(params)
    headers, expected = pack(describe(params)), announced(params)
    check_target(engine, call.bucket, key, params)
    async with engine.blobs.receive(call.body, expected.algorithm, expected.check) as blob:
        new = await place_blob(engine, call, blob, expected.algorithm, headers)
    checksum = checksum_members(new.checksum_algorithm, new.checksum_type, new.checksum_value)
    return Output(members={"ETag": f'"{new.etag}"', **checksum})


async def place_blob(
    engine: Engine, call: StoreCall, blob: Blob, algorithm: str, headers: bytes
) -> NewObject:
    """The blob is the object that ``call`` names.

    Raises:
        NoSuchBucket, PreconditionFailed, NoSuchKey, NotImplemented: nothing was changed.
    """
    key = encode_key(call.params["Key"])
    new = NewObject(
        etag=blob.md5.hex(),
        size_bytes=blob.size_bytes,
        modified_at_ms=engine.now_ms(),
        blob_id=blob.blob_id,
        crc64=blob.crc64,
        part_count=None,
        checksum_algorithm=algorithm,
        checksum_type="FULL_OBJECT",
        checksum_value=blob.checksum_value,
        upload_id=None,
        headers=headers,
    )

    def change(transaction: Transaction) -> None:
        place_object(transaction, call.bucket, key, call.params, new)
        transaction.adopt(blob)

    await engine.index.write(change)
    return new


def check_target(engine: Engine, bucket: str, key: bytes, params: Mapping[str, Any]) -> None:
    """Return when a write of this key could go on now.

    Raises:
        NoSuchBucket, PreconditionFailed, NoSuchKey, NotImplemented.
    """
    with map_disk_faults():
        check_write(find_object(engine.index.connection, bucket, key), params)


def check_write(stored: StoredObject | None, params: Mapping[str, Any]) -> None:
    """Return when the conditions of a write allow it to replace ``stored``.

    Raises:
        PreconditionFailed: they do not.
        NoSuchKey: If-Match, and there is no object.
        NotImplemented: If-None-Match with anything but ``*``, which S3 does not know on writes.
    """
    if params.get("IfNoneMatch") not in (None, "*"):
        raise NotImplemented("A write takes no other If-None-Match than *.")
    etag, modified_at = (stored.etag, stored.modified_at) if stored else (None, None)
    check_preconditions(params, etag=etag, modified_at=modified_at, reading=False)


def place_object(
    transaction: Transaction,
    bucket: str,
    key: bytes,
    params: Mapping[str, Any],
    new: NewObject,
    segments: list[Segment] | None = None,
) -> None:
    """The object is the current version of its key, in place of the one that was.

    Raises:
        NoSuchBucket, PreconditionFailed, NoSuchKey, NotImplemented: nothing was changed.
    """
    bucket_id = require_bucket(transaction.connection, bucket).bucket_id
    stored = find_object(transaction.connection, bucket, key)
    check_write(stored, params)
    if stored is not None:
        remove_object(transaction, stored)
    insert_object(transaction, bucket_id, key, new, segments or ())


OPERATIONS: dict[str, Operation] = {"PutObject": put_object}
