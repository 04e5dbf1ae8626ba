"""`onread.sigv4.verify`: AWS's published vectors, botocore as the oracle, and what is refused."""

import logging
from datetime import timedelta
from hashlib import sha256
from urllib.parse import quote

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.config import Config
from hypothesis import example, given
from hypothesis import strategies as st
from tests.unit.sigv4.signed_requests import (
    ACCESS_KEY_ID,
    EMPTY,
    HOST,
    NOW,
    SECRET,
    SERVICES,
    VECTORS,
    as_sent,
    authorization,
    by_botocore,
    by_header,
    by_query,
    received,
    with_header,
    with_headers,
    with_target,
    without_header,
)

from onread.errors import (
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    InvalidAccessKeyId,
    RequestTimeTooSkewed,
    SignatureDoesNotMatch,
)
from onread.sigv4.verify import (
    check_scope,
    read_signature,
    refuse_unknown_access_key,
    verify,
)


def verified(request, secret=SECRET, **more):
    claim = read_signature(request)
    assert claim is not None
    return verify(claim, request, secret, **more)


def refused(request, error, **more):
    with pytest.raises(error) as caught:
        verified(request, **more)
    return caught.value


# AWS's own examples


@pytest.mark.parametrize("vector", VECTORS["requests"], ids=lambda vector: vector["name"])
def test_published_requests_verify(vector):
    credential = f"{VECTORS['access_key_id']}/20130524/us-east-1/s3/aws4_request"
    header = (
        f"AWS4-HMAC-SHA256 Credential={credential},SignedHeaders={vector['signed_headers']},"
        f"Signature={vector['signature']}"
    )
    host = vector.get("host", VECTORS["host"])
    request = received(
        vector["method"], vector["target"], [*vector["headers"], ("Authorization", header)], host
    )
    assert verified(request, VECTORS["secret"]).signature == vector["signature"]


def test_published_presigned_url_verifies():
    vector = VECTORS["presigned"]
    target = (
        f"{vector['target']}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={VECTORS['access_key_id']}"
        "%2F20130524%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20130524T000000Z"
        f"&X-Amz-Expires={vector['expires_seconds']}&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={vector['signature']}"
    )
    verified(received("GET", target, [], VECTORS["host"]), VECTORS["secret"])
    raw_slashes = target.replace("%2F", "/")
    verified(received("GET", raw_slashes, [], VECTORS["host"]), VECTORS["secret"])


# botocore is the oracle

