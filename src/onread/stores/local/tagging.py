"""Tags of buckets, which are a setting, and of objects, which stand with what else is said about them."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import NoSuchKey, NoSuchTagSet
from onread.stores.local.content import pack, require_null_version, unpack
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.index import Transaction
from onread.stores.local.object_rows import StoredObject, find_object, replace_headers
from onread.stores.local.settings import deletion, require, write
from onread.stores.store import StoreCall
from onread.stores.tags import MOST_BUCKET_TAGS, MOST_OBJECT_TAGS, Tags, read_tag_set, tag_set
from onread.wire.output import Output


async def put_bucket_tagging(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket has these tags and no others."""
    return await write(engine, call.bucket, "tags", _given(call.params, MOST_BUCKET_TAGS))


async def get_bucket_tagging(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket's tags.

    Raises:
        NoSuchTagSet: it has none.
    """
    tags = require(engine, call.bucket, "tags", NoSuchTagSet)
    return Output(members={"TagSet": tag_set(tags)})


async def put_object_tagging(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The object has these tags and no others."""
    return await _replace(engine, call, _given(call.params, MOST_OBJECT_TAGS))


async def delete_object_tagging(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The object has no tags."""
    return await _replace(engine, call, {})


async def get_object_tagging(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The object's tags: an empty set when it has none."""
    require_null_version(call.params.get("VersionId"))
    with map_disk_faults():
        stored = find_object(engine.index.connection, call.bucket, encode_key(call.params["Key"]))
    if stored is None:
        raise NoSuchKey(Key=call.params["Key"])
    return Output(members={"TagSet": tag_set(tags_of(stored))})


def tags_of(stored: StoredObject) -> Tags:
    """The tags of an object."""
    tags: Tags = unpack(stored.headers).get("Tags", {})
    return tags


def _given(params: Mapping[str, Any], most: int) -> Tags:
    return read_tag_set((params.get("Tagging") or {}).get("TagSet") or (), most)


async def _replace(engine: Engine, call: StoreCall, tags: Tags) -> Output:
    """Raises NoSuchBucket, NoSuchKey."""
    require_null_version(call.params.get("VersionId"))
    key = encode_key(call.params["Key"])

    def change(transaction: Transaction) -> None:
        stored = find_object(transaction.connection, call.bucket, key)
        if stored is None:
            raise NoSuchKey(Key=call.params["Key"])
        described = unpack(stored.headers)
        described.pop("Tags", None)
        replace_headers(transaction, stored, pack({**described, "Tags": tags} if tags else described))

    await engine.index.write(change)
    return Output()


OPERATIONS: dict[str, Operation] = {
    "DeleteBucketTagging": deletion("tags"),
    "DeleteObjectTagging": delete_object_tagging,
    "GetBucketTagging": get_bucket_tagging,
    "GetObjectTagging": get_object_tagging,
    "PutBucketTagging": put_bucket_tagging,
    "PutObjectTagging": put_object_tagging,
}
