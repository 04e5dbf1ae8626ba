"""Standard access points by s3control's own operations."""

import asyncio
import json

import pytest

from onread.errors import (
    AccessDenied,
    AccessPointAlreadyOwnedByYou,
    InvalidRequest,
    MalformedPolicy,
    NoSuchAccessPoint,
    NoSuchAccessPointPolicy,
)

from .conftest import ACCOUNT, NOW, OTHER_ACCOUNT, REGION, Api, Run, a_policy

ARN = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/my-ap"
ALL_BLOCKED = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), True
)
NOT_BLOCKED = dict.fromkeys(ALL_BLOCKED, False)


def test_a_created_access_point_is_described_and_found_by_its_alias(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")
        assert made["AccessPointArn"] == ARN
        assert made["Alias"].endswith("-s3alias")
        described = {
            "Name": "my-ap",
            "Bucket": "bucket",
            "BucketAccountId": ACCOUNT,
            "NetworkOrigin": "Internet",
            "AccessPointArn": ARN,
            "Alias": made["Alias"],
        }
        assert await api.s3control("GetAccessPoint", Name="my-ap") == {
            **described,
            "PublicAccessBlockConfiguration": ALL_BLOCKED,
            "CreationDate": NOW,
            "Endpoints": {"ipv4": "localhost:9000"},
        }
        assert await api.s3control("ListAccessPoints") == {"AccessPointList": [described]}
        found = api.records.access_point_by_alias(made["Alias"])
        assert found is not None
        assert found.name == "my-ap"

    run_with_api(scenario)


def test_an_access_point_may_be_named_by_its_arn(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")
        assert (await api.s3control("GetAccessPoint", Name=ARN))["Name"] == "my-ap"
        for wrong in (
            ARN.replace(ACCOUNT, OTHER_ACCOUNT),
            ARN.replace(REGION, "eu-west-1"),
            ARN.replace(":s3:", ":s3-object-lambda:"),
        ):
            with pytest.raises(NoSuchAccessPoint):
                await api.s3control("GetAccessPoint", Name=wrong)

    run_with_api(scenario)


def test_public_access_block_is_kept_as_given(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        given = {"BlockPublicAcls": True}
        await api.s3control(
            "CreateAccessPoint", Name="my-ap", Bucket="bucket", PublicAccessBlockConfiguration=given
        )
        shown = (await api.s3control("GetAccessPoint", Name="my-ap"))["PublicAccessBlockConfiguration"]
        assert shown == {**dict.fromkeys(ALL_BLOCKED, False), "BlockPublicAcls": True}

    run_with_api(scenario)


def test_no_public_policy_is_kept_while_public_access_is_blocked(run_with_api: Run) -> None:
    statement = {"Effect": "Allow", "Principal": "*", "Action": "s3:GetObject", "Resource": f"{ARN}/object/*"}
    public = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    async def scenario(api: Api) -> None:
        await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")
        with pytest.raises(AccessDenied):
            await api.s3control("PutAccessPointPolicy", Name="my-ap", Policy=public)
        with pytest.raises(NoSuchAccessPointPolicy):
            await api.s3control("GetAccessPointPolicy", Name="my-ap")
        opened = {"BlockPublicAcls": True}
        await api.s3control(
            "CreateAccessPoint", Name="open", Bucket="bucket", PublicAccessBlockConfiguration=opened
        )
        await api.s3control("PutAccessPointPolicy", Name="open", Policy=public)

    run_with_api(scenario)


@pytest.mark.parametrize(
    "params",
    [
        {"Name": "my-ap", "Bucket": "missing"},
        {"Name": "My_AP", "Bucket": "bucket"},
        {"Name": "ab", "Bucket": "bucket"},
        {"Name": "x" * 51, "Bucket": "bucket"},
        {"Name": "my-s3alias", "Bucket": "bucket"},
        {"Name": "my-ap", "Bucket": "bucket", "VpcConfiguration": {"VpcId": "vpc-1234"}},
        {"Name": "my-ap", "Bucket": "bucket", "Scope": {"Prefixes": ["a/"]}},
        {"Name": "my-ap", "Bucket": "bucket", "BucketAccountId": OTHER_ACCOUNT},
    ],
)
def test_what_cannot_be_made_is_refused(run_with_api: Run, params: dict[str, object]) -> None:
    async def scenario(api: Api) -> None:
        with pytest.raises(InvalidRequest):
            await api.s3control("CreateAccessPoint", valid=False, **params)
        assert await api.s3control("ListAccessPoints") == {"AccessPointList": []}

    run_with_api(scenario)


def test_concurrent_creates_of_one_name_give_one_success(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        results = await asyncio.gather(
            *(api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket") for _ in range(6)),
            return_exceptions=True,
        )
        refused = [result for result in results if isinstance(result, AccessPointAlreadyOwnedByYou)]
        assert len(refused) == 5

    run_with_api(scenario)


def test_lists_are_paged_by_name_and_filtered_by_bucket(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for number in range(5):
            await api.s3control("CreateAccessPoint", Name=f"ap-{number}", Bucket=f"bucket-{number % 2}")
        names, token = [], {}
        for _ in range(5):
            page = await api.s3control("ListAccessPoints", MaxResults=2, **token)
            names += [each["Name"] for each in page["AccessPointList"]]
            if "NextToken" not in page:
                break
            token = {"NextToken": page["NextToken"]}
        assert names == [f"ap-{number}" for number in range(5)]
        mine = await api.s3control("ListAccessPoints", Bucket="bucket-1")
        assert [each["Name"] for each in mine["AccessPointList"]] == ["ap-1", "ap-3"]
        assert len((await api.s3control("ListAccessPoints", MaxResults=0))["AccessPointList"]) == 5

    run_with_api(scenario)


def test_bad_page_sizes_and_tokens_are_refused(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for wrong in ({"MaxResults": 1001}, {"MaxResults": -1}, {"NextToken": "!"}, {"NextToken": "eA"}):
            with pytest.raises(InvalidRequest):
                await api.s3control("ListAccessPoints", valid=False, **wrong)

    run_with_api(scenario)


def test_a_policy_is_put_shown_and_deleted(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.s3control(
            "CreateAccessPoint", Name="my-ap", Bucket="bucket", PublicAccessBlockConfiguration=NOT_BLOCKED
        )
        for operation in ("GetAccessPointPolicy", "GetAccessPointPolicyStatus"):
            with pytest.raises(NoSuchAccessPointPolicy):
                await api.s3control(operation, Name="my-ap")
        await api.s3control("PutAccessPointPolicy", Name="my-ap", Policy=a_policy())
        assert await api.s3control("GetAccessPointPolicy", Name="my-ap") == {"Policy": a_policy()}
        status = await api.s3control("GetAccessPointPolicyStatus", Name="my-ap")
        assert status == {"PolicyStatus": {"IsPublic": True}}
        await api.s3control("DeleteAccessPointPolicy", Name="my-ap")
        await api.s3control("DeleteAccessPointPolicy", Name="my-ap")
        with pytest.raises(NoSuchAccessPointPolicy):
            await api.s3control("GetAccessPointPolicy", Name="my-ap")

    run_with_api(scenario)


def test_T209_a_bad_policy_is_refused_and_the_old_one_stays(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await api.s3control(
            "CreateAccessPoint", Name="my-ap", Bucket="bucket", PublicAccessBlockConfiguration=NOT_BLOCKED
        )
        await api.s3control("PutAccessPointPolicy", Name="my-ap", Policy=a_policy())
        with pytest.raises(MalformedPolicy):
            await api.s3control("PutAccessPointPolicy", Name="my-ap", Policy="{}")
        assert await api.s3control("GetAccessPointPolicy", Name="my-ap") == {"Policy": a_policy()}

    run_with_api(scenario)


def test_what_does_not_exist_is_named_so(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        for operation, params in {
            "GetAccessPoint": {},
            "DeleteAccessPoint": {},
            "GetAccessPointPolicy": {},
            "PutAccessPointPolicy": {"Policy": a_policy()},
            "DeleteAccessPointPolicy": {},
            "GetAccessPointPolicyStatus": {},
        }.items():
            with pytest.raises(NoSuchAccessPoint):
                await api.s3control(operation, Name="nothing", **params)

    run_with_api(scenario)


def test_a_deleted_access_point_frees_its_name_and_never_its_alias(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        first = await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")
        await api.s3control("DeleteAccessPoint", Name="my-ap")
        assert api.records.access_point_by_alias(first["Alias"]) is None
        second = await api.s3control("CreateAccessPoint", Name="my-ap", Bucket="bucket")
        assert second["Alias"] != first["Alias"]

    run_with_api(scenario)
