"""What answers: one decision by the kind of target, then one table by the operation."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from onread.control.account_public_access import refuse_public_policy
from onread.control.call import ControlCall
from onread.errors import (
    AccessDenied,
    BucketHasAccessPointsAttached,
    MethodNotAllowed,
    NoSuchKey,
    NotImplemented,
)
from onread.gateway.batch_delete import delete_objects
from onread.gateway.bucket_function import read_through
from onread.gateway.call import (
    AccessPointTarget,
    AuthorizedCall,
    BucketFunctionTarget,
    BucketTarget,
    ObjectLambdaTarget,
    ServiceTarget,
    WriteTarget,
)
from onread.gateway.documents import parse_document, read_document
from onread.gateway.payload import open_payload
from onread.gateway.sized_lists import list_results
from onread.gateway.storing import store_call, without_unreadable_tags
from onread.metadata.facade import Records
from onread.metadata.records import AccessPoint
from onread.objectlambda.input_url import METHODS
from onread.objectlambda.slices.listed import SizedLists
from onread.objectlambda.slices.sliced import SlicedReads
from onread.objectlambda.transform import ReadCall, Transformation
from onread.objectlambda.write_get_object_response import WriteCall, WriteGetObjectResponse
from onread.stores.store import StoreCall
from onread.stores.stores import Stores
from onread.wire.message import Response
from onread.wire.output import Output

ControlHandler = Callable[[ControlCall], Awaitable[Output]]

# What a standard access point offers. Source: Amazon S3 User Guide, "Access points compatibility".
# Bucket management is not among it, and Object Lambda access points pass on what stands here.
ACCESS_POINT_OPERATIONS = frozenset(
    {
        "AbortMultipartUpload", "CompleteMultipartUpload", "CopyObject", "CreateMultipartUpload",
        "DeleteObject", "DeleteObjectTagging", "DeleteObjects", "GetBucketAcl", "GetBucketCors",
        "GetBucketLocation", "GetBucketNotificationConfiguration", "GetBucketPolicy", "GetObject",
        "GetObjectAcl", "GetObjectAttributes", "GetObjectLegalHold", "GetObjectRetention",
        "GetObjectTagging", "HeadBucket", "HeadObject", "ListMultipartUploads", "ListObjectVersions",
        "ListObjects", "ListObjectsV2", "ListParts", "PutObject", "PutObjectAcl", "PutObjectLegalHold",
        "PutObjectRetention", "PutObjectTagging", "RestoreObject", "UploadPart", "UploadPartCopy",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Dispatch:
    """Hands an authorised call to what answers it."""

    records: Records
    stores: Stores
    transformation: Transformation
    slices: SlicedReads
    write: WriteGetObjectResponse
    control: Mapping[tuple[str, str], ControlHandler]
    account_id: str
    region: str

    async def __call__(self, call: AuthorizedCall, scope: AsyncExitStack) -> Output | Response:
        """The output of the operation; what it needs lives as long as ``scope``.

        Raises:
            NotImplemented: nothing here answers that operation; its name is in the message.
        """
        match call.resolved.target:
            case ServiceTarget():
                return await self._service(call, scope)
            case BucketTarget(bucket):
                return await self._bucket(call, bucket, scope)
            case AccessPointTarget(access_point):
                return await self._through(call, access_point, scope)
            case ObjectLambdaTarget() as target:
                return await self._object_lambda(call, target, scope)
            case BucketFunctionTarget() as target:
                read = read_through(call, target, account_id=self.account_id, region=self.region)
                return await self.transformation.transform(read, scope)
            case WriteTarget(route):
                return await self._write(call, route, scope)

    async def _service(self, call: AuthorizedCall, scope: AsyncExitStack) -> Output | Response:
        operation = call.routed.operation
        if operation.service == "s3":
            return await self._store(call, "", scope)
        handler = self.control.get((operation.service, operation.name))
        if handler is None:
            raise NotImplemented(f"{operation.name} is not implemented.")
        params = await _params(call)
        call.rights.require_named(params)
        return await handler(
            ControlCall(
                params=params,
                principal=call.principal,
                account_id=self.account_id,
                region=self.region,
                request_id=call.routed.request_id,
                may_read_object=call.rights.may_read_object,
                take_scope=scope.pop_all,
                endpoint=f"{call.routed.request.scheme}://{call.routed.request.host}",
            )
        )

    async def _bucket(self, call: AuthorizedCall, bucket: str, scope: AsyncExitStack) -> Output | Response:
        if call.routed.operation.name == "DeleteBucket" and any(
            access_point.bucket == bucket for access_point in self.records.list_access_points(self.account_id)
        ):
            raise BucketHasAccessPointsAttached
        return await self._store(call, bucket, scope)

    async def _through(
        self, call: AuthorizedCall, access_point: AccessPoint, scope: AsyncExitStack
    ) -> Output | Response:
        if call.routed.operation.name not in ACCESS_POINT_OPERATIONS:
            raise MethodNotAllowed(f"{call.routed.operation.name} is not offered by access points.")
        return await self._store(call, access_point.bucket, scope)

    async def _object_lambda(
        self, call: AuthorizedCall, target: ObjectLambdaTarget, scope: AsyncExitStack
    ) -> Output | Response:
        if target.lists_results(call.routed.operation.name):
            return await self._list_results(call, target, scope)
        if target.transformation_for(call.routed.operation.name) is None:
            return await self._through(call, target.supporting, scope)
        sliced = target.is_sliced(call.routed.operation.name)
        read = _read_call(call, target, None if sliced else await self._direct_url(call, target))
        if sliced:
            return await self.slices.read(read, scope)
        return await self.transformation.transform(read, scope)

    async def _list_results(
        self, call: AuthorizedCall, target: ObjectLambdaTarget, scope: AsyncExitStack
    ) -> Output | Response:
        return await list_results(
            _read_call(call, target),
            await self._store_call(call, target.supporting.bucket),
            call.routed.operation,
            store=self.stores,
            lists=SizedLists(slices=self.slices, may_read=call.rights.may_read_result),
            scope=scope,
        )

    async def _direct_url(self, call: AuthorizedCall, target: ObjectLambdaTarget) -> str | None:
        """The gateway will not see it used, so what it would ask then is asked now.

        Who may not read gets the usual URL, which will tell the function so.
        """
        routed, bucket = call.routed, target.supporting.bucket
        if routed.operation.name not in ("GetObject", "HeadObject") or not self.stores.forwards(bucket):
            return None
        seconds = self.transformation.settings.input_url_seconds
        url = self.stores.direct_url(bucket, METHODS[routed.operation.name], routed.params, seconds)
        return url if url is not None and await call.rights.may_read_input() else None

    async def _write(self, call: AuthorizedCall, route: str | None, scope: AsyncExitStack) -> Output:
        write = WriteCall(
            params=call.routed.params,
            body=open_payload(call),
            principal=call.principal,
            route=route,
            account_id=self.account_id,
            unreadable=call.routed.unreadable,
        )
        return await self.write.write_get_object_response(write, scope)

    async def _store_call(self, call: AuthorizedCall, bucket: str) -> StoreCall:
        return await store_call(
            call,
            bucket,
            account_id=self.account_id,
            raw=self.stores.forwards_as_it_is(call.routed.operation.name, bucket),
            find_source=self.records.find_source,
        )

    async def _store(self, call: AuthorizedCall, bucket: str, scope: AsyncExitStack) -> Output | Response:
        operation = call.routed.operation
        asked = await self._store_call(call, bucket)
        if operation.name == "DeleteObjects":
            return await delete_objects(call, asked, self.stores, scope)
        if operation.name == "PutBucketPolicy" and "Policy" in asked.params:
            refuse_public_policy(self.records, self.account_id, str(asked.params.get("Policy", "")))
        if operation.name == "PutObjectTagging":
            await call.rights.require_tags(asked.params)
        try:
            answer = await self.stores.execute(asked, scope)
        except NoSuchKey as missing:
            _hide_missing(call, missing)
            raise
        if isinstance(answer, Response) and answer.status == 404:
            _hide_missing(call, None)
        return await without_unreadable_tags(call, answer)


def _read_call(call: AuthorizedCall, target: ObjectLambdaTarget, direct_url: str | None = None) -> ReadCall:
    return ReadCall(
        request_id=call.routed.request_id,
        request=call.routed.request,
        operation=call.routed.operation.name,
        params=call.routed.params,
        principal=call.principal,
        access_point=target.access_point,
        supporting=target.supporting,
        configuration=target.configuration,
        settings=target.settings,
        direct_url=direct_url,
    )


def _hide_missing(call: AuthorizedCall, missing: NoSuchKey | None) -> None:
    """Who may not list must not learn which keys exist. Source: GetObject(Attributes), "Permissions"."""
    reads = call.routed.operation.name in ("GetObject", "GetObjectAttributes", "HeadObject")
    if reads and not call.rights.may_list():
        raise AccessDenied from missing


async def _params(call: AuthorizedCall) -> Mapping[str, Any]:
    """Head and document of a service's operation together; the document is read here, after every check."""
    operation = call.routed.operation
    if not operation.reads_document:
        return call.routed.params
    document = call.routed.document
    if document is None:
        document = await read_document(open_payload(call), operation.document_limit_bytes)
    return {**call.routed.params, **await parse_document(operation, document)}
