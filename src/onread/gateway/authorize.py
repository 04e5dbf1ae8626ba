"""May they: every policy on the way, joined. Nothing else makes an `AuthorizedCall`.

Source: Amazon S3 User Guide, "Configuring IAM policies for Object Lambda access points".
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, partial
from typing import Any

import structlog

from onread.control.policies import is_public
from onread.errors import AccessDenied, LambdaPermissionError, MalformedPolicy, S3Error
from onread.gateway.call import (
    AccessPointTarget,
    AuthorizedCall,
    BucketTarget,
    ObjectLambdaTarget,
    ResolvedCall,
    ServiceTarget,
    WriteTarget,
)
from onread.gateway.conditions import Conditions, called_via, request_conditions
from onread.metadata.facade import Records
from onread.metadata.records import AccessPoint
from onread.objectlambda.configuration import parse_function_arn
from onread.objectlambda.event import parameters
from onread.objectlambda.input_url import check_input_grant
from onread.objectlambda.sessions import CALLED_VIA
from onread.policy.actions import (
    further_actions,
    required_action,
    service_resource,
    source_reads,
)
from onread.policy.document import parse_policy
from onread.policy.evaluate import DENY_ALL, AccessQuery, AttachedPolicy, decide
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.statement import Policy
from onread.protocol.model import Operation

_log = structlog.get_logger("onread.authorize")
_VIA_OBJECT_LAMBDA = called_via((CALLED_VIA,))
# "No permissions are required to perform this operation": AWS Security Token Service API Reference.
_FREE_TO_ALL = frozenset({("sts", "GetCallerIdentity")})


@dataclass(frozen=True)
class _Asker:
    """One caller with one request's conditions: everything that is asked is asked through it.

    Args:
        read_conditions: gives the request's conditions; asked once, when a policy has a say.
    """

    principal: Principal
    identity: Sequence[Policy]
    account_id: str
    read_conditions: Callable[[], Conditions]
    request_id: str

    @cached_property
    def conditions(self) -> Conditions:
        return self.read_conditions()

    def allows(
        self, action: str, resource: str, attached: Sequence[AttachedPolicy], extra: Conditions
    ) -> bool:
        if self._is_own_root and all(each.policy is None for each in attached):
            return True  # "the account's root may do everything", and no policy is there that could deny
        decision = decide(
            AccessQuery(
                principal=self.principal,
                action=action,
                resource=resource,
                context={**self.conditions, **extra} if extra else self.conditions,
            ),
            identity=self.identity,
            resource_policies=attached,
        )
        if not decision.allowed:
            _log.info("access.denied", request_id=self.request_id, action=action, reason=decision.reason)
        return decision.allowed

    @property
    def _is_own_root(self) -> bool:
        return self.principal.kind is PrincipalKind.ROOT and self.principal.account_id == self.account_id

    def require(
        self,
        action: str,
        resource: str,
        attached: Sequence[AttachedPolicy] = (),
        *,
        extra: Conditions | None = None,
        refusal: type[S3Error] = AccessDenied,
    ) -> None:
        if not self.allows(action, resource, attached, extra or {}):
            raise refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorizer:
    """Joins identity policies, access point policies and the bounds of sessions."""

    records: Records
    account_id: str
    region: str

    def __call__(self, call: ResolvedCall, *, now: datetime) -> AuthorizedCall:
        """The call, when everything on the way agrees.

        Raises:
            AccessDenied: a policy denies or none allows; the log says which.
            LambdaPermissionError: the caller may read, but not invoke the function.
        """
        known = call.known
        asker = _Asker(
            known.principal,
            self._identity(known.principal),
            self.account_id,
            partial(request_conditions, known, now=now, account_id=self.account_id, region=self.region),
            known.routed.request_id,
        )
        container, extra, attached = self._check(call, asker)
        return AuthorizedCall(
            resolved=call,
            may_delete=partial(_may_delete, asker, container, extra, attached),
            may_list=partial(asker.allows, "s3:ListBucket", container, attached, extra),
            require_named=partial(self._require_named, call, asker),
        )

    def allows(self, principal: Principal, action: str, resource: str) -> bool:
        """Whether a principal's own policies allow one more thing, beyond the request itself."""
        own: Conditions = {"aws:resourceaccount": (self.account_id,)}
        asker = _Asker(principal, self._identity(principal), self.account_id, lambda: own, "")
        return asker.allows(action, resource, (), {})

    def _identity(self, principal: Principal) -> Sequence[Policy]:
        if principal.user_name is None:
            return ()
        user = self.records.user(principal.account_id, principal.user_name)
        return [_read(text, resource_policy=False) for text in user.policies.values()] if user else ()

    def _check(self, call: ResolvedCall, asker: _Asker) -> tuple[str, Conditions, Sequence[AttachedPolicy]]:
        """Ask everything; what holds the keys, for later questions about single ones."""
        if asker.principal.function_session and not isinstance(call.target, WriteTarget):
            raise AccessDenied("These credentials are good for WriteGetObjectResponse alone.")
        if asker.principal.input_grant and not isinstance(call.target, AccessPointTarget):
            raise AccessDenied("This URL reads only the object that it was made for.")
        match call.target:
            case ServiceTarget():
                return self._check_service(call, asker)
            case WriteTarget():
                return self._check_write(asker)
            case BucketTarget(bucket):
                return self._check_data(call, asker, f"arn:aws:s3:::{bucket}", "/", (), {})
            case AccessPointTarget(access_point):
                self._check_grant(call, access_point)
                return self._check_access_point(call, asker, access_point, {})
            case ObjectLambdaTarget() as target:
                return self._check_object_lambda(call, asker, target)

    def _check_service(
        self, call: ResolvedCall, asker: _Asker
    ) -> tuple[str, Conditions, Sequence[AttachedPolicy]]:
        """Asked before a document is read, by what the head names; and again by what the document names.

        One that had to be read already (IAM's form, Lambda's JSON without its hash) is asked about once.
        """
        routed = call.known.routed
        if routed.document is None or routed.operation.service == "s3":
            self._require_named(call, asker, routed.params)
        return "*", {}, ()

    def _require_named(self, call: ResolvedCall, asker: _Asker, params: Mapping[str, Any]) -> None:
        operation = call.known.routed.operation
        if (operation.service, operation.name) in _FREE_TO_ALL:
            return
        resource = self._user_arn(operation, asker.principal, params) or service_resource(
            operation.service, operation.name, params, account_id=self.account_id, region=self.region
        )
        asker.require(required_action(operation.service, operation.name, params), resource)

    def _user_arn(self, operation: Operation, principal: Principal, params: Mapping[str, Any]) -> str | None:
        """The user whom an IAM operation will find: in any letter case, below a path, else the caller."""
        if operation.service != "iam" or operation.input is None or "UserName" not in operation.input.members:
            return None
        name = params.get("UserName") or principal.user_name
        user = self.records.user(self.account_id, name) if name else None
        return user.arn if user else None

    def _check_write(self, asker: _Asker) -> tuple[str, Conditions, Sequence[AttachedPolicy]]:
        resource = f"arn:aws:s3-object-lambda:{self.region}:{self.account_id}:accesspoint/*"
        if asker.principal.function_session is None:
            asker.require("s3-object-lambda:WriteGetObjectResponse", resource)
        return resource, {}, ()

    def _check_grant(self, call: ResolvedCall, access_point: AccessPoint) -> None:
        routed = call.known.routed
        check_input_grant(
            call.known.principal,
            method=routed.request.method,
            access_point_arn=access_point.arn,
            key=routed.params.get("Key"),
            version_id=routed.params.get("VersionId"),
            query=parameters(routed.request.query),
        )

    def _check_access_point(
        self, call: ResolvedCall, asker: _Asker, access_point: AccessPoint, extra: Conditions
    ) -> tuple[str, Conditions, Sequence[AttachedPolicy]]:
        _refuse_the_public(asker.principal, access_point)
        extra = {
            **extra,
            "s3:dataaccesspointarn": (access_point.arn,),
            "s3:dataaccesspointaccount": (access_point.account_id,),
            "s3:accesspointnetworkorigin": ("Internet",),
        }
        attached = [_attached(access_point.policy, access_point.arn, "access point policy")]
        return self._check_data(call, asker, access_point.arn, "/object/", attached, extra)

    def _check_object_lambda(
        self, call: ResolvedCall, asker: _Asker, target: ObjectLambdaTarget
    ) -> tuple[str, Conditions, Sequence[AttachedPolicy]]:
        operation, params = call.known.routed.operation, call.known.routed.params
        olap = target.access_point
        attached = [_attached(olap.policy, olap.arn, "Object Lambda access point policy")]
        asker.require(required_action("s3-object-lambda", operation.name, params), olap.arn, attached)
        transformation = target.configuration.transformation_for(operation.name)
        if transformation is None:
            return self._check_access_point(call, asker, target.supporting, _VIA_OBJECT_LAMBDA)
        asker.require(
            "lambda:InvokeFunction",
            self._function_arn(transformation.function_arn),
            extra=_VIA_OBJECT_LAMBDA,
            refusal=LambdaPermissionError,
        )
        return olap.arn, {}, attached

    def _function_arn(self, text: str) -> str:
        """ "The version must be included": an unqualified function is its ``$LATEST``."""
        function = parse_function_arn(text)
        qualifier = function.qualifier or "$LATEST"
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{function.name}:{qualifier}"

    def _check_data(
        self,
        call: ResolvedCall,
        asker: _Asker,
        container: str,
        separator: str,
        attached: Sequence[AttachedPolicy],
        extra: Conditions,
    ) -> tuple[str, Conditions, Sequence[AttachedPolicy]]:
        operation, params = call.known.routed.operation, call.known.routed.params
        key = params.get("Key")
        prefix = f"{container}{separator}"
        resource = container if key is None else f"{prefix}{key}"
        if operation.name == "DeleteObjects":  # asked key by key, when the document has been read
            if asker.principal.kind is PrincipalKind.ANONYMOUS:
                raise AccessDenied
        else:
            own = [_at(each, resource) for each in attached]
            for action in (
                required_action("s3", operation.name, params),
                *further_actions(operation.name, params),
            ):
                asker.require(action, resource, own, extra=extra)
        for action, source in source_reads(operation.name, params):
            asker.require(action, source)
        return container, extra, attached


