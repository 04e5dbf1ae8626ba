"""May they manage: a service's own operations, by what their head and their document name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onread.addressing.arn import parse_function_reference
from onread.errors import AccessDenied
from onread.gateway.asker import Asker
from onread.gateway.attached_policies import AttachedPolicies
from onread.gateway.call import ResolvedCall
from onread.gateway.conditions import Conditions
from onread.gateway.stored_policy import read_trust
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.metadata.records import User
from onread.policy.actions import required_action, service_resource
from onread.policy.evaluate import AttachedPolicy
from onread.policy.principal import Principal, PrincipalKind
from onread.policy.trust import ASSUME_ROLE, LAMBDA
from onread.protocol.model import Operation

# "No permissions are required to perform this operation": AWS Security Token Service API Reference.
_FREE_TO_ALL = frozenset({("sts", "GetCallerIdentity"), ("sts", "GetSessionToken")})
_WITH_LAYERS = frozenset({"CreateFunction", "UpdateFunctionConfiguration"})
# What a user's temporary credentials are good for at STS. Source: STS API Reference, GetSessionToken: "You
# cannot call any IAM API operations unless MFA authentication information is included", nor any of STS
# "except AssumeRole or GetCallerIdentity".
_OPEN_TO_USER_SESSIONS = frozenset({"AssumeRole", "GetCallerIdentity"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceRules:
    """What a service's own operations need."""

    records: Records
    account_id: str
    region: str
    attached: AttachedPolicies

    def check(self, call: ResolvedCall, asker: Asker) -> None:
        """Asked before a document is read, by what the head names; and again by what the document names.

        One that had to be read already (IAM's form, Lambda's JSON without its hash) is asked about once.
        """
        routed = call.known.routed
        if routed.document is None or routed.operation.service == "s3":
            self.require_named(routed.operation, asker, routed.params)

    def require_named(self, operation: Operation, asker: Asker, params: Mapping[str, Any]) -> None:
        """Ask about what the members name.

        Raises:
            AccessDenied: it is not allowed.
        """
        _refuse_user_sessions(operation, asker.principal)
        if (operation.service, operation.name) in _FREE_TO_ALL:
            return
        if operation.service == "sts" and operation.name == "AssumeRole":
            self._require_trust(asker, params)
            return
        found = self._identity(operation, asker.principal, params)
        resource = found.arn if found is not None else self._resource(operation, params)
        extra = _of_iam(params, found) if operation.service == "iam" else None
        asker.require(
            required_action(operation.service, operation.name, params),
            resource,
            self._of_function(operation, resource),
            extra=extra,
        )
        if operation.service == "lambda" and params.get("Role"):
            self._require_pass_role(asker, str(params["Role"]))
        if operation.name in _WITH_LAYERS:
            self._require_layers(asker, params.get("Layers") or ())

    def _require_pass_role(self, asker: Asker, role_arn: str) -> None:
        """Whoever gives a function a role gives away what the role may do.

        Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
        """
        extra: Conditions = {"iam:passedtoservice": (LAMBDA,)}
        if not asker.allows("iam:PassRole", role_arn, (), extra):
            raise AccessDenied(f"You are not authorized to perform iam:PassRole on {role_arn[:300]}.")

    def _require_layers(self, asker: Asker, layers: Sequence[str]) -> None:
        """Whoever gives a function a layer can have it read, and so must be allowed to read it.

        Source: AWS Lambda Developer Guide, "Granting layer access": "lambda:GetLayerVersion".
        """
        for arn in layers:
            if not asker.allows("lambda:GetLayerVersion", str(arn), (), {}):
                raise AccessDenied(
                    f"You are not authorized to perform lambda:GetLayerVersion on {str(arn)[:300]}."
                )

    def _require_trust(self, asker: Asker, params: Mapping[str, Any]) -> None:
        """AssumeRole: the role's trust must include the caller, and name him or leave it to his policies.

        Which of the two was missing, or whether the role exists, is not told.
        """
        role = self.records.identities.role_by_arn(str(params.get("RoleArn", "")))
        if role is None or role.account_id != self.account_id:
            raise AccessDenied("You are not authorized to assume that role.")
        if asker.principal.kind is PrincipalKind.ROOT:
            raise AccessDenied("Roles may not be assumed by root accounts.")
        trust = AttachedPolicy(
            policy=read_trust(role.trust_policy), resource=role.arn, name="trust policy", must_allow=True
        )
        extra = _of_assume_role(params)
        actions = [ASSUME_ROLE, *(["sts:TagSession"] if params.get("Tags") else [])]
        actions += ["sts:SetSourceIdentity"] if params.get("SourceIdentity") else []
        for action in actions:
            if not asker.allows(action, role.arn, [trust], extra):
                raise AccessDenied("You are not authorized to assume that role.")

    def _resource(self, operation: Operation, params: Mapping[str, Any]) -> str:
        return service_resource(
            operation.service, operation.name, params, account_id=self.account_id, region=self.region
        )

    def _of_function(self, operation: Operation, resource: str) -> Sequence[AttachedPolicy]:
        """The resource policy of the function that an operation of Lambda is about."""
        if operation.service != "lambda" or ":function:" not in resource:
            return ()
        named = parse_function_reference(resource)
        qualifier = named.qualifier or "$LATEST"
        return self.attached.function(named.account_id or self.account_id, named.name, qualifier, resource)

    def _identity(
        self, operation: Operation, principal: Principal, params: Mapping[str, Any]
    ) -> User | Role | None:
        """The user or role whom an IAM operation will find: in any letter case, below a path.

        Without a name, a user's operation is about the caller.
        """
        if operation.service != "iam" or operation.input is None:
            return None
        members = operation.input.members
        if operation.name == "GetAccessKeyLastUsed":  # names a key alone, and is about its user
            key = self.records.access_key(str(params.get("AccessKeyId", "")))
            return None if key is None or key.user_name is None else self._user(key.user_name)
        if "UserName" in members:
            name = params.get("UserName") or principal.user_name
            return self._user(name) if name else None
        if "RoleName" in members and params.get("RoleName"):
            return self.records.identities.role(self.account_id, params["RoleName"])
        return None

    def _user(self, name: str) -> User | None:
        return self.records.user(self.account_id, name)