NASTY_KEYS = [
    "a+b c",
    "a%2Fb",
    "a%252Fb",
    "//a//b/",
    "a/./../b",
    "..",
    ";=&?#[]@!$'()*,:",
    "~-_.",
    "\U0001f600\u0000\u007f",
    "é/à\u00a0ü",
    "tab\tnew\nline",
    '"<>\\^`{|}',
]
keys = st.one_of(st.sampled_from(NASTY_KEYS), st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# A parameter called Signature is a second signature, to AWS and to us.
names = texts.filter(
    lambda name: name and name not in ("Signature", "AWSAccessKeyId") and name[:6] != "X-Amz-"
)
queries = st.lists(st.tuples(names, texts), max_size=5)
ascii_values = st.text(st.characters(min_codepoint=32, max_codepoint=126) | st.just("\t"), max_size=30)
latin_values = st.text(st.sampled_from("aé à\u00a0 \u0085ÿ,;"), min_size=1, max_size=12)
methods = st.sampled_from(["GET", "HEAD", "PUT", "POST", "DELETE"])


def url_of(key, query, host=HOST):
    text = "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query)
    return f"http://{host}/{quote(key, safe='/~')}" + (f"?{text}" if text else "")


def signable(value):
    return value.strip() or "x"


@given(methods, keys, queries, ascii_values)
def test_T010_whatever_botocore_signs_by_header_verifies(method, key, query, value):
    headers = {"x-amz-meta-a": signable(value), "Content-Type": "text/plain"}
    verified(by_botocore(S3SigV4Auth, method, url_of(key, query), headers, body=b"data"))


@given(methods, keys, queries.map(lambda pairs: list(dict(pairs).items())), ascii_values)
def test_T010_whatever_botocore_presigns_verifies(method, key, query, value):
    headers = {"x-amz-meta-a": signable(value)}
    verified(by_botocore(S3SigV4QueryAuth, method, url_of(key, query), headers, token="a+/token=="))


@given(methods, keys, queries, st.sampled_from(["lambda", "iam", "sts", "onread"]))
def test_T010_whatever_botocore_signs_for_other_services_verifies(method, key, query, service):
    request = by_botocore(SigV4Auth, method, url_of(key, query), service=service, body=b"data")
    verified(request, body_hash=sha256(b"data").hexdigest())


@given(latin_values)
def test_T010_header_values_beyond_ascii_verify_as_botocore_signs_and_http_client_sends_them(value):
    headers = {"Content-Disposition": signable(value)}
    verified(by_botocore(S3SigV4Auth, "PUT", url_of("k", []), headers))


@given(latin_values)
def test_T010_header_values_beyond_ascii_verify_as_the_bytes_that_were_sent(value):
    value = signable(value).strip("\u00a0\u0085") or "x"
    verified(by_header(headers=[("x-amz-meta-a", value)]))


raw_parts = st.lists(
    st.sampled_from([*"ab/+~=&-;.2", "%7E", "%7e", "%41", "%2F", "%2f", "%zz", "%"]), max_size=12
).map("".join)


@given(raw_parts, raw_parts)
@example("a%7eb", "prefix=a+b")
@example("a+b", "prefix=a/b&&=")
def test_T010_paths_and_queries_verify_as_they_were_sent(path, query):
    verified(by_botocore(S3SigV4Auth, "GET", f"http://{HOST}/{path}?{query}"))


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("/a~b", "/a~b"),
        ("/a%7Eb", "/a~b"),
        ("/a%7eb", "/a~b"),
        ("/%61", "/a"),
        ("/a%2fb", "/a%2Fb"),
        ("/é", "/%E9"),
    ],
)
def test_T010_paths_verify_as_aws_writes_them_however_they_were_sent(sent, canonical):
    signed = by_header(path=canonical)
    verified(received("GET", sent, signed.headers))


@pytest.mark.parametrize(
    ("sent", "canonical"),
    [
        ("b=2&a=1", "a=1&b=2"),
        ("a", "a="),
        ("a=b=c", "a=b%3Dc"),
        ("p=a/b", "p=a%2Fb"),
        ("p=a+b", "p=a%2Bb"),
        ("p=%7e%41", "p=~A"),
        ("a=2&a=1", "a=1&a=2"),
        ("a-b=1&a=2", "a=2&a-b=1"),
        ("a=1&&b=2", "a=1&b=2"),
    ],
)
def test_T010_queries_verify_as_aws_writes_them_however_they_were_sent(sent, canonical):
    signed = by_header(query=canonical)
    verified(received("GET", "/bucket/key?" + sent, signed.headers))


def test_repeated_headers_are_joined_with_commas():
    signed = by_header(headers=[("x-amz-meta-a", "1"), ("x-amz-meta-a", " 2  3 ")])
    verified(signed)
    joined = with_header(signed, "x-amz-meta-a", "1,2 3")
    verified(joined)


class Sent(Exception):
    """The request left botocore."""


def sent_by(client, operation, **params):
    """What an unmodified client sends."""
    seen = []

    def capture(request, **_):
        seen.append(request)
        raise Sent

    client.meta.events.register("before-send", capture)
    with pytest.raises(Sent):
        getattr(client, operation)(**params)
    return as_sent(seen[0]), seen[0].body


