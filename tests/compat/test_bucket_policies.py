"""Bucket policies, public access and tags in policies, by boto3 and by callers without a name."""

import contextlib
import json
import threading

import pytest
import urllib3
from tests.compat.callers import fetch
from tests.compat.policy_documents import ACCOUNT, DENIED, allow, document, make_place, read
from tests.compat.wire import refused

pytestmark = [pytest.mark.compat, pytest.mark.slow]
NOBODY = {"AWS": f"arn:aws:iam::{ACCOUNT}:user/nobody-of-this-name"}
OFF = dict.fromkeys(
    ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets"), False
)


@pytest.fixture
def bucket(world):
    name = world.bucket()
    world.client("s3").put_object(Bucket=name, Key="k", Body=b"data")
    return name


@pytest.fixture
def user(world):
    """A name, its ARN, and a client with no rights of its own."""
    name, access_key_id, secret = world.user()
    return f"arn:aws:iam::{ACCOUNT}:user/{name}", world.client_as("s3", access_key_id, secret)


def everything(bucket):
    return [f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"]


@contextlib.contextmanager
def policy(world, bucket, *statements):
    s3 = world.client("s3")
    s3.put_bucket_policy(Bucket=bucket, Policy=document(*statements))
    yield
    s3.delete_bucket_policy(Bucket=bucket)


def test_T200_what_a_bucket_policy_allows_and_denies(world, bucket, user):
    arn, s3 = user
    assert refused(s3.get_object, Bucket=bucket, Key="k") == DENIED
    reads = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", principal={"AWS": arn})
    with policy(world, bucket, reads):
        assert read(s3, bucket) == b"data"
        assert refused(s3.put_object, Bucket=bucket, Key="k", Body=b"") == DENIED
        assert refused(s3.list_objects_v2, Bucket=bucket) == DENIED
        # T-211: who may not list learns nothing of what is missing, nor of what would not match.
        assert refused(s3.get_object, Bucket=bucket, Key="missing") == DENIED
    assert refused(s3.get_object, Bucket=bucket, Key="k") == DENIED
    never = allow("s3:*", everything(bucket), effect="Deny", principal={"AWS": arn})
    with policy(world, bucket, reads, never):
        assert refused(s3.get_object, Bucket=bucket, Key="k") == DENIED
    with policy(world, bucket, reads, allow("s3:ListBucket", everything(bucket)[0], principal={"AWS": arn})):
        assert refused(s3.get_object, Bucket=bucket, Key="missing") == ("NoSuchKey", 404)


def test_T211_conditions_are_looked_at_behind_the_policy(bucket, user):
    _, s3 = user
    for condition in ({"IfMatch": '"no"'}, {"IfNoneMatch": "*"}, {"Range": "bytes=900-"}, {"VersionId": "v"}):
        assert refused(s3.get_object, Bucket=bucket, Key="k", **condition) == DENIED


def test_T200_a_deny_binds_root_who_can_always_lift_it(world, bucket):
    s3 = world.client("s3")
    s3.put_bucket_policy(
        Bucket=bucket, Policy=document(allow("*", everything(bucket), effect="Deny", principal="*"))
    )
    assert refused(s3.get_object, Bucket=bucket, Key="k") == DENIED
    assert refused(s3.put_bucket_cors, Bucket=bucket, CORSConfiguration={"CORSRules": []}) == DENIED
    assert refused(s3.delete_bucket, Bucket=bucket) == DENIED
    assert json.loads(s3.get_bucket_policy(Bucket=bucket)["Policy"])["Statement"]
    s3.put_bucket_policy(Bucket=bucket, Policy=document(allow("*", everything(bucket), principal=NOBODY)))
    assert read(s3, bucket) == b"data"


def test_T200_a_bucket_policy_binds_through_access_points_too(world):
    place, s3 = make_place(world), world.client("s3")
    for name in (place.bucket, place.point, place.alias):
        assert read(s3, name).lower() == b"data"
    closed = allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/k", effect="Deny", principal="*")
    with policy(world, place.bucket, closed):
        for name in (place.bucket, place.point):
            assert refused(s3.get_object, Bucket=name, Key="k") == DENIED
            assert read(s3, name, "open/k") == b"data"
        # The function fetches as the reader, through the same policies.
        code, status = refused(s3.get_object, Bucket=place.alias, Key="k")
        assert status >= 400, code
    point_alone = {"StringNotEquals": {"s3:DataAccessPointArn": place.point_arn}}
    with policy(
        world,
        place.bucket,
        allow("s3:GetObject", everything(place.bucket), point_alone, effect="Deny", principal="*"),
    ):
        assert refused(s3.get_object, Bucket=place.bucket, Key="k") == DENIED
        assert read(s3, place.point) == b"data"
        assert read(s3, place.alias).lower() == b"data"


def test_T131_a_bucket_delegates_to_its_access_points(world, user):
    """AWS's pattern: the bucket allows whatever the account's access points allow."""
    arn, s3 = user
    name = world.bucket()
    world.client("s3").put_object(Bucket=name, Key="k", Body=b"data")
    point = world.access_point(name)
    reads = allow("s3:GetObject", f"{point['AccessPointArn']}/object/*", principal={"AWS": arn})
    control = world.client("s3control")
    control.put_access_point_policy(AccountId=ACCOUNT, Name=point["Name"], Policy=document(reads))
    with policy(world, name, allow("s3:GetObject", f"arn:aws:s3:::{name}/*", principal=NOBODY)):
        assert refused(s3.get_object, Bucket=point["Alias"], Key="k") == DENIED, "the bucket does not agree"
    delegation = {"StringEquals": {"s3:DataAccessPointAccount": ACCOUNT}}
    with policy(world, name, allow("*", everything(name), delegation, principal={"AWS": "*"})):
        assert read(s3, point["Alias"]) == b"data"
        assert refused(s3.get_object, Bucket=name, Key="k") == DENIED, "not past the access point"
        assert refused(s3.put_object, Bucket=point["Alias"], Key="k", Body=b"") == DENIED


def test_T212_a_copy_asks_the_policy_of_its_source(world, bucket, user):
    arn, s3 = user
    target, root = world.bucket(), world.client("s3")
    copy = {"Bucket": target, "Key": "copy", "CopySource": f"{bucket}/k"}
    writes = allow("s3:PutObject", f"arn:aws:s3:::{target}/*", principal={"AWS": arn})
    reads = allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", principal={"AWS": arn})
    with policy(world, target, writes):
        assert refused(s3.copy_object, **copy) == DENIED
        with policy(world, bucket, reads):
            s3.copy_object(**copy)
            root.put_object_tagging(Bucket=bucket, Key="k", Tagging={"TagSet": [{"Key": "a", "Value": "1"}]})
            assert refused(s3.copy_object, **copy) == DENIED, "nor may tags be carried along"
            s3.copy_object(**copy, TaggingDirective="REPLACE")
    with policy(world, bucket, allow("*", f"arn:aws:s3:::{bucket}/*", effect="Deny", principal="*")):
        assert refused(root.copy_object, **copy) == DENIED


def test_T213_each_key_of_a_batch_is_asked_of_the_bucket_policy(world, bucket, user):
    arn, s3 = user
    deletes = allow("s3:DeleteObject", f"arn:aws:s3:::{bucket}/k", principal={"AWS": arn})
    world.client("s3").put_object(Bucket=bucket, Key="other", Body=b"")
    with policy(world, bucket, deletes):
        answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": "k"}, {"Key": "other"}]})
    assert [gone["Key"] for gone in answer["Deleted"]] == ["k"]
    assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [("other", "AccessDenied")]


def test_an_objects_tags_decide(world, bucket, user):
    arn, s3 = user
    root = world.client("s3")
    root.put_object(Bucket=bucket, Key="open", Body=b"data", Tagging="class=open")
    reads = allow(
        ["s3:GetObject", "s3:GetObjectTagging"],
        f"arn:aws:s3:::{bucket}/*",
        {"StringEquals": {"s3:ExistingObjectTag/class": "open"}},
        principal={"AWS": arn},
    )
    with policy(world, bucket, reads):
        assert s3.get_object(Bucket=bucket, Key="open")["TagCount"] == 1
        assert s3.get_object_tagging(Bucket=bucket, Key="open")["TagSet"]
        assert refused(s3.get_object, Bucket=bucket, Key="k") == DENIED
        root.put_object_tagging(
            Bucket=bucket, Key="open", Tagging={"TagSet": [{"Key": "class", "Value": "closed"}]}
        )
        assert refused(s3.get_object, Bucket=bucket, Key="open") == DENIED
    with policy(world, bucket, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*", principal={"AWS": arn})):
        assert "TagCount" not in s3.get_object(Bucket=bucket, Key="open")


def test_a_version_that_cannot_be_has_no_tags_and_is_still_told(world, bucket):
    """The embedded store keeps no versions: a policy that names tags changes nothing about what it says."""
    s3, secret = world.client("s3"), {"StringEquals": {"s3:ExistingObjectTag/class": "secret"}}
    denies = allow("s3:*", f"arn:aws:s3:::{bucket}/*", secret, effect="Deny", principal="*")
    invalid = ("InvalidArgument", 400)
    at, tags = {"Bucket": bucket, "Key": "k", "VersionId": "abc"}, {"TagSet": [{"Key": "a", "Value": "b"}]}
    with policy(world, bucket, denies):
        assert refused(s3.get_object, **at) == invalid
        assert refused(s3.delete_object, **at) == invalid
        assert refused(s3.get_object_tagging, **at) == invalid
        assert refused(s3.put_object_tagging, **at, Tagging=tags) == invalid
        assert refused(s3.get_object_acl, **at) == invalid
        source = f"{bucket}/k?versionId=abc"
        assert refused(s3.copy_object, Bucket=bucket, Key="copy", CopySource=source) == invalid
        assert s3.get_object(Bucket=bucket, Key="k", VersionId="null")["Body"].read()


def test_the_tags_of_a_request_decide(world, bucket, user):
    arn, s3 = user
    writes = allow(
        ["s3:PutObject", "s3:PutObjectTagging"],
        f"arn:aws:s3:::{bucket}/*",
        {"StringEquals": {"s3:RequestObjectTag/team": "red"}},
        principal={"AWS": arn},
    )
    with policy(world, bucket, writes):
        s3.put_object(Bucket=bucket, Key="mine", Body=b"", Tagging="team=red")
        assert refused(s3.put_object, Bucket=bucket, Key="mine", Body=b"") == DENIED
        assert refused(s3.put_object, Bucket=bucket, Key="mine", Body=b"", Tagging="team=blue") == DENIED
        for team, is_allowed in (("red", True), ("blue", False)):
            tagging = {"TagSet": [{"Key": "team", "Value": team}]}
            if is_allowed:
                s3.put_object_tagging(Bucket=bucket, Key="mine", Tagging=tagging)
            else:
                assert refused(s3.put_object_tagging, Bucket=bucket, Key="mine", Tagging=tagging) == DENIED


def test_a_policy_can_ask_for_headers(world, bucket, user):
    arn, s3 = user
    owned = {"StringEquals": {"s3:x-amz-acl": "bucket-owner-full-control"}}
    allowed = allow(["s3:PutObject", "s3:PutObjectAcl"], everything(bucket), owned, principal={"AWS": arn})
    with policy(world, bucket, allowed):
        assert refused(s3.put_object, Bucket=bucket, Key="x", Body=b"") == DENIED
        s3.put_object(Bucket=bucket, Key="x", Body=b"", ACL="bucket-owner-full-control")


def test_T038_an_upload_is_asked_about_again_when_it_has_arrived(world, bucket, user):
    arn, s3 = user
    writes = allow("s3:PutObject", f"arn:aws:s3:::{bucket}/*", principal={"AWS": arn})
    begun, go_on = threading.Event(), threading.Event()

    def body():
        yield b"first half, "
        begun.set()
        assert go_on.wait(20)
        yield b"second half."

    with policy(world, bucket, writes):
        url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "late"})
        answers = []

        def send():
            with urllib3.PoolManager(retries=False, timeout=20) as pool:
                headers = {"Content-Length": "24"}
                answers.append(pool.request("PUT", url, body=body(), headers=headers, chunked=False).status)

        sender = threading.Thread(target=send)
        sender.start()
        assert begun.wait(20)
    go_on.set()
    sender.join(30)
    assert answers == [403]
    assert refused(world.client("s3").head_object, Bucket=bucket, Key="late") == ("404", 404)


