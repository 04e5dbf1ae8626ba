"""Roles and managed policies by IAM's own operations; botocore's model judges what comes back."""

import json
from typing import Any
from urllib.parse import unquote

import pytest

from onread.errors import (
    AccessDenied,
    DeleteConflict,
    EntityAlreadyExists,
    InvalidInput,
    LimitExceeded,
    MalformedPolicyDocument,
    NoSuchEntity,
    ValidationError,
)

from .conftest import ACCOUNT, NOW, OTHER_ACCOUNT, Api, Run, an_identity_policy

EXECUTION = "arn:aws:iam::aws:policy/service-role/AmazonS3ObjectLambdaExecutionRolePolicy"
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def trust(principal: Any = None, action: str = "sts:AssumeRole") -> str:
    principal = principal or {"Service": "lambda.amazonaws.com"}
    statement = {"Effect": "Allow", "Principal": principal, "Action": action}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


async def make_role(api: Api, name: str = "reader", **params: Any) -> dict[str, Any]:
    params.setdefault("AssumeRolePolicyDocument", trust())
    made: dict[str, Any] = (await api.call("iam", "CreateRole", RoleName=name, **params))["Role"]
    return made


async def make_policy(api: Api, name: str = "read", **params: Any) -> str:
    params.setdefault("PolicyDocument", an_identity_policy())
    made = (await api.call("iam", "CreatePolicy", PolicyName=name, **params))["Policy"]
    return str(made["Arn"])


def test_a_created_role_is_described(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        tags = [{"Key": "Team", "Value": "blue"}]
        made = await make_role(
            api, Path="/app/", Description="d", MaxSessionDuration=7200, Tags=tags, PermissionsBoundary=BASIC
        )
        assert made["RoleId"].startswith("AROA")
        assert unquote(made["AssumeRolePolicyDocument"]) == trust()
        assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/app/reader"
        assert (made["CreateDate"], made["MaxSessionDuration"], made["Tags"]) == (NOW, 7200, tags)
        assert made["PermissionsBoundary"]["PermissionsBoundaryArn"] == BASIC
        assert await api.call("iam", "GetRole", RoleName="READER") == {"Role": made}
        listed = (await api.call("iam", "ListRoles", PathPrefix="/app/"))["Roles"]
        assert [role["RoleName"] for role in listed] == ["reader"]
        assert not {"Tags", "PermissionsBoundary"} & set(listed[0])
        assert (await api.call("iam", "ListRoles", PathPrefix="/x/"))["Roles"] == []
        with pytest.raises(EntityAlreadyExists):
            await make_role(api, "Reader")
        assert await api.call("iam", "ListInstanceProfilesForRole", RoleName="reader") == {
            "InstanceProfiles": [],
            "IsTruncated": False,
        }

    run_with_api(scenario)


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        ("{", MalformedPolicyDocument),
        ("", MalformedPolicyDocument),
        (an_identity_policy(), MalformedPolicyDocument),
        (trust(action="s3:GetObject"), MalformedPolicyDocument),
        (trust(action="*"), MalformedPolicyDocument),
        (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody"}), MalformedPolicyDocument),
        (trust({"AWS": f"arn:aws:iam::{ACCOUNT}:role/nobody"}), MalformedPolicyDocument),
        (trust({"AWS": [f"{number:012}" for number in range(200)]}), LimitExceeded),
    ],
)
def test_T209_a_trust_policy_that_trusts_nobody_is_refused(
    run_with_api: Run, document: str, refusal: type[Exception]
) -> None:
    async def scenario(api: Api) -> None:
        with pytest.raises(refusal):
            await api.call("iam", "CreateRole", valid=False, RoleName="r", AssumeRolePolicyDocument=document)
        await make_role(api)
        with pytest.raises(refusal):
            await api.call(
                "iam", "UpdateAssumeRolePolicy", valid=False, RoleName="reader", PolicyDocument=document
            )
        assert unquote(
            (await api.call("iam", "GetRole", RoleName="reader"))["Role"]["AssumeRolePolicyDocument"]
        )

    run_with_api(scenario)


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"RoleName": "a b"}, ValidationError),
        ({"RoleName": "x" * 65}, ValidationError),
        ({"RoleName": "r", "Path": "x"}, ValidationError),
        ({"RoleName": "r", "MaxSessionDuration": 60}, ValidationError),
        ({"RoleName": "r", "Description": "x" * 1001}, ValidationError),
        ({"RoleName": "r", "PermissionsBoundary": "x"}, ValidationError),
        ({"RoleName": "r", "PermissionsBoundary": "arn:aws:iam::aws:policy/x"}, NoSuchEntity),
        ({"RoleName": "r", "Tags": [{"Key": "a", "Value": ""}, {"Key": "A", "Value": ""}]}, InvalidInput),
        ({"RoleName": "r", "Tags": [{"Key": "aws:a", "Value": ""}]}, InvalidInput),
        ({"RoleName": "r", "Tags": [{"Key": "a\0", "Value": ""}]}, ValidationError),
        ({"RoleName": "r", "Tags": [{"Key": f"{n}", "Value": ""} for n in range(51)]}, LimitExceeded),
    ],
)
def test_a_role_that_cannot_be_made_is_refused(
    run_with_api: Run, params: dict[str, Any], refusal: type[Exception]
) -> None:
    async def scenario(api: Api) -> None:
        with pytest.raises(refusal):
            await api.call("iam", "CreateRole", valid=False, AssumeRolePolicyDocument=trust(), **params)
        assert (await api.call("iam", "ListRoles"))["Roles"] == []

    run_with_api(scenario)


