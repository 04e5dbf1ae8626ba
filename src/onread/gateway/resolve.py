"""Names become records."""

import re
from dataclasses import dataclass, field

from onread.addressing.address import (
    AccessPointAddress,
    Address,
    AliasAddress,
    BucketAddress,
    ControlAddress,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
    WriteAddress,
)
from onread.addressing.arn import FunctionReference, parse_access_point_arn, parse_lambda_arn
from onread.errors import (
    AccessDenied,
    InvalidAccessPoint,
    InvalidAccessPointAliasError,
    InvalidArgument,
    InvalidBucketOwnerAWSAccountID,
    InvalidRequest,
    NoSuchAccessPoint,
    ServiceError,
)
from onread.gateway.call import (
    AccessPointTarget,
    AuthenticatedCall,
    BucketFunctionTarget,
    BucketTarget,
    ObjectLambdaTarget,
    ResolvedCall,
    ServiceTarget,
    Target,
    WriteTarget,
)
from onread.metadata.facade import Records
from onread.metadata.records import AccessPoint, ObjectLambdaAccessPoint
from onread.objectlambda.configuration import parse_configuration
from onread.objectlambda.event import parameters
from onread.protocol.query_string import read_query
from onread.wire.message import Headers

LAMBDA_ARN = "lambdaArn"
_MOST_KNOWN = 1024
# Every bucket here is the one account's, whichever store holds it.
_EXPECTED_OWNERS = ("x-amz-expected-bucket-owner", "x-amz-source-expected-bucket-owner")


class _Known:
    """Targets by address, as of one state of the records."""

    __slots__ = ("_mark", "_targets")

    def __init__(self) -> None:
        self._mark: object = None
        self._targets: dict[Address, Target] = {}

    def as_of(self, mark: object) -> dict[Address, Target]:
        """Those of this state; none at first when it is another one."""
        if mark is not self._mark:
            self._mark, self._targets = mark, {}
        return self._targets


@dataclass(frozen=True, slots=True)
class Resolver:
    """Looks names up in memory; nothing here waits."""

    records: Records
    account_id: str
    _known: _Known = field(default_factory=_Known, init=False)

    def __call__(self, known: AuthenticatedCall) -> ResolvedCall:
        """The call with the records that its names stand for.

        Raises:
            NoSuchAccessPoint, InvalidAccessPointAliasError: nothing bears that name.
            AccessDenied: the expected bucket owner is not the owner (checked on every route).
        """
        self._check_expected_owner(known.routed.request.headers)
        target = self._target(known.routed.address)
        if isinstance(target, BucketTarget) and (function := _named_function(known)) is not None:
            target = BucketFunctionTarget(target.bucket, function)
        return ResolvedCall(known=known, target=target)

    def bucket_of(self, address: Address) -> str | None:
        """The bucket behind a name; None when it names nothing, or nothing with a bucket behind it."""
        if isinstance(address, BucketAddress):
            return address.name
        if isinstance(address, ServiceAddress | ControlAddress | WriteAddress):
            return None
        try:
            target = self._target(address)
        except ServiceError:
            return None
        if isinstance(target, ObjectLambdaTarget):
            return target.supporting.bucket
        return target.access_point.bucket if isinstance(target, AccessPointTarget) else None

    def _check_expected_owner(self, headers: Headers) -> None:
        for name in _EXPECTED_OWNERS:
            owner = headers.get(name)
            if owner is None:
                continue
            if not re.fullmatch(r"[0-9]{12}", owner):
                raise InvalidBucketOwnerAWSAccountID
            if owner != self.account_id:
                raise AccessDenied

    def _target(self, address: Address) -> Target:
        """What an address stands for, remembered until a record changes."""
        targets = self._known.as_of(self.records.state)
        target = targets.get(address)
        if target is None:
            target = self._find(address)
            if len(targets) >= _MOST_KNOWN:  # strangers invent names
                targets.clear()
            targets[address] = target
        return target

    def _find(self, address: Address) -> Target:
        match address:
            case ServiceAddress():
                return ServiceTarget(self.account_id)
            case ControlAddress(account_id):
                return ServiceTarget(self._own_account(account_id))
            case WriteAddress(route):
                return WriteTarget(route)
            case BucketAddress(name):
                return BucketTarget(name)
            case AccessPointAddress(name, account_id):
                return AccessPointTarget(self._access_point(name, account_id))
            case ObjectLambdaAccessPointAddress(name, account_id):
                found = self.records.object_lambda_access_point(account_id, name)
                if found is None:
                    raise NoSuchAccessPoint(AccessPointName=name)
                return self._object_lambda(found)
            case AliasAddress(alias):
                return self._alias(alias)

    def _own_account(self, account_id: str | None) -> str:
        if account_id is None:
            raise InvalidRequest("Send x-amz-account-id with your twelve-digit account id.")
        if account_id != self.account_id:
            raise AccessDenied
        return account_id

    def _access_point(self, name: str, account_id: str) -> AccessPoint:
        found = self.records.access_point(account_id, name)
        if found is None:
            raise NoSuchAccessPoint(AccessPointName=name)
        return found

    def _alias(self, alias: str) -> Target:
        if (olap := self.records.object_lambda_access_point_by_alias(alias)) is not None:
            return self._object_lambda(olap)
        if (access_point := self.records.access_point_by_alias(alias)) is not None:
            return AccessPointTarget(access_point)
        raise InvalidAccessPointAliasError(f"No access point has the alias {alias[:80]}.")

    def _object_lambda(self, found: ObjectLambdaAccessPoint) -> ObjectLambdaTarget:
        configuration = parse_configuration(found.configuration)
        supporting = parse_access_point_arn(configuration.supporting_access_point)
        record = self.records.access_point(supporting.account_id, supporting.name)
        if record is None or supporting.account_id != found.account_id:
            raise InvalidAccessPoint(
                "The supporting access point of this Object Lambda access point is gone."
            )
        settings = self.records.object_lambda_settings.of(found.account_id, found.name)
        return ObjectLambdaTarget(found, configuration, record, settings)


def _named_function(known: AuthenticatedCall) -> FunctionReference | None:
    """The function through which an object is to be read, when the URL names one: MinIO's ``?lambdaArn=``.

    Raises:
        InvalidArgument: it names several.
        InvalidRequest: it names something else.
    """
    query = known.routed.request.query
    if not query or known.routed.operation.name != "GetObject" or LAMBDA_ARN not in read_query(query):
        return None
    named = [value for name, value in parameters(query) if name == LAMBDA_ARN]
    if len(named) > 1:
        raise InvalidArgument(f"{LAMBDA_ARN} may be given once.", ArgumentName=LAMBDA_ARN)
    return parse_lambda_arn(named[0]) if named else None
