"""Which store holds which bucket, and what is asked of all of them."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import datetime
from http import HTTPStatus
from typing import Any, Protocol

from onread.errors import BucketAlreadyOwnedByYou, InvalidArgument, NoSuchBucket
from onread.store_settings import ANY_BUCKET, LOCAL, ONREAD
from onread.stores.bucket_settings import BucketSettings
from onread.stores.store import Store, StoreCall
from onread.stores.transfer import transfer
from onread.stores.upstream.access import OPERATIONS as ACCESS_OPERATIONS
from onread.stores.upstream.access import UpstreamAccess
from onread.stores.upstream.buckets import read_buckets
from onread.stores.upstream.store import UpstreamStore
from onread.telemetry.metrics import Metrics
from onread.wire.message import Response
from onread.wire.output import Output

_MOST_BUCKETS = 10_000


class BucketInTwoStores(Exception):
    """Which one, and what to do, in one line."""


class EmbeddedStore(Store, Protocol):
    """The store that is always there."""

    def bucket_owner(self, name: str) -> str | None:
        """The account that owns the bucket; None when there is no such bucket."""
        ...

    def bucket_settings(self, name: str) -> BucketSettings | None:
        """What is set for the bucket; None when there is no such bucket."""
        ...


class Stores:
    """Every store of this gateway, as one.

    A bucket is in the store whose settings name it; else in the embedded one when it is there; else in
    the store that has ``"*"``; else it would be in the embedded one.

    Args:
        access: who may reach the buckets of upstream stores.
        clock: aware datetimes, for what is copied from one store to another.

    Raises:
        BucketInTwoStores: the embedded one holds a bucket that the settings give to another.
    """

    def __init__(
        self,
        embedded: EmbeddedStore,
        upstreams: Sequence[UpstreamStore],
        account_id: str,
        access: UpstreamAccess,
        clock: Callable[[], datetime],
    ) -> None:
        self._clock = clock
        self._embedded = embedded
        self._access = access
        self._upstreams = upstreams
        self._account_id = account_id
        self._by_bucket = {name: store for store in upstreams for name in store.settings.buckets or ()}
        self._any_bucket = next((store for store in upstreams if store.settings.buckets is None), None)
        for name in sorted(self._by_bucket):
            if embedded.bucket_owner(name) is not None:
                raise BucketInTwoStores(
                    f'stores: bucket "{name}" is in the embedded store already; take it out of the settings'
                )

    def upstream_of(self, bucket: str) -> UpstreamStore | None:
        """The store that requests for this bucket are forwarded to; None: the embedded one."""
        named = self._by_bucket.get(bucket)
        if named is not None or self._any_bucket is None:
            return named
        return None if self._embedded.bucket_owner(bucket) is not None else self._any_bucket

    def forwards(self, bucket: str) -> bool:
        """Requests for this bucket go on as they came, to an upstream store."""
        return bool(self._upstreams) and self.upstream_of(bucket) is not None

    def forwards_as_it_is(self, operation: str, bucket: str) -> bool:
        """A request for this operation goes on as it came: nothing here needs to read its document."""
        store = self.upstream_of(bucket) if self._upstreams else None
        return store is not None and not (operation in ACCESS_OPERATIONS and _is_ours(store))

    def bucket_settings(self, bucket: str) -> BucketSettings | None:
        """What is set for the bucket and decides about requests; None where nothing here knows."""
        store = self.upstream_of(bucket) if self._upstreams else None
        if store is None:
            return self._embedded.bucket_settings(bucket)
        return self._access.find(bucket) if _is_ours(store) else None

    def direct_url(self, bucket: str, method: str, params: Mapping[str, Any], seconds: int) -> str | None:
        """A URL of the store itself that reads one object; None where its operator has not allowed that.

        Args:
            params: ``Key``, and ``VersionId`` when one is asked for.
        """
        store = self.upstream_of(bucket) if self._upstreams else None
        if store is None or not store.settings.direct_input_url:
            return None
        version_id = params.get("VersionId")
        query = {"versionId": version_id} if version_id is not None else {}
        return store.direct_url(bucket, method, params["Key"], query, seconds)

    def bucket_owner(self, name: str) -> str | None:
        """The account that owns the bucket; None when the embedded store should have it, and has not.

        What an upstream store holds is this account's: whether the bucket is there, only the store knows.
        """
        return self._account_id if self.upstream_of(name) is not None else self._embedded.bucket_owner(name)

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output | Response:
        """Do one operation in the store of its bucket; see `Store.execute`."""
        if call.operation == "CreateBucket":
            return await self._create_bucket(call, scope)
        if not self._upstreams:
            return await self._embedded.execute(call, scope)
        if call.operation == "ListBuckets":
            return await self._list_buckets(call, scope)
        store = self.upstream_of(call.bucket)
        if call.copy_source is not None:
            source = self.upstream_of(call.copy_source.container)
            if source is not store:
                return await transfer(
                    call, source or self._embedded, store or self._embedded, clock=self._clock
                )
        if store is None:
            return await self._embedded.execute(call, scope)
        if not _is_ours(store):
            return await store.execute(call, scope)
        if call.operation in ACCESS_OPERATIONS:
            return await self._access.execute(call, store)
        answer = await store.execute(call, scope)
        if call.operation == "DeleteBucket" and (answer.status or 0) < HTTPStatus.BAD_REQUEST:
            await self._access.forget(call.bucket)
        return answer

    async def look(self) -> list[dict[str, Any]]:
        """Every store as ListStores tells of it, the embedded one first; all are asked at once."""
        states = await asyncio.gather(*(store.look() for store in self._upstreams))
        embedded = {"Name": LOCAL, "Type": "embedded", "State": "reachable", "LeftAlone": False}
        return [
            embedded,
            *(_told(store, state) for store, state in zip(self._upstreams, states, strict=True)),
        ]

    def measure(self, metrics: Metrics) -> None:
        """Bring the gauges of every upstream store up to date."""
        for store in self._upstreams:
            name = store.settings.name
            metrics.store_connections.labels(name).set(store.open_connections)
            metrics.store_left_alone.labels(name).set(store.is_left_alone)

    async def close(self) -> None:
        """Every connection to an upstream store is gone."""
        for store in self._upstreams:
            await store.close()

    async def _create_bucket(self, call: StoreCall, scope: AsyncExitStack) -> Output | Response:
        """In the store that ``LocationConstraint`` names behind a colon, as Ceph names placements there."""
        configuration = dict(call.params.get("CreateBucketConfiguration") or {})
        location, _, name = str(configuration.get("LocationConstraint") or "").partition(":")
        store = self._named(name) if name else self.upstream_of(call.bucket)
        if store is None:
            if self._by_bucket.get(call.bucket) is not None:
                raise InvalidArgument(f"The settings give this bucket to another store than {LOCAL}.")
            await self._refuse_if_elsewhere(call, scope)
            configuration["LocationConstraint"] = location or None
            params = {**call.params, "CreateBucketConfiguration": configuration}
            return await self._embedded.execute(replace(call, params=params), scope)
        if store.settings.buckets is not None and call.bucket not in store.settings.buckets:
            raise InvalidArgument(
                f"Store {store.settings.name} may hold only the buckets that its settings name: add this one."
            )
        if self._embedded.bucket_owner(call.bucket) is not None:
            raise BucketAlreadyOwnedByYou(BucketName=call.bucket)
        if _is_ours(store):
            await self._access.forget_unless_there(call, store)
        return await store.execute(call, scope)

    def _named(self, name: str) -> UpstreamStore | None:
        if name == LOCAL:
            return None
        for store in self._upstreams:
            if store.settings.name == name:
                return store
        raise InvalidArgument(f"There is no store named {name[:64]}.", ArgumentName="LocationConstraint")

    async def _refuse_if_elsewhere(self, call: StoreCall, scope: AsyncExitStack) -> None:
        if self._any_bucket is None:
            return
        try:
            await self._any_bucket.execute(
                StoreCall(operation="HeadBucket", bucket=call.bucket, params={}, account_id=call.account_id),
                scope,
            )
        except NoSuchBucket:
            return
        raise BucketAlreadyOwnedByYou(BucketName=call.bucket)

    async def _list_buckets(self, call: StoreCall, scope: AsyncExitStack) -> Output:
        """All of them by name: a store that does not answer fails the list, for half of one would lie."""
        params = call.params
        prefix, after = str(params.get("Prefix") or ""), str(params.get("ContinuationToken") or "")
        held = {bucket["Name"]: bucket for bucket in await self._all_buckets(call, scope)}
        names = [name for name in sorted(held) if name > after and name.startswith(prefix)]
        most = params.get("MaxBuckets") or _MOST_BUCKETS
        if not 1 <= most <= _MOST_BUCKETS:
            raise InvalidArgument("MaxBuckets must be between 1 and 10000.", ArgumentName="max-buckets")
        members: dict[str, Any] = {
            "Buckets": [held[name] for name in names[:most]],
            "Owner": {"ID": self._account_id},
        }
        if prefix:
            members["Prefix"] = prefix
        if len(names) > most:
            members["ContinuationToken"] = names[most - 1]
        return Output(members=members)

    async def _all_buckets(self, call: StoreCall, scope: AsyncExitStack) -> list[dict[str, Any]]:
        held: list[dict[str, Any]] = []
        for store in self._upstreams:
            allowed = store.settings.buckets
            for name, made in await read_buckets(store, scope):
                if allowed is None or name in allowed:
                    held.append({"Name": name, **({"CreationDate": made} if made is not None else {})})
        token: str | None = None
        while True:  # as long as the embedded store has another page
            params = {"ContinuationToken": token} if token else {}
            page = await self._embedded.execute(replace(call, params=params), scope)
            assert isinstance(page, Output)
            held += page.members["Buckets"]
            token = page.members.get("ContinuationToken")
            if token is None:
                return held


def _is_ours(store: UpstreamStore) -> bool:
    """Whether onread keeps the policies of its buckets."""
    return store.settings.access_settings == ONREAD


def _told(store: UpstreamStore, state: str) -> dict[str, Any]:
    settings = store.settings
    return {
        "Name": settings.name,
        "Type": "s3",
        "Endpoint": f"{settings.scheme}://{settings.authority}",
        "Region": settings.region,
        "Buckets": [ANY_BUCKET] if settings.buckets is None else sorted(settings.buckets),
        "State": state,
        "LeftAlone": store.is_left_alone,
        "Connections": store.open_connections,
    }
