"""SimulatePrincipalPolicy and SimulateCustomPolicy, in the shapes of IAM's model."""

import json
from typing import Any

import pytest

from onread.errors import InvalidInput, MalformedPolicyDocument, NoSuchEntity

from .conftest import ACCOUNT, OTHER_ACCOUNT, Api, Run
from .test_roles import make_policy, make_role

BUCKET = "arn:aws:s3:::bucket"


def document(effect: str = "Allow", action: str = "s3:GetObject", resource: str = "*", **others: Any) -> str:
    return json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": effect, "Action": action, "Resource": resource, **others}],
        }
    )


async def a_user(api: Api, *documents: str) -> str:
    made = (await api.call("iam", "CreateUser", UserName="alice"))["User"]
    for place, text in enumerate(documents):
        await api.call("iam", "PutUserPolicy", UserName="alice", PolicyName=f"p{place}", PolicyDocument=text)
    return str(made["Arn"])


async def simulate(api: Api, arn: str, *actions: str, **params: Any) -> list[dict[str, Any]]:
    answer = await api.call(
        "iam", "SimulatePrincipalPolicy", PolicySourceArn=arn, ActionNames=list(actions), **params
    )
    results: list[dict[str, Any]] = answer["EvaluationResults"]
    return results


def decisions(results: list[dict[str, Any]]) -> list[str]:
    return [result["EvalDecision"] for result in results]


