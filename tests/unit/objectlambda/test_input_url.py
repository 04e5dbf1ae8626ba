from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from tests.fakes.object_lambda import (
    CALLER,
    NOW,
    REGION,
    REQUEST_ID,
    SESSION_KEY,
    SUPPORTING,
    input_url,
    request,
)

from onread.errors import AccessDenied, MissingAuthenticationToken, SignatureDoesNotMatch
from onread.objectlambda.event import parameters
from onread.objectlambda.input_url import check_input_grant, signed_headers
from onread.objectlambda.sessions import input_secret, open_session
from onread.policy.principal import InputGrant
from onread.sigv4.verify import check_scope, read_signature, verify
from onread.wire.message import BytesBody, Headers, Request


def url(**changes):
    return input_url(**changes).presigned.url


def fetch(text, method="GET", headers=()):
    """The request that a function makes of the URL."""
    split = urlsplit(text)
    return Request(
        method=method,
        target=f"{split.path}?{split.query}",
        host=split.netloc,
        headers=Headers([("Host", split.netloc), *headers]),
        body=BytesBody(b""),
    )


def authenticated(sent, now=NOW):
    """What the gateway does with it."""
    claim = read_signature(sent)
    check_scope(claim, now=now, region=REGION, services={"s3"})
    secret = input_secret(claim.access_key_id, key=SESSION_KEY)
    verify(claim, sent, secret)
    return open_session(claim.session_token, key=SESSION_KEY, access_key_id=claim.access_key_id, now=now)


def query_of(text):
    return parse_qs(urlsplit(text).query)


def test_the_url_needs_no_names_and_is_path_style_by_the_supporting_access_points_alias():
    split = urlsplit(url())
    assert (split.scheme, split.netloc) == ("http", "127.0.0.1:9002")
    assert split.path == f"/{SUPPORTING.alias}/dir/a%20b.txt"


def test_the_url_has_awss_parameters():
    query = query_of(url())
    assert query["X-Amz-Algorithm"] == ["AWS4-HMAC-SHA256"]
    assert query["X-Amz-Credential"] == ["AKIAEXAMPLEALICE0001/20300102/us-east-1/s3/aws4_request"]
    assert query["X-Amz-Expires"] == ["61"]
    assert query["X-Amz-SignedHeaders"] == ["host"]
    assert query["X-Amz-Security-Token"]
    assert "versionId" not in query


def test_T137_the_callers_host_changes_nothing():
    assert "evil" not in url(request=replace(request(Host="evil.example.com"), host="evil.example.com"))


def test_T131_a_plain_get_of_the_url_is_the_caller_via_object_lambda():
    principal = authenticated(fetch(url()))
    assert principal.arn == CALLER.arn
    assert principal.called_via == ("s3-object-lambda.amazonaws.com",)
    assert principal.input_grant == InputGrant(
        request_id=REQUEST_ID, method="GET", access_point_arn=SUPPORTING.arn, key="dir/a b.txt"
    )


@pytest.mark.parametrize("key", ["a", "a/b//c", "+&=?#%", "\N{SNOWMAN}", "a\nb", " ", "é" * 500, "~-_."])
def test_every_key_makes_a_url_that_verifies(key):
    assert authenticated(fetch(url(params={"Key": key}))).input_grant.key == key


def test_the_version_is_signed_into_the_query():
    text = url(params={"Key": "key", "VersionId": "v/1"})
    assert query_of(text)["versionId"] == ["v/1"]
    assert authenticated(fetch(text)).input_grant.version_id == "v/1"


def test_T121_range_and_part_number_are_never_in_the_url():
    text = url(
        params={"Key": "key", "Range": "bytes=0-1", "PartNumber": 1},
        request=request("/key?partNumber=1&Range=bytes%3D0-1", Range="bytes=0-1"),
    )
    assert "ange" not in text
    assert "partNumber" not in text


def test_an_expired_url_is_refused():
    with pytest.raises(AccessDenied, match="expired"):
        authenticated(fetch(url()), now=NOW + timedelta(seconds=62))


