"""Resource policies of functions, as AWS writes their statements."""

import json
from typing import Any

import pytest

from onread.control.lambda_permissions import policy_of_function
from onread.errors import (
    InvalidParameterValueException,
    PolicyLengthExceededException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)

from .conftest import ACCOUNT, Api, Run
from .lambda_calls import ARN, create

GRANT = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}


async def add(api: Api, **changes: Any) -> Any:
    params = {"FunctionName": "f", **GRANT, **changes}
    return json.loads((await api.call("lambda", "AddPermission", valid=False, **params))["Statement"])


@pytest.mark.parametrize(
    ("given", "principal"),
    [
        ("s3.amazonaws.com", {"Service": "s3.amazonaws.com"}),
        ("999988887777", {"AWS": "arn:aws:iam::999988887777:root"}),
        (f"arn:aws:iam::{ACCOUNT}:user/u", {"AWS": f"arn:aws:iam::{ACCOUNT}:user/u"}),
        ("*", "*"),
    ],
)
def test_a_statement_is_written_as_aws_writes_it(run_with_api: Run, given: str, principal: Any) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        statement = await add(api, Principal=given)
        assert statement == {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": principal,
            "Action": "lambda:InvokeFunction",
            "Resource": ARN,
        }
        found = await api.call("lambda", "GetPolicy", FunctionName="f")
        document = json.loads(found["Policy"])
        assert document == {"Version": "2012-10-17", "Id": "default", "Statement": [statement]}

    run_with_api(scenario)


def test_conditions_narrow_a_statement(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        statement = await add(
            api, SourceArn="arn:aws:s3:::b", SourceAccount=ACCOUNT, PrincipalOrgID="o-a1b2c3d4e5"
        )
        assert statement["Condition"] == {
            "StringEquals": {"AWS:SourceAccount": ACCOUNT, "aws:PrincipalOrgID": "o-a1b2c3d4e5"},
            "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::b"},
        }

    run_with_api(scenario)


def test_each_qualifier_has_a_policy_of_its_own(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        await api.call("lambda", "CreateAlias", FunctionName="f", Name="PROD", FunctionVersion="1")
        assert (await add(api, Qualifier="PROD"))["Resource"] == f"{ARN}:PROD"
        assert (await add(api, FunctionName="f:1"))["Resource"] == f"{ARN}:1"
        with pytest.raises(ResourceNotFoundException):
            await api.call("lambda", "GetPolicy", FunctionName="f")
        assert policy_of_function(api.records, ACCOUNT, "f", "$LATEST") is None
        await add(api)
        for qualifier in ("$LATEST", "1", "PROD"):
            assert policy_of_function(api.records, ACCOUNT, "f", qualifier) is not None
        with pytest.raises(InvalidParameterValueException, match="LATEST"):
            await add(api, Qualifier="$LATEST")
        with pytest.raises(ResourceNotFoundException):
            await add(api, Qualifier="2")
        await api.call("lambda", "DeleteAlias", FunctionName="f", Name="PROD")
        assert policy_of_function(api.records, ACCOUNT, "f", "PROD") is None

    run_with_api(scenario)


def test_statements_come_and_go_under_a_revision(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(ResourceNotFoundException, match="No policy"):
            await api.call("lambda", "RemovePermission", FunctionName="f", StatementId="s")
        await add(api)
        revision = (await api.call("lambda", "GetPolicy", FunctionName="f"))["RevisionId"]
        with pytest.raises(ResourceConflictException, match=r"\(s\)"):
            await add(api)
        await add(api, StatementId="t", RevisionId=revision)
        for stale in ({"StatementId": "u"},):
            with pytest.raises(PreconditionFailedException):
                await add(api, RevisionId=revision, **stale)
        with pytest.raises(ResourceNotFoundException, match="not found in resource policy"):
            await api.call("lambda", "RemovePermission", FunctionName="f", StatementId="u")
        for statement in ("s", "t"):
            await api.call("lambda", "RemovePermission", FunctionName="f", StatementId=statement)
        with pytest.raises(ResourceNotFoundException):
            await api.call("lambda", "GetPolicy", FunctionName="f")

    run_with_api(scenario)


@pytest.mark.parametrize(
    "changes",
    [
        {"StatementId": "s t"},
        {"Action": "s3:GetObject"},
        {"Principal": "somebody"},
        {"Principal": "arn:aws:iam::*:user/u"},
        {"SourceAccount": "12"},
    ],
)
def test_what_no_statement_may_hold_is_refused(run_with_api: Run, changes: dict[str, str]) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(InvalidParameterValueException):
            await add(api, **changes)

    run_with_api(scenario)


def test_a_policy_has_a_size(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        source = f"arn:aws:s3:::{'b' * 400}"
        for number in range(32):
            await add(api, StatementId=f"s{number}", SourceArn=source)
        with pytest.raises(PolicyLengthExceededException, match="20480"):
            await add(api, StatementId="a-little-longer", SourceArn=f"{source}{source}")
        found = await api.call("lambda", "GetPolicy", FunctionName="f")
        assert 19_000 < len(found["Policy"]) <= 20_480

    run_with_api(scenario)
