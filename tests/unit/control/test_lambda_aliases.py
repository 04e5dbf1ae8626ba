"""Aliases: names of versions, changed at once, dividing by weight."""

from typing import Any

import pytest

from onread.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)
from onread.metadata.function_records import FunctionAlias
from onread.metadata.published import pick_version

from .conftest import ACCOUNT, Api, Run
from .lambda_calls import ARN, create, new_code


async def make_alias(api: Api, name: str = "PROD", version: str = "1", **more: Any) -> dict[str, Any]:
    return await api.call(
        "lambda", "CreateAlias", FunctionName="f", Name=name, FunctionVersion=version, **more
    )


async def with_two_versions(api: Api) -> None:
    await create(api, Publish=True)
    await new_code(api, "two = 2", Publish=True)


def test_an_alias_leads_to_its_version_and_follows_a_change(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_two_versions(api)
        made = await make_alias(api, Description="d")
        revision = made.pop("RevisionId")
        assert made == {"AliasArn": f"{ARN}:PROD", "Name": "PROD", "FunctionVersion": "1", "Description": "d"}
        for name in ("f:PROD", f"{ARN}:PROD", f"{ACCOUNT}:function:f:PROD"):
            found = await api.call("lambda", "GetFunctionConfiguration", valid=False, FunctionName=name)
            assert (found["FunctionArn"], found["Version"]) == (f"{ARN}:PROD", "1")
        changed = await api.call(
            "lambda", "UpdateAlias", FunctionName="f", Name="PROD", FunctionVersion="2", RevisionId=revision
        )
        assert (changed["FunctionVersion"], changed["Description"]) == ("2", "d")
        found = await api.call("lambda", "GetFunction", FunctionName="f", Qualifier="PROD")
        assert found["Configuration"]["Version"] == "2"
        with pytest.raises(PreconditionFailedException):
            await api.call("lambda", "UpdateAlias", FunctionName="f", Name="PROD", RevisionId=revision)

    run_with_api(scenario)


def test_aliases_are_listed_by_name_and_version(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_two_versions(api)
        for name, version in (("b", "1"), ("a", "2"), ("c", "1"), ("d", "$LATEST")):
            await make_alias(api, name, version)
        first = await api.call("lambda", "ListAliases", FunctionName="f", MaxItems=3)
        rest = await api.call("lambda", "ListAliases", FunctionName="f", Marker=first["NextMarker"])
        assert [each["Name"] for each in first["Aliases"] + rest["Aliases"]] == ["a", "b", "c", "d"]
        of_one = await api.call("lambda", "ListAliases", FunctionName="f", FunctionVersion="1")
        assert [each["Name"] for each in of_one["Aliases"]] == ["b", "c"]
        await api.call("lambda", "DeleteAlias", FunctionName="f", Name="a")
        await api.call("lambda", "DeleteAlias", FunctionName="f", Name="a")
        with pytest.raises(ResourceNotFoundException, match="Cannot find alias arn"):
            await api.call("lambda", "GetAlias", FunctionName="f", Name="a")

    run_with_api(scenario)


@pytest.mark.parametrize(
    ("given", "refusal"),
    [
        ({"Name": "1"}, InvalidParameterValueException),
        ({"Name": "a:b"}, InvalidParameterValueException),
        ({"Name": "PROD"}, ResourceConflictException),
        ({"FunctionName": "other"}, ResourceNotFoundException),
        ({"FunctionVersion": "9"}, ResourceNotFoundException),
        ({"FunctionVersion": "PROD"}, InvalidParameterValueException),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"1": 0.5}}}, InvalidParameterValueException),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"2": 1.5}}}, InvalidParameterValueException),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"9": 0.5}}}, ResourceNotFoundException),
        ({"RoutingConfig": {"AdditionalVersionWeights": {"$LATEST": 0.5}}}, InvalidParameterValueException),
        ({"Description": "d" * 257}, InvalidParameterValueException),
    ],
)
def test_what_no_alias_can_be_is_refused(run_with_api: Run, given: dict[str, Any], refusal: Any) -> None:
    async def scenario(api: Api) -> None:
        await with_two_versions(api)
        await make_alias(api)
        params = {"FunctionName": "f", "Name": "new", "FunctionVersion": "1", **given}
        with pytest.raises(refusal):
            await api.call("lambda", "CreateAlias", valid=False, **params)
        assert [each.name for each in api.records.published.aliases(ACCOUNT, "f")] == ["PROD"]

    run_with_api(scenario)


def test_a_weighted_version_is_in_use_until_the_weight_goes(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_two_versions(api)
        routing = {"AdditionalVersionWeights": {"2": 0.25}}
        made = await make_alias(api, RoutingConfig=routing)
        assert made["RoutingConfig"] == routing
        with pytest.raises(ResourceConflictException):
            await api.call("lambda", "DeleteFunction", FunctionName="f:2")
        changed = await api.call("lambda", "UpdateAlias", FunctionName="f", Name="PROD", RoutingConfig={})
        assert "RoutingConfig" not in changed
        await api.call("lambda", "DeleteFunction", FunctionName="f:2")

    run_with_api(scenario)


def test_invocations_are_divided_by_weight(run_with_api: Run) -> None:
    alias = FunctionAlias(
        account_id=ACCOUNT,
        region="us-east-1",
        function_name="f",
        name="PROD",
        version="1",
        weights={"2": 0.25},
        revision_id="r",
    )
    draws = [number / 100 for number in range(100)]
    assert [pick_version(alias, draw) for draw in draws].count("2") == 25

    async def scenario(api: Api) -> None:
        await with_two_versions(api)
        await make_alias(api, RoutingConfig={"AdditionalVersionWeights": {"2": 1.0}})
        answer = await api.call("lambda", "Invoke", FunctionName="f:PROD")
        assert answer["ExecutedVersion"] == "2"
        invocation = api.functions.invocations[-1]
        assert (invocation.function.version, invocation.invoked_arn) == ("2", f"{ARN}:PROD")

    run_with_api(scenario)