# Callers without a name


def test_T214_a_bucket_is_public_by_two_decisions(world, bucket):
    s3 = world.client("s3")
    public = document(allow("s3:GetObject", f"arn:aws:s3:::{bucket}/k", principal="*"))
    url = f"{world.endpoint}/{bucket}/k"
    assert fetch(url).status == 403
    assert refused(s3.put_bucket_policy, Bucket=bucket, Policy=public) == DENIED
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={**OFF, "RestrictPublicBuckets": True}
    )
    s3.put_bucket_policy(Bucket=bucket, Policy=public)
    assert s3.get_bucket_policy_status(Bucket=bucket)["PolicyStatus"]["IsPublic"] is True
    assert (fetch(url).status, fetch(url).code) == (403, "AccessDenied")
    s3.delete_public_access_block(Bucket=bucket)
    assert fetch(url).body == b"data"
    assert fetch(url, method="HEAD").headers["Content-Length"] == "4"
    assert fetch(url, headers={"Range": "bytes=1-2"}).body == b"at"
    for method, target in (
        ("GET", ""),
        ("PUT", "/k"),
        ("DELETE", "/k"),
        ("GET", "/other"),
        ("GET", "?policy"),
    ):
        assert fetch(f"{world.endpoint}/{bucket}{target}", method=method).status == 403, (method, target)
    assert fetch(f"{world.endpoint}/{bucket}?delete", method="POST").status == 403
    s3.put_public_access_block(Bucket=bucket, PublicAccessBlockConfiguration=dict.fromkeys(OFF, True))
    assert fetch(url).status == 403


