"""The sub-resources of buckets, by boto3: what is set is read back, what is not is AWS's own answer."""

import pytest
from tests.compat.callers import fetch
from tests.compat.policy_documents import ACCOUNT
from tests.compat.wire import refused

pytestmark = [pytest.mark.compat, pytest.mark.slow]

# What a tool reads of every bucket, and what AWS says of one that was just made.
ANSWERED = {
    "get_bucket_accelerate_configuration": {},
    "get_bucket_logging": {},
    "get_bucket_notification_configuration": {},
    "get_bucket_request_payment": {"Payer": "BucketOwner"},
    "get_bucket_versioning": {},
    "list_bucket_analytics_configurations": {"IsTruncated": False},
    "list_bucket_intelligent_tiering_configurations": {"IsTruncated": False},
    "list_bucket_inventory_configurations": {"IsTruncated": False},
    "list_bucket_metrics_configurations": {"IsTruncated": False},
    "get_bucket_ownership_controls": {
        "OwnershipControls": {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    },
    "get_bucket_acl": {
        "Owner": {"ID": ACCOUNT},
        "Grants": [{"Grantee": {"ID": ACCOUNT, "Type": "CanonicalUser"}, "Permission": "FULL_CONTROL"}],
    },
    "get_bucket_encryption": {
        "ServerSideEncryptionConfiguration": {
            "Rules": [
                {
                    "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
                    "BucketKeyEnabled": False,
                }
            ]
        }
    },
}
REFUSED = {
    "get_bucket_cors": "NoSuchCORSConfiguration",
    "get_bucket_lifecycle_configuration": "NoSuchLifecycleConfiguration",
    "get_bucket_policy": "NoSuchBucketPolicy",
    "get_bucket_policy_status": "NoSuchBucketPolicy",
    "get_bucket_replication": "ReplicationConfigurationNotFoundError",
    "get_bucket_tagging": "NoSuchTagSet",
    "get_bucket_website": "NoSuchWebsiteConfiguration",
    "get_object_lock_configuration": "ObjectLockConfigurationNotFoundError",
}
BY_ID = ("analytics", "intelligent_tiering", "inventory", "metrics")


@pytest.fixture(scope="module")
def s3(world):
    return world.client("s3")


@pytest.fixture
def bucket(world):
    return world.bucket()


def test_what_tools_read_of_a_new_bucket(s3, bucket):
    for name, expected in ANSWERED.items():
        answer = getattr(s3, name)(Bucket=bucket)
        del answer["ResponseMetadata"]
        assert answer == expected, name
    for name, code in REFUSED.items():
        assert refused(getattr(s3, name), Bucket=bucket) == (code, 404), name
    for kind in BY_ID:
        get = getattr(s3, f"get_bucket_{kind}_configuration")
        assert refused(get, Bucket=bucket, Id="x") == ("NoSuchConfiguration", 404)
    missing = "nowhere-at-all"
    for name in (*ANSWERED, *REFUSED, "get_public_access_block"):
        assert refused(getattr(s3, name), Bucket=missing) == ("NoSuchBucket", 404), name


def test_what_is_removed_without_having_been_there(s3, bucket):
    for kind in ("cors", "encryption", "lifecycle", "policy", "replication", "tagging", "website"):
        answer = getattr(s3, f"delete_bucket_{kind}")(Bucket=bucket)
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204, kind


def test_public_access_block_and_ownership(s3, bucket):
    all_on = s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"]
    assert list(all_on.values()) == [True] * 4
    some = {**all_on, "BlockPublicPolicy": False}
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=some)
    assert s3.get_public_access_block(Bucket=bucket)["PublicAccessBlockConfiguration"] == some
    s3.delete_public_access_block(Bucket=bucket)
    gone = ("NoSuchPublicAccessBlockConfiguration", 404)
    assert refused(s3.get_public_access_block, Bucket=bucket) == gone
    owned = {"Rules": [{"ObjectOwnership": "BucketOwnerPreferred"}]}
    s3.put_bucket_ownership_controls(Bucket=bucket, OwnershipControls=owned)
    assert s3.get_bucket_ownership_controls(Bucket=bucket)["OwnershipControls"] == owned
    s3.delete_bucket_ownership_controls(Bucket=bucket)
    gone = ("OwnershipControlsNotFoundError", 404)
    assert refused(s3.get_bucket_ownership_controls, Bucket=bucket) == gone


