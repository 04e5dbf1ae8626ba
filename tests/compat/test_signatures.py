"""One true signature, of this time and place, by a key that lives: each rule over the wire."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import boto3
import pytest
from tests.compat.wire import (
    Key,
    forged,
    forged_target,
    presigned_target,
    root_key,
    send,
    signed,
    value_of,
)

pytestmark = [pytest.mark.compat, pytest.mark.slow]
STRANGER = Key("AKIAUNKNOWNUNKNOWN00", "nobody's")


@pytest.fixture(scope="module")
def place(world):
    """A bucket behind three doors, and an object in it that nobody may touch."""
    bucket = world.bucket()
    supporting = world.access_point(bucket)
    name, alias = world.olap_over(supporting, "never-called")
    world.client("s3").put_object(Bucket=bucket, Key="source", Body=b"source")
    return {"bucket": bucket, "access_point": supporting["Alias"], "olap": alias, "olap_name": name}


# One signature, of this time and place


def get(world, place, headers, target=None):
    return send(world, "GET", target or f"/{place['bucket']}/source", headers)


@pytest.fixture(scope="module")
def source(place):
    return f"/{place['bucket']}/source"


def test_T003_two_signatures_are_none(world, place, source):
    true = signed(world, "GET", source)
    url = presigned_target(world, "GET", source)
    refusals = [
        get(world, place, true, forged_target(url)),
        get(world, place, forged(true), url),
        get(world, place, true, url),
        get(world, place, [*true, ("authorization", value_of(forged(true), "authorization"))]),
        get(world, place, true, f"{source}?AWSAccessKeyId=A&Signature=b&Expires=9999999999"),
    ]
    assert {answer.refusal for answer in refusals} == {("InvalidArgument", 400)}


@pytest.mark.parametrize("minutes", [-16, 16])
def test_T005_dates_far_away_are_refused(world, place, source, minutes):
    then = datetime.now(UTC) + timedelta(minutes=minutes)
    assert get(world, place, signed(world, "GET", source, now=then)).refusal == ("RequestTimeTooSkewed", 403)
    near = datetime.now(UTC) + timedelta(minutes=minutes * 14 / 16)
    assert get(world, place, signed(world, "GET", source, now=near)).status == 200


def test_T006_a_presigned_url_ends(world, place, source):
    past = datetime.now(UTC) - timedelta(seconds=62)
    ended = presigned_target(world, "GET", source, now=past, expires_seconds=60)
    answer = get(world, place, [], ended)
    assert answer.refusal == ("AccessDenied", 403)
    assert answer.message == "Request has expired"
    assert get(world, place, [], presigned_target(world, "GET", source, now=past)).status == 200


@pytest.mark.parametrize(
    "life", ["0", "-1", "604801", "1e3", quote("\u0663\u0666\u0660\u0660"), "", "60&X-Amz-Expires=60"]
)
def test_T006_an_impossible_life_is_refused(world, place, source, life):
    url = presigned_target(world, "GET", source).replace("X-Amz-Expires=300", f"X-Amz-Expires={life}")
    assert get(world, place, [], url).refusal == ("AuthorizationQueryParametersError", 400)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("/us-east-1/", "/eu-west-1/"),
        ("/s3/", "/sts/"),
        ("/s3/", "/s3-object-lambda/"),
        ("/aws4_request", "/aws5_request"),
        ("/aws4_request", ""),
    ],
)
def test_T007_a_signature_for_another_scope_is_none(world, place, source, old, new):
    headers = [(name, value.replace(old, new, 1)) for name, value in signed(world, "GET", source)]
    answer = get(world, place, headers)
    assert answer.refusal in [
        ("AuthorizationHeaderMalformed", 400),
        ("InvalidSignature", 400),
        ("SignatureDoesNotMatch", 403),
    ] or (new == "/sts/" and answer.status in (400, 403, 405))


@pytest.mark.parametrize("service", ["sts", "iam", "lambda"])
def test_T007_a_true_signature_for_another_service_reads_nothing(world, place, source, service):
    answer = get(world, place, signed(world, "GET", source, service=service))
    assert answer.status in (400, 403, 404, 405)
    assert answer.body != b"source"


def test_T007_scope_and_date_agree(world, place, source):
    headers = signed(world, "GET", source)
    today = value_of(headers, "x-amz-date")[:8]
    wrong = [(name, value.replace(f"/{today}/", "/20200101/")) for name, value in headers]
    assert get(world, place, wrong).refusal == ("AuthorizationHeaderMalformed", 400)


@pytest.mark.parametrize(
    "header",
    ["x-amz-acl", "x-amz-meta-a", "x-amz-copy-source", "x-amz-security-token", "x-amz-made-up", "x-amz-date"],
)
def test_T008_amazon_headers_are_signed_or_refused(world, place, source, header):
    added = [*signed(world, "PUT", source), (header, "/x/y")]
    answer = send(world, "PUT", source, added, b"changed")
    assert answer.status in (400, 403)
    assert world.client("s3").get_object(Bucket=place["bucket"], Key="source")["Body"].read() == b"source"


def test_T008_the_host_is_signed(world, place, source):
    headers = signed(world, "GET", source)
    assert send(world, "GET", source, headers, host="localhost:1").refusal == ("SignatureDoesNotMatch", 403)
    nameless = [(name, value.replace("SignedHeaders=host;", "SignedHeaders=")) for name, value in headers]
    assert get(world, place, nameless).refusal == ("AccessDenied", 403)


@pytest.mark.parametrize(
    "names",
    ["x-amz-date;host", "host;host;x-amz-content-sha256;x-amz-date", "Host;x-amz-date", "", ";",
     "absent;host;x-amz-content-sha256;x-amz-date", ";".join(f"h{n:03}" for n in range(500))],
)  # fmt: skip
def test_T009_signed_headers_stand_in_their_one_form(world, place, source, names):
    headers = [
        (name, re.sub("SignedHeaders=[^,]*", f"SignedHeaders={names}", value))
        for name, value in signed(world, "GET", source)
    ]
    assert get(world, place, headers).status in (400, 403)


@pytest.mark.parametrize(
    "algorithm", ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "none", "aws4-hmac-sha256", "Bearer"]
)
def test_T012_there_is_one_algorithm(world, place, source, algorithm):
    headers = [
        (name, value.replace("AWS4-HMAC-SHA256", algorithm)) for name, value in signed(world, "GET", source)
    ]
    assert get(world, place, headers).status == 400
    url = presigned_target(world, "GET", source).replace("AWS4-HMAC-SHA256", algorithm)
    assert get(world, place, [], url).status == 400


def test_T012_signature_version_2_gets_its_answer(world, place):
    """boto3's default for presigned URLs, at a bucket and at an Object Lambda access point."""
    root = root_key(world)
    client = boto3.client(
        "s3",
        endpoint_url=world.endpoint,
        region_name="us-east-1",
        aws_access_key_id=root.access_key_id,
        aws_secret_access_key=root.secret,
    )
    for name in (place["bucket"], place["olap"]):
        url = client.generate_presigned_url("get_object", Params={"Bucket": name, "Key": "source"})
        assert "AWSAccessKeyId=" in url
        answer = get(world, place, [], url.removeprefix(world.endpoint))
        assert answer.refusal == ("MissingAuthenticationToken", 403)
        assert "signature_version='s3v4'" in answer.message
    version_2 = [("date", "x"), ("authorization", f"AWS {root.access_key_id}:c2ln")]
    assert get(world, place, version_2).refusal == ("MissingAuthenticationToken", 403)


