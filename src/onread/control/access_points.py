"""s3control: standard access points.

Owns the ten operations on them. Whether a bucket exists it asks through a callable: control knows no
store.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import datetime
from secrets import token_bytes
from typing import Any

from onread.addressing.alias import access_point_alias
from onread.addressing.arn import parse_access_point_arn
from onread.addressing.names import validate_access_point_name
from onread.control.access_point_tags import read_tags
from onread.control.account_public_access import PUBLIC_ACCESS_BLOCK, refuse_public_policy
from onread.control.call import ControlCall, Operations
from onread.control.pages import check_page_size, cut_page
from onread.control.policies import check_policy, require_policy
from onread.errors import AccessDenied, InvalidRequest, NoSuchAccessPoint
from onread.metadata.facade import Records
from onread.metadata.records import AccessPoint
from onread.policy.public import is_public
from onread.wire.output import Output

BucketExists = Callable[[str], Awaitable[bool]]
NONCE_BYTES = 16
MOST_RESULTS = 1000


class AccessPointOperations:
    """The operations on standard access points.

    Args:
        bucket_exists: tells whether a bucket of this name can be read through this gateway.
        endpoint: ``HOST[:PORT]`` below which clients reach access points, shown by GetAccessPoint.
        clock: gives the time as aware UTC.
    """

    def __init__(
        self,
        records: Records,
        *,
        bucket_exists: BucketExists,
        endpoint: str,
        clock: Callable[[], datetime],
    ) -> None:
        self._records = records
        self._bucket_exists = bucket_exists
        self._endpoint = endpoint
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateAccessPoint": self.create_access_point,
            "GetAccessPoint": self.get_access_point,
            "DeleteAccessPoint": self.delete_access_point,
            "ListAccessPoints": self.list_access_points,
            "PutAccessPointPolicy": self.put_access_point_policy,
            "GetAccessPointPolicy": self.get_access_point_policy,
            "DeleteAccessPointPolicy": self.delete_access_point_policy,
            "GetAccessPointPolicyStatus": self.get_access_point_policy_status,
        }

    async def create_access_point(self, call: ControlCall) -> Output:
        """CreateAccessPoint."""
        name = call.params["Name"]
        validate_access_point_name(name)
        _refuse_unsupported(call)
        tags = read_tags(call.params.get("Tags"))
        bucket = call.params.get("Bucket")
        if not bucket or not await self._bucket_exists(bucket):
            raise InvalidRequest("Amazon S3 access points can only be created for existing buckets.")
        alias = access_point_alias(
            name, account_id=call.account_id, region=call.region, nonce=token_bytes(NONCE_BYTES)
        )
        record = AccessPoint(
            account_id=call.account_id,
            region=call.region,
            name=name,
            bucket=bucket,
            alias=alias,
            created_at=self._clock(),
            public_access_block=_public_access_block(call.params.get("PublicAccessBlockConfiguration")),
            tags=tags,
        )
        await self._records.create_access_point(record)
        return Output(members={"AccessPointArn": record.arn, "Alias": alias})

    async def get_access_point(self, call: ControlCall) -> Output:
        """GetAccessPoint."""
        record = self._find(call)
        members = {
            **_listed(record),
            "PublicAccessBlockConfiguration": dict(record.public_access_block),
            "CreationDate": record.created_at,
            "Endpoints": {"ipv4": self._endpoint},
        }
        return Output(members=members)

    async def delete_access_point(self, call: ControlCall) -> Output:
        """DeleteAccessPoint; refused while an Object Lambda access point uses it."""
        await self._records.delete_access_point(call.account_id, access_point_name(call, service="s3"))
        return Output()

    async def list_access_points(self, call: ControlCall) -> Output:
        """ListAccessPoints, by name, of one bucket when one is given."""
        bucket = call.params.get("Bucket")
        records = self._records.list_access_points(call.account_id)
        page = cut_page(
            [record for record in records if bucket in (None, "", record.bucket)],
            name_of=lambda record: record.name,
            token=call.params.get("NextToken"),
            most=results_wanted(call),
            refusal=InvalidRequest,
        )
        listed = {"AccessPointList": [_listed(record) for record in page.items]}
        return Output(members={**listed, **({"NextToken": page.next_token} if page.next_token else {})})

    async def put_access_point_policy(self, call: ControlCall) -> Output:
        """PutAccessPointPolicy; no public policy while ``BlockPublicPolicy`` is on, as it is by default."""
        policy = check_policy(call.params.get("Policy"))
        refuse_public_policy(self._records, call.account_id, policy)
        await self._set_policy(call, policy)
        return Output()

    async def get_access_point_policy(self, call: ControlCall) -> Output:
        """GetAccessPointPolicy."""
        return Output(members={"Policy": require_policy(self._find(call).policy)})

    async def delete_access_point_policy(self, call: ControlCall) -> Output:
        """DeleteAccessPointPolicy; nothing to delete is no error."""
        await self._set_policy(call, None)
        return Output()

    async def get_access_point_policy_status(self, call: ControlCall) -> Output:
        """GetAccessPointPolicyStatus."""
        policy = require_policy(self._find(call).policy)
        return Output(members={"PolicyStatus": {"IsPublic": is_public(policy)}})

    async def _set_policy(self, call: ControlCall, policy: str | None) -> None:
        name = access_point_name(call, service="s3")
        await self._records.update_access_point(
            call.account_id, name, lambda record: _with_policy(record, policy)
        )

    def _find(self, call: ControlCall) -> AccessPoint:
        record = self._records.access_point(call.account_id, access_point_name(call, service="s3"))
        if record is None:
            raise NoSuchAccessPoint
        return record


def access_point_name(call: ControlCall, *, service: str) -> str:
    """The name in ``Name``, which clients may also give as an ARN.

    Raises:
        NoSuchAccessPoint: the ARN is of another account, Region or kind.
        InvalidArgument, InvalidRequest: it looks like an ARN and is none.
    """
    name: str = call.params["Name"]
    if not name.startswith("arn:"):
        return name
    arn = parse_access_point_arn(name)
    if (arn.service, arn.account_id, arn.region) != (service, call.account_id, call.region):
        raise NoSuchAccessPoint
    return arn.name


def results_wanted(call: ControlCall) -> int:
    """How many records a list shall hold.

    Raises:
        InvalidRequest: ``MaxResults`` is out of range.
    """
    return check_page_size(
        call.params.get("MaxResults"),
        default=MOST_RESULTS,
        largest=MOST_RESULTS,
        member="MaxResults",
        refusal=InvalidRequest,
    )


def _with_policy(record: AccessPoint, policy: str | None) -> AccessPoint:
    """Source: Amazon S3 User Guide, "Blocking public access": BlockPublicPolicy refuses the Put itself."""
    if policy is not None and record.public_access_block.get("BlockPublicPolicy") and is_public(policy):
        raise AccessDenied(
            "This policy is public, and BlockPublicPolicy is on for the access point. Name principals, or "
            "create the access point with a PublicAccessBlockConfiguration that allows it."
        )
    return replace(record, policy=policy)


def _refuse_unsupported(call: ControlCall) -> None:
    """What would narrow access may not be dropped in silence."""
    for member in ("VpcConfiguration", "Scope"):
        if call.params.get(member):
            raise InvalidRequest(f"{member} is not supported. Leave it out.")
    if call.params.get("BucketAccountId") not in (None, "", call.account_id):
        raise InvalidRequest("The bucket must belong to the account of the access point.")


def _public_access_block(given: Mapping[str, Any] | None) -> Mapping[str, bool]:
    """All four on when nothing is said; of a structure, what it does not name is off."""
    if given is None:
        return dict.fromkeys(PUBLIC_ACCESS_BLOCK, True)
    return {member: bool(given.get(member)) for member in PUBLIC_ACCESS_BLOCK}


def _listed(record: AccessPoint) -> dict[str, Any]:
    return {
        "Name": record.name,
        "NetworkOrigin": "Internet",
        "Bucket": record.bucket,
        "BucketAccountId": record.account_id,
        "AccessPointArn": record.arn,
        "Alias": record.alias,
    }
