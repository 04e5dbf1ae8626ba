"""IAM: managed policies and their versions. AWS's own are shown and never changed."""

import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import (
    LONGEST_MANAGED_POLICY,
    check_document,
    encode_document,
    find_policy,
    page_of,
    policy_name,
    read_tags,
    shown_tags,
    size_of,
)
from onread.control.identities import check_path, make_policy_id
from onread.errors import AccessDenied, LimitExceeded, NoSuchEntity, ValidationError
from onread.metadata.facade import Records
from onread.metadata.identity_records import POLICIES_OF_AWS, ManagedPolicy, PolicyVersion, Role
from onread.metadata.records import User
from onread.wire.output import Output

_VERSION_ID = re.compile(r"v([1-9][0-9]{0,8})")


@dataclass(frozen=True, slots=True)
class _Usage:
    """How often each policy is attached, and how often it is a boundary, by ARN."""

    attached: Counter[str]
    boundaries: Counter[str]


class ManagedPolicyOperations:
    """IAM's operations on managed policies.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreatePolicy": self.create_policy,
            "GetPolicy": self.get_policy,
            "ListPolicies": self.list_policies,
            "DeletePolicy": self.delete_policy,
            "CreatePolicyVersion": self.create_policy_version,
            "GetPolicyVersion": self.get_policy_version,
            "ListPolicyVersions": self.list_policy_versions,
            "SetDefaultPolicyVersion": self.set_default_policy_version,
            "DeletePolicyVersion": self.delete_policy_version,
        }

    async def create_policy(self, call: ControlCall) -> Output:
        """CreatePolicy: attached to nobody yet."""
        now = self._clock()
        version = PolicyVersion(number=1, document=_document(call), created_at=now)
        policy = ManagedPolicy(
            account_id=call.account_id,
            name=policy_name(call),
            path=check_path(call.params.get("Path") or "/"),
            policy_id=make_policy_id(),
            created_at=now,
            updated_at=now,
            versions={1: version},
            description=call.params.get("Description") or "",
            tags=read_tags(call.params.get("Tags")),
        )
        await self._records.identities.create_policy(policy)
        return Output(members={"Policy": _describe(policy, self._usage(call), whole=True)})

    async def get_policy(self, call: ControlCall) -> Output:
        """GetPolicy: what it is called and how often it is attached; its text is GetPolicyVersion's."""
        return Output(members={"Policy": _describe(self._find(call), self._usage(call), whole=True)})

    async def list_policies(self, call: ControlCall) -> Output:
        """ListPolicies, by ARN: AWS's, the account's own, or both."""
        scope = call.params.get("Scope") or "All"
        if scope not in ("All", "AWS", "Local"):
            raise ValidationError("Scope must be All, AWS or Local.")
        found = [] if scope == "AWS" else self._records.identities.list_policies(call.account_id)
        found += [] if scope == "Local" else POLICIES_OF_AWS.values()
        prefix, usage = call.params.get("PathPrefix") or "/", self._usage(call)
        shown = [policy for policy in found if policy.path.startswith(prefix)]
        if call.params.get("OnlyAttached"):
            shown = [policy for policy in shown if usage.attached[policy.arn]]
        match call.params.get("PolicyUsageFilter"):
            case "PermissionsBoundary":
                shown = [policy for policy in shown if usage.boundaries[policy.arn]]
            case "PermissionsPolicy":
                shown = [policy for policy in shown if usage.attached[policy.arn]]
        return Output(
            members=page_of(call, "Policies", shown, name_of=_arn, show=partial(_describe, usage=usage))
        )

    async def delete_policy(self, call: ControlCall) -> Output:
        """DeletePolicy: attached to nobody, and its other versions gone before."""
        await self._records.identities.delete_managed_policy(self._find_own(call))
        return Output()

    async def create_policy_version(self, call: ControlCall) -> Output:
        """CreatePolicyVersion: with SetAsDefault it is in force at once."""
        policy = self._find_own(call)
        is_default = bool(call.params.get("SetAsDefault"))
        version = await self._records.identities.add_policy_version(
            policy, _document(call), created_at=self._clock(), is_default=is_default
        )
        shown = _describe_version(version, is_default=is_default)
        return Output(members={"PolicyVersion": shown})

    async def get_policy_version(self, call: ControlCall) -> Output:
        """GetPolicyVersion: its text, percent-encoded."""
        policy = self._find(call)
        number = _version_number(call)
        version = policy.versions.get(number)
        if version is None:
            raise NoSuchEntity(f"Policy {policy.arn} version v{number} does not exist or is not attachable.")
        shown = _describe_version(version, is_default=number == policy.default_version)
        return Output(members={"PolicyVersion": {**shown, "Document": encode_document(version.document)}})

    async def list_policy_versions(self, call: ControlCall) -> Output:
        """ListPolicyVersions, without their texts."""
        policy = self._find(call)

        def show(version: PolicyVersion) -> dict[str, Any]:
            return _describe_version(version, is_default=version.number == policy.default_version)

        versions = list(policy.versions.values())
        return Output(members=page_of(call, "Versions", versions, name_of=_place, show=show))

    async def set_default_policy_version(self, call: ControlCall) -> Output:
        """SetDefaultPolicyVersion: in force at once, wherever it is attached."""
        policy = self._find_own(call)
        await self._records.identities.set_default_policy_version(
            policy, _version_number(call), changed_at=self._clock()
        )
        return Output()

    async def delete_policy_version(self, call: ControlCall) -> Output:
        """DeletePolicyVersion: never the default one."""
        policy = self._find_own(call)
        await self._records.identities.delete_policy_version(policy, _version_number(call))
        return Output()

    def _find(self, call: ControlCall) -> ManagedPolicy:
        return find_policy(self._records, call, call.params.get("PolicyArn"))

    def _find_own(self, call: ControlCall) -> ManagedPolicy:
        policy = self._find(call)
        if policy.account_id != call.account_id:
            raise AccessDenied(f"{policy.arn} is a policy of AWS and cannot be changed. Create your own.")
        return policy

    def _usage(self, call: ControlCall) -> _Usage:
        """Counted once for an answer, however many policies it shows."""
        owners: list[User | Role] = [
            *self._records.list_users(call.account_id),
            *self._records.identities.list_roles(call.account_id),
        ]
        return _Usage(
            Counter(arn for owner in owners for arn in owner.attached),
            Counter(owner.boundary for owner in owners if owner.boundary is not None),
        )