def test_a_users_policies_are_asked_action_by_action_and_resource_by_resource(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        arn = await a_user(
            api, document(resource=f"{BUCKET}/a/*"), document("Deny", resource=f"{BUCKET}/a/b")
        )
        results = await simulate(
            api, arn, "s3:GetObject", "s3:PutObject", ResourceArns=[f"{BUCKET}/a/k", f"{BUCKET}/a/b"]
        )
        assert [(r["EvalActionName"], r["EvalResourceName"][-3:]) for r in results] == [
            ("s3:GetObject", "a/k"),
            ("s3:GetObject", "a/b"),
            ("s3:PutObject", "a/k"),
            ("s3:PutObject", "a/b"),
        ]
        assert decisions(results) == ["allowed", "explicitDeny", "implicitDeny", "implicitDeny"]
        assert results[1]["MatchedStatements"] == [
            {
                "SourcePolicyId": "user_alice_p1",
                "SourcePolicyType": "user",
                "StartPosition": {"Line": 1, "Column": 41},
                "EndPosition": {"Line": 1, "Column": 124},
            }
        ]

    run_with_api(scenario)


def test_answers_come_in_pages(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        arn = await a_user(api)
        asked = {
            "PolicySourceArn": arn,
            "ActionNames": ["s3:A", "s3:B"],
            "ResourceArns": [f"{BUCKET}/{n}" for n in "xyz"],
        }
        found, marker = [], {}
        for size in (4, 2):
            answer = await api.call("iam", "SimulatePrincipalPolicy", MaxItems=4, **asked, **marker)
            assert len(answer["EvaluationResults"]) == size
            found += [
                (result["EvalActionName"], result["EvalResourceName"])
                for result in answer["EvaluationResults"]
            ]
            marker = {"Marker": answer["Marker"]} if answer["IsTruncated"] else {}
        assert marker == {}
        assert len(set(found)) == 6

    run_with_api(scenario)


def test_everything_that_has_a_say_has_one(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        policy = await make_policy(api, PolicyDocument=document(action="s3:*"))
        role = await make_role(api, Tags=[{"Key": "Team", "Value": "blue"}])
        await api.call("iam", "AttachRolePolicy", RoleName="reader", PolicyArn=policy)
        arn = role["Arn"]
        assert decisions(await simulate(api, arn, "s3:GetObject")) == ["allowed"]
        matched = (await simulate(api, arn, "s3:GetObject"))[0]["MatchedStatements"][0]
        assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("read", "user-managed")
        boundary = [document(action="s3:PutObject")]
        limited = await simulate(api, arn, "s3:GetObject", PermissionsBoundaryPolicyInputList=boundary)
        assert decisions(limited) == ["implicitDeny"]
        assert limited[0]["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
        await api.call("iam", "DetachRolePolicy", RoleName="reader", PolicyArn=policy)
        bucket = document(resource=f"{BUCKET}/*", Principal={"AWS": arn})
        here = {"ResourceArns": [f"{BUCKET}/k"], "ResourcePolicy": bucket}
        assert decisions(await simulate(api, arn, "s3:GetObject", **here)) == ["allowed"]
        foreign = await simulate(api, arn, "s3:GetObject", **here, ResourceOwner=OTHER_ACCOUNT)
        assert decisions(foreign) == ["implicitDeny"]
        tagged = document(Condition={"StringEquals": {"aws:PrincipalTag/team": "blue"}})
        assert decisions(await simulate(api, arn, "s3:GetObject", PolicyInputList=[tagged])) == ["allowed"]

    run_with_api(scenario)


def test_a_condition_is_answered_by_the_context_or_said_to_be_missing(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        conditioned = document(Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}})
        arn = await a_user(api, conditioned)
        (open_one,) = await simulate(api, arn, "s3:GetObject")
        assert (open_one["EvalDecision"], open_one["MissingContextValues"]) == (
            "implicitDeny",
            ["aws:SourceIp"],
        )
        entry = {
            "ContextKeyName": "aws:sourceip", "ContextKeyValues": ["192.0.2.9"], "ContextKeyType": "ip",
        }  # fmt: skip
        (answered,) = await simulate(api, arn, "s3:GetObject", ContextEntries=[entry])
        assert (answered["EvalDecision"], answered["MissingContextValues"]) == ("allowed", [])
        keys = await api.call("iam", "GetContextKeysForPrincipalPolicy", PolicySourceArn=arn)
        assert keys == {"ContextKeyNames": ["aws:SourceIp"]}
        keys = await api.call("iam", "GetContextKeysForCustomPolicy", PolicyInputList=[conditioned])
        assert keys == {"ContextKeyNames": ["aws:SourceIp"]}

    run_with_api(scenario)


def test_policies_that_nobody_has_can_be_tried(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        own = document(resource="arn:aws:s3:::bucket/${aws:username}/*")
        asked = {
            "ActionNames": ["s3:GetObject"], "ResourceArns": [f"{BUCKET}/bob/k"], "PolicyInputList": [own],
        }  # fmt: skip
        bob = f"arn:aws:iam::{ACCOUNT}:user/bob"
        for caller, decision in ((bob, "allowed"), (bob + "by", "implicitDeny")):
            answer = await api.call("iam", "SimulateCustomPolicy", **asked, CallerArn=caller)
            assert decisions(answer["EvaluationResults"]) == [decision]
        (result,) = (await api.call("iam", "SimulateCustomPolicy", **asked))["EvaluationResults"]
        assert result["EvalDecision"] == "implicitDeny"

    run_with_api(scenario)


@pytest.mark.parametrize(
    ("params", "refusal"),
    [
        ({"PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:user/nobody"}, NoSuchEntity),
        ({"PolicySourceArn": f"arn:aws:iam::{OTHER_ACCOUNT}:user/alice"}, NoSuchEntity),
        ({"PolicyInputList": ["{}"]}, MalformedPolicyDocument),
        ({"ResourcePolicy": "{"}, MalformedPolicyDocument),
        ({"CallerArn": "arn:aws:iam::1:group/x"}, InvalidInput),
        ({"ActionNames": ["s3:*"]}, InvalidInput),
        ({"ActionNames": ["getobject"]}, InvalidInput),
        ({"ResourceArns": [f"{BUCKET}/{n}" for n in range(101)]}, InvalidInput),
    ],
)
def test_T274_what_cannot_be_simulated_is_refused(
    run_with_api: Run, params: dict[str, Any], refusal: type[Exception]
) -> None:
    async def scenario(api: Api) -> None:
        arn = await a_user(api, document())
        asked = {"PolicySourceArn": arn, "ActionNames": ["s3:GetObject"], **params}
        with pytest.raises(refusal):
            await api.call("iam", "SimulatePrincipalPolicy", valid=False, **asked)

    run_with_api(scenario)