def test_T130_another_method_key_or_parameter_breaks_the_signature():
    text = url()
    for sent in (
        fetch(text, method="PUT"),
        fetch(text, method="HEAD"),
        fetch(text.replace("dir/a%20b.txt", "dir/other.txt")),
        fetch(text.replace(SUPPORTING.alias, "other-alias-s3alias")),
        fetch(text.replace("?", "?acl&")),
        fetch(text + "&versionId=v1"),
    ):
        with pytest.raises(SignatureDoesNotMatch):
            authenticated(sent)


def test_payer_and_expected_owner_are_signed_when_the_caller_sent_them():
    sent = request(x_amz_request_payer="requester", X_Amz_Expected_Bucket_Owner="111122223333")
    text = url(request=sent)
    assert query_of(text)["X-Amz-SignedHeaders"] == ["host;x-amz-expected-bucket-owner;x-amz-request-payer"]
    with pytest.raises(SignatureDoesNotMatch):
        authenticated(fetch(text))
    forwarded = [("x-amz-request-payer", "requester"), ("x-amz-expected-bucket-owner", "111122223333")]
    authenticated(fetch(text, headers=forwarded))


def test_checksum_mode_is_signed_by_a_strict_gateway_alone():
    headers = request(x_amz_checksum_mode="ENABLED").headers
    assert signed_headers(headers, strict=False) == []
    assert signed_headers(headers, strict=True) == [("x-amz-checksum-mode", "ENABLED")]


def test_T135_repeated_headers_are_signed_as_the_one_value_of_the_event():
    headers = Headers([("X-Amz-Request-Payer", "a"), ("x-amz-request-payer", "b"), ("X-Amz-Range", "c")])
    assert signed_headers(headers, strict=True) == [("x-amz-request-payer", "a,b")]


def test_a_head_url_is_signed_for_head():
    authenticated(fetch(url(operation="HeadObject"), method="HEAD"))
    with pytest.raises(SignatureDoesNotMatch):
        authenticated(fetch(url(operation="HeadObject")))


def test_a_list_url_signs_all_of_the_callers_parameters_but_those_of_a_signature():
    sent = request("/my-olap.olap?list-type=2&prefix=a%2F&x=&X-Amz-Signature=abc&X-Amz-Expires=5")
    text = url(operation="ListObjectsV2", params={"Prefix": "a/"}, request=sent)
    split = urlsplit(text)
    assert split.path == f"/{SUPPORTING.alias}"
    pairs = parameters(split.query)
    assert pairs[:3] == (("list-type", "2"), ("prefix", "a/"), ("x", ""))
    assert [value for name, value in pairs if name == "X-Amz-Expires"] == ["61"]
    assert authenticated(fetch(text)).input_grant.key is None


def test_nobody_can_sign_for_a_caller_without_access_key():
    with pytest.raises(MissingAuthenticationToken):
        url(principal=replace(CALLER, access_key_id=None))


GRANTED = replace(
    CALLER,
    input_grant=InputGrant(
        request_id=REQUEST_ID, method="GET", access_point_arn=SUPPORTING.arn, key="key", version_id="v1"
    ),
)
ASKED = {
    "method": "GET",
    "access_point_arn": SUPPORTING.arn,
    "key": "key",
    "version_id": "v1",
    "parameters": ["versionId", "X-Amz-Signature", "X-Amz-Security-Token"],
}


def test_a_grant_allows_what_it_was_made_for():
    check_input_grant(GRANTED, **ASKED)


@pytest.mark.parametrize(
    "change",
    [
        {"method": "PUT"},
        {"method": "DELETE"},
        {"access_point_arn": SUPPORTING.arn + "2"},
        {"key": "other"},
        {"key": None},
        {"key": ""},
        {"version_id": None},
        {"version_id": "v2"},
        *({"parameters": ["X-Amz-Signature", name]} for name in ("acl", "policy", "tagging", "uploads")),
    ],
)
def test_T130_a_grant_allows_nothing_else(change):
    with pytest.raises(AccessDenied, match="reads only the object"):
        check_input_grant(GRANTED, **{**ASKED, **change})


def test_a_list_grant_leaves_the_query_to_the_signature():
    listing = replace(GRANTED, input_grant=replace(GRANTED.input_grant, key=None, version_id=None))
    check_input_grant(listing, **{**ASKED, "key": "", "version_id": None, "parameters": ["prefix"]})


def test_a_caller_without_grant_is_not_bound_by_one():
    check_input_grant(CALLER, **{**ASKED, "method": "PUT"})
