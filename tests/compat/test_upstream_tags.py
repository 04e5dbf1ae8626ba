"""Policies that name the tags of objects which another store holds: `s3:ExistingObjectTag`, by boto3."""

import re

import pytest
from tests.compat.callers import fetch
from tests.compat.conftest import ACCOUNT
from tests.compat.policy_documents import DENIED, allow, document, make_place, read
from tests.compat.wire import refused

pytestmark = pytest.mark.compat

SECRET = {"StringEquals": {"s3:ExistingObjectTag/classification": "secret"}}
OPEN = {"StringEquals": {"s3:ExistingObjectTag/classification": "open"}}
DENY_SECRETS = document(allow("*", "*"), allow("*", "*", SECRET, effect="Deny"))


@pytest.fixture(scope="module")
def place(over_store):
    """A bucket of the store with an open, a secret and an untagged object, and everything in front of it."""
    made = make_place(over_store)
    tag(over_store, made.bucket)
    return made


def tag(world, bucket):
    s3 = world.client("s3")
    s3.put_object(Bucket=bucket, Key="open", Body=b"data", Tagging="classification=open&team=a")
    s3.put_object(Bucket=bucket, Key="secret", Body=b"data", Tagging="classification=secret")
    s3.put_object(Bucket=bucket, Key="bare", Body=b"data")


@pytest.fixture(scope="module")
def careful(over_store):
    """A user who may do everything to everything that is not secret."""
    return over_store.client_as("s3", *over_store.user(DENY_SECRETS)[1:])


def test_a_users_deny_by_tag_holds_for_whatever_is_asked_about_the_object(over_store, place, careful):
    secret = {"Bucket": place.bucket, "Key": "secret"}
    tags = {"TagSet": [{"Key": "classification", "Value": "open"}]}
    source = f"{place.bucket}/secret"
    assert refused(careful.get_object, **secret) == DENIED
    assert refused(careful.head_object, **secret) == ("403", 403)
    assert refused(careful.get_object_tagging, **secret) == DENIED
    assert refused(careful.get_object_acl, **secret) == DENIED
    assert refused(careful.put_object_tagging, **secret, Tagging=tags) == DENIED
    assert refused(careful.delete_object_tagging, **secret) == DENIED
    assert refused(careful.delete_object, **secret) == DENIED
    assert refused(careful.put_object, **secret, Body=b"x") == DENIED
    assert refused(careful.copy_object, Bucket=place.bucket, Key="copy", CopySource=source) == DENIED
    through = {"Bucket": place.point_arn, "Key": "secret"}
    assert refused(careful.copy_object, Bucket=place.bucket, Key="copy", CopySource=through) == DENIED
    upload = careful.create_multipart_upload(Bucket=place.bucket, Key="parts")
    part = {"Bucket": place.bucket, "Key": "parts", "UploadId": upload["UploadId"], "PartNumber": 1}
    assert refused(careful.upload_part_copy, **part, CopySource=source) == DENIED
    assert refused(careful.get_object, Bucket=place.bucket, Key="/secret") == DENIED, (
        "which it reads as secret"
    )
    for key in ("open", "bare"):
        assert careful.get_object(Bucket=place.bucket, Key=key)["Body"].read() == b"data"
        careful.copy_object(Bucket=place.bucket, Key="copy", CopySource=f"{place.bucket}/{key}")
    assert careful.get_object(Bucket=place.bucket, Key="open")["TagCount"] == 2
    assert refused(careful.get_object, Bucket=place.bucket, Key="none") == ("NoSuchKey", 404)
    assert read(over_store.client("s3"), place.bucket, "secret") == b"data", "the root has no such policy"


def test_a_tag_decides_from_the_moment_it_is_put(over_store, place, careful):
    root, named = over_store.client("s3"), {"Bucket": place.bucket, "Key": "changes"}
    root.put_object(**named, Body=b"data")
    assert read(careful, place.bucket, "changes") == b"data"
    root.put_object_tagging(
        **named, Tagging={"TagSet": [{"Key": "Classification", "Value": "secret"}]}
    )  # names of condition keys have no letter case
    assert refused(careful.get_object, **named) == DENIED
    root.delete_object_tagging(**named)
    assert read(careful, place.bucket, "changes") == b"data"


def test_an_allow_by_tag_allows_nothing_else(over_store, place):
    _, *keys = over_store.user(document(allow(["s3:GetObject", "s3:PutObjectTagging"], "*", OPEN)))
    s3 = over_store.client_as("s3", *keys)
    for name in (place.bucket, place.point):
        assert read(s3, name, "open") == b"data"
        for key in ("secret", "bare", "none"):
            assert refused(s3.get_object, Bucket=name, Key=key) == DENIED
    tags = {"TagSet": [{"Key": "classification", "Value": "open"}]}
    assert refused(s3.put_object_tagging, Bucket=place.bucket, Key="bare", Tagging=tags) == DENIED


def test_a_batch_deletes_all_but_the_secret_ones(over_store, careful):
    bucket, root = over_store.bucket(), over_store.client("s3")
    tag(over_store, bucket)
    objects = [{"Key": key} for key in ("open", "secret", "bare", "none")]
    answer = careful.delete_objects(Bucket=bucket, Delete={"Objects": objects})
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [("secret", "AccessDenied")]
    assert [each["Key"] for each in root.list_objects_v2(Bucket=bucket)["Contents"]] == ["secret"]


