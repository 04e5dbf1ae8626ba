"""May they manage: a service's own operations, by what their head and their document name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onread.addressing.arn import parse_function_reference
from onread.gateway.asker import Asker
from onread.gateway.attached_policies import AttachedPolicies
from onread.gateway.call import ResolvedCall
from onread.gateway.conditions import Conditions
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.metadata.records import User
from onread.policy.actions import required_action, service_resource
from onread.policy.evaluate import AttachedPolicy
from onread.policy.principal import Principal
from onread.protocol.model import Operation

# "No permissions are required to perform this operation": AWS Security Token Service API Reference.
_FREE_TO_ALL = frozenset({("sts", "GetCallerIdentity")})


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
        if (operation.service, operation.name) in _FREE_TO_ALL:
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
        if "UserName" in members:
            name = params.get("UserName") or principal.user_name
            return self.records.user(self.account_id, name) if name else None
        if "RoleName" in members and params.get("RoleName"):
            return self.records.identities.role(self.account_id, params["RoleName"])
        return None


def _of_iam(params: Mapping[str, Any], found: User | Role | None) -> Conditions:
    """The keys that let somebody manage others within bounds.

    Source: Service Authorization Reference, IAM, "iam:PolicyARN" and "iam:PermissionsBoundary".
    """
    boundary = params.get("PermissionsBoundary") or (found.boundary if found is not None else None)
    given = (("iam:policyarn", params.get("PolicyArn")), ("iam:permissionsboundary", boundary))
    return {key: (str(value),) for key, value in given if value}
