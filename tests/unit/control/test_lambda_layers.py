"""Layers: numbered once, listed by what they fit, used by functions even when they are gone."""

import base64
import hashlib
from typing import Any

import pytest

from onread.errors import (
    AccessDenied,
    InvalidParameterValueException,
    NoSuchKey,
    ResourceNotFoundException,
)

from .conftest import ACCOUNT, REGION, Api, Run, a_zip
from .lambda_calls import create, publish

LAYER = f"arn:aws:lambda:{REGION}:{ACCOUNT}:layer:"
ZIP = a_zip(shared="x = 1")


async def publish_layer(api: Api, name: str = "l", **more: Any) -> dict[str, Any]:
    params = {"LayerName": name, "Content": {"ZipFile": ZIP}, **more}
    return await api.call("lambda", "PublishLayerVersion", **params)


def test_a_published_version_is_described(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await publish_layer(
            api,
            Description="d",
            LicenseInfo="MIT",
            CompatibleRuntimes=["python3.11"],
            CompatibleArchitectures=["x86_64"],
        )
        assert made == {
            "LayerArn": f"{LAYER}l",
            "LayerVersionArn": f"{LAYER}l:1",
            "Version": 1,
            "Description": "d",
            "LicenseInfo": "MIT",
            "CreatedDate": "2030-01-02T03:04:05.678+0000",
            "CompatibleRuntimes": ["python3.11"],
            "CompatibleArchitectures": ["x86_64"],
            "Content": {
                "CodeSha256": base64.b64encode(hashlib.sha256(ZIP).digest()).decode(),
                "CodeSize": len(ZIP),
            },
        }
        assert await api.call("lambda", "GetLayerVersion", LayerName="l", VersionNumber=1) == made
        by_arn = await api.call("lambda", "GetLayerVersion", LayerName=f"{LAYER}l", VersionNumber=1)
        assert by_arn == await api.call("lambda", "GetLayerVersionByArn", Arn=f"{LAYER}l:1") == made
        with pytest.raises(ResourceNotFoundException, match="No policy"):
            await api.call("lambda", "GetLayerVersionPolicy", LayerName="l", VersionNumber=1)

    run_with_api(scenario)


def test_numbers_go_on_after_a_deletion_and_lists_show_what_fits(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await publish_layer(api, CompatibleRuntimes=["python3.11"])
        await publish_layer(api)
        await api.call("lambda", "DeleteLayerVersion", LayerName="l", VersionNumber=2)
        await api.call("lambda", "DeleteLayerVersion", LayerName="l", VersionNumber=2)
        assert (await publish_layer(api))["Version"] == 3
        await publish_layer(api, "k")
        versions = await api.call("lambda", "ListLayerVersions", LayerName="l")
        assert [each["Version"] for each in versions["LayerVersions"]] == [3, 1]
        first = await api.call("lambda", "ListLayerVersions", LayerName="l", MaxItems=1)
        rest = await api.call("lambda", "ListLayerVersions", LayerName="l", Marker=first["NextMarker"])
        assert [each["Version"] for each in rest["LayerVersions"]] == [1]
        layers = await api.call("lambda", "ListLayers")
        latest = {each["LayerName"]: each["LatestMatchingVersion"]["Version"] for each in layers["Layers"]}
        assert latest == {"k": 1, "l": 3}
        fitting = await api.call("lambda", "ListLayers", CompatibleRuntime="python3.11")
        assert [each["LatestMatchingVersion"]["Version"] for each in fitting["Layers"]] == [1]
        assert (await api.call("lambda", "ListLayerVersions", LayerName="none"))["LayerVersions"] == []

    run_with_api(scenario)


def test_a_function_keeps_its_layers(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await publish_layer(api)
        made = await create(api, Layers=[f"{LAYER}l:1"])
        assert made["Layers"] == [{"Arn": f"{LAYER}l:1", "CodeSize": len(ZIP)}]
        await publish(api)
        await api.call("lambda", "DeleteLayerVersion", LayerName="l", VersionNumber=1)
        sha256 = hashlib.sha256(ZIP).hexdigest()
        kept = await api.call(
            "lambda", "UpdateFunctionConfiguration", FunctionName="f", Timeout=9, Layers=[f"{LAYER}l:1"]
        )
        assert kept["Layers"] == made["Layers"]
        without = await api.call("lambda", "UpdateFunctionConfiguration", FunctionName="f", Layers=[])
        assert "Layers" not in without
        assert await api.records.load_code(sha256) == ZIP  # version 1 needs it
        await api.call("lambda", "DeleteFunction", FunctionName="f", Qualifier="1")
        with pytest.raises(ResourceNotFoundException):
            await api.records.load_code(sha256)

    run_with_api(scenario)


@pytest.mark.parametrize(
    ("layers", "why"),
    [
        ([f"{LAYER}l:{number}" for number in range(1, 7)], "more than 5"),
        ([f"{LAYER}l:1", f"{LAYER}l:2"], "Two different versions"),
        ([f"{LAYER}l:3"], "does not exist"),
        ([f"arn:aws:lambda:{REGION}:999988887777:layer:l:1"], "does not exist"),
        ([f"{LAYER}l"], "is no layer version"),
    ],
)
def test_what_no_function_can_have_is_refused(run_with_api: Run, layers: list[str], why: str) -> None:
    async def scenario(api: Api) -> None:
        for _ in range(2):
            await publish_layer(api)
        with pytest.raises(InvalidParameterValueException, match=why):
            await create(api, Layers=layers)

    run_with_api(scenario)


def test_T165_code_and_layers_have_one_bound_unzipped(
    run_with_api: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario(api: Api) -> None:
        big = a_zip(**{f"m{number}": "x" * 1000 for number in range(3)})
        for name in ("k", "l"):
            await publish_layer(api, name, Content={"ZipFile": big})
        monkeypatch.setattr("onread.control.lambda_layers.UNZIPPED_LIMIT_BYTES", 6010)
        with pytest.raises(InvalidParameterValueException, match="exceeds the maximum allowed size of 6010"):
            await create(api, Layers=[f"{LAYER}k:1", f"{LAYER}l:1"])
        await create(api, Layers=[f"{LAYER}k:1"])
        with pytest.raises(InvalidParameterValueException, match="exceeds"):
            await api.call("lambda", "UpdateFunctionCode", FunctionName="f", ZipFile=a_zip(app="x" * 4000))

    run_with_api(scenario)


def test_T165_a_layer_is_checked_as_a_package_is(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for wrong in (b"no zip", a_zip(**{"../evil": "x"})):
            with pytest.raises(InvalidParameterValueException):
                await publish_layer(api, Content={"ZipFile": wrong})
        with pytest.raises(InvalidParameterValueException):
            await publish_layer(api, Content={})
        assert api.records.published.layers(ACCOUNT) == []

    run_with_api(scenario)


def test_a_layer_may_come_from_a_bucket(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        api.objects["bucket", "l.zip"] = ZIP
        made = await publish_layer(api, Content={"S3Bucket": "bucket", "S3Key": "l.zip"})
        assert made["Content"]["CodeSize"] == len(ZIP)
        with pytest.raises((NoSuchKey, AccessDenied)):
            await publish_layer(api, Content={"S3Bucket": "bucket", "S3Key": "other.zip"})

    run_with_api(scenario)