def client_of(service, **config):
    return boto3.client(
        service,
        aws_access_key_id=ACCESS_KEY_ID,
        aws_secret_access_key=SECRET,
        aws_session_token="a/session+token==",
        region_name="us-east-1",
        endpoint_url="https://s3ol.example.com:9443",
        config=Config(retries={"total_max_attempts": 1}, **config),
    )


OLAP = "arn:aws:s3-object-lambda:us-east-1:111122223333:accesspoint/my-olap"


@pytest.mark.parametrize(
    ("operation", "params"),
    [
        ("get_object", {"Bucket": OLAP, "Key": "dir//k y+~é.txt", "VersionId": "v1", "Range": "bytes=0-9"}),
        ("get_object", {"Bucket": "bucket", "Key": "a/../b"}),
        ("put_object", {"Bucket": "bucket", "Key": "k", "Body": b"x", "Metadata": {"a": "b  c"}}),
        ("list_objects_v2", {"Bucket": "bucket", "Prefix": "a b+c/", "Delimiter": "/"}),
        ("write_get_object_response", {"RequestRoute": "r", "RequestToken": "t", "Body": b"x"}),
    ],
)
def test_what_boto3_sends_to_s3_verifies(operation, params):
    request, _ = sent_by(client_of("s3"), operation, **params)
    claim = read_signature(request)
    assert claim.service in SERVICES
    assert claim.session_token == "a/session+token=="
    verified(request)


@pytest.mark.parametrize(
    ("service", "operation", "params"),
    [
        ("lambda", "get_function", {"FunctionName": "arn:aws:lambda:us-east-1:111122223333:function:f"}),
        ("lambda", "invoke", {"FunctionName": "f", "Payload": b"{}"}),
        ("iam", "create_user", {"UserName": "u"}),
        ("sts", "get_caller_identity", {}),
    ],
)
def test_what_boto3_sends_to_other_services_verifies(service, operation, params):
    request, body = sent_by(client_of(service), operation, **params)
    claim = read_signature(request)
    assert (claim.service, claim.payload_hash) == (service, None)
    content = body.encode() if isinstance(body, str) else body or b""
    verified(request, body_hash=sha256(content).hexdigest())


def test_what_boto3_presigns_verifies():
    client = client_of("s3", signature_version="s3v4")
    url = client.generate_presigned_url("get_object", Params={"Bucket": OLAP, "Key": "dir/k y+.txt"})
    host = url.split("/")[2]
    verified(received("GET", url.split(host, 1)[1], [("Host", host)], host))


def test_the_hash_of_the_body_is_needed_where_no_header_has_it():
    request = by_botocore(SigV4Auth, "GET", url_of("k", []), service="lambda")
    with pytest.raises(ValueError, match="hash of its body"):
        verified(request)


# What is refused


@pytest.mark.parametrize("make", [by_header, by_query])
@pytest.mark.parametrize("first", "0123456789abcdef")
def test_T002_an_invented_signature_is_refused(make, first):
    request = make()
    signature = read_signature(request).signature
    if signature[0] == first:
        return
    forged = first + signature[1:]
    headers = [(name, value.replace(signature, forged)) for name, value in request.headers]
    error = refused(
        received("GET", request.target.replace(signature, forged), headers), SignatureDoesNotMatch
    )
    assert error.fields["SignatureProvided"] == f"{forged[:8]}..."


@pytest.mark.parametrize("make", [by_header, by_query])
def test_T002_another_secret_or_another_request_is_refused(make):
    request = make(path="/bucket/key", query=[("a", "b")] if make is by_query else "a=b")
    refused(request, SignatureDoesNotMatch, secret="another")
    refused(with_target(request, "/key", "/other"), SignatureDoesNotMatch)
    refused(with_target(request, "a=b", "a=c"), SignatureDoesNotMatch)
    refused(received("PUT", request.target, request.headers), SignatureDoesNotMatch)
    refused(received("GET", request.target, request.headers, "other.example.com"), SignatureDoesNotMatch)


