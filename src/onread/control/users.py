"""IAM: users and their inline policies."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.control.iam_inputs import (
    check_document,
    check_inline_quota,
    find_policy,
    find_user,
    inline_policy,
    page_of,
    policy_name,
    read_tags,
    shown_tags,
)
from onread.control.identities import check_name, check_path, make_user_id
from onread.metadata.facade import Records
from onread.metadata.records import User
from onread.policy.principal import PrincipalKind
from onread.wire.output import Output


class UserOperations:
    """IAM's operations on users and their inline policies.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateUser": self.create_user,
            "GetUser": self.get_user,
            "ListUsers": self.list_users,
            "UpdateUser": self.update_user,
            "DeleteUser": self.delete_user,
            "PutUserPolicy": self.put_user_policy,
            "GetUserPolicy": self.get_user_policy,
            "ListUserPolicies": self.list_user_policies,
            "DeleteUserPolicy": self.delete_user_policy,
            "ListGroupsForUser": self.list_groups_for_user,
        }

    async def create_user(self, call: ControlCall) -> Output:
        """CreateUser: without keys and policies, so it may do nothing."""
        boundary = call.params.get("PermissionsBoundary")
        user = User(
            account_id=call.account_id,
            name=check_name(call.params.get("UserName"), member="UserName", longest=64),
            path=check_path(call.params.get("Path") or "/"),
            user_id=make_user_id(),
            created_at=self._clock(),
            boundary=find_policy(self._records, call, boundary).arn if boundary else None,
            tags=read_tags(call.params.get("Tags")),
        )
        await self._records.create_user(user)
        return Output(members={"User": describe_user(user, whole=True)})

    async def get_user(self, call: ControlCall) -> Output:
        """GetUser; without a name, the caller."""
        if not call.params.get("UserName") and call.principal.kind is PrincipalKind.ROOT:
            return Output(members={"User": self._root(call)})
        return Output(members={"User": describe_user(find_user(self._records, call), whole=True)})

    async def list_users(self, call: ControlCall) -> Output:
        """ListUsers, by name, below a path when one is given."""
        prefix = call.params.get("PathPrefix") or "/"
        users = [user for user in self._records.list_users(call.account_id) if user.path.startswith(prefix)]
        return Output(members=page_of(call, "Users", users, name_of=_name, show=describe_user))

    async def update_user(self, call: ControlCall) -> Output:
        """UpdateUser: another name or path. Keys and policies go with the user."""
        user = find_user(self._records, call)
        new_name, new_path = call.params.get("NewUserName"), call.params.get("NewPath")
        await self._records.rename_user(
            call.account_id,
            user.name,
            new_name=check_name(new_name, member="NewUserName", longest=64) if new_name else user.name,
            new_path=check_path(new_path) if new_path else user.path,
        )
        return Output()

    async def delete_user(self, call: ControlCall) -> Output:
        """DeleteUser: keys and policies must be gone before."""
        name = check_name(call.params.get("UserName"), member="UserName", longest=64)
        await self._records.delete_user(call.account_id, name)
        return Output()

    async def put_user_policy(self, call: ControlCall) -> Output:
        """PutUserPolicy: replaces one of the same name."""
        user = find_user(self._records, call)
        name = policy_name(call)
        document = check_document(call.params.get("PolicyDocument"))
        check_inline_quota(user, name, document)
        await self._records.put_user_policy(call.account_id, user.name, name, document)
        return Output()

    async def get_user_policy(self, call: ControlCall) -> Output:
        """GetUserPolicy. The document is percent-encoded, as IAM's clients expect it."""
        user = find_user(self._records, call)
        return Output(members=inline_policy(user, policy_name(call)))

    async def list_user_policies(self, call: ControlCall) -> Output:
        """ListUserPolicies, by name."""
        user = find_user(self._records, call)
        return Output(members=page_of(call, "PolicyNames", list(user.policies), name_of=str, show=str))

    async def delete_user_policy(self, call: ControlCall) -> Output:
        """DeleteUserPolicy."""
        user = find_user(self._records, call)
        await self._records.delete_user_policy(call.account_id, user.name, policy_name(call))
        return Output()

    async def list_groups_for_user(self, call: ControlCall) -> Output:
        """ListGroupsForUser: there are no groups here. Tools ask before they delete a user."""
        find_user(self._records, call)
        return Output(members={"Groups": [], "IsTruncated": False})

    def _root(self, call: ControlCall) -> dict[str, Any]:
        key = self._records.access_key(call.principal.access_key_id or "")
        return {
            "Path": "/",
            "UserName": "root",
            "UserId": call.account_id,
            "Arn": call.principal.arn,
            "CreateDate": key.created_at if key is not None else self._clock(),
        }


def describe_user(user: User, *, whole: bool = False) -> dict[str, Any]:
    """A user in AWS's words; lists leave out the boundary and the tags."""
    members: dict[str, Any] = {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.user_id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
    }
    return {**members, **describe_belongings(user.boundary, user.tags)} if whole else members


def describe_belongings(boundary: str | None, tags: Mapping[str, str]) -> dict[str, Any]:
    """The members for a boundary and tags, where there are any."""
    members: dict[str, Any] = {}
    if boundary is not None:
        members["PermissionsBoundary"] = {
            "PermissionsBoundaryType": "PermissionsBoundaryPolicy",
            "PermissionsBoundaryArn": boundary,
        }
    if tags:
        members["Tags"] = shown_tags(tags)
    return members


def _name(user: User) -> str:
    return user.name
