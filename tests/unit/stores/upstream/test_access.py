"""Who may reach the buckets of an upstream store: the same answers as of an embedded bucket."""

import asyncio
import json
from contextlib import AsyncExitStack

import pytest

from onread import errors
from onread.stores.bucket_settings import PUBLIC_ACCESS_BLOCK
from onread.stores.store import StoreCall
from onread.stores.upstream.access import OPERATIONS, UpstreamAccess
from onread.wire.output import Output

ACCOUNT = "000000000000"
ALL_ON = dict.fromkeys(PUBLIC_ACCESS_BLOCK, True)
OFF = dict.fromkeys(PUBLIC_ACCESS_BLOCK, False)
RULE = {"AllowedOrigins": ["https://a.example"], "AllowedMethods": ["GET"]}


class Records:
    """Settings in memory, replaced whole as the real ones are."""

    def __init__(self):
        self.kept = {}
        self.nothing = {}

    def of(self, account_id, bucket):
        return self.kept.get((account_id, bucket), self.nothing)

    async def update(self, account_id, bucket, change):
        self.kept[account_id, bucket] = dict(change(self.of(account_id, bucket)))

    async def forget(self, account_id, bucket):
        self.kept.pop((account_id, bucket), None)


class Store:
    """Says which buckets there are."""

    def __init__(self, *buckets):
        self.buckets = set(buckets)
        self.refuses = None

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output:
        assert call.operation == "HeadBucket"
        if self.refuses is not None:
            raise self.refuses
        if call.bucket not in self.buckets:
            raise errors.NoSuchBucket(BucketName=call.bucket)
        return Output()


def policy(principal="*", **more):
    statement = {
        "Effect": "Allow", "Principal": principal, "Action": "s3:GetObject",
        "Resource": "arn:aws:s3:::bucket/*", **more,
    }  # fmt: skip
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


NAMED = policy({"AWS": f"arn:aws:iam::{ACCOUNT}:user/reader"})


class Place:
    def __init__(self):
        self.access = UpstreamAccess(Records(), ACCOUNT)
        self.store = Store("bucket")

    def call(self, operation, bucket="bucket", **params):
        return StoreCall(operation=operation, bucket=bucket, params=params, account_id=ACCOUNT)

    def do(self, operation, bucket="bucket", **params):
        call = self.call(operation, bucket, **params)
        return asyncio.run(self.access.execute(call, self.store)).members


@pytest.fixture
def place():
    return Place()


def test_what_nobody_has_set_is_not_there_and_strangers_are_kept_out(place):
    for operation, refusal in (
        ("GetBucketPolicy", errors.NoSuchBucketPolicy),
        ("GetBucketPolicyStatus", errors.NoSuchBucketPolicy),
        ("GetBucketCors", errors.NoSuchCORSConfiguration),
    ):
        with pytest.raises(refusal):
            place.do(operation)
    assert place.do("GetPublicAccessBlock")["PublicAccessBlockConfiguration"] == ALL_ON
    found = place.access.find("bucket")
    assert (found.policy, found.blocks, found.cors) == (None, frozenset(PUBLIC_ACCESS_BLOCK), ())
    for operation in ("DeleteBucketPolicy", "DeleteBucketCors"):
        assert place.do(operation) == {}


def test_a_policy_decides_from_now_on(place):
    place.do("PutBucketPolicy", Policy=NAMED)
    assert place.do("GetBucketPolicy")["Policy"] == NAMED == place.access.find("bucket").policy
    assert place.access.find("bucket") is place.access.find("bucket")
    assert place.do("GetBucketPolicyStatus")["PolicyStatus"] == {"IsPublic": False}
    place.do("DeleteBucketPolicy")
    assert place.access.find("bucket").policy is None


def test_a_public_policy_waits_for_the_public_access_block(place):
    with pytest.raises(errors.AccessDenied, match="BlockPublicPolicy"):
        place.do("PutBucketPolicy", Policy=policy())
    place.do("PutPublicAccessBlock", PublicAccessBlockConfiguration={"RestrictPublicBuckets": True})
    place.do("PutBucketPolicy", Policy=policy())
    assert place.access.find("bucket").blocks == {"RestrictPublicBuckets"}
    place.do("DeletePublicAccessBlock")
    assert place.access.find("bucket").blocks == frozenset()
    with pytest.raises(errors.NoSuchPublicAccessBlockConfiguration):
        place.do("GetPublicAccessBlock")
    place.do("PutPublicAccessBlock", PublicAccessBlockConfiguration={})
    assert place.do("GetPublicAccessBlock")["PublicAccessBlockConfiguration"] == OFF


def test_a_policy_may_be_about_the_tags_of_objects(place):
    condition = {"StringEquals": {"s3:ExistingObjectTag/team": "a"}}
    about_tags = policy({"AWS": "*"}, Effect="Deny", Condition=condition)
    place.do("PutBucketPolicy", Policy=about_tags)
    assert place.access.find("bucket").policy == about_tags
    with pytest.raises(errors.MalformedPolicy):
        place.do("PutBucketPolicy")


def test_cors_rules(place):
    place.do("PutBucketCors", CORSConfiguration={"CORSRules": [RULE]})
    assert place.do("GetBucketCors")["CORSRules"] == [RULE]
    assert place.access.find("bucket").cors[0].origins == ("https://a.example",)
    place.do("DeleteBucketCors")
    assert place.access.find("bucket").cors == ()
    with pytest.raises(errors.MalformedXML):
        place.do("PutBucketCors", CORSConfiguration={"CORSRules": []})


@pytest.mark.parametrize("operation", sorted(OPERATIONS))
def test_only_the_store_knows_which_buckets_there_are(place, operation):
    with pytest.raises(errors.NoSuchBucket):
        place.do(operation, "another", Policy=NAMED, CORSConfiguration={"CORSRules": [RULE]})
    assert place.access._records.kept == {}


def test_a_store_that_does_not_show_its_bucket_to_us_has_it(place):
    place.store.refuses = errors.AccessDenied()
    place.do("PutBucketPolicy", Policy=NAMED)
    asyncio.run(place.access.forget_unless_there(place.call("CreateBucket"), place.store))
    assert place.access.find("bucket").policy == NAMED


def test_a_new_bucket_has_nothing_of_an_old_one(place):
    place.do("PutBucketPolicy", Policy=NAMED)
    asyncio.run(place.access.forget_unless_there(place.call("CreateBucket"), place.store))
    assert place.access.find("bucket").policy == NAMED
    place.store.buckets.clear()
    asyncio.run(place.access.forget_unless_there(place.call("CreateBucket"), place.store))
    assert place.access.find("bucket").policy is None
