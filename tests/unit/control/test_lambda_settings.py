"""Concurrency, tags, event configurations and what tools read back of a function."""

from typing import Any

import pytest

from onread.errors import (
    CodeStorageExceededException,
    InvalidParameterValueException,
    PreconditionFailedException,
    ProvisionedConcurrencyConfigNotFoundException,
    ResourceNotFoundException,
)

from .conftest import ACCOUNT, Api, Run
from .lambda_calls import ARN, create, new_code, publish


def test_concurrency_is_reserved_and_given_back(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        assert await api.call("lambda", "GetFunctionConcurrency", FunctionName="f") == {}
        put = await api.call(
            "lambda", "PutFunctionConcurrency", FunctionName="f", ReservedConcurrentExecutions=5
        )
        assert put == {"ReservedConcurrentExecutions": 5}
        assert api.functions.told[-1] == ("adopted", "f")
        found = await api.call("lambda", "GetFunction", FunctionName="f")
        assert found["Concurrency"] == put
        version = api.records.published.find(ACCOUNT, "f", "1")
        assert version is not None
        assert version.reserved_concurrency == 5
        settings = await api.call("lambda", "GetAccountSettings")
        assert settings["AccountLimit"]["UnreservedConcurrentExecutions"] == 995
        assert settings["AccountUsage"]["FunctionCount"] == 1
        assert settings["AccountUsage"]["TotalCodeSize"] == 2 * found["Configuration"]["CodeSize"]
        await api.call("lambda", "DeleteFunctionConcurrency", FunctionName="f")
        assert "Concurrency" not in await api.call("lambda", "GetFunction", FunctionName="f")

    run_with_api(scenario)


def test_a_hundred_stay_unreserved(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for name in ("f", "g"):
            await create(api, name)
        await api.call("lambda", "PutFunctionConcurrency", FunctionName="g", ReservedConcurrentExecutions=600)
        for wanted, fits in ((301, False), (300, True), (300, True), (-1, False)):
            params = {"FunctionName": "f", "ReservedConcurrentExecutions": wanted}
            if fits:
                await api.call("lambda", "PutFunctionConcurrency", **params)
            else:
                with pytest.raises(InvalidParameterValueException):
                    await api.call("lambda", "PutFunctionConcurrency", valid=False, **params)

    run_with_api(scenario)


def test_tags_are_set_and_taken_by_the_functions_arn(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Tags={"a": "1"}, Publish=True)
        revision = (await api.call("lambda", "GetFunctionConfiguration", FunctionName="f"))["RevisionId"]
        await api.call("lambda", "TagResource", Resource=ARN, Tags={"a": "2", "b": ""})
        assert await api.call("lambda", "ListTags", Resource=ARN) == {"Tags": {"a": "2", "b": ""}}
        await api.call("lambda", "UntagResource", Resource=ARN, TagKeys=["a", "z"])
        found = await api.call("lambda", "GetFunction", FunctionName="f")
        assert found["Tags"] == {"b": ""}
        assert found["Configuration"]["RevisionId"] == revision
        for wrong in ({"k" * 129: ""}, {"aws:a": ""}, {"k": "v" * 257}, {str(n): "" for n in range(50)}):
            with pytest.raises(InvalidParameterValueException):
                await api.call("lambda", "TagResource", Resource=ARN, Tags=wrong)
        with pytest.raises(InvalidParameterValueException, match="versions are not supported"):
            await api.call("lambda", "ListTags", Resource=f"{ARN}:1")
        elsewhere = [
            ARN.replace(ACCOUNT, "999988887777"),
            f"{ARN}other",
            "arn:aws:lambda:us-east-1:1:layer:l",
        ]
        for resource in elsewhere:
            with pytest.raises(ResourceNotFoundException):
                await api.call("lambda", "ListTags", valid=False, Resource=resource)

    run_with_api(scenario)


def test_members_without_effect_are_given_back(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        given: dict[str, Any] = {
            "TracingConfig": {"Mode": "Active"},
            "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
            "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:111122223333:q"},
            "KMSKeyArn": "arn:aws:kms:us-east-1:111122223333:key/k",
            "Architectures": ["arm64"],
        }
        made = await create(
            api, **given, LoggingConfig={"LogFormat": "JSON"}, EphemeralStorage={"Size": 1024}
        )
        assert {name: made[name] for name in given} == given
        assert made["LoggingConfig"] == {"LogFormat": "JSON", "LogGroup": "/aws/lambda/f"}
        assert made["EphemeralStorage"] == {"Size": 1024}
        one = await publish(api)
        changed = await api.call(
            "lambda",
            "UpdateFunctionConfiguration",
            FunctionName="f",
            VpcConfig={"SubnetIds": [], "SecurityGroupIds": []},
            KMSKeyArn="",
        )
        assert "VpcConfig" not in changed
        assert "KMSKeyArn" not in changed
        assert changed["TracingConfig"] == {"Mode": "Active"}
        assert (await api.call("lambda", "GetFunctionConfiguration", FunctionName="f:1"))["VpcConfig"] == one[
            "VpcConfig"
        ]
        for size in (511, 10_241):
            with pytest.raises(InvalidParameterValueException, match="EphemeralStorage"):
                await create(api, "g", EphemeralStorage={"Size": size}, valid=False)

    run_with_api(scenario)


def test_what_tools_read_answers_as_aws_does_when_there_is_none(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        for operation, answer in {
            "GetFunctionCodeSigningConfig": {},
            "ListFunctionUrlConfigs": {"FunctionUrlConfigs": []},
            "GetFunctionRecursionConfig": {"RecursiveLoop": "Terminate"},
            "GetRuntimeManagementConfig": {"UpdateRuntimeOn": "Auto", "FunctionArn": f"{ARN}:$LATEST"},
            "ListFunctionEventInvokeConfigs": {"FunctionEventInvokeConfigs": []},
        }.items():
            assert await api.call("lambda", operation, FunctionName="f") == answer
            with pytest.raises(ResourceNotFoundException):
                await api.call("lambda", operation, FunctionName="other")
        for operation in ("GetFunctionUrlConfig", "GetFunctionEventInvokeConfig", "GetPolicy"):
            with pytest.raises(ResourceNotFoundException):
                await api.call("lambda", operation, FunctionName="f")
        assert await api.call("lambda", "ListEventSourceMappings") == {"EventSourceMappings": []}
        assert await api.call("lambda", "ListCodeSigningConfigs") == {"CodeSigningConfigs": []}
        for operation, given in {
            "FunctionRecursionConfig": {"RecursiveLoop": "Allow"},
            "RuntimeManagementConfig": {"UpdateRuntimeOn": "FunctionUpdate"},
        }.items():
            await api.call("lambda", f"Put{operation}", FunctionName="f", **given)
            found = await api.call("lambda", f"Get{operation}", FunctionName="f")
            assert {name: found[name] for name in given} == given

    run_with_api(scenario)


def test_event_configurations_are_kept_for_each_qualifier(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        call = api.call
        made = await call("lambda", "PutFunctionEventInvokeConfig", FunctionName="f", MaximumRetryAttempts=0)
        assert (made["FunctionArn"], made["MaximumRetryAttempts"]) == (f"{ARN}:$LATEST", 0)
        with pytest.raises(ResourceNotFoundException, match="EventInvokeConfig"):
            await call(
                "lambda",
                "UpdateFunctionEventInvokeConfig",
                FunctionName="f:1",
                MaximumEventAgeInSeconds=60,
            )
        changed = await call(
            "lambda", "UpdateFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60
        )
        assert (changed["MaximumRetryAttempts"], changed["MaximumEventAgeInSeconds"]) == (0, 60)
        assert await call("lambda", "GetFunctionEventInvokeConfig", FunctionName="f") == changed
        await call("lambda", "PutFunctionEventInvokeConfig", FunctionName="f:1", MaximumRetryAttempts=1)
        listed = await call("lambda", "ListFunctionEventInvokeConfigs", FunctionName="f")
        assert len(listed["FunctionEventInvokeConfigs"]) == 2
        for wrong in ({"MaximumRetryAttempts": 3}, {"MaximumEventAgeInSeconds": 59}):
            with pytest.raises(InvalidParameterValueException):
                await call("lambda", "PutFunctionEventInvokeConfig", valid=False, FunctionName="f", **wrong)
        await call("lambda", "DeleteFunctionEventInvokeConfig", FunctionName="f")
        with pytest.raises(ResourceNotFoundException):
            await call("lambda", "DeleteFunctionEventInvokeConfig", FunctionName="f")

    run_with_api(scenario)


def test_code_has_a_bound(run_with_api: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        monkeypatch.setattr("onread.control.storage.MOST_STORED_BYTES", made["CodeSize"] + 1)
        with pytest.raises(CodeStorageExceededException):
            await create(api, "g")

    run_with_api(scenario)


def test_a_stale_revision_changes_no_configuration(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(PreconditionFailedException):
            await api.call(
                "lambda", "UpdateFunctionConfiguration", FunctionName="f", Timeout=9, RevisionId="stale"
            )

    run_with_api(scenario)


def test_provisioned_concurrency_is_kept_for_versions(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        put = {"ProvisionedConcurrentExecutions": 3}
        for wrong in ({}, {"Qualifier": "$LATEST"}):
            with pytest.raises(InvalidParameterValueException, match="unpublished"):
                await api.call(
                    "lambda", "PutProvisionedConcurrencyConfig", valid=False, FunctionName="f", **put, **wrong
                )
        with pytest.raises(ProvisionedConcurrencyConfigNotFoundException):
            await api.call("lambda", "GetProvisionedConcurrencyConfig", FunctionName="f", Qualifier="1")
        await api.call("lambda", "CreateAlias", FunctionName="f", Name="PROD", FunctionVersion="1")
        api.functions.told.clear()
        made = await api.call(
            "lambda", "PutProvisionedConcurrencyConfig", FunctionName="f", Qualifier="PROD", **put
        )
        assert made["RequestedProvisionedConcurrentExecutions"] == 3
        assert made["Status"] == "READY"
        assert api.functions.told == [("adopted", "f"), ("prewarm", "f")]
        version = api.records.published.find(ACCOUNT, "f", "1")
        assert version is not None
        assert version.min_environments == 3
        assert (await publish(api))["Version"] == "1"  # it is no part of the version
        listed = await api.call("lambda", "ListProvisionedConcurrencyConfigs", FunctionName="f")
        assert [each["FunctionArn"] for each in listed["ProvisionedConcurrencyConfigs"]] == [f"{ARN}:PROD"]
        await new_code(api, "two = 2", Publish=True)
        await api.call("lambda", "UpdateAlias", FunctionName="f", Name="PROD", FunctionVersion="2")
        least = [each.min_environments for each in api.records.published.versions(ACCOUNT, "f")]
        assert least == [0, 3]
        await api.call("lambda", "DeleteAlias", FunctionName="f", Name="PROD")
        assert {each.min_environments for each in api.records.published.versions(ACCOUNT, "f")} == {0}

    run_with_api(scenario)
