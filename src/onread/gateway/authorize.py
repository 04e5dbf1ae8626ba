"""May they: every policy on the way, joined. Nothing else makes an `AuthorizedCall`.

The rules stand beside it by what is addressed: `authorize_service`, `authorize_data`. What the caller brings
along is in `own_policies`, what hangs on the resources in `attached_policies`.

Source: Amazon S3 User Guide, "Configuring IAM policies for Object Lambda access points".
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from typing import Any, TypeVar

from onread.addressing.arn import FunctionReference
from onread.errors import AccessDenied, LambdaPermissionError, MissingAuthenticationToken
from onread.gateway.asker import Asker
from onread.gateway.attached_policies import AttachedPolicies, Place
from onread.gateway.authorize_data import DataRules, check_grant, conditions_of, is_bare, of_batch
from onread.gateway.authorize_service import ServiceRules
from onread.gateway.call import (
    AccessPointTarget,
    AuthenticatedCall,
    AuthorizedCall,
    BucketFunctionTarget,
    BucketTarget,
    ObjectLambdaTarget,
    ResolvedCall,
    RoutedCall,
    ServiceTarget,
    Target,
    WriteTarget,
    is_object_lambda,
)
from onread.gateway.conditions import Conditions, called_via, request_conditions
from onread.gateway.known_tags import KnownTags, LookUpTags, TaggedObject, no_tags
from onread.gateway.own_policies import OwnPoliciesOf
from onread.metadata.facade import Records
from onread.metadata.records import AccessPoint
from onread.objectlambda.configuration import parse_function_arn
from onread.objectlambda.sessions import CALLED_VIA
from onread.policy.actions import function_arn, object_lambda_actions
from onread.policy.principal import PrincipalKind
from onread.wire.frozen import frozen

_VIA_OBJECT_LAMBDA = called_via((CALLED_VIA,))
_NO_KEYS = Place(arn="*")
_Answer = TypeVar("_Answer")


def _never(_bucket: str) -> bool:
    return False


@dataclass(frozen=True, kw_only=True)
class Authorizer:
    """Joins identity policies, the policies of resources and the bounds of sessions.

    Args:
        resolve: finds the records that a call names, as they are now.
        look_up_tags: asks the store for an object's tags when a policy names them.
        forwards: see `DataRules`.
    """

    records: Records
    account_id: str
    region: str
    resolve: Callable[[AuthenticatedCall], ResolvedCall]
    attached: AttachedPolicies = field(default_factory=AttachedPolicies)
    look_up_tags: LookUpTags = no_tags
    forwards: Callable[[str], bool] = _never

    async def __call__(self, call: ResolvedCall, *, now: datetime) -> AuthorizedCall:
        """The call, when everything on the way agrees.

        Raises:
            AccessDenied: a policy denies or none allows; the log says which.
            LambdaPermissionError: the caller may read, but not invoke the function.
            SlowDown, ServiceUnavailable: it is for an object's tags to say, and its store does not answer.
        """
        tags = KnownTags(self.look_up_tags, call.known.routed.request_id)
        return await tags.answer(partial(self._ask, call, now, tags))

    def _ask(self, call: ResolvedCall, now: datetime, tags: KnownTags) -> AuthorizedCall:
        """By the policies there are when it is put, the caller's own as well."""
        known = call.known
        own = self._own_policies(known.principal)
        asker = Asker(
            known.principal,
            own,
            self.account_id,
            partial(
                request_conditions,
                known,
                now=now,
                account_id=self.account_id,
                region=self.region,
                tags=own.tags,
            ),
            known.routed.request_id,
            tags,
            let_in=_is_let_in(call),
        )
        return AuthorizedCall(resolved=call, rights=_Rights(self, call, asker, self._check(call, asker), now))

    @cached_property
    def _own_policies(self) -> OwnPoliciesOf:
        return OwnPoliciesOf(self.records)

    @cached_property
    def services(self) -> ServiceRules:
        """The rules of services' own operations."""
        return ServiceRules(
            records=self.records,
            account_id=self.account_id,
            region=self.region,
            attached=self.attached,
        )

    @cached_property
    def data(self) -> DataRules:
        """The rules of objects and buckets."""
        return DataRules(
            attached=self.attached,
            forwards=self.forwards,
            find_source=self.records.find_source,
        )

    def _check(self, call: ResolvedCall, asker: Asker) -> Place:
        """Ask everything; what holds the keys, for later questions about single ones."""
        principal, target = asker.principal, call.target
        if principal.function_session and principal.role_id is None and not isinstance(target, WriteTarget):
            raise AccessDenied(
                "The function's role does not exist or does not trust lambda.amazonaws.com: "
                "these credentials are good for WriteGetObjectResponse alone."
            )
        if principal.input_grant and not isinstance(target, AccessPointTarget | BucketTarget):
            raise AccessDenied("This URL reads only the object that it was made for.")
        match call.target:
            case ServiceTarget():
                self.services.check(call, asker)
                return _NO_KEYS
            case WriteTarget():
                return self._check_write(asker)
            case BucketTarget(bucket):
                return self._check_bucket(call, asker, bucket)
            case BucketFunctionTarget(bucket, function):
                place = self._check_bucket(call, asker, bucket)
                self._check_function(asker, function)
                return place
            case AccessPointTarget(access_point):
                check_grant(call, access_point.arn)
                return self._check_access_point(call, asker, access_point, {})
            case ObjectLambdaTarget() as target:
                return self._check_object_lambda(call, asker, target)

    def _check_bucket(self, call: ResolvedCall, asker: Asker, bucket: str) -> Place:
        self.attached.refuse_strangers(asker.principal, bucket)
        place = self.attached.bucket(bucket)
        check_grant(call, place.arn)
        self.data.check(call, asker, place)
        return place

    def _check_write(self, asker: Asker) -> Place:
        resource = f"arn:aws:s3-object-lambda:{self.region}:{self.account_id}:accesspoint/*"
        if asker.principal.function_session is None:
            asker.require("s3-object-lambda:WriteGetObjectResponse", resource)
        return Place(arn=resource)

    def _check_access_point(
        self, call: ResolvedCall, asker: Asker, access_point: AccessPoint, extra: Conditions
    ) -> Place:
        if not asker.let_in:
            self.attached.refuse_strangers(asker.principal, access_point.bucket, access_point)
        place = self.attached.access_point(access_point, extra)
        self.data.check(call, asker, place)
        return place

    def _check_object_lambda(self, call: ResolvedCall, asker: Asker, target: ObjectLambdaTarget) -> Place:
        operation, params = call.known.routed.operation, call.known.routed.params
        place = self.attached.object_lambda(target.access_point)
        if asker.let_in and not is_object_lambda(call):
            raise MissingAuthenticationToken  # strangers see what the function makes, never the original
        actions = object_lambda_actions(operation.name, params)
        if operation.name == "DeleteObjects":  # whose keys are asked about here, too, when they are known
            return self._check_access_point(call, asker, target.supporting, _VIA_OBJECT_LAMBDA)
        # Strangers are let in to read what there is; to name a version needs its own grant, as everywhere.
        granted = asker.let_in and params.get("VersionId") is None
        original = _original(target, params.get("Key"), params.get("VersionId"))
        extra, bare = conditions_of({"VersionId": params.get("VersionId")}), is_bare(operation.name)
        for action in actions:
            if not self.data.may_at_object_lambda(
                asker, place, action, original, extra, granted=granted, bare=bare
            ):
                raise AccessDenied
        transformation = target.transformation_for(operation.name)
        if target.lists_results(operation.name):
            self._check_reading(asker, place, target)
        if transformation is None:
            return self._check_access_point(call, asker, target.supporting, _VIA_OBJECT_LAMBDA)
        self._check_function(asker, parse_function_arn(transformation.function_arn))
        return place

    def _check_reading(self, asker: Asker, place: Place, target: ObjectLambdaTarget) -> None:
        """A list that tells what reading would give needs what reading does; each key is asked later."""
        asker.require("s3-object-lambda:GetObject", place.arn, place.attached)
        transformation = target.transformation_for("GetObject")
        assert transformation is not None
        self._check_function(asker, parse_function_arn(transformation.function_arn))

    def _check_function(self, asker: Asker, function: FunctionReference) -> None:
        """ "The version must be included": an unqualified function is its ``$LATEST``."""
        qualifier = function.qualifier or "$LATEST"
        arn = function_arn(
            region=self.region, account_id=self.account_id, name=function.name, qualifier=qualifier
        )
        asker.require(
            "lambda:InvokeFunction",
            arn,
            self.attached.function(self.account_id, function.name, qualifier, arn),
            extra=_VIA_OBJECT_LAMBDA,
            refusal=LambdaPermissionError,
        )