def test_a_wrong_signature_at_an_olap_host_is_invalid_signature(world, place):
    host = f"{place['olap_name']}-000000000000.localhost"
    headers = forged(signed(world, "GET", "/source", service="s3-object-lambda", host=host))
    assert send(world, "GET", "/source", headers, host=host).refusal == ("InvalidSignature", 400)
    nobody = send(world, "GET", "/source", host="x-000000000000.s3-object-lambda.us-east-1.amazonaws.com")
    assert nobody.refusal == ("MissingAuthenticationToken", 403)


# Keys that end


def test_T013_a_session_token_does_not_go_with_permanent_keys(world, place, source):
    root = root_key(world)
    for token in ("made-up", "A" * 500, "e30"):
        key = Key(root.access_key_id, root.secret, token)
        assert get(world, place, signed(world, "GET", source, key=key)).refusal == ("InvalidToken", 400)


ALLOW_ALL = '{"Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}'


def test_T014_a_key_ends_with_its_acknowledged_end(world, place, source):
    name, access_key_id, secret = world.user(ALLOW_ALL)
    key, iam = Key(access_key_id, secret), world.client("iam")

    def answer():
        return get(world, place, signed(world, "GET", source, key=key))

    url = presigned_target(world, "GET", source, key=key)
    assert answer().status == 200
    iam.update_access_key(UserName=name, AccessKeyId=access_key_id, Status="Inactive")
    assert answer().refusal == ("InvalidAccessKeyId", 403)
    assert get(world, place, [], url).refusal == ("InvalidAccessKeyId", 403)
    iam.update_access_key(UserName=name, AccessKeyId=access_key_id, Status="Active")
    assert answer().status == 200
    iam.delete_access_key(UserName=name, AccessKeyId=access_key_id)
    assert answer().refusal == ("InvalidAccessKeyId", 403)


def test_T014_a_user_made_again_inherits_nothing(world, place, source):
    name, access_key_id, secret = world.user(ALLOW_ALL)
    iam = world.client("iam")
    first = iam.get_user(UserName=name)["User"]
    iam.delete_access_key(UserName=name, AccessKeyId=access_key_id)
    iam.delete_user_policy(UserName=name, PolicyName="test")
    iam.delete_user(UserName=name)
    second = iam.create_user(UserName=name)["User"]
    assert second["UserId"] != first["UserId"]
    assert iam.list_user_policies(UserName=name)["PolicyNames"] == []
    assert iam.list_access_keys(UserName=name)["AccessKeyMetadata"] == []
    old = get(world, place, signed(world, "GET", source, key=Key(access_key_id, secret)))
    assert old.refusal == ("InvalidAccessKeyId", 403)
    made = iam.create_access_key(UserName=name)["AccessKey"]
    new = Key(made["AccessKeyId"], made["SecretAccessKey"])
    assert get(world, place, signed(world, "GET", source, key=new)).refusal == ("AccessDenied", 403)


def test_T215_an_owner_is_an_account(world, place, source):
    for owner, refusal in (("me", ("InvalidBucketOwnerAWSAccountID", 400)), ("000000000000", ("", 200))):
        headers = signed(world, "GET", source, headers=[("x-amz-expected-bucket-owner", owner)])
        assert get(world, place, headers).refusal == refusal
