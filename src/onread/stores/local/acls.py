"""Access control lists, as a bucket has them whose owner owns everything: full control for the owner.

Source: Amazon S3 User Guide, "Controlling ownership of objects and disabling ACLs for your bucket".
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import AccessControlListNotSupported, NoSuchKey
from onread.stores.local.content import refuse_other_acls, require_null_version
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.object_rows import find_object, require_bucket
from onread.stores.store import StoreCall
from onread.wire.output import Output


async def get_acl(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """Full control for the owner, of the bucket or of an object in it."""
    owner = {"ID": _check(engine, call)}
    grant = {"Grantee": {**owner, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}
    return Output(members={"Owner": owner, "Grants": [grant]})


async def put_acl(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """Nothing changes: the list that is put is the one there is.

    Raises:
        AccessControlListNotSupported: it is another one.
    """
    owner = _check(engine, call)
    refuse_other_acls(call.params)
    policy = call.params.get("AccessControlPolicy") or {}
    grants: Sequence[Mapping[str, Any]] = policy.get("Grants") or ()
    for grant in grants:
        if (grant.get("Grantee") or {}).get("ID") != owner or grant.get("Permission") != "FULL_CONTROL":
            raise AccessControlListNotSupported
    return Output()


def _check(engine: Engine, call: StoreCall) -> str:
    """The owner's id; what the call names is there.

    Raises:
        NoSuchBucket, NoSuchKey.
    """
    key = call.params.get("Key")
    require_null_version(call.params.get("VersionId"))
    with map_disk_faults():
        connection = engine.index.connection
        owner = require_bucket(connection, call.bucket).account_id
        if key is not None and find_object(connection, call.bucket, encode_key(key)) is None:
            raise NoSuchKey(Key=key)
    return owner


OPERATIONS: dict[str, Operation] = {
    "GetBucketAcl": get_acl,
    "GetObjectAcl": get_acl,
    "PutBucketAcl": put_acl,
    "PutObjectAcl": put_acl,
}