@frozen()
class _Rights:
    """See `Rights`; of the one who asked, at the place that was addressed."""

    authorizer: Authorizer
    call: ResolvedCall
    asker: Asker
    place: Place
    now: datetime

    async def may_delete(self, items: Iterable[Mapping[str, Any]]) -> list[bool]:
        return await self.asker.tags.answers(partial(self._may_delete, each) for each in items)

    def _may_delete(self, item: Mapping[str, Any]) -> bool:
        data, target = self.authorizer.data, self.call.target
        if isinstance(target, ObjectLambdaTarget):
            point = self.authorizer.attached.object_lambda(target.access_point)
            asked = of_batch(item, self._routed.params)
            original, extra = _original(target, item["Key"], asked["VersionId"]), conditions_of(asked)
            for action in object_lambda_actions("DeleteObject", asked):
                if not data.may_at_object_lambda(self.asker, point, action, original, extra):
                    return False
        return data.may_delete(self.asker, self.place, item, self._routed.params)

    async def may_read_result(self, key: str) -> bool:
        return await self._answer(self._may_read_result, key)

    def _may_read_result(self, key: str) -> bool:
        target, authorizer = self.call.target, self.authorizer
        if not isinstance(target, ObjectLambdaTarget):
            return False
        place = authorizer.attached.object_lambda(target.access_point)
        action, original = "s3-object-lambda:GetObject", _original(target, key, None)
        return authorizer.data.may_at_object_lambda(self.asker, place, action, original, {})

    def may_list(self) -> bool:
        return self.authorizer.data.may_list(self.asker, self.place)

    async def may_read_tags(self) -> bool:
        may_read_tags = self.authorizer.data.may_read_tags
        return await self._answer(may_read_tags, self.asker, self.place, self._routed.params)

    async def may_copy_tags(self) -> bool:
        may_copy_tags, routed = self.authorizer.data.may_copy_tags, self._routed
        return await self._answer(may_copy_tags, routed.operation.name, self.asker, self.place, routed.params)

    async def may_read_input(self) -> bool:
        return await self._answer(self._may_read_input)

    def _may_read_input(self) -> bool:
        """What is asked of an ``inputS3Url`` when it is used: for one that the gateway will not see."""
        target = self.call.target
        if not isinstance(target, ObjectLambdaTarget) or self.asker.principal.kind is PrincipalKind.ANONYMOUS:
            return False
        place = self.authorizer.attached.access_point(target.supporting, _VIA_OBJECT_LAMBDA)
        data = self.authorizer.data
        # A store tells everybody that an object is missing; the gateway, who may list alone.
        return data.may_read_input(self.asker, place, self._routed.params) and data.may_list(
            self.asker, place
        )

    async def may_read_object(self, bucket: str, key: str, version_id: str | None) -> bool:
        may_read_object = self.authorizer.data.may_read_object
        return await self._answer(may_read_object, self.asker, bucket, key, version_id)

    async def require_tags(self, params: Mapping[str, Any]) -> None:
        require_tags = self.authorizer.data.require_tags
        await self._answer(require_tags, self._routed.operation.name, self.asker, self.place, params)

    def require_named(self, params: Mapping[str, Any]) -> None:
        self.authorizer.services.require_named(self._routed.operation, self.asker, params)

    async def recheck(self) -> None:
        # Anew, by what records, policies and tags are now; only the time is still that of the request, and
        # the bucket, to which the body has gone.
        call = self.authorizer.resolve(self.call.known)
        if _bucket_of(call.target) != _bucket_of(self.call.target):
            raise AccessDenied("The access point leads to another bucket than when the upload began.")
        await self.authorizer(call, now=self.now)

    async def _answer(self, question: Callable[..., _Answer], *about: Any) -> _Answer:
        return await self.asker.tags.answer(partial(question, *about))

    @property
    def _routed(self) -> RoutedCall:
        return self.call.known.routed


def _bucket_of(target: Target) -> str | None:
    match target:
        case BucketTarget(bucket) | BucketFunctionTarget(bucket, _):
            return bucket
        case AccessPointTarget(access_point):
            return access_point.bucket
        case ObjectLambdaTarget():
            return target.supporting.bucket
        case ServiceTarget() | WriteTarget():
            return None


def _original(target: ObjectLambdaTarget, key: str | None, version_id: str | None) -> TaggedObject | None:
    return None if key is None else TaggedObject(target.supporting.bucket, key, version_id)


def _is_let_in(call: ResolvedCall) -> bool:
    """A reader without a name at an Object Lambda access point, or its function that fetches for one.

    Whether its owner lets them in was asked where the request was authenticated, by what it addresses.
    """
    principal = call.known.principal
    return principal.kind is PrincipalKind.ANONYMOUS and (
        isinstance(call.target, ObjectLambdaTarget)
        or (isinstance(call.target, AccessPointTarget) and principal.input_grant is not None)
    )
