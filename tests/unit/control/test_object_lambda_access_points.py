"""Object Lambda access points by s3control's own operations."""

import asyncio
from typing import Any

import pytest
from structlog.testing import capture_logs

from onread.errors import (
    AccessPointAlreadyOwnedByYou,
    InvalidRequest,
    MalformedPolicy,
    NoSuchAccessPoint,
    NoSuchAccessPointPolicy,
)

from .conftest import ACCOUNT, NOW, OTHER_ACCOUNT, REGION, Api, Run, a_policy

ARN = f"arn:aws:s3-object-lambda:{REGION}:{ACCOUNT}:accesspoint/my-olap"
SUPPORTING = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/my-ap"
FUNCTION = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f"


def a_configuration(**changes: Any) -> dict[str, Any]:
    return {
        "SupportingAccessPoint": SUPPORTING,
        "CloudWatchMetricsEnabled": True,
        "AllowedFeatures": ["GetObject-Range"],
        "TransformationConfigurations": [
            {
                "Actions": ["GetObject", "HeadObject"],
                "ContentTransformation": {
                    "AwsLambda": {"FunctionArn": FUNCTION, "FunctionPayload": '{"a":1}'}
                },
            }
        ],
        **changes,
    }


async def create(api: Api, name: str = "my-olap", *, valid: bool = True, **changes: Any) -> dict[str, Any]:
    return await api.s3control(
        "CreateAccessPointForObjectLambda", valid=valid, Name=name, Configuration=a_configuration(**changes)
    )


async def with_supporting(api: Api) -> None:
    await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")


