"""Users and their policies by IAM's own operations; who asks by STS's."""

import asyncio
import json
from dataclasses import replace
from urllib.parse import unquote

import pytest

from onread.errors import (
    DeleteConflict,
    EntityAlreadyExists,
    MalformedPolicyDocument,
    NoSuchEntity,
    ValidationError,
)
from onread.policy.principal import Principal, PrincipalKind

from .conftest import ACCOUNT, NOW, ROOT, Api, Run, a_policy, an_identity_policy


def as_user(name: str) -> Principal:
    return replace(
        ROOT,
        kind=PrincipalKind.USER,
        arn=f"arn:aws:iam::{ACCOUNT}:user/{name}",
        principal_id="AIDAX",
        user_name=name,
    )


def test_a_created_user_is_described(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = (await api.call("iam", "CreateUser", UserName="alice", Path="/team/"))["User"]
        user_id = made["UserId"]
        assert user_id.startswith("AIDA")
        assert len(user_id) == 21
        assert made == {
            "Path": "/team/",
            "UserName": "alice",
            "UserId": user_id,
            "Arn": f"arn:aws:iam::{ACCOUNT}:user/team/alice",
            "CreateDate": NOW,
        }
        assert await api.call("iam", "GetUser", UserName="alice") == {"User": made}
        assert await api.call("iam", "GetUser", principal=as_user("alice")) == {"User": made}
        assert await api.call("iam", "ListUsers") == {"Users": [made], "IsTruncated": False}
        assert await api.call("iam", "ListUsers", PathPrefix="/other/") == {"Users": [], "IsTruncated": False}

    run_with_api(scenario)


def test_root_asks_who_it_is(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        shown = (await api.call("iam", "GetUser"))["User"]
        assert (shown["Arn"], shown["UserId"]) == (ROOT.arn, ACCOUNT)
        identity = await api.call("sts", "GetCallerIdentity", principal=as_user("alice"))
        assert identity == {
            "UserId": "AIDAX",
            "Account": ACCOUNT,
            "Arn": f"arn:aws:iam::{ACCOUNT}:user/alice",
        }

    run_with_api(scenario)


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"UserName": ""},
        {"UserName": "x" * 65},
        {"UserName": "a b"},
        {"UserName": "a/b"},
        {"UserName": "ü"},
        {"UserName": "a", "Path": "team"},
        {"UserName": "a", "Path": "/a b/"},
        {"UserName": "a", "PermissionsBoundary": "boundary"},
    ],
)
def test_what_cannot_be_made_is_refused(run_with_api: Run, params: dict[str, str]) -> None:
    async def scenario(api: Api) -> None:
        with pytest.raises(ValidationError):
            await api.call("iam", "CreateUser", valid=False, **params)
        assert (await api.call("iam", "ListUsers"))["Users"] == []

    run_with_api(scenario)


def test_concurrent_creates_of_one_name_give_one_success(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        results = await asyncio.gather(
            *(api.call("iam", "CreateUser", UserName=name) for name in ("alice", "ALICE", "Alice")),
            return_exceptions=True,
        )
        assert sum(isinstance(result, EntityAlreadyExists) for result in results) == 2

    run_with_api(scenario)


def test_users_are_listed_in_pages(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for name in ("b", "c", "a"):
            await api.call("iam", "CreateUser", UserName=name)
        first = await api.call("iam", "ListUsers", MaxItems=2)
        assert [user["UserName"] for user in first["Users"]] == ["a", "b"]
        assert first["IsTruncated"] is True
        rest = await api.call("iam", "ListUsers", Marker=first["Marker"])
        assert [user["UserName"] for user in rest["Users"]] == ["c"]
        assert rest["IsTruncated"] is False
        with pytest.raises(ValidationError):
            await api.call("iam", "ListUsers", Marker="?")

    run_with_api(scenario)


def test_an_inline_policy_is_put_shown_and_deleted(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        document = an_identity_policy()
        put = {"UserName": "alice", "PolicyName": "reading"}
        await api.call("iam", "PutUserPolicy", **put, PolicyDocument=document)
        shown = await api.call("iam", "GetUserPolicy", **put)
        assert json.loads(unquote(shown["PolicyDocument"])) == json.loads(document)
        assert shown["PolicyDocument"].isascii()  # percent-encoded, as IAM sends it
        listed = await api.call("iam", "ListUserPolicies", UserName="alice")
        assert listed == {"PolicyNames": ["reading"], "IsTruncated": False}
        user = api.records.user(ACCOUNT, "alice")
        assert user is not None
        assert user.policies == {"reading": document}
        await api.call("iam", "DeleteUserPolicy", **put)
        for operation in ("GetUserPolicy", "DeleteUserPolicy"):
            with pytest.raises(NoSuchEntity, match="reading"):
                await api.call("iam", operation, **put)

    run_with_api(scenario)


@pytest.mark.parametrize("document", ["", "{", a_policy(), an_identity_policy() + " " * 20 * 1024])
def test_T209_a_bad_inline_policy_is_refused(run_with_api: Run, document: str) -> None:
    """A policy with a Principal is a resource's, not a user's."""

    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        with pytest.raises(MalformedPolicyDocument):
            await api.call(
                "iam", "PutUserPolicy", valid=False, UserName="alice", PolicyName="p", PolicyDocument=document
            )
        with pytest.raises(ValidationError):
            await api.call(
                "iam",
                "PutUserPolicy",
                valid=False,
                UserName="alice",
                PolicyName="a b",
                PolicyDocument=an_identity_policy(),
            )

    run_with_api(scenario)


def test_T014_a_user_with_keys_or_policies_is_not_deleted(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.call("iam", "CreateUser", UserName="alice")
        key = (await api.call("iam", "CreateAccessKey", UserName="alice"))["AccessKey"]
        put = {"UserName": "alice", "PolicyName": "p"}
        await api.call("iam", "PutUserPolicy", **put, PolicyDocument=an_identity_policy())
        with pytest.raises(DeleteConflict):
            await api.call("iam", "DeleteUser", UserName="alice")
        await api.call("iam", "DeleteAccessKey", UserName="alice", AccessKeyId=key["AccessKeyId"])
        with pytest.raises(DeleteConflict):
            await api.call("iam", "DeleteUser", UserName="alice")
        await api.call("iam", "DeleteUserPolicy", **put)
        await api.call("iam", "DeleteUser", UserName="alice")
        with pytest.raises(NoSuchEntity):
            await api.call("iam", "GetUser", UserName="alice")

    run_with_api(scenario)


def test_who_does_not_exist_is_named_so(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for operation, params in {
            "GetUser": {},
            "DeleteUser": {},
            "ListUserPolicies": {},
            "PutUserPolicy": {"PolicyName": "p", "PolicyDocument": an_identity_policy()},
            "GetUserPolicy": {"PolicyName": "p"},
            "DeleteUserPolicy": {"PolicyName": "p"},
            "CreateAccessKey": {},
            "ListAccessKeys": {},
            "UpdateAccessKey": {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA", "Status": "Active"},
            "DeleteAccessKey": {"AccessKeyId": "AKIAAAAAAAAAAAAAAAAA"},
        }.items():
            with pytest.raises(NoSuchEntity):
                await api.call("iam", operation, UserName="nobody", **params)

    run_with_api(scenario)
