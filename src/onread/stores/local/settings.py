"""How a setting of a bucket is read, written and removed: the same for all of them."""

from contextlib import AsyncExitStack
from typing import Any

from onread.errors import S3Error
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.object_rows import require_bucket
from onread.stores.local.settings_rows import delete_setting, find_setting, put_setting
from onread.stores.store import StoreCall
from onread.wire.output import Output


def require_bucket_now(engine: Engine, bucket: str) -> None:
    """Return when there is such a bucket.

    Raises:
        NoSuchBucket.
    """
    with map_disk_faults():
        require_bucket(engine.index.connection, bucket)


def require(engine: Engine, bucket: str, name: str, missing: type[S3Error]) -> Any:
    """The setting.

    Raises:
        NoSuchBucket.
        S3Error: ``missing``, with the bucket's name: it is not set.
    """
    with map_disk_faults():
        found = find_setting(engine.index.connection, bucket, name)
    if found is None:
        raise missing(BucketName=bucket)
    return found


async def write(engine: Engine, bucket: str, name: str, value: Any) -> Output:
    """The setting is this from now on.

    Raises:
        NoSuchBucket.
    """
    await engine.index.write(lambda transaction: put_setting(transaction, bucket, name, value))
    return Output()


def deletion(name: str) -> Operation:
    """The operation that removes a setting; no error when there was none."""

    async def delete(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
        await engine.index.write(lambda transaction: delete_setting(transaction, call.bucket, name))
        return Output()

    return delete