def test_a_signature_in_upper_case_is_not_ours():
    request = by_header()
    signature = read_signature(request).signature
    refused(authorization(request, signature, signature.upper()), SignatureDoesNotMatch)


@pytest.mark.parametrize(
    "name",
    ["x-amz-acl", "x-amz-meta-a", "X-Amz-Copy-Source", "x-amz-security-token", "x-amz-checksum-mode"],
)
@pytest.mark.parametrize("make", [by_header, by_query])
def test_T008_every_amz_header_must_be_signed(make, name):
    error = refused(with_headers(make(), (name, "v")), AccessDenied)
    assert error.fields["HeadersNotSigned"] == name.lower()


def test_T008_tolerated_headers_need_not_be_signed():
    request = with_headers(by_query(), ("x-amz-checksum-mode", "ENABLED"))
    verified(request, tolerated=frozenset({"x-amz-checksum-mode"}))


@pytest.mark.parametrize("make", [by_header, by_query])
def test_T008_host_must_be_signed(make):
    request = make()
    if make is by_header:
        request = authorization(request, "SignedHeaders=host;", "SignedHeaders=")
    else:
        request = with_target(request, "SignedHeaders=host", "SignedHeaders=range")
    assert refused(request, AccessDenied).fields["HeadersNotSigned"] == "host"


def test_T008_other_headers_may_be_added_by_the_way():
    verified(with_headers(by_header(), ("x-forwarded-for", "10.0.0.1"), ("x-amzn-trace-id", "r")))


def test_a_presigned_url_may_repeat_that_its_payload_is_unsigned():
    verified(with_headers(by_query(), ("x-amz-content-sha256", "UNSIGNED-PAYLOAD")))
    refused(with_headers(by_query(), ("x-amz-content-sha256", EMPTY)), AccessDenied)


def test_T009_a_signed_header_that_is_absent_is_named():
    signed = by_query(headers=[("x-amz-checksum-mode", "ENABLED")])
    error = refused(without_header(signed, "x-amz-checksum-mode"), SignatureDoesNotMatch)
    assert "x-amz-checksum-mode" in error.text


def test_T009_a_signed_header_that_is_absent_is_refused_even_when_signed_as_empty():
    signed = by_header(headers=[("x-note", "")])
    verified(signed)
    refused(without_header(signed, "x-note"), SignatureDoesNotMatch)


def test_a_mismatch_tells_what_was_signed_and_no_secret():
    request = by_header(
        headers=[("x-amz-request-token", "output token")], session_token="session token", query="list-type=2"
    )
    error = refused(request, SignatureDoesNotMatch, secret="another")
    assert error.fields["AWSAccessKeyId"] == ACCESS_KEY_ID
    assert error.fields["StringToSign"].startswith(
        "AWS4-HMAC-SHA256\n20260102T030405Z\n20260102/us-east-1/s3/"
    )
    assert bytes.fromhex(error.fields["StringToSignBytes"]).decode() == error.fields["StringToSign"]
    canonical = error.fields["CanonicalRequest"]
    assert canonical.startswith(f"GET\n/bucket/key\nlist-type=2\nhost:{HOST}\nx-amz-content-sha256:{EMPTY}\n")
    assert "x-amz-security-token:..." in canonical
    told = " ".join(error.fields.values())
    assert "session token" not in told
    assert "output token" not in told
    assert "another" not in told


def test_a_mismatch_of_a_presigned_url_does_not_tell_its_session_token():
    error = refused(by_query(session_token="session token"), SignatureDoesNotMatch, secret="another")
    assert "X-Amz-Security-Token=..." in error.fields["CanonicalRequest"]
    assert "session%20token" not in error.fields["CanonicalRequest"]
    shown = error.fields["CanonicalRequest"].encode()
    assert bytes.fromhex(error.fields["CanonicalRequestBytes"]) == shown, "nothing is hidden in one alone"


