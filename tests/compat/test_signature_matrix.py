"""Every route of the route table by every kind of signature that nobody made."""

from hashlib import sha256

import pytest
from tests.compat.route_table import samples
from tests.compat.wire import (
    CHUNKS,
    CHUNKS_AND_TRAILER,
    UNSIGNED,
    UNSIGNED_CHUNKS,
    Key,
    forged,
    forged_target,
    presigned_target,
    root_key,
    send,
    signed,
)

from onread.protocol.operations import SERVED

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


def holdings(world):
    """Everything that a request could have made, changed or removed."""
    s3, iam, control = world.client("s3"), world.client("iam"), world.client("s3control")
    buckets = [each["Name"] for each in s3.list_buckets()["Buckets"]]
    return {
        "objects": {
            bucket: [(o["Key"], o["ETag"]) for o in s3.list_objects_v2(Bucket=bucket).get("Contents", [])]
            for bucket in buckets
        },
        "uploads": {bucket: s3.list_multipart_uploads(Bucket=bucket).get("Uploads") for bucket in buckets},
        "users": [each["UserName"] for each in iam.list_users()["Users"]],
        "functions": [each["FunctionName"] for each in world.client("lambda").list_functions()["Functions"]],
        "points": [
            each["Name"] for each in control.list_access_points(AccountId="000000000000")["AccessPointList"]
        ],
    }


def by_header(world, sample, payload_hash, key=None):
    extra = list(sample.headers)
    if payload_hash.startswith("STREAMING-"):
        extra += [
            ("content-encoding", "aws-chunked"),
            ("x-amz-decoded-content-length", str(len(sample.body))),
        ]
        if payload_hash.endswith("-TRAILER"):
            extra.append(("x-amz-trailer", "x-amz-checksum-crc32"))
    headers = signed(
        world,
        sample.method,
        sample.path,
        query=sample.query,
        headers=extra,
        payload_hash=payload_hash,
        service=sample.service,
        region="us-east-1",
        key=key,
    )
    return send(
        world, sample.method, target_of(sample), forged(headers) if key is None else headers, sample.body
    )


def target_of(sample):
    return f"{sample.path}?{sample.query}" if sample.query else sample.path


def unsigned(world, sample):
    return send(world, sample.method, target_of(sample), sample.headers, sample.body)


def presigned(world, sample):
    pairs = [tuple(pair.partition("=")[::2]) for pair in sample.query.split("&") if pair]
    own = [(name, value) for name, value in sample.headers if name.startswith("x-amz-")]
    target = presigned_target(
        world, sample.method, sample.path, query=pairs, headers=own, service=sample.service
    )
    return send(world, sample.method, forged_target(target), sample.headers, sample.body)


def with_streaming_body(world, sample):
    """T-004: a streaming body whose credentials stand in the query."""
    pairs = [tuple(pair.partition("=")[::2]) for pair in sample.query.split("&") if pair]
    target = presigned_target(world, sample.method, sample.path, query=pairs, service=sample.service)
    streaming = [("x-amz-content-sha256", UNSIGNED_CHUNKS), ("x-amz-trailer", "x-amz-checksum-crc32")]
    return send(world, sample.method, forged_target(target), [*sample.headers, *streaming], sample.body)


def with_hash(world, sample):
    return by_header(world, sample, sha256(sample.body).hexdigest())


def with_token(world, sample):
    root = root_key(world)
    return by_header(world, sample, UNSIGNED, Key(root.access_key_id, root.secret, "made-up"))


def expected(s3, olap, aws_lambda, iam):
    """One refusal for each family of services."""
    families = {"s3": s3, "s3-object-lambda": olap, "lambda": aws_lambda, "onread": aws_lambda}
    return {**families, "iam": iam, "sts": iam}


