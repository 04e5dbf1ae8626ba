"""AWS's sample function and the cases of its own tests, through real boto3 and an Object Lambda access point.

Source: aws-samples/amazon-s3-object-lambda-default-configuration.
"""

import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from tests.compat.conftest import ACCOUNT

pytestmark = [pytest.mark.compat, pytest.mark.slow]

EVERYTHING = ("GetObject", "HeadObject", "ListObjects", "ListObjectsV2")
FEATURES = ("GetObject-Range", "GetObject-PartNumber", "HeadObject-Range", "HeadObject-PartNumber")
CONTENT = bytes(range(256)) * 60_000  # 15 MB
KEYS = ("a/1", "a/2", "b/1", "big", "spaced out+ü=&?#.txt")


class Sample:
    """The same objects, through the sample function and without it."""

    def __init__(self, world):
        self.s3 = world.client("s3")
        self.bucket = world.bucket()
        supporting = world.access_point(self.bucket)
        self.plain = supporting["Alias"]
        function = world.function("sample", Timeout=60)
        _, self.alias = world.olap_over(supporting, function, actions=EVERYTHING, allow=FEATURES)
        for key in KEYS:
            self.s3.put_object(Bucket=self.bucket, Key=key, Body=CONTENT if key == "big" else key.encode())
        self.head = self.s3.head_object(Bucket=self.plain, Key="big")
        self.empty = world.access_point(world.bucket())
        _, self.empty_alias = world.olap_over(self.empty, function, actions=EVERYTHING)


@pytest.fixture(scope="module")
def sample(world):
    return Sample(world)


def status_of(call, **params):
    try:
        return call(**params)["ResponseMetadata"]["HTTPStatusCode"]
    except ClientError as error:
        return error.response["ResponseMetadata"]["HTTPStatusCode"]