def test_nothing_secret_shows_in_a_repr():
    request = by_header(session_token="session token")
    claim, proof = read_signature(request), verified(request)
    for shown in (repr(claim), repr(proof)):
        assert claim.signature not in shown
        assert "session token" not in shown
        assert proof.signing_key.hex() not in shown
        assert repr(proof.signing_key) not in shown


def test_T015_an_unknown_access_key_is_refused_after_the_same_work():
    request = by_header()
    with pytest.raises(InvalidAccessKeyId) as caught:
        refuse_unknown_access_key(read_signature(request), request)
    assert caught.value.fields == {"AWSAccessKeyId": ACCESS_KEY_ID}
    unsigned = with_headers(request, ("x-amz-acl", "private"))
    with pytest.raises(AccessDenied):
        refuse_unknown_access_key(read_signature(unsigned), unsigned)


def test_T015_signing_with_the_stand_in_secret_is_refused_too():
    request = by_header(secret="no access key has this secret")
    with pytest.raises(InvalidAccessKeyId):
        refuse_unknown_access_key(read_signature(request), request)


# Scope and time


def checked(request, now=NOW, region="us-east-1", services=SERVICES):
    check_scope(read_signature(request), now=now, region=region, services=services)


@pytest.mark.parametrize("minutes", [-15, 0, 15])
def test_T005_a_request_may_be_fifteen_minutes_off(minutes):
    checked(by_header(), now=NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize("seconds", [-901, 901, 16 * 60, -16 * 60])
def test_T005_stale_and_future_requests_are_refused(seconds):
    with pytest.raises(RequestTimeTooSkewed) as caught:
        checked(by_header(), now=NOW + timedelta(seconds=seconds))
    assert caught.value.fields["MaxAllowedSkewMilliseconds"] == "900000"
    assert caught.value.fields["RequestTime"] == "20260102T030405Z"


def test_T006_a_presigned_url_is_good_to_the_end_of_its_life():
    checked(by_query(), now=NOW + timedelta(seconds=61))
    checked(by_query(), now=NOW - timedelta(minutes=15))
    with pytest.raises(AccessDenied, match="Request has expired") as caught:
        checked(by_query(), now=NOW + timedelta(seconds=62))
    assert caught.value.fields == {
        "X-Amz-Expires": "61",
        "Expires": "2026-01-02T03:05:06Z",
        "ServerTime": "2026-01-02T03:05:07Z",
    }
    with pytest.raises(AccessDenied, match="not valid yet"):
        checked(by_query(), now=NOW - timedelta(seconds=901))


@pytest.mark.parametrize(
    ("make", "error"),
    [(by_header, AuthorizationHeaderMalformed), (by_query, AuthorizationQueryParametersError)],
)
def test_T007_another_service_region_or_date_is_refused(make, error):
    with pytest.raises(error, match='This endpoint belongs to "s3" or "s3-object-lambda"'):
        checked(make(service="sts", session_token=None))
    with pytest.raises(error, match="expecting 'eu-west-1'") as caught:
        checked(make(), region="eu-west-1")
    assert caught.value.fields == {"Region": "eu-west-1"}
    checked(make(region="anywhere"), region=None)
    other_date = make()
    if make is by_header:
        other_date = authorization(other_date, "/20260102/", "/20260103/")
    else:
        other_date = with_target(other_date, "20260102%2F", "20260103%2F")
    with pytest.raises(error, match="Invalid credential date"):
        checked(other_date)


def test_T007_a_signature_for_one_service_is_never_good_at_another():
    request = authorization(by_header(service="s3-object-lambda"), "/s3-object-lambda/", "/s3/")
    refused(request, SignatureDoesNotMatch)


def test_nothing_is_logged(caplog):
    with caplog.at_level(logging.DEBUG, logger="onread"):
        verified(by_header())
    assert not caplog.records