def _describe(policy: ManagedPolicy, usage: _Usage, *, whole: bool = False) -> dict[str, Any]:
    """A policy in AWS's words; lists leave out the description and the tags."""
    members: dict[str, Any] = {
        "PolicyName": policy.name,
        "PolicyId": policy.policy_id,
        "Arn": policy.arn,
        "Path": policy.path,
        "DefaultVersionId": f"v{policy.default_version}",
        "AttachmentCount": usage.attached[policy.arn],
        "PermissionsBoundaryUsageCount": usage.boundaries[policy.arn],
        "IsAttachable": True,
        "CreateDate": policy.created_at,
        "UpdateDate": policy.updated_at,
    }
    if whole:
        members |= {"Description": policy.description} if policy.description else {}
        members |= {"Tags": shown_tags(policy.tags)} if policy.tags else {}
    return members


def _document(call: ControlCall) -> str:
    document = check_document(call.params.get("PolicyDocument"))
    if size_of(document) > LONGEST_MANAGED_POLICY:
        raise LimitExceeded(f"Cannot exceed quota for PolicySize: {LONGEST_MANAGED_POLICY}")
    return document


def _version_number(call: ControlCall) -> int:
    found = _VERSION_ID.fullmatch(str(call.params.get("VersionId", "")))
    if found is None:
        raise ValidationError("VersionId must have the form v1.")
    return int(found[1])


def _describe_version(version: PolicyVersion, *, is_default: bool) -> dict[str, Any]:
    return {
        "VersionId": f"v{version.number}",
        "IsDefaultVersion": is_default,
        "CreateDate": version.created_at,
    }


def _arn(policy: ManagedPolicy) -> str:
    return policy.arn


def _place(version: PolicyVersion) -> str:
    return f"{version.number:09}"
