"""Published versions: immutable, numbered once, found by every form of a name."""

import base64
from dataclasses import replace
from typing import Any

import pytest

from onread.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)

from .conftest import ACCOUNT, Api, Run
from .lambda_calls import ARN, create, new_code, publish


def test_a_version_keeps_its_code_and_configuration(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Environment={"Variables": {"MODE": "a"}}, Description="first")
        one = await publish(api)
        assert (one["Version"], one["FunctionArn"]) == ("1", f"{ARN}:1")
        assert one["Environment"] == {"Variables": {"MODE": "a"}}
        before = api.records.published.find(ACCOUNT, "f", "1")
        assert before is not None
        await new_code(api, "changed = 1")
        await api.call(
            "lambda",
            "UpdateFunctionConfiguration",
            FunctionName="f",
            Timeout=9,
            Environment={"Variables": {"MODE": "b"}},
        )
        assert await api.call("lambda", "GetFunctionConfiguration", FunctionName="f:1") == one
        assert api.records.published.find(ACCOUNT, "f", "1") == before
        assert await api.records.load_code(before.code_sha256)
        latest = await api.call("lambda", "GetFunctionConfiguration", FunctionName="f")
        assert (latest["Timeout"], latest["Environment"]["Variables"]) == (9, {"MODE": "b"})

    run_with_api(scenario)


def test_publishing_what_has_not_changed_publishes_nothing(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        one = await publish(api, Description="its own words")
        assert one["Description"] == "its own words"
        assert await publish(api) == one
        await new_code(api, "changed = 1")
        assert (await publish(api))["Version"] == "2"
        await api.call("lambda", "UpdateFunctionConfiguration", FunctionName="f", Description="new")
        assert (await publish(api))["Version"] == "3"
        assert (await publish(api))["Version"] == "3"

    run_with_api(scenario)


def test_a_number_is_never_used_twice(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        await api.call("lambda", "DeleteFunction", FunctionName="f:1")
        with pytest.raises(ResourceNotFoundException, match=r":f:1$"):
            await api.call("lambda", "GetFunction", FunctionName="f", Qualifier="1")
        assert (await publish(api))["Version"] == "2"

    run_with_api(scenario)


def test_create_and_update_can_publish_at_once(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api, Publish=True)
        assert (made["Version"], made["FunctionArn"]) == ("1", f"{ARN}:1")
        changed = await new_code(api, "changed = 1", Publish=True)
        assert changed["Version"] == "2"
        listed = await api.call("lambda", "ListVersionsByFunction", FunctionName="f")
        assert [each["Version"] for each in listed["Versions"]] == ["$LATEST", "1", "2"]
        assert [each["FunctionArn"] for each in listed["Versions"]] == [
            f"{ARN}:$LATEST",
            f"{ARN}:1",
            f"{ARN}:2",
        ]
        assert changed["CodeSha256"] == listed["Versions"][0]["CodeSha256"] != made["CodeSha256"]

    run_with_api(scenario)


def test_lists_of_versions_come_in_pages(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for name in ("f", "f-1", "g"):
            await create(api, name, Publish=True)
        for number in range(2, 12):
            await new_code(api, f"number = {number}", Publish=True)
        seen: list[str] = []
        marker: dict[str, Any] = {}
        while True:
            page = await api.call("lambda", "ListFunctions", FunctionVersion="ALL", MaxItems=4, **marker)
            seen += [each["FunctionArn"].partition(":function:")[2] for each in page["Functions"]]
            if "NextMarker" not in page:
                break
            marker = {"Marker": page["NextMarker"]}
        numbers = [f"f:{number}" for number in range(1, 12)]
        assert seen == ["f:$LATEST", *numbers, "f-1:$LATEST", "f-1:1", "g:$LATEST", "g:1"]
        plain = await api.call("lambda", "ListFunctions")
        assert [each["FunctionName"] for each in plain["Functions"]] == ["f", "f-1", "g"]
        assert all("$LATEST" not in each["FunctionArn"] for each in plain["Functions"])

    run_with_api(scenario)


def test_a_stale_belief_publishes_nothing(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        with pytest.raises(PreconditionFailedException):
            await publish(api, RevisionId="another")
        with pytest.raises(InvalidParameterValueException, match="CodeSHA256"):
            await publish(api, CodeSha256=base64.b64encode(b"x" * 32).decode())
        assert api.records.published.versions(ACCOUNT, "f") == []
        one = await publish(api, RevisionId=made["RevisionId"], CodeSha256=made["CodeSha256"])
        assert one["Version"] == "1"

    run_with_api(scenario)


def test_a_version_cannot_be_changed(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        for operation, more in {
            "UpdateFunctionConfiguration": {"Timeout": 9},
            "UpdateFunctionCode": {"ZipFile": b"x"},
            "PublishVersion": {},
        }.items():
            with pytest.raises(InvalidParameterValueException, match="LATEST"):
                await api.call("lambda", operation, valid=False, FunctionName="f:1", **more)

    run_with_api(scenario)


def test_deleting_takes_one_version_or_everything(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        sha256 = api.records.published.versions(ACCOUNT, "f")[0].code_sha256
        await new_code(api, "changed = 1", Publish=True)
        await api.call("lambda", "CreateAlias", FunctionName="f", Name="PROD", FunctionVersion="1")
        with pytest.raises(ResourceConflictException, match=r"\[PROD\]"):
            await api.call("lambda", "DeleteFunction", FunctionName="f", Qualifier="1")
        for qualifier in ("$LATEST", "PROD"):
            with pytest.raises(InvalidParameterValueException):
                await api.call("lambda", "DeleteFunction", FunctionName="f", Qualifier=qualifier)
        await api.call("lambda", "DeleteAlias", FunctionName="f", Name="PROD")
        await api.call("lambda", "DeleteFunction", FunctionName="f", Qualifier="1")
        assert ("deleted", "f") in api.functions.told
        with pytest.raises(ResourceNotFoundException):
            await api.records.load_code(sha256)
        await api.call("lambda", "DeleteFunction", FunctionName="f", Qualifier="77")
        await api.call("lambda", "DeleteFunction", FunctionName="f")
        assert api.records.published.all_versions() == []
        made = await create(api, Publish=True)
        assert made["Version"] == "1"

    run_with_api(scenario)


def test_what_holds_for_a_function_holds_for_its_versions(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        await api.call("onread", "ConfigureFunction", FunctionName="f", WarmEnvironments=7)
        version = api.records.published.find(ACCOUNT, "f", "1")
        assert version is not None
        assert version.warm_environments == 7
        latest = api.records.function(ACCOUNT, "f")
        assert latest is not None
        assert replace(version, version="$LATEST", revision_id=latest.revision_id) == latest

    run_with_api(scenario)