def _refuse_user_sessions(operation: Operation, principal: Principal) -> None:
    """T-017: what GetSessionToken gave changes no identities and mints nothing further."""
    if principal.session is None or principal.kind is PrincipalKind.ASSUMED_ROLE:
        return
    if operation.service == "iam":
        raise AccessDenied("The credentials of GetSessionToken are not good for IAM. Use permanent ones.")
    if operation.service == "sts" and operation.name not in _OPEN_TO_USER_SESSIONS:
        raise AccessDenied(f"Cannot call {operation.name} with session credentials.")


def _of_assume_role(params: Mapping[str, Any]) -> Conditions:
    """Source: Service Authorization Reference, AWS STS, "Condition keys"."""
    given = (
        ("sts:externalid", params.get("ExternalId")),
        ("sts:rolesessionname", params.get("RoleSessionName")),
        ("sts:sourceidentity", params.get("SourceIdentity")),
    )
    conditions: Conditions = {key: (str(value),) for key, value in given if value}
    tags = params.get("Tags") or ()
    for tag in tags:
        conditions[f"aws:requesttag/{str(tag.get('Key', '')).lower()}"] = (str(tag.get("Value", "")),)
    if tags:
        conditions["aws:tagkeys"] = tuple(str(tag.get("Key", "")) for tag in tags)
    return conditions


def _of_iam(params: Mapping[str, Any], found: User | Role | None) -> Conditions:
    """The keys that let somebody manage others within bounds.

    Source: Service Authorization Reference, IAM, "iam:PolicyARN" and "iam:PermissionsBoundary".
    """
    boundary = params.get("PermissionsBoundary") or (found.boundary if found is not None else None)
    given = (("iam:policyarn", params.get("PolicyArn")), ("iam:permissionsboundary", boundary))
    return {key: (str(value),) for key, value in given if value}