def test_a_created_access_point_is_described_listed_and_found_by_its_alias(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        made = await create(api)
        assert made["ObjectLambdaAccessPointArn"] == ARN
        assert made["Alias"]["Status"] == "READY"
        alias = made["Alias"]["Value"]
        assert alias.startswith("my-olap-")
        assert alias.endswith("--ol-s3")
        assert await api.s3control("GetAccessPointForObjectLambda", Name="my-olap") == {
            "Name": "my-olap",
            "PublicAccessBlockConfiguration": dict.fromkeys(
                ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
            ),
            "CreationDate": NOW,
            "Alias": made["Alias"],
        }
        listed = [{"Name": "my-olap", "ObjectLambdaAccessPointArn": ARN, "Alias": made["Alias"]}]
        assert await api.s3control("ListAccessPointsForObjectLambda") == {
            "ObjectLambdaAccessPointList": listed
        }
        for name in (alias, "my-olap.olap"):
            found = api.records.object_lambda_access_point_by_alias(name)
            assert found is not None
            assert found.arn == ARN

    run_with_api(scenario)


def test_the_configuration_is_shown_as_given_and_replaced_as_a_whole(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        await create(api)
        shown = await api.s3control("GetAccessPointConfigurationForObjectLambda", Name="my-olap")
        assert shown == {"Configuration": a_configuration()}
        smaller = a_configuration(AllowedFeatures=[], CloudWatchMetricsEnabled=False)
        await api.s3control(
            "PutAccessPointConfigurationForObjectLambda", Name="my-olap", Configuration=smaller
        )
        shown = await api.s3control("GetAccessPointConfigurationForObjectLambda", Name="my-olap")
        assert shown == {"Configuration": smaller}

    run_with_api(scenario)


TRANSFORMATION = a_configuration()["TransformationConfigurations"][0]
WRONG_CONFIGURATIONS = {
    "no such supporting access point": {"SupportingAccessPoint": SUPPORTING.replace("my-ap", "other")},
    "supporting in another account": {"SupportingAccessPoint": SUPPORTING.replace(ACCOUNT, OTHER_ACCOUNT)},
    "supporting in another region": {"SupportingAccessPoint": SUPPORTING.replace(REGION, "eu-west-1")},
    "supporting is no access point": {"SupportingAccessPoint": "arn:aws:s3:::bucket"},
    "no transformation": {"TransformationConfigurations": []},
    "no action": {"TransformationConfigurations": [{**TRANSFORMATION, "Actions": []}]},
    "unknown action": {"TransformationConfigurations": [{**TRANSFORMATION, "Actions": ["PutObject"]}]},
    "an action twice": {"TransformationConfigurations": [TRANSFORMATION, TRANSFORMATION]},
    "function with a slash": {
        "TransformationConfigurations": [
            {
                **TRANSFORMATION,
                "ContentTransformation": {
                    "AwsLambda": {"FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function/compress"}
                },
            }
        ]
    },
    "function of another account": {
        "TransformationConfigurations": [
            {
                **TRANSFORMATION,
                "ContentTransformation": {
                    "AwsLambda": {"FunctionArn": FUNCTION.replace(ACCOUNT, OTHER_ACCOUNT)}
                },
            }
        ]
    },
    "unknown feature": {"AllowedFeatures": ["GetObject-Everything"]},
}


@pytest.mark.parametrize("changes", WRONG_CONFIGURATIONS.values(), ids=WRONG_CONFIGURATIONS.keys())
def test_a_wrong_configuration_is_refused_at_create_and_at_put(
    run_with_api: Run, changes: dict[str, Any]
) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        with pytest.raises(InvalidRequest):
            await create(api, valid=False, **changes)
        await create(api)
        with pytest.raises(InvalidRequest):
            await api.s3control(
                "PutAccessPointConfigurationForObjectLambda",
                valid=False,
                Name="my-olap",
                Configuration=a_configuration(**changes),
            )
        shown = await api.s3control("GetAccessPointConfigurationForObjectLambda", Name="my-olap")
        assert shown == {"Configuration": a_configuration()}

    run_with_api(scenario)


@pytest.mark.parametrize("name", ["My-olap", "ab", "x" * 46, "a--ol-s3", "a-s3alias", "a.b.c", "a_b", "-ab"])
def test_a_wrong_name_is_refused(run_with_api: Run, name: str) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        with pytest.raises(InvalidRequest):
            await create(api, name, valid=False)

    run_with_api(scenario)


def test_a_missing_configuration_is_refused(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        with pytest.raises(InvalidRequest, match="Configuration"):
            await api.s3control("CreateAccessPointForObjectLambda", valid=False, Name="my-olap")

    run_with_api(scenario)


def test_a_function_that_does_not_exist_yet_is_a_warning(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        with capture_logs() as logs:
            await create(api)
        assert [(entry["event"], entry["function"]) for entry in logs] == [("control.function_missing", "f")]

    run_with_api(scenario)


def test_concurrent_creates_of_one_name_give_one_success(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        results = await asyncio.gather(*(create(api) for _ in range(6)), return_exceptions=True)
        refused = [result for result in results if isinstance(result, AccessPointAlreadyOwnedByYou)]
        assert len(refused) == 5

    run_with_api(scenario)


def test_an_access_point_in_use_is_not_deleted(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        await create(api)
        with pytest.raises(InvalidRequest, match="my-olap"):
            await api.s3control("DeleteAccessPoint", Name="my-ap")
        await api.s3control("DeleteAccessPointForObjectLambda", Name="my-olap")
        await api.s3control("DeleteAccessPoint", Name="my-ap")

    run_with_api(scenario)


def test_lists_are_paged_by_name(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        for number in range(5):
            await create(api, f"olap-{number}")
        first = await api.s3control("ListAccessPointsForObjectLambda", MaxResults=3)
        assert [each["Name"] for each in first["ObjectLambdaAccessPointList"]] == [
            "olap-0",
            "olap-1",
            "olap-2",
        ]
        await api.s3control("DeleteAccessPointForObjectLambda", Name="olap-2")
        rest = await api.s3control("ListAccessPointsForObjectLambda", NextToken=first["NextToken"])
        assert [each["Name"] for each in rest["ObjectLambdaAccessPointList"]] == ["olap-3", "olap-4"]
        assert "NextToken" not in rest
        with pytest.raises(InvalidRequest):
            await api.s3control("ListAccessPointsForObjectLambda", NextToken="none of ours")

    run_with_api(scenario)


def test_a_policy_is_put_shown_and_deleted(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        await create(api)
        for operation in ("GetAccessPointPolicyForObjectLambda", "GetAccessPointPolicyStatusForObjectLambda"):
            with pytest.raises(NoSuchAccessPointPolicy):
                await api.s3control(operation, Name="my-olap")
        policy = a_policy({"AWS": f"arn:aws:iam::{ACCOUNT}:user/a"}, Action="s3-object-lambda:GetObject")
        await api.s3control("PutAccessPointPolicyForObjectLambda", Name="my-olap", Policy=policy)
        assert await api.s3control("GetAccessPointPolicyForObjectLambda", Name=ARN) == {"Policy": policy}
        status = await api.s3control("GetAccessPointPolicyStatusForObjectLambda", Name="my-olap")
        assert status == {"PolicyStatus": {"IsPublic": False}}
        with pytest.raises(MalformedPolicy):
            await api.s3control("PutAccessPointPolicyForObjectLambda", Name="my-olap", Policy="no")
        for _ in range(2):
            await api.s3control("DeleteAccessPointPolicyForObjectLambda", Name="my-olap")
        with pytest.raises(NoSuchAccessPointPolicy):
            await api.s3control("GetAccessPointPolicyForObjectLambda", Name="my-olap")

    run_with_api(scenario)


def test_what_does_not_exist_is_named_so(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for operation, params in {
            "GetAccessPointForObjectLambda": {},
            "DeleteAccessPointForObjectLambda": {},
            "GetAccessPointConfigurationForObjectLambda": {},
            "PutAccessPointConfigurationForObjectLambda": {"Configuration": a_configuration()},
            "GetAccessPointPolicyForObjectLambda": {},
            "PutAccessPointPolicyForObjectLambda": {"Policy": a_policy()},
            "DeleteAccessPointPolicyForObjectLambda": {},
            "GetAccessPointPolicyStatusForObjectLambda": {},
        }.items():
            with pytest.raises(NoSuchAccessPoint):
                await api.s3control(operation, Name="nothing", **params)

    run_with_api(scenario)


def test_an_access_point_and_an_object_lambda_access_point_may_share_a_name(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await with_supporting(api)
        await create(api, "my-ap")
        assert (await api.s3control("GetAccessPoint", Name="my-ap"))["Bucket"] == "bucket"

    run_with_api(scenario)
