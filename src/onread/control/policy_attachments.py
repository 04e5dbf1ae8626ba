"""IAM: which managed policies users and roles have, their permissions boundaries, and their tags."""

from collections.abc import Callable
from typing import Any

from onread.control.call import ControlCall, ControlOperation, Operations
from onread.control.iam_inputs import (
    find_policy,
    find_role,
    find_user,
    page_of,
    read_tags,
    shown_tags,
)
from onread.errors import AccessDenied, NoSuchEntity, ValidationError
from onread.metadata.facade import Records
from onread.metadata.identity_records import ManagedPolicy, Role
from onread.metadata.records import User
from onread.wire.output import Output

Owner = User | Role
FindOwner = Callable[[Records, ControlCall], Owner]


class PolicyAttachmentOperations:
    """Attach, detach, list; the same for users and for roles."""

    def __init__(self, records: Records) -> None:
        self._records = records

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            **self._of("User", find_user),
            **self._of("Role", find_role),
            "ListEntitiesForPolicy": self.list_entities_for_policy,
            "TagPolicy": self.tag_policy,
            "UntagPolicy": self.untag_policy,
            "ListPolicyTags": self.list_policy_tags,
        }

    def _of(self, kind: str, find: FindOwner) -> dict[str, ControlOperation]:
        served = {
            f"Attach{kind}Policy": self._attach,
            f"Detach{kind}Policy": self._detach,
            f"ListAttached{kind}Policies": self._list_attached,
            f"Put{kind}PermissionsBoundary": self._put_boundary,
            f"Delete{kind}PermissionsBoundary": self._delete_boundary,
            f"Tag{kind}": self._tag,
            f"Untag{kind}": self._untag,
            f"List{kind}Tags": self._list_tags,
        }

        def for_owner(serve: Callable[[ControlCall, Owner], Any]) -> ControlOperation:
            async def operation(call: ControlCall) -> Output:
                output: Output = await serve(call, find(self._records, call))
                return output

            return operation

        return {name: for_owner(serve) for name, serve in served.items()}

    async def _attach(self, call: ControlCall, owner: Owner) -> Output:
        policy = find_policy(self._records, call, call.params.get("PolicyArn"))
        await self._records.identities.attach(owner, policy.arn)
        return Output()

    async def _detach(self, call: ControlCall, owner: Owner) -> Output:
        arn = str(call.params.get("PolicyArn", ""))
        if arn not in owner.attached:
            raise NoSuchEntity(f"Policy {arn[:200]} was not found.")
        await self._records.identities.detach(owner, arn)
        return Output()

    async def _list_attached(self, call: ControlCall, owner: Owner) -> Output:
        prefix = call.params.get("PathPrefix") or "/"
        found = (self._records.identities.policy(arn) for arn in owner.attached)
        below = [policy for policy in found if policy is not None and policy.path.startswith(prefix)]
        members = page_of(call, "AttachedPolicies", below, name_of=_arn, show=_attached)
        return Output(members=members)

    async def _put_boundary(self, call: ControlCall, owner: Owner) -> Output:
        policy = find_policy(self._records, call, call.params.get("PermissionsBoundary"))
        await self._records.identities.set_boundary(owner, policy.arn)
        return Output()

    async def _delete_boundary(self, _call: ControlCall, owner: Owner) -> Output:
        await self._records.identities.set_boundary(owner, None)
        return Output()

    async def _tag(self, call: ControlCall, owner: Owner | ManagedPolicy) -> Output:
        await self._records.identities.put_tags(owner, read_tags(call.params.get("Tags")))
        return Output()

    async def _untag(self, call: ControlCall, owner: Owner | ManagedPolicy) -> Output:
        await self._records.identities.remove_tags(owner, call.params.get("TagKeys") or ())
        return Output()

    async def _list_tags(self, call: ControlCall, owner: Owner | ManagedPolicy) -> Output:
        tags = shown_tags(owner.tags)
        return Output(members=page_of(call, "Tags", tags, name_of=_folded_key, show=dict))

    async def tag_policy(self, call: ControlCall) -> Output:
        """TagPolicy."""
        return await self._tag(call, self._own_policy(call))

    async def untag_policy(self, call: ControlCall) -> Output:
        """UntagPolicy."""
        return await self._untag(call, self._own_policy(call))

    async def list_policy_tags(self, call: ControlCall) -> Output:
        """ListPolicyTags."""
        return await self._list_tags(call, find_policy(self._records, call, call.params.get("PolicyArn")))

    async def list_entities_for_policy(self, call: ControlCall) -> Output:
        """ListEntitiesForPolicy: the users and roles that have it, users first. There are no groups."""
        policy = find_policy(self._records, call, call.params.get("PolicyArn"))
        wanted = call.params.get("EntityFilter")
        if wanted not in (None, "", "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"):
            raise ValidationError(
                "EntityFilter must be User, Role, Group, LocalManagedPolicy or AWSManagedPolicy."
            )
        as_boundary = call.params.get("PolicyUsageFilter") == "PermissionsBoundary"
        prefix = call.params.get("PathPrefix") or "/"
        owners: list[Owner] = []
        if wanted in (None, "", "User"):
            owners += self._records.list_users(call.account_id)
        if wanted in (None, "", "Role"):
            owners += self._records.identities.list_roles(call.account_id)
        found = [
            owner
            for owner in owners
            if owner.path.startswith(prefix)
            and (owner.boundary == policy.arn if as_boundary else policy.arn in owner.attached)
        ]
        page = page_of(call, "Found", found, name_of=_kind_and_name, show=lambda owner: owner)
        shown = page.pop("Found")
        members = {
            "PolicyGroups": [],
            "PolicyUsers": [
                {"UserName": owner.name, "UserId": owner.user_id}
                for owner in shown
                if isinstance(owner, User)
            ],
            "PolicyRoles": [
                {"RoleName": owner.name, "RoleId": owner.role_id}
                for owner in shown
                if isinstance(owner, Role)
            ],
        }
        return Output(members={**members, **page})

    def _own_policy(self, call: ControlCall) -> ManagedPolicy:
        policy = find_policy(self._records, call, call.params.get("PolicyArn"))
        if policy.account_id != call.account_id:
            raise AccessDenied(f"{policy.arn} is a policy of AWS and cannot be tagged.")
        return policy


def _attached(policy: ManagedPolicy) -> dict[str, Any]:
    return {"PolicyName": policy.name, "PolicyArn": policy.arn}


def _arn(policy: ManagedPolicy) -> str:
    return policy.arn


def _folded_key(tag: dict[str, str]) -> str:
    return tag["Key"].lower()


def _kind_and_name(owner: Owner) -> str:
    return f"{'1' if isinstance(owner, User) else '2'}{owner.name}"