def conditions(head):
    second, modified = timedelta(seconds=1), head["LastModified"]
    return [
        ({"IfMatch": head["ETag"]}, 200),
        ({"IfMatch": '"wrong"'}, 412),
        ({"IfNoneMatch": '"other"'}, 200),
        ({"IfNoneMatch": head["ETag"]}, 304),
        ({"IfModifiedSince": modified - second}, 200),
        ({"IfUnmodifiedSince": modified}, 200),
        ({"IfUnmodifiedSince": modified - second}, 412),
        ({"ExpectedBucketOwner": ACCOUNT}, 200),
        ({"ExpectedBucketOwner": "999988887777"}, 403),
        ({"RequestPayer": "requester"}, 200),
        ({"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}, 400),
    ]


@pytest.mark.parametrize("number", range(11))
@pytest.mark.parametrize("operation", ["get_object", "head_object"])
def test_conditions_owners_and_payers_are_as_on_aws(sample, operation, number):
    params, status = conditions(sample.head)[number]
    call = getattr(sample.s3, operation)
    assert status_of(call, Bucket=sample.alias, Key="big", **params) == status


def test_an_object_and_a_missing_one(sample):
    answer = sample.s3.get_object(Bucket=sample.alias, Key="big")
    assert answer["Body"].read() == CONTENT
    for operation in ("get_object", "head_object"):
        assert status_of(getattr(sample.s3, operation), Bucket=sample.alias, Key="none") == 404


@pytest.mark.parametrize(
    ("params", "start", "stop"),
    [
        ({"PartNumber": 1}, 0, 5_242_880),
        ({"PartNumber": 3}, 2 * 5_242_880, 15_360_000),
        ({"Range": "bytes=1024-10240"}, 1024, 10_241),
        ({"Range": "bytes=-7"}, 15_359_993, 15_360_000),
    ],
)
def test_T121_ranges_and_parts_are_the_functions_own_and_answered_with_its_status(
    sample, params, start, stop
):
    answer = sample.s3.get_object(Bucket=sample.alias, Key="big", **params)
    assert answer["Body"].read() == CONTENT[start:stop]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200
    head = sample.s3.head_object(Bucket=sample.alias, Key="big", **params)
    assert (head["ContentLength"], head["ETag"]) == (stop - start, sample.head["ETag"])


LISTS = [
    {},
    {"MaxKeys": 0},
    {"MaxKeys": 1},
    {"MaxKeys": 5},
    {"MaxKeys": 100},
    {"Delimiter": "/"},
    {"Prefix": "a/"},
    {"Prefix": "spaced out+"},
    {"EncodingType": "url"},
]


@pytest.mark.parametrize("params", [*LISTS, {"Marker": "a/2"}])
def test_a_list_is_that_of_the_access_point(sample, params):
    through, direct = (
        sample.s3.list_objects(Bucket=bucket, **params) for bucket in (sample.alias, sample.plain)
    )
    assert without_transport(through) == without_transport(direct)


@pytest.mark.parametrize(
    "params", [*LISTS, {"StartAfter": "a/2"}, {"FetchOwner": True}, {"FetchOwner": False}]
)
def test_a_list_of_version_2_is_that_of_the_access_point(sample, params):
    through, direct = (
        sample.s3.list_objects_v2(Bucket=bucket, **params) for bucket in (sample.alias, sample.plain)
    )
    assert without_transport(through) == without_transport(direct)


def test_lists_are_read_to_their_end_page_by_page(sample):
    pages = sample.s3.get_paginator("list_objects_v2").paginate(
        Bucket=sample.alias, PaginationConfig={"PageSize": 2}
    )
    assert sorted(item["Key"] for page in pages for item in page["Contents"]) == sorted(KEYS)


def test_an_empty_bucket_and_owners_and_wrong_words(sample):
    assert sample.s3.list_objects_v2(Bucket=sample.empty_alias)["KeyCount"] == 0
    for call in (sample.s3.list_objects, sample.s3.list_objects_v2):
        assert status_of(call, Bucket=sample.alias, ExpectedBucketOwner=ACCOUNT) == 200
        assert status_of(call, Bucket=sample.alias, ExpectedBucketOwner="999988887777") == 403
        assert status_of(call, Bucket=sample.alias, EncodingType="WrongEncodingType") == 400


def without_transport(answer):
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


# What a function makes itself


@pytest.fixture(scope="module")
def tells(world):
    """A list or a head made of what a function returns."""
    supporting, function = world.access_point(world.bucket()), world.function("tells")

    def make(returned):
        payload = json.dumps(returned)
        return world.olap_over(supporting, function, actions=EVERYTHING[1:], payload=payload)[1]

    return make


XMLTODICT = {
    "@xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
    "name": "library",
    "prefix": None,
    "maxKeys": "1000",
    "keyCount": "1",
    "isTruncated": "false",
    "contents": {"key": "only one", "size": "7", "eTag": '"e"', "lastModified": "2026-01-02T03:04:05.000Z"},
}


def test_a_list_as_xmltodict_has_it_is_a_list_to_boto3(world, tells):
    alias = tells({"statusCode": 200, "listBucketResult": XMLTODICT})
    for operation in ("list_objects", "list_objects_v2"):
        answer = getattr(world.client("s3"), operation)(Bucket=alias)
        [item] = answer["Contents"]
        assert (item["Key"], item["Size"], item["ETag"]) == ("only one", 7, '"e"')
        assert (answer["IsTruncated"], answer["MaxKeys"]) == (False, 1000)
        assert "EncodingType" not in answer


def test_a_list_of_the_functions_own_words_comes_word_for_word(world, tells):
    refusal = "<Error><Code>Wrong</Code><Message>day</Message></Error>"
    alias = tells({"statusCode": 418, "listResultXml": refusal})
    with pytest.raises(ClientError) as refused:
        world.client("s3").list_objects_v2(Bucket=alias)
    assert refused.value.response["Error"] == {"Code": "Wrong", "Message": "day"}


@pytest.mark.parametrize(
    ("returned", "member"),
    [
        (
            {"statusCode": 200, "listBucketResult": {**XMLTODICT, "maxKeys": "many"}},
            "listBucketResult.maxKeys",
        ),
        ({"statusCode": 200, "listBucketResult": {**XMLTODICT, "name": None}}, "name"),
        (
            {"statusCode": 200, "listBucketResult": {**XMLTODICT, "contents": [{"key": "k", "size": {}}]}},
            "listBucketResult.contents.size",
        ),
        ({"statusCode": 200, "listBucketResult": XMLTODICT, "listResultXml": "<x/>"}, "not both"),
        ({"statusCode": "soon", "listResultXml": "<x/>"}, "statusCode"),
    ],
)
def test_T120_a_wrong_list_is_refused_and_the_log_names_the_member(world, tells, returned, member):
    with pytest.raises(ClientError) as refused:
        world.client("s3").list_objects_v2(Bucket=tells(returned))
    error = refused.value.response
    assert (error["Error"]["Code"], error["ResponseMetadata"]["HTTPStatusCode"]) == (
        "LambdaInvalidResponse",
        400,
    )
    request_id = error["ResponseMetadata"]["RequestId"]
    [line] = [line for line in world.log().splitlines() if request_id in line and "transform.invalid" in line]
    assert member in json.loads(line)["detail"]


def test_T120_a_wrong_head_is_refused_and_a_refusal_has_its_status(world, tells):
    s3 = world.client("s3")
    assert status_of(s3.head_object, Bucket=tells({"statusCode": 200, "headers": {}}), Key="k") == 400
    refusing = tells({"statusCode": 451, "errorCode": "NotHere", "errorMessage": "no"})
    assert status_of(s3.head_object, Bucket=refusing, Key="k") == 451
    lenient = {"content-length": "35", "Content-Type": "", "x-amz-id-2": "x", "X-Amz-Meta-A": True}
    head = s3.head_object(Bucket=tells({"statusCode": "200", "headers": lenient}), Key="k")
    assert (head["ContentLength"], head["Metadata"]) == (35, {"a": "true"})
