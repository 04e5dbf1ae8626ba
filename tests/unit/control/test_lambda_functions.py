"""Functions by the Lambda API's own operations."""

import asyncio
import base64
import hashlib
from typing import Any

import pytest
from structlog.testing import capture_logs

from onread.control.lambda_functions import LambdaFunctionOperations
from onread.errors import (
    InvalidParameterValueException,
    NoSuchKey,
    PreconditionFailedException,
    ResourceConflictException,
    ResourceNotFoundException,
)

from .conftest import ACCOUNT, NOW, OTHER_ACCOUNT, REGION, ROLE, Api, Run, a_zip
from .lambda_calls import ARN, ZIP, create


def test_a_created_function_is_active_and_described(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(
            api,
            Description="d",
            Timeout=5,
            MemorySize=256,
            Environment={"Variables": {"MODE": "ü"}},
            Tags={"team": "a"},
        )
        assert made.pop("Architectures") in (["x86_64"], ["arm64"])
        assert len(made.pop("RevisionId")) == 36
        assert made == {
            "FunctionName": "f",
            "FunctionArn": ARN,
            "Runtime": "python3.11",
            "Role": ROLE,
            "Handler": "app.handler",
            "CodeSize": len(ZIP),
            "CodeSha256": base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
            "Description": "d",
            "Timeout": 5,
            "MemorySize": 256,
            "LastModified": "2030-01-02T03:04:05.678+0000",
            "Version": "$LATEST",
            "State": "Active",
            "LastUpdateStatus": "Successful",
            "PackageType": "Zip",
            "EphemeralStorage": {"Size": 512},
            "TracingConfig": {"Mode": "PassThrough"},
            "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/f"},
            "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
            "Environment": {"Variables": {"MODE": "ü"}},
        }
        record = api.records.function(ACCOUNT, "f")
        assert record is not None
        assert record.modified_at == NOW
        assert await api.records.load_code(record.code_sha256) == ZIP
        found = await api.call("lambda", "GetFunction", FunctionName="f")
        assert found["Tags"] == {"team": "a"}
        assert found["Code"] == {"RepositoryType": "S3"}
        assert api.functions.told == [("prewarm", "f")]

    run_with_api(scenario)