def _read(text: str, *, resource_policy: bool) -> Policy:
    """A stored policy. One that an older onread took and this one cannot read denies everything."""
    try:
        return parse_policy(text, resource_policy=resource_policy)
    except MalformedPolicy as error:
        _log.error("policy.unreadable", reason=error.text)
        return DENY_ALL


def _refuse_the_public(principal: Principal, access_point: AccessPoint) -> None:
    """Block Public Access: with ``RestrictPublicBuckets`` a public policy opens nothing to strangers."""
    if principal.kind is not PrincipalKind.ANONYMOUS or access_point.policy is None:
        return
    if access_point.public_access_block.get("RestrictPublicBuckets") and is_public(access_point.policy):
        raise AccessDenied


def _attached(policy: str | None, resource: str, name: str) -> AttachedPolicy:
    parsed = _read(policy, resource_policy=True) if policy is not None else None
    return AttachedPolicy(policy=parsed, resource=resource, name=name)


def _at(attached: AttachedPolicy, resource: str) -> AttachedPolicy:
    return AttachedPolicy(policy=attached.policy, resource=resource, name=attached.name)


def _may_delete(
    asker: _Asker,
    container: str,
    extra: Conditions,
    attached: Sequence[AttachedPolicy],
    key: str,
    version_id: str | None,
) -> bool:
    separator = "/object/" if ":accesspoint/" in container else "/"
    resource = f"{container}{separator}{key}"
    action = "s3:DeleteObjectVersion" if version_id is not None else "s3:DeleteObject"
    return asker.allows(action, resource, [_at(each, resource) for each in attached], extra)
