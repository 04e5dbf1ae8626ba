"""Who may reach a bucket of an upstream store: kept by onread, for the store knows none of its users.

The same operations as of the embedded store, with the same answers. Whether the bucket is there, the store is
asked; what is set goes when the bucket goes through here, and nobody finds settings on a bucket that is new.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, suppress
from typing import Any, Protocol

from onread.errors import (
    AccessDenied,
    NoSuchBucket,
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    S3Error,
)
from onread.policy.public import is_public
from onread.stores.access_settings import (
    read_bucket_policy,
    read_cors_rules,
    read_public_access_block,
    refuse_public,
)
from onread.stores.bucket_settings import PUBLIC_ACCESS_BLOCK, BucketSettings, read_bucket_settings
from onread.stores.store import Store, StoreCall
from onread.wire.output import Output

_POLICY, _BLOCK, _CORS = "policy", "public_access_block", "cors"

Found = Mapping[str, Any]


class SettingsRecords(Protocol):
    """Where the settings are kept."""

    def of(self, account_id: str, bucket: str) -> Found:
        """Those of a bucket: the same object until they change."""
        ...

    async def update(self, account_id: str, bucket: str, change: Callable[[Found], Found]) -> None:
        """Replace them by what ``change`` makes of them."""
        ...

    async def forget(self, account_id: str, bucket: str) -> None:
        """Nothing is set any more."""
        ...


class UpstreamAccess:
    """The settings of buckets of upstream stores."""

    def __init__(self, records: SettingsRecords, account_id: str) -> None:
        self._records = records
        self._account_id = account_id
        self._read: dict[str, tuple[Found, BucketSettings]] = {}

    def find(self, bucket: str) -> BucketSettings:
        """What is set for the bucket and decides about requests."""
        found = self._found(bucket)
        known = self._read.get(bucket if found else "")
        if known is not None and known[0] is found:
            return known[1]
        settings = read_bucket_settings(self._account_id, {**found, _BLOCK: _blocks(found)})
        self._read[bucket if found else ""] = (found, settings)
        return settings

    async def execute(self, call: StoreCall, store: Store) -> Output:
        """One of `OPERATIONS`, about a bucket of ``store``.

        Raises:
            NoSuchBucket: the store has none of that name.
            S3Error: as the embedded store's.
        """
        await _require_bucket(call, store)
        return await OPERATIONS[call.operation](self, call)

    async def forget_unless_there(self, call: StoreCall, store: Store) -> None:
        """Before a bucket is made: what was set of another one of its name is nothing to it."""
        try:
            await _require_bucket(call, store)
        except NoSuchBucket:
            await self.forget(call.bucket)

    async def forget(self, bucket: str) -> None:
        """The bucket has gone."""
        self._read.pop(bucket, None)
        await self._records.forget(self._account_id, bucket)

    def _found(self, bucket: str) -> Found:
        return self._records.of(self._account_id, bucket)

    def _require(self, call: StoreCall, name: str, missing: type[S3Error]) -> Any:
        found = self._found(call.bucket).get(name)
        if found is None:
            raise missing(BucketName=call.bucket)
        return found

    async def _set(self, call: StoreCall, name: str, value: Any) -> Output:
        await self._records.update(self._account_id, call.bucket, lambda found: {**found, name: value})
        return Output()

    async def put_bucket_policy(self, call: StoreCall) -> Output:
        """The bucket has this policy; see `read_bucket_policy` and `refuse_public`."""
        text = read_bucket_policy(call.params, call.bucket)

        def change(found: Found) -> Found:
            refuse_public(text, _blocks(found))
            return {**found, _POLICY: text}

        await self._records.update(self._account_id, call.bucket, change)
        return Output()

    async def get_bucket_policy(self, call: StoreCall) -> Output:
        """The policy, as it was put."""
        return Output(members={"Policy": self._require(call, _POLICY, NoSuchBucketPolicy)})

    async def get_bucket_policy_status(self, call: StoreCall) -> Output:
        """Whether the policy lets everyone do something."""
        policy = self._require(call, _POLICY, NoSuchBucketPolicy)
        return Output(members={"PolicyStatus": {"IsPublic": is_public(policy)}})

    async def put_public_access_block(self, call: StoreCall) -> Output:
        """The four switches; what is not named is off."""
        return await self._set(call, _BLOCK, read_public_access_block(call.params))

    async def get_public_access_block(self, call: StoreCall) -> Output:
        """The four switches: all on for a bucket of which nobody has set them."""
        blocks = _blocks(self._found(call.bucket))
        if not blocks:
            raise NoSuchPublicAccessBlockConfiguration(BucketName=call.bucket)
        return Output(members={"PublicAccessBlockConfiguration": dict(blocks)})

    async def delete_public_access_block(self, call: StoreCall) -> Output:
        """There are no switches any more."""
        return await self._set(call, _BLOCK, {})

    async def put_bucket_cors(self, call: StoreCall) -> Output:
        """The rules by which browsers of other origins may read and write; see `read_cors_rules`."""
        return await self._set(call, _CORS, read_cors_rules(call.params))

    async def get_bucket_cors(self, call: StoreCall) -> Output:
        """The rules, as they were put."""
        return Output(members={"CORSRules": self._require(call, _CORS, NoSuchCORSConfiguration)})

    async def remove(self, call: StoreCall, name: str) -> Output:
        """The setting is gone; no error when there was none."""

        def change(found: Found) -> Found:
            return {setting: value for setting, value in found.items() if setting != name}

        await self._records.update(self._account_id, call.bucket, change)
        return Output()


def _blocks(found: Found) -> Mapping[str, bool]:
    """A bucket of which nobody has ever said so is closed to strangers, as a new one is."""
    blocks: Mapping[str, bool] = found.get(_BLOCK, _ALL_ON)
    return blocks


_ALL_ON = dict.fromkeys(PUBLIC_ACCESS_BLOCK, True)


async def _require_bucket(call: StoreCall, store: Store) -> None:
    asked = StoreCall(operation="HeadBucket", bucket=call.bucket, params={}, account_id=call.account_id)
    with suppress(AccessDenied):  # there is one, and onread's own credentials may not look at it
        async with AsyncExitStack() as scope:
            await store.execute(asked, scope)


def _removal(name: str) -> Callable[[UpstreamAccess, StoreCall], Awaitable[Output]]:
    async def remove(access: UpstreamAccess, call: StoreCall) -> Output:
        return await access.remove(call, name)

    return remove


OPERATIONS: Mapping[str, Callable[[UpstreamAccess, StoreCall], Awaitable[Output]]] = {
    "DeleteBucketCors": _removal(_CORS),
    "DeleteBucketPolicy": _removal(_POLICY),
    "DeletePublicAccessBlock": UpstreamAccess.delete_public_access_block,
    "GetBucketCors": UpstreamAccess.get_bucket_cors,
    "GetBucketPolicy": UpstreamAccess.get_bucket_policy,
    "GetBucketPolicyStatus": UpstreamAccess.get_bucket_policy_status,
    "GetPublicAccessBlock": UpstreamAccess.get_public_access_block,
    "PutBucketCors": UpstreamAccess.put_bucket_cors,
    "PutBucketPolicy": UpstreamAccess.put_bucket_policy,
    "PutPublicAccessBlock": UpstreamAccess.put_public_access_block,
}