def test_defaults_are_lambdas(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        assert (made["Timeout"], made["MemorySize"], made["Description"]) == (3, 128, "")
        assert "Environment" not in made
        assert "StateReason" not in made

    run_with_api(scenario)


def test_every_form_of_the_name_finds_the_function(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, ARN)
        for name in ("f", ARN, f"{ACCOUNT}:function:f", f"function:{'f'}"):
            found = await api.call("lambda", "GetFunctionConfiguration", valid=False, FunctionName=name)
            assert found["FunctionArn"] == ARN
        for asked in (
            {"FunctionName": "f:$LATEST"},
            {"FunctionName": f"{ARN}:$LATEST"},
            {"FunctionName": "f", "Qualifier": "$LATEST"},
        ):
            found = await api.call("lambda", "GetFunctionConfiguration", **asked)
            assert found["FunctionArn"] == f"{ARN}:$LATEST"

    run_with_api(scenario)


@pytest.mark.parametrize(
    "asked",
    [
        {"FunctionName": "other"},
        {"FunctionName": "f", "Qualifier": "1"},
        {"FunctionName": "f:PROD"},
        {"FunctionName": ARN.replace(ACCOUNT, OTHER_ACCOUNT)},
        {"FunctionName": ARN.replace(REGION, "eu-west-1")},
    ],
)
def test_what_does_not_exist_is_named_so(run_with_api: Run, asked: dict[str, str]) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        for operation, more in {
            "GetFunction": {},
            "GetFunctionConfiguration": {},
            "DeleteFunction": {},
            "Invoke": {},
        }.items():
            if operation == "DeleteFunction" and asked.get("Qualifier"):
                continue  # a version that is not there is deleted: see test_lambda_versions
            with pytest.raises(ResourceNotFoundException, match="Function not found"):
                await api.call("lambda", operation, **asked, **more)

    run_with_api(scenario)


def test_two_qualifiers_that_differ_are_refused(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(InvalidParameterValueException, match="qualifier"):
            await api.call("lambda", "GetFunction", FunctionName="f:1", Qualifier="2")

    run_with_api(scenario)


WRONG: dict[str, dict[str, Any]] = {
    "T166 name with a shell's signs": {"FunctionName": "f;rm"},
    "name too long": {"FunctionName": "f" * 65},
    "name with a version": {"FunctionName": "f:1"},
    "no role": {"Role": None},
    "no runtime": {"Runtime": None},
    "no handler": {"Handler": None},
    "no code": {"Code": None},
    "T166 handler that climbs": {"Handler": "../x.y"},
    "T166 handler that imports": {"Handler": "__import__('os')"},
    "unknown runtime": {"Runtime": "cobol"},
    "timeout 0": {"Timeout": 0},
    "timeout 901": {"Timeout": 901},
    "memory 127": {"MemorySize": 127},
    "memory 10241": {"MemorySize": 10_241},
    "T166 reserved variable": {"Environment": {"Variables": {"AWS_LAMBDA_RUNTIME_API": "x"}}},
    "T166 loader variable": {"Environment": {"Variables": {"LD_PRELOAD": "x"}}},
    "T166 variable with a sign": {"Environment": {"Variables": {"A=B": "x"}}},
    "too much environment": {"Environment": {"Variables": {"AA": "x" * 4096}}},
    "long description": {"Description": "x" * 257},
    "too many tags": {"Tags": {f"t{number}": "" for number in range(51)}},
    "image": {"PackageType": "Image", "Code": {"ImageUri": "x"}},
    "image uri": {"Code": {"ImageUri": "x"}},
    "layers": {"Layers": ["arn:aws:lambda:us-east-1:111122223333:layer:l:1"]},
    "file systems": {"FileSystemConfigs": [{"Arn": "a", "LocalMountPath": "/mnt/a"}]},
    "no zip and no object": {"Code": {}},
    "zip and object": {"Code": {"ZipFile": ZIP, "S3Bucket": "b", "S3Key": "k"}},
    "bucket without key": {"Code": {"S3Bucket": "b"}},
    "T165 not a zip": {"Code": {"ZipFile": b"not a zip"}},
    "T165 zip slip": {"Code": {"ZipFile": a_zip(**{"../evil": ""})}},
}


@pytest.mark.parametrize("changes", WRONG.values(), ids=WRONG.keys())
def test_what_cannot_be_made_is_refused(run_with_api: Run, changes: dict[str, Any]) -> None:
    async def scenario(api: Api) -> None:
        with pytest.raises(InvalidParameterValueException):
            await create(api, valid=False, **changes)
        assert await api.call("lambda", "ListFunctions") == {"Functions": []}
        assert api.functions.told == []

    run_with_api(scenario)


@pytest.mark.parametrize(
    "changes", [{"Timeout": 1}, {"Timeout": 900}, {"MemorySize": 128}, {"MemorySize": 10_240}]
)
def test_limits_are_inclusive(run_with_api: Run, changes: dict[str, Any]) -> None:
    async def scenario(api: Api) -> None:
        assert await create(api, **changes)

    run_with_api(scenario)


def test_a_name_that_is_taken_is_a_conflict(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        results = await asyncio.gather(*(create(api) for _ in range(4)), return_exceptions=True)
        assert sum(isinstance(result, ResourceConflictException) for result in results) == 3

    run_with_api(scenario)


def test_code_may_come_from_a_bucket(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        api.objects["b", "k"] = ZIP
        made = await create(api, Code={"S3Bucket": "b", "S3Key": "k"}, valid=False)
        assert made["CodeSize"] == len(ZIP)
        with pytest.raises(NoSuchKey):
            await create(api, "g", Code={"S3Bucket": "b", "S3Key": "other"}, valid=False)

    run_with_api(scenario)


def test_a_substituted_runtime_is_told_in_the_state_reason(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api, Runtime="python3.10")
        assert (made["Runtime"], made["StateReason"]) == ("python3.10", "python3.11 serves it.")
        changed = await api.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName="f", Runtime="python3.11"
        )
        assert "StateReason" not in changed

    run_with_api(scenario)


def test_updated_code_is_served_and_the_old_goes(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        new = a_zip(other="x = 1")
        changed = await api.call("lambda", "UpdateFunctionCode", FunctionName="f", ZipFile=new)
        assert changed["CodeSha256"] == base64.b64encode(hashlib.sha256(new).digest()).decode()
        assert changed["CodeSize"] == len(new)
        assert changed["RevisionId"] != made["RevisionId"]
        with pytest.raises(ResourceNotFoundException):
            await api.records.load_code(hashlib.sha256(ZIP).hexdigest())
        assert api.functions.told[-1] == ("updated", "f")

    run_with_api(scenario)


def test_a_dry_run_checks_and_changes_nothing(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        new = a_zip(other="x = 1")
        await api.call("lambda", "UpdateFunctionCode", FunctionName="f", ZipFile=new, DryRun=True)
        shown = await api.call("lambda", "GetFunctionConfiguration", FunctionName="f")
        assert shown["RevisionId"] == made["RevisionId"]
        assert shown["CodeSha256"] == made["CodeSha256"]
        with pytest.raises(InvalidParameterValueException):
            await api.call("lambda", "UpdateFunctionCode", FunctionName="f", ZipFile=b"x", DryRun=True)
        assert api.functions.told == [("prewarm", "f")]

    run_with_api(scenario)


def test_members_left_out_of_an_update_keep_their_value(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Timeout=9, Environment={"Variables": {"AA": "1"}})
        changed = await api.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName="f", MemorySize=512, Handler="other.handler"
        )
        assert (changed["Timeout"], changed["MemorySize"], changed["Handler"]) == (9, 512, "other.handler")
        assert changed["Environment"] == {"Variables": {"AA": "1"}}
        changed = await api.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName="f", Environment={"Variables": {}}
        )
        assert "Environment" not in changed
        for wrong in ({"Timeout": 901}, {"Handler": "x"}, {"Layers": ["l"]}, {"Runtime": "cobol"}):
            with pytest.raises(InvalidParameterValueException):
                await api.call(
                    "lambda", "UpdateFunctionConfiguration", valid=False, FunctionName="f", **wrong
                )

    run_with_api(scenario)


def test_an_update_is_later_than_what_it_replaces_even_when_the_clock_stands(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        seen = [api.records.function(ACCOUNT, "f")]
        for text in ("one", "two"):
            await api.call("lambda", "UpdateFunctionConfiguration", FunctionName="f", Description=text)
            seen.append(api.records.function(ACCOUNT, "f"))
        times = [function.modified_at for function in seen if function is not None]
        assert times == sorted(set(times))
        assert len(times) == 3

    run_with_api(scenario)


def test_a_stale_revision_is_refused(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        revision = made["RevisionId"]
        await api.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName="f", Timeout=4, RevisionId=revision
        )
        with pytest.raises(PreconditionFailedException):
            await api.call("lambda", "UpdateFunctionCode", FunctionName="f", ZipFile=ZIP, RevisionId=revision)

    run_with_api(scenario)


def test_a_deleted_function_is_gone(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(InvalidParameterValueException, match=r"\$LATEST"):
            await api.call("lambda", "DeleteFunction", FunctionName="f", Qualifier="$LATEST")
        assert await api.call("lambda", "DeleteFunction", FunctionName="f") == {"StatusCode": 204}
        assert api.functions.told[-1] == ("deleted", "f")
        with pytest.raises(ResourceNotFoundException):
            await api.call("lambda", "DeleteFunction", FunctionName="f")

    run_with_api(scenario)


def test_functions_are_listed_in_pages(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for name in ("c", "a", "b"):
            await create(api, name)
        first = await api.call("lambda", "ListFunctions", MaxItems=2)
        assert [each["FunctionName"] for each in first["Functions"]] == ["a", "b"]
        rest = await api.call("lambda", "ListFunctions", Marker=first["NextMarker"])
        assert [each["FunctionArn"][-2:] for each in rest["Functions"]] == [":c"]
        assert "NextMarker" not in rest
        for wrong in ({"Marker": "?"}, {"MaxItems": 10_001}):
            with pytest.raises(InvalidParameterValueException):
                await api.call("lambda", "ListFunctions", valid=False, **wrong)

    run_with_api(scenario)


def test_an_unknown_role_and_what_is_not_kept_are_logged(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        with capture_logs() as logs:
            await create(api, TracingConfig={"Mode": "Active"})
        told = {(entry["event"], entry.get("member")) for entry in logs}
        assert told == {
            ("control.role_unknown", None),
            ("control.member_without_effect", "TracingConfig"),
        }

    run_with_api(scenario)


def test_strictly_an_unknown_role_is_refused_as_on_aws(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        strict = LambdaFunctionOperations(
            api.records, clock=lambda: NOW, read_object=api.read_object, host=api.functions, strict=True
        )
        with pytest.raises(InvalidParameterValueException, match="role"):
            await strict.create_function(
                api.make_call(
                    FunctionName="f",
                    Runtime="python3.11",
                    Role=ROLE,
                    Handler="app.handler",
                    Code={"ZipFile": ZIP},
                )
            )

    run_with_api(scenario)
