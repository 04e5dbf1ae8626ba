"""May they manage: a service's own operations, by what their head and their document name."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from onread.gateway.asker import Asker
from onread.gateway.call import ResolvedCall
from onread.metadata.facade import Records
from onread.policy.actions import required_action, service_resource
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
