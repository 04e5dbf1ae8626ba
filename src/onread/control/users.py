"""IAM: users and their inline policies; STS: who asks."""

from collections.abc import Callable
from datetime import datetime
from typing import Any
from urllib.parse import quote

import structlog

from onread.control.call import ControlCall, Operations
from onread.control.identities import check_name, check_path, make_user_id
from onread.control.pages import check_page_size, cut_page
from onread.control.policies import check_policy
from onread.errors import MalformedPolicy, MalformedPolicyDocument, NoSuchEntity, ValidationError
from onread.metadata.facade import Records
from onread.metadata.lookups import Lookups
from onread.metadata.records import User
from onread.policy.principal import PrincipalKind
from onread.wire.output import Output

DEFAULT_ITEMS, MOST_ITEMS = 100, 1000

log = structlog.get_logger()


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
            "DeleteUser": self.delete_user,
            "PutUserPolicy": self.put_user_policy,
            "GetUserPolicy": self.get_user_policy,
            "ListUserPolicies": self.list_user_policies,
            "DeleteUserPolicy": self.delete_user_policy,
        }

    async def create_user(self, call: ControlCall) -> Output:
        """CreateUser: without keys and policies, so it may do nothing."""
        if call.params.get("PermissionsBoundary"):
            raise ValidationError("PermissionsBoundary is not supported yet. Leave it out.")
        user = User(
            account_id=call.account_id,
            name=check_name(call.params.get("UserName"), member="UserName", longest=64),
            path=check_path(call.params.get("Path") or "/"),
            user_id=make_user_id(),
            created_at=self._clock(),
        )
        await self._records.create_user(user)
        if call.params.get("Tags"):
            log.warning("control.member_not_kept", user=user.name, member="Tags")
        return Output(members={"User": _described(user)})

    async def get_user(self, call: ControlCall) -> Output:
        """GetUser; without a name, the caller."""
        if not call.params.get("UserName") and call.principal.kind is PrincipalKind.ROOT:
            return Output(members={"User": self._root(call)})
        return Output(members={"User": _described(find_user(self._records, call))})

    async def list_users(self, call: ControlCall) -> Output:
        """ListUsers, by name, below a path when one is given."""
        prefix = call.params.get("PathPrefix") or "/"
        users = self._records.list_users(call.account_id)
        page = cut_page(
            [user for user in users if user.path.startswith(prefix)],
            name_of=lambda user: user.name,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=ValidationError,
        )
        listed = {"Users": [_described(user) for user in page.items]}
        return Output(members={**listed, **continuation(page.next_token)})

    async def delete_user(self, call: ControlCall) -> Output:
        """DeleteUser: keys and policies must be gone before."""
        name = check_name(call.params.get("UserName"), member="UserName", longest=64)
        await self._records.delete_user(call.account_id, name)
        return Output()

    async def put_user_policy(self, call: ControlCall) -> Output:
        """PutUserPolicy: replaces one of the same name."""
        user = find_user(self._records, call)
        name = _policy_name(call)
        document = _check_document(call.params.get("PolicyDocument"))
        await self._records.put_user_policy(call.account_id, user.name, name, document)
        return Output()

    async def get_user_policy(self, call: ControlCall) -> Output:
        """GetUserPolicy. The document is percent-encoded, as IAM's clients expect it."""
        user = find_user(self._records, call)
        name = _policy_name(call)
        document = user.policies.get(name)
        if document is None:
            raise NoSuchEntity(f"The user policy with name {name} cannot be found.")
        members = {"UserName": user.name, "PolicyName": name, "PolicyDocument": quote(document, safe="")}
        return Output(members=members)

    async def list_user_policies(self, call: ControlCall) -> Output:
        """ListUserPolicies, by name."""
        user = find_user(self._records, call)
        page = cut_page(
            sorted(user.policies),
            name_of=str,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=ValidationError,
        )
        return Output(members={"PolicyNames": list(page.items), **continuation(page.next_token)})

    async def delete_user_policy(self, call: ControlCall) -> Output:
        """DeleteUserPolicy."""
        user = find_user(self._records, call)
        await self._records.delete_user_policy(call.account_id, user.name, _policy_name(call))
        return Output()

    def _root(self, call: ControlCall) -> dict[str, Any]:
        key = self._records.access_key(call.principal.access_key_id or "")
        return {
            "Path": "/",
            "UserName": "root",
            "UserId": call.account_id,
            "Arn": call.principal.arn,
            "CreateDate": key.created_at if key is not None else self._clock(),
        }


class CallerOperations:
    """STS's GetCallerIdentity."""

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {"GetCallerIdentity": self.get_caller_identity}

    async def get_caller_identity(self, call: ControlCall) -> Output:
        """GetCallerIdentity: "No permissions are required to perform this operation"."""
        principal = call.principal
        return Output(
            members={"UserId": principal.principal_id, "Account": principal.account_id, "Arn": principal.arn}
        )


def find_user(records: Lookups, call: ControlCall) -> User:
    """The user in ``UserName``; without one, the caller.

    Raises:
        NoSuchEntity: there is none.
        ValidationError: the name has another form, or none is given and the caller is no user.
    """
    given = call.params.get("UserName") or call.principal.user_name
    if given is None:
        raise ValidationError("UserName is required: the caller is not a user.")
    name = check_name(given, member="UserName", longest=64)
    user = records.user(call.account_id, name)
    if user is None:
        raise NoSuchEntity(f"The user with name {name} cannot be found.")
    return user


def items_wanted(call: ControlCall) -> int:
    """How many items a list shall hold.

    Raises:
        ValidationError: ``MaxItems`` is out of range.
    """
    return check_page_size(
        call.params.get("MaxItems"),
        default=DEFAULT_ITEMS,
        largest=MOST_ITEMS,
        member="MaxItems",
        refusal=ValidationError,
    )


def continuation(next_token: str | None) -> dict[str, Any]:
    """The members with which IAM ends a page."""
    return {"IsTruncated": False} if next_token is None else {"IsTruncated": True, "Marker": next_token}


def _policy_name(call: ControlCall) -> str:
    return check_name(call.params.get("PolicyName"), member="PolicyName", longest=128)


def _check_document(text: object) -> str:
    try:
        return check_policy(text, resource_policy=False)
    except MalformedPolicy as error:
        raise MalformedPolicyDocument(error.text) from error


def _described(user: User) -> dict[str, Any]:
    return {
        "Path": user.path,
        "UserName": user.name,
        "UserId": user.user_id,
        "Arn": user.arn,
        "CreateDate": user.created_at,
    }