@pytest.mark.parametrize("writing", ["s3:ExistingObjectTag/", "S3:existing\\u004fbjectTAG/"])
def test_a_bucket_policy_may_name_tags(over_store, writing):
    bucket, root = over_store.bucket(), over_store.client("s3")
    tag(over_store, bucket)
    point = over_store.access_point(bucket)["Alias"]
    denies = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", SECRET, effect="Deny", principal="*")
    policy = document(denies).replace("s3:ExistingObjectTag/", writing)
    root.put_bucket_policy(Bucket=bucket, Policy=policy)
    for name in (bucket, point):
        assert refused(root.get_object, Bucket=name, Key="secret") == DENIED
        assert read(root, name, "open") == read(root, name, "bare") == b"data"


def test_an_access_points_policy_may_name_tags(over_store, place):
    s3control, root = over_store.client("s3control"), over_store.client("s3")
    point = over_store.access_point(place.bucket)
    objects = f"{point['AccessPointArn']}/object/*"
    name, *keys = over_store.user()
    reader = over_store.client_as("s3", *keys)
    who = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/{name}"}
    policy = document(allow("s3:GetObject", objects, OPEN, principal=who))
    s3control.put_access_point_policy(AccountId=ACCOUNT, Name=point["Name"], Policy=policy)
    assert read(reader, point["Alias"], "open") == b"data"
    for key in ("secret", "bare", "none"):
        assert refused(reader.get_object, Bucket=point["Alias"], Key=key) == DENIED
    assert read(root, point["Alias"], "secret") == b"data"


def test_an_object_lambda_access_point_reads_no_secret_original(over_store, place):
    """By the reader's own policy for the original, which the function reads, and by its own policy."""
    originals = [*place.only_through(), allow("s3:GetObject", "*", SECRET, effect="Deny")]
    s3 = over_store.client_as("s3", *over_store.user(document(*originals))[1:])
    assert read(s3, place.alias, "open") == b"data"
    assert refused(s3.get_object, Bucket=place.alias, Key="secret") == DENIED
    olap, alias = over_store.olap_over(place.supporting, place.function)
    arn = f"arn:aws:s3-object-lambda:us-east-1:{ACCOUNT}:accesspoint/{olap}"
    denies = allow("s3-object-lambda:*", arn, SECRET, effect="Deny", principal={"AWS": "*"})
    over_store.client("s3control").put_access_point_policy_for_object_lambda(
        AccountId=ACCOUNT, Name=olap, Policy=document(denies)
    )
    root = over_store.client("s3")
    assert read(root, alias, "open") == b"data"
    assert refused(root.get_object, Bucket=alias, Key="secret") == DENIED


def test_a_version_is_read_by_its_own_tags(over_store, careful):
    bucket, root = over_store.bucket(), over_store.client("s3")
    root.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    put = {"Bucket": bucket, "Key": "k"}
    old = root.put_object(**put, Body=b"old", Tagging="classification=secret")["VersionId"]
    new = root.put_object(**put, Body=b"new")["VersionId"]
    assert refused(careful.get_object, **put, VersionId=old) == DENIED
    assert careful.get_object(**put, VersionId=new)["Body"].read() == b"new"
    assert careful.get_object(**put)["Body"].read() == b"new"
    source = {"Bucket": bucket, "Key": "k", "VersionId": old}
    assert refused(careful.copy_object, Bucket=bucket, Key="copy", CopySource=source) == DENIED


def test_the_store_is_never_asked_for_another_object_than_the_policy(over_store):
    """It deletes the newest one when a version id in a batch is empty, and copies `secret` as `secret/`."""
    bucket = over_store.bucket()
    tag(over_store, bucket)
    no_newest = document(allow("*", "*"), allow("s3:DeleteObject", "*", effect="Deny"))
    s3 = over_store.client_as("s3", *over_store.user(no_newest)[1:])
    batch = {"Objects": [{"Key": "open", "VersionId": ""}]}
    assert refused(s3.delete_objects, Bucket=bucket, Delete=batch) == ("InvalidArgument", 400)
    named = document(allow("*", "*"), allow("*", f"arn:aws:s3:::{bucket}/secret", effect="Deny"))
    s3 = over_store.client_as("s3", *over_store.user(named)[1:])
    assert refused(s3.copy_object, Bucket=bucket, Key="copy", CopySource=f"{bucket}/secret/") == DENIED
    assert refused(s3.get_object_tagging, Bucket=bucket, Key="secret/") == DENIED
    secret = {"Bucket": bucket, "Key": "secret", "ObjectAttributes": ["ETag", "ObjectSize"]}
    no_secrets = document(allow("*", "*"), allow("s3:GetObject", "*", SECRET, effect="Deny"))
    s3 = over_store.client_as("s3", *over_store.user(no_secrets)[1:])
    assert refused(s3.get_object_attributes, **secret) == DENIED
    assert s3.get_object_attributes(**{**secret, "Key": "open"})["ObjectSize"] == 4


def test_what_no_policy_asks_about_costs_no_request_to_the_store(over_store, place, careful):
    s3 = over_store.client_as("s3", *over_store.user(document(allow("s3:GetObject", "*")))[1:])

    def requests():
        text = fetch(f"{over_store.gateway.admin_endpoint}/metrics").body.decode()
        return sum(map(float, re.findall(r"^onread_store_requests_total\{.*\} (.*)$", text, re.MULTILINE)))

    def cost(call, **params):
        before = requests()
        call(**params)
        return requests() - before

    at = {"Bucket": place.bucket, "Key": "bare"}
    assert cost(s3.get_object, **at) == 1
    assert cost(careful.get_object, **at) == 2, "its tags, and the object"
    assert cost(careful.list_objects_v2, Bucket=place.bucket) == 1