def test_a_stranger_writes_where_a_policy_lets_everyone(world, bucket):
    s3 = world.client("s3")
    s3.delete_public_access_block(Bucket=bucket)
    with policy(world, bucket, allow(["s3:PutObject", "s3:ListBucket"], everything(bucket), principal="*")):
        with urllib3.PoolManager(retries=False) as pool:
            assert pool.request("PUT", f"{world.endpoint}/{bucket}/drop", body=b"given").status == 200
        assert b"<Key>drop</Key>" in fetch(f"{world.endpoint}/{bucket}?list-type=2").body
        assert fetch(f"{world.endpoint}/{bucket}/drop").status == 403
    assert read(s3, bucket, "drop") == b"given"


def test_T214_a_stranger_copies_nothing_that_he_may_not_read(world, bucket):
    s3, target = world.client("s3"), world.bucket()
    for name in (bucket, target):
        s3.delete_public_access_block(Bucket=name)
        s3.put_bucket_policy(Bucket=name, Policy=document(allow("s3:*", everything(name), principal="*")))
    copied, headers = f"{world.endpoint}/{target}/copy", {"x-amz-copy-source": f"/{bucket}/k"}
    assert fetch(copied, method="PUT", headers=headers).status == 200
    s3.put_public_access_block(
        Bucket=bucket, PublicAccessBlockConfiguration={**OFF, "RestrictPublicBuckets": True}
    )
    assert fetch(copied, method="PUT", headers=headers).status == 403


def test_T001_no_stranger_comes_in_through_what_runs_a_function(world):
    place, s3 = make_place(world), world.client("s3")
    s3.delete_public_access_block(Bucket=place.bucket)
    with policy(world, place.bucket, allow("s3:*", everything(place.bucket), principal="*")):
        assert fetch(f"{world.endpoint}/{place.bucket}/k").body == b"data"
        assert fetch(f"{world.endpoint}/{place.point}/k").status == 403, "its access point has no policy"
        refusal = fetch(f"{world.endpoint}/{place.alias}/k")
        assert (refusal.status, refusal.code) == (403, "MissingAuthenticationToken")
