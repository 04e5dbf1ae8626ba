"""s3control through a real gateway with boto3: tags, Block Public Access, pages, races, foreign names."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3
from botocore.exceptions import ClientError
from tests.compat.conftest import ACCOUNT, REGION

pytestmark = [pytest.mark.compat, pytest.mark.slow]
OTHER = "999988887777"


def code_of(error):
    return error.value.response["Error"]["Code"]


@pytest.fixture
def control(world):
    return world.client("s3control")


def test_an_access_point_is_described_tagged_and_listed(world, control):
    bucket, name = world.bucket(), world.unique("ap")
    made = control.create_access_point(
        AccountId=ACCOUNT, Name=name, Bucket=bucket, Tags=[{"Key": "a", "Value": "1"}]
    )
    arn = f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/{name}"
    assert made["AccessPointArn"] == arn
    found = control.get_access_point(AccountId=ACCOUNT, Name=name)
    assert found["BucketAccountId"] == ACCOUNT
    assert found["Endpoints"]["ipv4"]
    assert found["NetworkOrigin"] == "Internet"
    tags = {"AccountId": ACCOUNT, "ResourceArn": arn}
    assert control.list_tags_for_resource(**tags)["Tags"] == [{"Key": "a", "Value": "1"}]
    control.tag_resource(**tags, Tags=[{"Key": "a", "Value": "2"}, {"Key": "b", "Value": ""}])
    control.untag_resource(**tags, TagKeys=["a", "z"])
    assert control.list_tags_for_resource(**tags)["Tags"] == [{"Key": "b", "Value": ""}]
    for wrong in ([{"Key": "aws:x", "Value": ""}], [{"Key": str(n), "Value": ""} for n in range(51)]):
        with pytest.raises(ClientError) as error:
            control.tag_resource(**tags, Tags=wrong)
        assert code_of(error) == "InvalidRequest"
    control.delete_access_point(AccountId=ACCOUNT, Name=name)
    with pytest.raises(ClientError) as error:
        control.list_tags_for_resource(**tags)
    assert code_of(error) == "NoSuchAccessPoint"


def test_both_lists_come_in_pages(world, control):
    bucket, names = world.bucket(), []
    function = world.function("version_a")
    for _ in range(3):
        supporting = world.access_point(bucket)
        names.append((supporting["Name"], world.olap_over(supporting, function)[0]))
    seen, token = [], {}
    while True:
        page = control.list_access_points(AccountId=ACCOUNT, Bucket=bucket, MaxResults=2, **token)
        seen += [each["Name"] for each in page["AccessPointList"]]
        if "NextToken" not in page:
            break
        token = {"NextToken": page["NextToken"]}
    assert seen == sorted(name for name, _ in names)
    pages = control.get_paginator("list_access_points_for_object_lambda").paginate(
        AccountId=ACCOUNT, PaginationConfig={"PageSize": 1}
    )
    listed = [each["Name"] for page in pages for each in page["ObjectLambdaAccessPointList"]]
    assert listed == sorted(listed)
    assert {olap for _, olap in names} <= set(listed)
    with pytest.raises(ClientError) as error:
        control.list_access_points(AccountId=ACCOUNT, NextToken="none of ours")
    assert code_of(error) == "InvalidRequest"


@pytest.mark.parametrize("kind", ["access point", "Object Lambda access point"])
def test_T235_two_creates_at_once_give_one_access_point(world, control, kind):
    bucket, name = world.bucket(), world.unique("race")
    supporting, function = world.access_point(bucket)["AccessPointArn"], world.function("version_a")
    configuration = {
        "SupportingAccessPoint": supporting,
        "TransformationConfigurations": [
            {
                "Actions": ["GetObject"],
                "ContentTransformation": {
                    "AwsLambda": {"FunctionArn": f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"}
                },
            }
        ],
    }
    start = threading.Barrier(4)

    def create(_):
        start.wait(10)
        try:
            if kind == "access point":
                control.create_access_point(AccountId=ACCOUNT, Name=name, Bucket=bucket)
            else:
                control.create_access_point_for_object_lambda(
                    AccountId=ACCOUNT, Name=name, Configuration=configuration
                )
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return 200, ""

    with ThreadPoolExecutor(4) as threads:
        ended = sorted(threads.map(create, range(4)))
    assert ended == [(200, "")] + [(409, "AccessPointAlreadyOwnedByYou")] * 3


def test_the_account_blocks_public_access_everywhere(own_world):
    world = own_world()
    control, s3, bucket = world.client("s3control"), world.client("s3"), world.bucket()
    with pytest.raises(ClientError) as error:
        control.get_public_access_block(AccountId=ACCOUNT)
    assert code_of(error) == "NoSuchPublicAccessBlockConfiguration"
    s3.put_object(Bucket=bucket, Key="key", Body=b"public")
    s3.put_public_access_block(
        Bucket=bucket,
        PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": False},
    )
    statement = {
        "Effect": "Allow",
        "Principal": "*",
        "Action": "s3:GetObject",
        "Resource": f"arn:aws:s3:::{bucket}/*",
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    url = f"{world.endpoint}/{bucket}/key"
    assert urllib3.request("GET", url, retries=False).data == b"public"
    block = {"BlockPublicPolicy": True, "RestrictPublicBuckets": True}
    control.put_public_access_block(AccountId=ACCOUNT, PublicAccessBlockConfiguration=block)
    found = control.get_public_access_block(AccountId=ACCOUNT)["PublicAccessBlockConfiguration"]
    assert found == {**dict.fromkeys(("BlockPublicAcls", "IgnorePublicAcls"), False), **block}
    assert urllib3.request("GET", url, retries=False).status == 403
    with pytest.raises(ClientError) as error:
        s3.put_bucket_policy(Bucket=bucket, Policy=policy)
    assert code_of(error) == "AccessDenied"
    supporting = world.access_point(
        bucket, PublicAccessBlockConfiguration={"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    )
    statement["Resource"] = f"{supporting['AccessPointArn']}/object/*"
    with pytest.raises(ClientError) as error:
        control.put_access_point_policy(
            AccountId=ACCOUNT,
            Name=supporting["Name"],
            Policy=json.dumps({"Version": "2012-10-17", "Statement": statement}),
        )
    assert code_of(error) == "AccessDenied"
    control.delete_public_access_block(AccountId=ACCOUNT)
    assert urllib3.request("GET", url, retries=False).data == b"public"


def test_T274_no_reference_reaches_another_account(world, control):
    """Another account's id in the header, in the path, and nested in a document."""
    bucket, function = world.bucket(), world.function("version_a")
    supporting = world.access_point(bucket)
    arn, foreign = supporting["AccessPointArn"], supporting["AccessPointArn"].replace(ACCOUNT, OTHER)
    refused = {
        "header": lambda: control.list_access_points(AccountId=OTHER),
        "tags": lambda: control.list_tags_for_resource(AccountId=ACCOUNT, ResourceArn=foreign),
        "bucket owner": lambda: control.create_access_point(
            AccountId=ACCOUNT, Name=world.unique("ap"), Bucket=bucket, BucketAccountId=OTHER
        ),
        "supporting": lambda: create_olap(foreign, function),
        "function": lambda: create_olap(arn, f"arn:aws:lambda:{REGION}:{OTHER}:function:{function}"),
        "lambda": lambda: world.client("lambda").get_function(
            FunctionName=f"arn:aws:lambda:{REGION}:{OTHER}:function:{function}"
        ),
    }

    def create_olap(over, by):
        aws_lambda = {
            "FunctionArn": by if by.startswith("arn:") else f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{by}"
        }
        control.create_access_point_for_object_lambda(
            AccountId=ACCOUNT,
            Name=world.unique("olap"),
            Configuration={
                "SupportingAccessPoint": over,
                "TransformationConfigurations": [
                    {"Actions": ["GetObject"], "ContentTransformation": {"AwsLambda": aws_lambda}}
                ],
            },
        )

    answers = {}
    for place, ask in refused.items():
        with pytest.raises(ClientError) as error:
            ask()
        answers[place] = code_of(error)
    assert answers == {
        "header": "AccessDenied",
        "tags": "NoSuchAccessPoint",
        "bucket owner": "InvalidRequest",
        "supporting": "InvalidRequest",
        "function": "InvalidRequest",
        "lambda": "ResourceNotFoundException",
    }