def test_cors_and_tags(s3, bucket):
    rules = [
        {
            "ID": "one",
            "AllowedOrigins": ["https://a.example", "https://*.b.example"],
            "AllowedMethods": ["GET", "PUT"],
            "AllowedHeaders": ["*"],
            "ExposeHeaders": ["ETag"],
            "MaxAgeSeconds": 300,
        },
        {"AllowedOrigins": ["*"], "AllowedMethods": ["HEAD"]},
    ]
    s3.put_bucket_cors(Bucket=bucket, CORSConfiguration={"CORSRules": rules})
    assert s3.get_bucket_cors(Bucket=bucket)["CORSRules"] == rules
    rules[1]["AllowedMethods"] = ["PATCH"]
    wrong = {"CORSRules": rules}
    assert refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration=wrong) == ("InvalidRequest", 400)
    tags = [{"Key": "team", "Value": "ünï & <b>"[:3]}, {"Key": "empty", "Value": ""}]
    put = s3.put_bucket_tagging(Bucket=bucket, Tagging={"TagSet": tags})
    assert put["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert s3.get_bucket_tagging(Bucket=bucket)["TagSet"] == tags
    twice = {"TagSet": [tags[0], tags[0]]}
    assert refused(s3.put_bucket_tagging, Bucket=bucket, Tagging=twice) == ("InvalidTag", 400)


def test_access_control_lists_beyond_the_owners_are_refused(world, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"", ACL="private")
    s3.put_bucket_acl(Bucket=bucket, ACL="private")
    refusal = ("AccessControlListNotSupported", 400)
    assert refused(s3.put_bucket_acl, Bucket=bucket, ACL="public-read") == refusal
    assert refused(s3.put_object_acl, Bucket=bucket, Key="k", ACL="public-read") == refusal
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", ACL="public-read") == refusal
    assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"", GrantRead="id=1") == refusal
    made = refused(s3.create_bucket, Bucket=world.unique("public"), ACL="public-read")
    assert made == ("InvalidBucketAclWithObjectOwnership", 400)
    assert s3.get_object_acl(Bucket=bucket, Key="k")["Grants"][0]["Permission"] == "FULL_CONTROL"
    answer = fetch(s3.generate_presigned_url("get_bucket_acl", Params={"Bucket": bucket}))
    assert b'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"' in answer.body
    assert b'xsi:type="CanonicalUser"' in answer.body


@pytest.mark.parametrize("door", ["bucket", "access_point", "olap"])
def test_object_tags_through_every_door(world, s3, bucket, door):
    supporting = world.access_point(bucket)
    name = {"bucket": bucket, "access_point": supporting["Alias"]}.get(door)
    if name is None:
        function = world.function("uppercase")
        _, name = world.olap_over(supporting, function, actions=("ListObjects",))
    s3.put_object(Bucket=name, Key="k", Body=b"x", Tagging="a=1&b=2")
    assert len(s3.get_object_tagging(Bucket=name, Key="k")["TagSet"]) == 2
    assert s3.get_object(Bucket=name, Key="k")["TagCount"] == 2
    changed = {"TagSet": [{"Key": "c", "Value": "3"}]}
    s3.put_object_tagging(Bucket=name, Key="k", Tagging=changed)
    assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == changed["TagSet"]
    s3.delete_object_tagging(Bucket=name, Key="k")
    assert s3.get_object_tagging(Bucket=name, Key="k")["TagSet"] == []


def test_only_its_settings_end_with_a_bucket(s3, bucket, world):
    other = world.bucket()
    for name in (bucket, other):
        s3.put_bucket_tagging(Bucket=name, Tagging={"TagSet": [{"Key": "a", "Value": "b"}]})
    s3.delete_bucket(Bucket=bucket)
    s3.create_bucket(Bucket=bucket)
    assert refused(s3.get_bucket_tagging, Bucket=bucket) == ("NoSuchTagSet", 404)
    assert s3.get_bucket_tagging(Bucket=other)["TagSet"]