def test_a_role_changes_and_goes(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        role = await make_role(api)
        await api.call("iam", "UpdateRole", RoleName="reader", Description="new", MaxSessionDuration=3601)
        await api.call("iam", "UpdateRole", RoleName="reader")
        own = trust({"AWS": role["Arn"]})
        await api.call("iam", "UpdateAssumeRolePolicy", RoleName="reader", PolicyDocument=own)
        shown = (await api.call("iam", "GetRole", RoleName="reader"))["Role"]
        assert (shown["Description"], shown["MaxSessionDuration"]) == ("new", 3601)
        assert unquote(shown["AssumeRolePolicyDocument"]) == own
        document = an_identity_policy()
        await api.call("iam", "PutRolePolicy", RoleName="reader", PolicyName="p", PolicyDocument=document)
        got = await api.call("iam", "GetRolePolicy", RoleName="reader", PolicyName="p")
        assert unquote(got["PolicyDocument"]) == document
        assert (await api.call("iam", "ListRolePolicies", RoleName="reader"))["PolicyNames"] == ["p"]
        with pytest.raises(DeleteConflict):
            await api.call("iam", "DeleteRole", RoleName="reader")
        await api.call("iam", "DeleteRolePolicy", RoleName="reader", PolicyName="p")
        with pytest.raises(NoSuchEntity):
            await api.call("iam", "GetRolePolicy", RoleName="reader", PolicyName="p")
        await api.call("iam", "DeleteRole", RoleName="reader")
        with pytest.raises(NoSuchEntity):
            await api.call("iam", "GetRole", RoleName="reader")

    run_with_api(scenario)


def test_managed_policies_have_versions(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        arn = await make_policy(api, Path="/a/", Description="d", Tags=[{"Key": "k", "Value": "v"}])
        policy = (await api.call("iam", "GetPolicy", PolicyArn=arn))["Policy"]
        assert policy["Arn"] == f"arn:aws:iam::{ACCOUNT}:policy/a/read"
        assert (policy["DefaultVersionId"], policy["AttachmentCount"]) == ("v1", 0)
        newer = json.dumps({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}})
        made = await api.call(
            "iam", "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=newer, SetAsDefault=True
        )
        assert made["PolicyVersion"]["VersionId"] == "v2"
        shown = (await api.call("iam", "GetPolicyVersion", PolicyArn=arn, VersionId="v2"))["PolicyVersion"]
        assert (unquote(shown["Document"]), shown["IsDefaultVersion"]) == (newer, True)
        with pytest.raises(DeleteConflict):
            await api.call("iam", "DeletePolicy", PolicyArn=arn)
        await api.call("iam", "SetDefaultPolicyVersion", PolicyArn=arn, VersionId="v1")
        versions = (await api.call("iam", "ListPolicyVersions", PolicyArn=arn))["Versions"]
        assert [(v["VersionId"], v["IsDefaultVersion"]) for v in versions] == [("v1", True), ("v2", False)]
        await api.call("iam", "DeletePolicyVersion", PolicyArn=arn, VersionId="v2")
        for version, refusal in (("v2", NoSuchEntity), ("2", ValidationError)):
            with pytest.raises(refusal):
                await api.call("iam", "GetPolicyVersion", valid=False, PolicyArn=arn, VersionId=version)
        await api.call("iam", "DeletePolicy", PolicyArn=arn)
        with pytest.raises(NoSuchEntity):
            await api.call("iam", "GetPolicy", PolicyArn=arn)

    run_with_api(scenario)


def test_policies_of_aws_are_shown_and_never_changed(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        document = json.loads(
            unquote(
                (await api.call("iam", "GetPolicyVersion", PolicyArn=EXECUTION, VersionId="v1"))[
                    "PolicyVersion"
                ]["Document"]
            )
        )
        assert "s3-object-lambda:WriteGetObjectResponse" in document["Statement"][0]["Action"]
        listed = (await api.call("iam", "ListPolicies", Scope="AWS"))["Policies"]
        assert [policy["Arn"] for policy in listed] == sorted([EXECUTION, BASIC])
        assert (await api.call("iam", "ListPolicies", Scope="Local"))["Policies"] == []
        for name, params in (
            ("DeletePolicy", {}),
            ("CreatePolicyVersion", {"PolicyDocument": an_identity_policy()}),
            ("SetDefaultPolicyVersion", {"VersionId": "v1"}),
            ("TagPolicy", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ):
            with pytest.raises(AccessDenied):
                await api.call("iam", name, PolicyArn=BASIC, **params)

    run_with_api(scenario)


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_policies_are_attached_listed_and_detached(run_with_api: Run, kind: str) -> None:
    async def scenario(api: Api) -> None:
        await make_role(api, "same")
        await api.call("iam", "CreateUser", UserName="same")
        arn = await make_policy(api)
        here = {f"{kind}Name": "same"}
        for _ in range(2):
            await api.call("iam", f"Attach{kind}Policy", PolicyArn=arn, **here)
        await api.call("iam", f"Attach{kind}Policy", PolicyArn=BASIC, **here)
        listed = await api.call("iam", f"ListAttached{kind}Policies", MaxItems=1, **here)
        assert listed["AttachedPolicies"] == [{"PolicyName": "read", "PolicyArn": arn}]
        rest = await api.call("iam", f"ListAttached{kind}Policies", Marker=listed["Marker"], **here)
        assert [each["PolicyArn"] for each in rest["AttachedPolicies"]] == [BASIC]
        assert (await api.call("iam", "GetPolicy", PolicyArn=arn))["Policy"]["AttachmentCount"] == 1
        entities = await api.call("iam", "ListEntitiesForPolicy", PolicyArn=arn)
        names = [each[f"{kind}Name"] for each in entities[f"Policy{kind}s"]]
        assert (names, len(entities["PolicyUsers"]) + len(entities["PolicyRoles"])) == (["same"], 1)
        assert [p["Arn"] for p in (await api.call("iam", "ListPolicies", OnlyAttached=True))["Policies"]] == [
            arn, BASIC,
        ]  # fmt: skip
        for name, params in (("DeletePolicy", {"PolicyArn": arn}), (f"Delete{kind}", here)):
            with pytest.raises(DeleteConflict):
                await api.call("iam", name, **params)
        for each in (arn, BASIC):
            await api.call("iam", f"Detach{kind}Policy", PolicyArn=each, **here)
        with pytest.raises(NoSuchEntity):
            await api.call("iam", f"Detach{kind}Policy", PolicyArn=arn, **here)
        await api.call("iam", "DeletePolicy", PolicyArn=arn)
        await api.call("iam", f"Delete{kind}", **here)

    run_with_api(scenario)


@pytest.mark.parametrize("kind", ["User", "Role"])
def test_boundaries_and_tags_are_put_and_removed(run_with_api: Run, kind: str) -> None:
    async def scenario(api: Api) -> None:
        await make_role(api, "same")
        await api.call("iam", "CreateUser", UserName="same")
        here = {f"{kind}Name": "same"}
        await api.call("iam", f"Put{kind}PermissionsBoundary", PermissionsBoundary=BASIC, **here)
        shown = (await api.call("iam", f"Get{kind}", **here))[kind]
        assert shown["PermissionsBoundary"]["PermissionsBoundaryArn"] == BASIC
        used = await api.call("iam", "ListPolicies", PolicyUsageFilter="PermissionsBoundary")
        assert [policy["PermissionsBoundaryUsageCount"] for policy in used["Policies"]] == [1]
        await api.call("iam", f"Delete{kind}PermissionsBoundary", **here)
        await api.call("iam", f"Tag{kind}", Tags=[{"Key": "Team", "Value": "blue"}], **here)
        await api.call("iam", f"Tag{kind}", Tags=[{"Key": "team", "Value": "red"}], **here)
        assert (await api.call("iam", f"List{kind}Tags", **here))["Tags"] == [{"Key": "team", "Value": "red"}]
        await api.call("iam", f"Untag{kind}", TagKeys=["TEAM"], **here)
        assert (
            set((await api.call("iam", f"Get{kind}", **here))[kind]) & {"Tags", "PermissionsBoundary"}
            == set()
        )

    run_with_api(scenario)


def test_T274_another_accounts_policy_is_not_there(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await make_policy(api)
        await make_role(api)
        foreign = f"arn:aws:iam::{OTHER_ACCOUNT}:policy/read"
        for name, params in (
            ("GetPolicy", {}),
            ("DeletePolicy", {}),
            ("AttachRolePolicy", {"RoleName": "reader"}),
            ("DetachRolePolicy", {"RoleName": "reader"}),
            ("ListEntitiesForPolicy", {}),
        ):
            with pytest.raises(NoSuchEntity):
                await api.call("iam", name, PolicyArn=foreign, **params)

    run_with_api(scenario)


def test_documents_have_quotas(run_with_api: Run) -> None:
    def of_size(characters: int) -> str:
        text = json.dumps({"Statement": {"Effect": "Allow", "Action": "s3:x", "Resource": "arn:aws:s3:::"}})
        return text.replace(":::", ":::" + "k" * (characters - len(text.replace(" ", ""))))

    async def scenario(api: Api) -> None:
        await make_role(api)
        await api.call("iam", "CreateUser", UserName="u")
        await make_policy(api, PolicyDocument=of_size(6144))
        with pytest.raises(LimitExceeded):
            await make_policy(api, "longer", PolicyDocument=of_size(6145))
        for kind, whole in (("User", {"UserName": "u"}), ("Role", {"RoleName": "reader"})):
            quota = 2048 if kind == "User" else 10240
            for name, size in (("a", quota), ("a", quota - 500), ("b", 500)):
                await api.call(
                    "iam", f"Put{kind}Policy", PolicyName=name, PolicyDocument=of_size(size), **whole
                )
            with pytest.raises(LimitExceeded):
                await api.call(
                    "iam", f"Put{kind}Policy", PolicyName="c", PolicyDocument=of_size(200), **whole
                )

    run_with_api(scenario)


def test_a_user_is_renamed_and_its_belongings_shown(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        tags = [{"Key": "a", "Value": "b"}]
        await api.call("iam", "CreateUser", UserName="alice", Tags=tags, PermissionsBoundary=BASIC)
        await api.call("iam", "UpdateUser", UserName="alice", NewUserName="bob", NewPath="/x/")
        shown = (await api.call("iam", "GetUser", UserName="bob"))["User"]
        assert (shown["Arn"], shown["Tags"]) == (f"arn:aws:iam::{ACCOUNT}:user/x/bob", tags)
        with pytest.raises(NoSuchEntity):
            await api.call("iam", "GetUser", UserName="alice")
        assert (await api.call("iam", "ListGroupsForUser", UserName="bob"))["Groups"] == []

    run_with_api(scenario)


def test_the_account_is_summed_up(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await make_role(api)
        await make_policy(api)
        summary = (await api.call("iam", "GetAccountSummary", valid=False))["SummaryMap"]
        assert (summary["Roles"], summary["Policies"], summary["Users"]) == (1, 1, 0)
        assert (await api.call("iam", "ListAccountAliases"))["AccountAliases"] == []

    run_with_api(scenario)


def test_functions_start_anew_when_their_role_comes_or_goes(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        from .test_lambda_functions import create

        await create(api, Role=f"arn:aws:iam::{ACCOUNT}:role/reader")
        api.functions.told.clear()
        await make_role(api, "another")
        await make_role(api)
        assert [what for what, _ in api.functions.told] == ["updated"]
        await api.call("iam", "DeleteRole", RoleName="reader")
        assert [what for what, _ in api.functions.told] == ["updated", "updated"]

    run_with_api(scenario)
