"""Users and their policies, at buckets and access points."""

import pytest
from tests.compat.policy_documents import (
    ACCOUNT,
    DENIED,
    allow,
    document,
    make_place,
    read,
)
from tests.compat.wire import Key, refused, send_signed

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(world):
    return make_place(world)


@pytest.fixture
def as_user(world):
    """A client of a user with these statements."""

    def make(*statements, service="s3"):
        _, access_key_id, secret = world.user(document(*statements))
        return world.client_as(service, access_key_id, secret)

    return make


# Identity policies


def test_T201_nothing_allowed_is_denied(world, place):
    _, access_key_id, secret = world.user()
    nobody = world.client_as("s3", access_key_id, secret)
    for name in (place.bucket, place.point, place.alias):
        assert refused(nobody.get_object, Bucket=name, Key="k") == DENIED
        assert refused(nobody.put_object, Bucket=name, Key="k", Body=b"") == DENIED
        assert refused(nobody.list_objects_v2, Bucket=name) == DENIED
        assert refused(nobody.head_object, Bucket=name, Key="k") == ("403", 403)
    assert refused(nobody.list_buckets) == DENIED
    assert refused(nobody.create_bucket, Bucket="theirs") == DENIED


def test_what_is_allowed_is_all_that_is(place, as_user):
    user = as_user(allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/open/*"))
    assert read(user, place.bucket, "open/k") == b"data"
    assert refused(user.get_object, Bucket=place.bucket, Key="closed/k") == DENIED
    assert refused(user.put_object, Bucket=place.bucket, Key="open/new", Body=b"") == DENIED
    assert refused(user.delete_object, Bucket=place.bucket, Key="open/k") == DENIED
    assert refused(user.get_object, Bucket=place.point, Key="open/k") == DENIED
    assert refused(user.create_multipart_upload, Bucket=place.bucket, Key="open/k") == DENIED


def test_T200_a_deny_beats_every_allow(place, as_user):
    user = as_user(
        allow("*", "*"), allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/closed/*", effect="Deny")
    )
    assert read(user, place.bucket, "open/k") == b"data"
    assert refused(user.get_object, Bucket=place.bucket, Key="closed/k") == DENIED


def test_conditions_bind(place, as_user):
    listing = allow("s3:ListBucket", f"arn:aws:s3:::{place.bucket}", {"StringLike": {"s3:prefix": "open/*"}})
    user = as_user(listing)
    assert user.list_objects_v2(Bucket=place.bucket, Prefix="open/")["KeyCount"] == 1
    assert refused(user.list_objects_v2, Bucket=place.bucket) == DENIED
    assert refused(user.list_objects_v2, Bucket=place.bucket, Prefix="closed/") == DENIED


def test_T206_the_source_address_is_the_sockets(world, place):
    elsewhere = allow("s3:GetObject", "*", {"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}})
    here = allow("s3:GetObject", "*", {"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}})
    spoofed = [
        ("x-forwarded-for", "203.0.113.7"),
        ("forwarded", "for=203.0.113.7"),
        ("x-real-ip", "203.0.113.7"),
    ]
    for statement, status in ((elsewhere, 403), (here, 200)):
        _, *key = world.user(document(statement))
        answer = send_signed(world, "GET", f"/{place.bucket}/k", key=Key(*key), headers=spoofed)
        assert answer.status == status


def test_T207_variables_stand_for_the_user(world, place):
    mine = document(allow("s3:PutObject", f"arn:aws:s3:::{place.bucket}/home/${{aws:username}}/*"))
    name, access_key_id, secret = world.user(mine)
    user = world.client_as("s3", access_key_id, secret)
    user.put_object(Bucket=place.bucket, Key=f"home/{name}/x", Body=b"")
    assert refused(user.put_object, Bucket=place.bucket, Key="home/other/x", Body=b"") == DENIED
    assert refused(user.put_object, Bucket=place.bucket, Key="home/${aws:username}/x", Body=b"") == DENIED


def test_T210_a_change_is_in_force_when_it_is_acknowledged(world, place):
    name, access_key_id, secret = world.user(document(allow("s3:GetObject", "*")))
    user, iam = world.client_as("s3", access_key_id, secret), world.client("iam")
    for _ in range(5):
        assert read(user, place.bucket) == b"data"
        iam.put_user_policy(
            UserName=name, PolicyName="test", PolicyDocument=document(allow("*", "*", effect="Deny"))
        )
        assert refused(user.get_object, Bucket=place.bucket, Key="k") == DENIED
        iam.put_user_policy(
            UserName=name, PolicyName="test", PolicyDocument=document(allow("s3:GetObject", "*"))
        )


def test_T017_a_restricted_key_cannot_widen_itself(world, place):
    name, access_key_id, secret = world.user(document(allow("s3:*", "*")))
    iam = world.client_as("iam", access_key_id, secret)
    everything = document(allow("*", "*"))
    assert refused(iam.put_user_policy, UserName=name, PolicyName="test", PolicyDocument=everything) == DENIED
    assert refused(iam.create_access_key, UserName=name) == DENIED
    assert refused(iam.create_access_key) == DENIED
    assert refused(iam.create_user, UserName="second") == DENIED
    assert refused(iam.delete_user_policy, UserName=name, PolicyName="test") == DENIED
    assert refused(iam.list_access_keys, UserName=name) == DENIED
    functions = world.client_as("lambda", access_key_id, secret)
    assert refused(functions.invoke, FunctionName=place.function) == ("AccessDeniedException", 403)
    assert refused(functions.delete_function, FunctionName=place.function) == ("AccessDeniedException", 403)


# What a refusal may tell


def test_T017_a_deny_of_one_user_holds_however_the_user_is_named(world):
    protected, _, _ = world.user()
    deny = allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/{protected}", effect="Deny")
    name, access_key_id, secret = world.user(document(allow("iam:*", "*"), deny))
    iam = world.client_as("iam", access_key_id, secret)
    assert refused(iam.create_access_key, UserName=protected) == DENIED
    assert refused(iam.create_access_key, UserName=protected.upper()) == DENIED
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"]
    below = world.unique("user")
    world.client("iam").create_user(UserName=below, Path="/team/")
    deny = allow("iam:*", f"arn:aws:iam::{ACCOUNT}:user/team/*", effect="Deny")
    put = {"PolicyName": "test", "PolicyDocument": document(allow("iam:*", "*"), deny)}
    world.client("iam").put_user_policy(UserName=name, **put)
    assert refused(iam.create_access_key, UserName=below) == DENIED


def test_a_user_may_be_left_to_manage_its_own_keys_alone(world):
    other, _, _ = world.user()
    own = f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}"
    name, access_key_id, secret = world.user(document(allow("iam:*AccessKey*", own)))
    iam = world.client_as("iam", access_key_id, secret)
    made = iam.create_access_key()["AccessKey"]
    assert made["UserName"] == name
    iam.delete_access_key(UserName=name, AccessKeyId=made["AccessKeyId"])
    assert refused(iam.create_access_key, UserName=other) == DENIED
    assert refused(iam.list_users) == DENIED


def test_T017_a_deny_of_one_function_holds_for_its_making(world):
    deny = allow("lambda:*", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:prod-*", effect="Deny")
    _, access_key_id, secret = world.user(document(allow("lambda:*", "*"), deny))
    made = {
        "Runtime": "python3.11",
        "Handler": "app.handler",
        "Role": f"arn:aws:iam::{ACCOUNT}:role/function",
        "Code": {"ZipFile": b"never looked at"},
    }
    functions = world.client_as("lambda", access_key_id, secret)
    for function in ("prod-x", f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:prod-x"):
        answer = refused(functions.create_function, FunctionName=function, **made)
        assert answer == ("AccessDeniedException", 403)


def test_who_may_do_nothing_may_ask_who_they_are(world):
    name, access_key_id, secret = world.user(document(allow("*", "*", effect="Deny")))
    asked = world.client_as("sts", access_key_id, secret).get_caller_identity()
    assert asked["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/{name}"


def test_T211_who_may_not_list_does_not_learn_what_is_missing(place, as_user):
    reads = allow("s3:GetObject", [f"arn:aws:s3:::{place.bucket}/*", f"{place.point_arn}/object/*"])
    lists = allow("s3:ListBucket", [f"arn:aws:s3:::{place.bucket}", place.point_arn])
    reader, lister = as_user(reads), as_user(reads, lists)
    for name in (place.bucket, place.point):
        assert refused(reader.get_object, Bucket=name, Key="missing") == DENIED
        assert refused(reader.head_object, Bucket=name, Key="missing") == ("403", 403)
        assert refused(lister.get_object, Bucket=name, Key="missing") == ("NoSuchKey", 404)
        assert refused(lister.head_object, Bucket=name, Key="missing") == ("404", 404)


def test_T211_conditions_tell_nothing_before_the_policy_has_spoken(world, place, as_user):
    etag = world.client("s3").head_object(Bucket=place.bucket, Key="k")["ETag"]
    user = as_user(allow("s3:ListBucket", "*"))
    for name in (place.bucket, place.point):
        asked = {"Bucket": name, "Key": "k"}
        assert refused(user.get_object, **asked, IfNoneMatch=etag) == DENIED
        assert refused(user.get_object, **asked, IfMatch='"other"') == DENIED
        assert refused(user.get_object, **asked, Range="bytes=99-") == DENIED
        assert refused(user.put_object, **asked, Body=b"", IfNoneMatch="*") == DENIED


# Sources and batches


def test_T212_a_copy_reads_its_source(world, place, as_user):
    mine = world.bucket()
    write = allow("s3:PutObject", f"arn:aws:s3:::{mine}/*")
    user = as_user(write, allow("s3:GetObject", f"arn:aws:s3:::{place.bucket}/open/*"))
    user.copy_object(Bucket=mine, Key="c", CopySource=f"{place.bucket}/open/k")
    forbidden = [
        f"{place.bucket}/closed/k",
        f"{place.bucket}/open%2F..%2Fclosed%2Fk",
        f"{place.bucket}%2Fclosed%2Fk",
        f"/{place.bucket}/closed/k",
        f"{place.bucket}/open/../closed/k",
    ]
    upload = world.client("s3").create_multipart_upload(Bucket=mine, Key="m")["UploadId"]
    for source in forbidden:
        refusals = (400, 403, 404)
        assert refused(user.copy_object, Bucket=mine, Key="c", CopySource=source)[1] in (400, 403, 404), (
            source
        )
        part = {"Bucket": mine, "Key": "m", "UploadId": upload, "PartNumber": 1}
        assert refused(user.upload_part_copy, **part, CopySource=source)[1] in refusals, source
    listed = world.client("s3").list_objects_v2(Bucket=mine)["Contents"]
    assert [each["Key"] for each in listed] == ["c"]


def test_T213_one_allowed_key_does_not_carry_the_others(world, as_user):
    bucket, s3 = world.bucket(), world.client("s3")
    supporting = world.access_point(bucket)
    for key in ("mine/1", "mine/2", "yours/1"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"")
    arns = [f"arn:aws:s3:::{bucket}/mine/1", f"{supporting['AccessPointArn']}/object/mine/2"]
    user = as_user(allow("s3:DeleteObject", arns))
    wanted = {"Objects": [{"Key": "mine/1"}, {"Key": "mine/2"}, {"Key": "yours/1"}]}
    answer = user.delete_objects(Bucket=bucket, Delete=wanted)
    assert [each["Key"] for each in answer["Deleted"]] == ["mine/1"]
    assert [(each["Key"], each["Code"]) for each in answer["Errors"]] == [
        ("mine/2", "AccessDenied"),
        ("yours/1", "AccessDenied"),
    ]
    answer = user.delete_objects(Bucket=supporting["Alias"], Delete=wanted)
    assert [each["Key"] for each in answer["Deleted"]] == ["mine/2"]
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["yours/1"]


# Documents


BAD_POLICIES = {
    "not JSON": "{",
    "twice the same key": '{"Statement": [], "Statement": []}',
    "unknown element": '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Wish": 1}]}',
    "both actions": '{"Statement": [{"Effect": "Allow", "Action": "*", "NotAction": "*", "Resource": "*"}]}',
    "a number in a list": '{"Statement": [{"Effect": "Allow", "Action": [1], "Resource": "*"}]}',
    "NaN": '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": NaN}]}',
    "depth": "[" * 1000 + "]" * 1000,
    "unknown effect": '{"Statement": [{"Effect": "allow", "Action": "*", "Resource": "*"}]}',
    "unknown operator": document(allow("*", "*", {"StringAlmost": {"a": "b"}})),
    "too long": document(allow("*", "*")) + " " * 20_481,
    "unknown version": '{"Version": "2030-01-01", "Statement": []}',
}


@pytest.mark.parametrize("name", BAD_POLICIES)
def test_T209_bad_documents_are_not_kept(world, place, name):
    iam, control, bad = world.client("iam"), world.client("s3control"), BAD_POLICIES[name]
    user, *_ = world.user()
    put = {"UserName": user, "PolicyName": "bad", "PolicyDocument": bad}
    assert refused(iam.put_user_policy, **put)[1] in (400, 409)
    assert iam.list_user_policies(UserName=user)["PolicyNames"] == []
    resource = bad.replace('"Effect"', '"Principal": "*", "Effect"')
    for put_policy, point in (
        (control.put_access_point_policy, world.access_point(place.bucket)["Name"]),
        (control.put_access_point_policy_for_object_lambda, place.olap),
    ):
        assert refused(put_policy, AccountId=ACCOUNT, Name=point, Policy=resource) == ("MalformedPolicy", 400)


def test_T202_allowing_all_but_one_principal_is_refused(world, place):
    statement = {**allow("*", "*"), "NotPrincipal": {"AWS": f"arn:aws:iam::{ACCOUNT}:user/u"}}
    put = {"AccountId": ACCOUNT, "Name": place.supporting["Name"], "Policy": document(statement)}
    control = world.client("s3control")
    assert refused(control.put_access_point_policy, **put) == ("MalformedPolicy", 400)