FORGED = expected(
    ("SignatureDoesNotMatch", 403),
    ("InvalidSignature", 400),
    ("InvalidSignatureException", 403),
    ("SignatureDoesNotMatch", 403),
)
DENIED = expected(
    ("AccessDenied", 403), ("AccessDenied", 403), ("AccessDeniedException", 403), ("AccessDenied", 403)
)
UNKNOWN = expected(
    ("InvalidAccessKeyId", 403),
    ("InvalidAccessKeyId", 403),
    ("UnrecognizedClientException", 403),
    ("InvalidClientTokenId", 403),
)
TOKEN = expected(
    ("InvalidToken", 400),
    ("InvalidToken", 400),
    ("UnrecognizedClientException", 403),
    ("InvalidClientTokenId", 403),
)
AUTH_TYPES = {
    "unsigned payload": (lambda world, sample: by_header(world, sample, UNSIGNED), FORGED),
    "hashed payload": (
        lambda world, sample: by_header(world, sample, sha256(sample.body).hexdigest()),
        FORGED,
    ),
    "signed chunks": (lambda world, sample: by_header(world, sample, CHUNKS), FORGED),
    "signed trailer": (lambda world, sample: by_header(world, sample, CHUNKS_AND_TRAILER), FORGED),
    "unsigned trailer": (lambda world, sample: by_header(world, sample, UNSIGNED_CHUNKS), FORGED),
    "presigned": (presigned, FORGED),
    "streaming by query": (with_streaming_body, DENIED),
    "unknown key": (lambda world, sample: by_header(world, sample, UNSIGNED, STRANGER), UNKNOWN),
    "session token": (with_token, TOKEN),
}


def every_sample(place):
    return samples(place["bucket"], (place["bucket"], place["access_point"], place["olap"]))


@pytest.mark.parametrize("auth_type", AUTH_TYPES)
def test_T002_T004_no_route_takes_an_invented_signature(world, place, auth_type):
    attack, refusals = AUTH_TYPES[auth_type]
    before, count = holdings(world), 0
    for sample in every_sample(place):
        answer = attack(world, sample)
        code, status = refusals[sample.service]
        assert answer.refusal == ("" if sample.method == "HEAD" else code, status), sample
        count += 1
    assert count > 100
    assert holdings(world) == before


def test_T001_no_route_does_anything_unsigned(world, place):
    """What names a service only in its signature is, unsigned, a bucket that nobody may read."""
    before = holdings(world)
    for sample in every_sample(place):
        answer = unsigned(world, sample)
        assert answer.status in (403, 405), sample
        assert answer.code in ("AccessDenied", "MissingAuthenticationToken", "MethodNotAllowed", ""), sample
        if sample.operation in SERVED["s3"] and sample.service == "s3" and sample.operation != "ListBuckets":
            assert answer.status == 403, sample
    assert holdings(world) == before


def test_T001_no_policy_opens_an_object_lambda_access_point_to_strangers(world, place):
    everyone = '{"Statement": [{"Effect": "Allow", "Principal": "*", "Action": "*", "Resource": "*"}]}'
    control = world.client("s3control")
    nothing_blocked = {"BlockPublicPolicy": False, "RestrictPublicBuckets": False}
    bucket, s3 = world.bucket(), world.client("s3")
    s3.put_object(Bucket=bucket, Key="source", Body=b"source")
    s3.delete_public_access_block(Bucket=bucket)
    anyone = everyone.replace('"Resource": "*"', f'"Resource": "arn:aws:s3:::{bucket}/*"')
    s3.put_bucket_policy(Bucket=bucket, Policy=anyone.replace('"Action": "*"', '"Action": "s3:GetObject"'))
    supporting = world.access_point(bucket, PublicAccessBlockConfiguration=nothing_blocked)
    name, alias = world.olap_over(supporting, "never-called", actions=("ListObjects",))
    control.put_access_point_policy(AccountId="000000000000", Name=supporting["Name"], Policy=everyone)
    control.put_access_point_policy_for_object_lambda(AccountId="000000000000", Name=name, Policy=everyone)
    assert send(world, "GET", f"/{supporting['Alias']}/source").body == b"source"
    for path in (f"/{alias}/source", f"/{name}.olap/source", f"/{alias}?list-type=2", f"/{alias}?uploads"):
        answer = send(world, "GET", path)
        assert answer.refusal == ("MissingAuthenticationToken", 403), path
    assert send(world, "PUT", f"/{alias}/stored", body=b"x").status == 403
    assert send(world, "HEAD", f"/{alias}/source").status == 403


def test_T215_another_expected_owner_is_refused_everywhere(world, place):
    before = holdings(world)
    for sample in every_sample(place):
        if sample.service not in ("s3", "s3-object-lambda"):
            continue
        other = [*sample.headers, ("x-amz-expected-bucket-owner", "111122223333")]
        headers = signed(
            world, sample.method, sample.path, query=sample.query, headers=other, service=sample.service
        )
        answer = send(world, sample.method, target_of(sample), headers, sample.body)
        assert answer.refusal == ("" if sample.method == "HEAD" else "AccessDenied", 403), sample
    assert holdings(world) == before
