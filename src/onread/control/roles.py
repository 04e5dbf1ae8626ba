"""IAM: roles, their trust and their inline policies."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import (
    LONGEST_TRUST_POLICY,
    check_document,
    check_inline_quota,
    encode_document,
    find_policy,
    find_role,
    inline_policy,
    page_of,
    policy_name,
    read_tags,
    size_of,
)
from onread.control.identities import check_name, check_path, make_role_id
from onread.control.users import describe_belongings
from onread.errors import LimitExceeded, MalformedPolicy, MalformedPolicyDocument, ValidationError
from onread.metadata.facade import Records
from onread.metadata.identity_records import Role
from onread.policy.document import parse_trust_policy
from onread.policy.statement import Policy
from onread.wire.output import Output

_SESSION_SECONDS = (3_600, 43_200)
_MOST_DESCRIPTION = 1_000


class RoleOperations:
    """IAM's operations on roles.

    Args:
        clock: gives the time as aware UTC.
        changed: told the ARN of a role that came or went.
    """

    def __init__(
        self, records: Records, *, clock: Callable[[], datetime], changed: Callable[[str], None]
    ) -> None:
        self._records = records
        self._clock = clock
        self._changed = changed

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateRole": self.create_role,
            "GetRole": self.get_role,
            "ListRoles": self.list_roles,
            "UpdateRole": self.update_role,
            "UpdateRoleDescription": self.update_role_description,
            "UpdateAssumeRolePolicy": self.update_assume_role_policy,
            "DeleteRole": self.delete_role,
            "PutRolePolicy": self.put_role_policy,
            "GetRolePolicy": self.get_role_policy,
            "ListRolePolicies": self.list_role_policies,
            "DeleteRolePolicy": self.delete_role_policy,
            "ListInstanceProfilesForRole": self.list_instance_profiles_for_role,
        }

    async def create_role(self, call: ControlCall) -> Output:
        """CreateRole: trusted as its document says, and without policies, so it may do nothing."""
        boundary = call.params.get("PermissionsBoundary")
        role = Role(
            account_id=call.account_id,
            name=check_name(call.params.get("RoleName"), member="RoleName", longest=64),
            path=check_path(call.params.get("Path") or "/"),
            role_id=make_role_id(),
            created_at=self._clock(),
            trust_policy=self._check_trust(call.params.get("AssumeRolePolicyDocument")),
            description=_description(call.params.get("Description") or ""),
            longest_session_seconds=_session_seconds(call.params.get("MaxSessionDuration") or 3_600),
            boundary=find_policy(self._records, call, boundary).arn if boundary else None,
            tags=read_tags(call.params.get("Tags")),
        )
        await self._records.identities.create_role(role)
        self._changed(role.arn)
        return Output(members={"Role": describe_role(role, whole=True)})

    async def get_role(self, call: ControlCall) -> Output:
        """GetRole."""
        return Output(members={"Role": describe_role(find_role(self._records, call), whole=True)})

    async def list_roles(self, call: ControlCall) -> Output:
        """ListRoles, by name, below a path when one is given."""
        prefix = call.params.get("PathPrefix") or "/"
        roles = self._records.identities.list_roles(call.account_id)
        below = [role for role in roles if role.path.startswith(prefix)]
        return Output(members=page_of(call, "Roles", below, name_of=_name, show=describe_role))

    async def update_role(self, call: ControlCall) -> Output:
        """UpdateRole: description and longest session; what is left out keeps its value."""
        role = find_role(self._records, call)
        changes: dict[str, Any] = {}
        if call.params.get("Description") is not None:
            changes["description"] = _description(call.params["Description"])
        if call.params.get("MaxSessionDuration"):
            changes["longest_session_seconds"] = _session_seconds(call.params["MaxSessionDuration"])
        await self._records.identities.update_role(call.account_id, role.name, changes)
        return Output()

    async def update_role_description(self, call: ControlCall) -> Output:
        """UpdateRoleDescription, which UpdateRole has replaced."""
        role = find_role(self._records, call)
        changes = {"description": _description(call.params.get("Description") or "")}
        await self._records.identities.update_role(call.account_id, role.name, changes)
        return Output(members={"Role": describe_role(find_role(self._records, call), whole=True)})

    async def update_assume_role_policy(self, call: ControlCall) -> Output:
        """UpdateAssumeRolePolicy: who may assume the role from now on. Sessions that run go on."""
        role = find_role(self._records, call)
        changes = {"trust_policy": self._check_trust(call.params.get("PolicyDocument"))}
        await self._records.identities.update_role(call.account_id, role.name, changes)
        return Output()

    async def delete_role(self, call: ControlCall) -> Output:
        """DeleteRole: its policies must be gone before; its sessions end at once."""
        role = find_role(self._records, call)
        await self._records.identities.delete_role(call.account_id, role.name)
        self._changed(role.arn)
        return Output()

    async def put_role_policy(self, call: ControlCall) -> Output:
        """PutRolePolicy: replaces one of the same name."""
        role = find_role(self._records, call)
        name = policy_name(call)
        document = check_document(call.params.get("PolicyDocument"))
        check_inline_quota(role, name, document)
        await self._records.identities.put_role_policy(call.account_id, role.name, name, document)
        return Output()

    async def get_role_policy(self, call: ControlCall) -> Output:
        """GetRolePolicy. The document is percent-encoded."""
        role = find_role(self._records, call)
        return Output(members=inline_policy(role, policy_name(call)))

    async def list_role_policies(self, call: ControlCall) -> Output:
        """ListRolePolicies, by name."""
        role = find_role(self._records, call)
        return Output(members=page_of(call, "PolicyNames", list(role.policies), name_of=str, show=str))

    async def delete_role_policy(self, call: ControlCall) -> Output:
        """DeleteRolePolicy."""
        role = find_role(self._records, call)
        await self._records.identities.delete_role_policy(call.account_id, role.name, policy_name(call))
        return Output()

    async def list_instance_profiles_for_role(self, call: ControlCall) -> Output:
        """ListInstanceProfilesForRole: there are no machines here. Tools ask before they delete a role."""
        find_role(self._records, call)
        return Output(members={"InstanceProfiles": [], "IsTruncated": False})

    def _check_trust(self, text: object) -> str:
        """A trust policy that may be stored: about STS alone, and its principals of this account exist."""
        if not isinstance(text, str) or not text.strip():
            raise MalformedPolicyDocument("The request needs a policy document.")
        try:
            policy = parse_trust_policy(text)
        except MalformedPolicy as error:
            raise MalformedPolicyDocument(error.text) from error
        if size_of(text) > LONGEST_TRUST_POLICY:
            raise LimitExceeded(f"Cannot exceed quota for ACLSizePerRole: {LONGEST_TRUST_POLICY}")
        if not _speaks_of_sts_alone(policy):
            raise MalformedPolicyDocument("AssumeRole policy may only specify STS AssumeRole actions.")
        for arn in _named_principals(policy):
            if not self._exists(arn):
                raise MalformedPolicyDocument(f'Invalid principal in policy: "AWS":"{arn}"')
        return text

    def _exists(self, arn: str) -> bool:
        account_id, resource = arn.split(":", 5)[4:]
        kind, _, rest = resource.partition("/")
        name = rest.rpartition("/")[2]
        if kind == "user":
            user = self._records.user(account_id, name)
            return user is not None and user.arn == arn
        if kind == "role":
            return self._records.identities.role_by_arn(arn) is not None
        return True  # a session: it comes and goes


def _speaks_of_sts_alone(policy: Policy) -> bool:
    return all(
        not statement.actions.negated
        and all(name.startswith("sts:") for name in statement.actions.names)
        and all(pattern.service == "sts" for pattern in statement.actions.patterns)
        for statement in policy.statements
    )


def _named_principals(policy: Policy) -> list[str]:
    return sorted(
        arn
        for statement in policy.statements
        if statement.principals is not None
        for arn in statement.principals.arns
    )


def _description(text: str) -> str:
    if len(text) > _MOST_DESCRIPTION:
        raise ValidationError(f"Description has at most {_MOST_DESCRIPTION} characters.")
    return text


def _session_seconds(seconds: int) -> int:
    least, most = _SESSION_SECONDS
    if not least <= seconds <= most:
        raise ValidationError(f"MaxSessionDuration must be between {least} and {most} seconds.")
    return seconds


def describe_role(role: Role, *, whole: bool = False) -> dict[str, Any]:
    """A role in AWS's words; lists leave out the boundary and the tags."""
    members: dict[str, Any] = {
        "Path": role.path,
        "RoleName": role.name,
        "RoleId": role.role_id,
        "Arn": role.arn,
        "CreateDate": role.created_at,
        "AssumeRolePolicyDocument": encode_document(role.trust_policy),
        "MaxSessionDuration": role.longest_session_seconds,
    }
    if role.description:
        members["Description"] = role.description
    return {**members, **describe_belongings(role.boundary, role.tags)} if whole else members


def _name(role: Role) -> str:
    return role.name
