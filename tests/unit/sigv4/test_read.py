"""`onread.sigv4.read` and `claim`: where a signature stands and what may stand in it."""

from datetime import UTC, datetime
from email.utils import formatdate

import pytest
from botocore.auth import S3SigV4Auth
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sigv4.signed_requests import (
    ACCESS_KEY_ID,
    EMPTY,
    NOW,
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
    InvalidArgument,
    InvalidRequest,
    MissingAuthenticationToken,
    S3Error,
    UnsupportedSignature,
)
from onread.sigv4.verify import claimed_credential, glimpsed_credential, read_signature, verify

SIGV2_QUERY = "AWSAccessKeyId=AKID&Signature=c2ln&Expires=1700000000"


def refused(request, error, match=None):
    with pytest.raises(error, match=match) as caught:
        read_signature(request)
    assert type(caught.value) is error
    return caught.value


def test_T001_a_request_without_signature_is_unsigned():
    assert read_signature(received("GET", "/bucket/key?X-Amz-Date=1&Expires=2", [])) is None
    assert read_signature(received("GET", "/bucket/key?x-id=GetObject", [("x-amz-date", "d")])) is None


def test_the_header_form_is_read():
    claim = read_signature(by_header(session_token="token"))
    assert claim.form == "header"
    assert claim.access_key_id == "AKIDEXAMPLE"
    assert claim.scope == "20260102/us-east-1/s3/aws4_request"
    assert claim.timestamp == NOW
    assert claim.expires_seconds is None
    assert claim.signed_headers == ("host", "x-amz-content-sha256", "x-amz-date", "x-amz-security-token")
    assert claim.session_token == "token"
    assert claim.payload_hash == EMPTY


def test_the_query_form_is_read():
    claim = read_signature(by_query(session_token="to/ken=", service="s3-object-lambda"))
    assert claim.form == "query"
    assert (claim.service, claim.expires_seconds, claim.signed_headers) == ("s3-object-lambda", 61, ("host",))
    assert claim.session_token == "to/ken="
    assert claim.payload_hash == "UNSIGNED-PAYLOAD"


def test_T003_two_signatures_are_refused():
    header, query = by_header(), by_query()
    both = received("GET", query.target, header.headers)
    refused(both, InvalidArgument, "Only one auth mechanism")
    refused(with_headers(header, ("Authorization", "x")), InvalidArgument)
    refused(received("GET", "/k?" + SIGV2_QUERY, header.headers), InvalidArgument)
    refused(received("GET", query.target + "&" + SIGV2_QUERY, query.headers), InvalidArgument)
    for mark in ("X-Amz-Signature=0", "X-Amz-Credential=c", "X-Amz-Algorithm=none", "Signature=x"):
        refused(received("GET", "/k?" + mark, header.headers), InvalidArgument)


@pytest.mark.parametrize(
    "query", [by_query().query, "X-Amz-Credential=AKID%2F20260102%2Fus-east-1%2Fs3%2Faws4_request"]
)
def test_T004_a_url_never_signs_a_streaming_body(query):
    headers = [("x-amz-content-sha256", "STREAMING-UNSIGNED-PAYLOAD-TRAILER")]
    assert refused(received("PUT", "/bucket/key?" + query, headers), AccessDenied).status == 403


@pytest.mark.parametrize(
    "value", ["0", "-1", "604801", "1e3", "%D9%A3%D9%A6%D9%A0%D9%A0", "", "+5", "%B2", "9" * 5000]
)
def test_T006_a_life_that_is_not_one_second_to_seven_days_is_refused(value):
    refused(with_target(by_query(), "Expires=61", "Expires=" + value), AuthorizationQueryParametersError)


@pytest.mark.parametrize("seconds", ["1", "604800"])
def test_T006_a_life_of_one_second_to_seven_days_is_read(seconds):
    claim = read_signature(with_target(by_query(), "Expires=61", "Expires=" + seconds))
    assert claim.expires_seconds == int(seconds)


@pytest.mark.parametrize(
    "name",
    ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"],
)
def test_T006_every_parameter_is_given_once(name):
    request = by_query()
    value = dict(pair.split("=") for pair in request.query.split("&"))["X-Amz-" + name]
    doubled = received("GET", f"{request.target}&X-Amz-{name}={value}", [])
    refused(doubled, AuthorizationQueryParametersError, "must be given once")
    missing = with_target(request, f"X-Amz-{name}={value}", "a=b")
    refused(missing, AuthorizationQueryParametersError, "requires the X-Amz-Algorithm")


def test_T006_a_doubled_session_token_is_refused():
    request = by_query(session_token="t")
    doubled = received("GET", request.target + "&X-Amz-Security-Token=u", [])
    refused(doubled, AuthorizationQueryParametersError)


@pytest.mark.parametrize(
    "date", ["2026-01-02T03:04:05Z", "20260102T250000Z", "", "20260102", "2026010%B2T030405Z"]
)
def test_an_unreadable_date_of_a_presigned_url_is_refused(date):
    refused(
        with_target(by_query(), "Date=20260102T030405Z", "Date=" + date), AuthorizationQueryParametersError
    )


CREDENTIALS = [
    "AKIDEXAMPLE/20260102/us-east-1/s3",
    "AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request/more",
    "AKIDEXAMPLE/20260102/us-east-1/s3/aws5_request",
    "/20260102/us-east-1/s3/aws4_request",
    "K" * 129 + "/20260102/us-east-1/s3/aws4_request",
    "AKIDEXAMPLE/2026010/us-east-1/s3/aws4_request",
    "AKIDEXAMPLE/2026010²/us-east-1/s3/aws4_request",
    "AKIDEXAMPLE/20260102//s3/aws4_request",
    "AKIDEXAMPLE/20260102/us-east-1//aws4_request",
    "AKIDEXAMPLE/20260102/" + "r" * 65 + "/s3/aws4_request",
    "",
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_T007_a_malformed_credential_is_refused(credential):
    good = "AKIDEXAMPLE/20260102/us-east-1/s3/aws4_request"
    refused(authorization(by_header(), good, credential), AuthorizationHeaderMalformed)
    encoded = credential.replace("²", "%C2%B2")
    refused(with_target(by_query(), good.replace("/", "%2F"), encoded), AuthorizationQueryParametersError)


@pytest.mark.parametrize(
    "names",
    [
        "x-amz-date;host",
        "host;host",
        "Host",
        "",
        "host;",
        ";host",
        "host;;range",
        "ho st",
        "host;a b",
        "h\u00f6st",
        ";".join(f"h{number:03}" for number in range(500)),
    ],
)
def test_T009_signed_headers_stand_in_order_once_in_lower_case(names):
    good = "host;x-amz-content-sha256;x-amz-date"
    with pytest.raises(AuthorizationHeaderMalformed):
        read_signature(authorization(by_header(), good, names))
    with pytest.raises(AuthorizationQueryParametersError):
        read_signature(
            with_target(by_query(), "SignedHeaders=host", "SignedHeaders=" + names.replace(";", "%3B"))
        )


@pytest.mark.parametrize(
    "scheme", ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "AWS4-HMAC-SHA256-PAYLOAD"]
)
def test_T012_other_algorithms_are_unsupported(scheme):
    refused(authorization(by_header(), "AWS4-HMAC-SHA256 ", scheme + " "), UnsupportedSignature)
    refused(with_target(by_query(), "=AWS4-HMAC-SHA256&", f"={scheme}&"), UnsupportedSignature)


@pytest.mark.parametrize("value", ["none", "", "   ", "Basic cGFzc3dvcmQ=", "Bearer token", "AWS3 x", "AWS4"])
def test_T012_other_kinds_of_authorization_are_refused_without_repeating_them(value):
    error = refused(
        received("GET", "/k", [("Authorization", value)]), InvalidArgument, "Unsupported Authorization"
    )
    assert error.status == 400
    assert error.fields == {"ArgumentName": "Authorization"}


def test_T012_signature_version_2_is_told_how_to_sign():
    for request in (
        received("GET", "/k", [("Authorization", "AWS AKID:c2lnbmF0dXJl")]),
        received("GET", "/k?" + SIGV2_QUERY, []),
        received("GET", "/k?Signature=x", []),
    ):
        error = refused(request, MissingAuthenticationToken)
        assert error.status == 403
        assert "Config(signature_version='s3v4')" in error.text


@pytest.mark.parametrize(
    "value",
    [
        "AWS4-HMAC-SHA256",
        "AWS4-HMAC-SHA256 ",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/s3/aws4_request",
        "AWS4-HMAC-SHA256 Credential=a/20260102/r/s3/aws4_request, SignedHeaders=host",
        "AWS4-HMAC-SHA256 Credential=c, Credential=c, Signature=s",
        "AWS4-HMAC-SHA256 Credential=c, SignedHeaders=host, Signature=s, More=m",
        "AWS4-HMAC-SHA256 Credential=c SignedHeaders=host Signature=s",
        "AWS4-HMAC-SHA256 Credential=c,, SignedHeaders=host, Signature=s",
    ],
)
def test_an_authorization_header_has_three_components(value):
    request = with_header(by_header(), "authorization", value)
    refused(request, AuthorizationHeaderMalformed, "three components")


@pytest.mark.parametrize("separator", [",", ", ", " ,  "])
def test_components_stand_in_any_order_with_any_spaces(separator):
    request = by_header()
    scheme, _, rest = request.headers.get("authorization").partition(" ")
    reordered = f"{scheme}  {separator.join(reversed(rest.split(', ')))} "
    claim = read_signature(with_header(request, "authorization", reordered))
    assert claim == read_signature(request)


@pytest.mark.parametrize("signature", ["", "0" * 129, "g-h", "²"])
def test_a_signature_of_other_characters_is_malformed(signature):
    good = read_signature(by_header()).signature
    refused(authorization(by_header(), good, signature), AuthorizationHeaderMalformed)


def test_the_date_header_stands_in_for_x_amz_date():
    request = by_botocore(S3SigV4Auth, "GET", "http://example.com/k", {"Date": "now"})
    assert request.headers.get("date").endswith("-0000")
    claim = read_signature(request)
    assert verify(claim, request, "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY").timestamp == claim.timestamp
    assert abs(claim.timestamp - datetime.now(UTC)).total_seconds() < 60
    basic = with_header(without_header(by_header(), "x-amz-date"), "date", "20260102T030405Z")
    assert read_signature(basic).timestamp == NOW
    http = with_header(basic, "date", formatdate(NOW.timestamp(), usegmt=True))
    assert read_signature(http).timestamp == NOW


@pytest.mark.parametrize("value", ["", "yesterday", "2026-01-02T03:04:05Z", "20260132T000000Z"])
def test_a_request_without_a_date_is_refused(value):
    undated = without_header(by_header(), "x-amz-date")
    refused(undated, AccessDenied, "valid Date or x-amz-date")
    refused(with_header(undated, "x-amz-date", value), AccessDenied)
    refused(with_header(undated, "date", value), AccessDenied)


@pytest.mark.parametrize("name", ["x-amz-date", "x-amz-content-sha256", "x-amz-security-token"])
def test_doubled_headers_of_the_signature_are_refused(name):
    request = by_header(session_token="t")
    doubled = with_headers(request, (name, request.headers.get(name)))
    assert refused(doubled, InvalidArgument).fields == {"ArgumentName": name}


def test_an_s3_request_tells_the_hash_of_its_payload():
    refused(without_header(by_header(), "x-amz-content-sha256"), InvalidRequest, "x-amz-content-sha256")
    other = without_header(by_header(service="lambda"), "x-amz-content-sha256")
    assert read_signature(other).payload_hash is None


@pytest.mark.parametrize(
    "value",
    [
        "UNSIGNED-PAYLOAD",
        EMPTY.upper(),
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
        "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    ],
)
def test_the_payload_modes_of_aws_are_read(value):
    assert read_signature(by_header(payload_hash=value)).payload_hash == value


def test_T011_other_payload_hashes_are_refused():
    for value in ("", "unsigned-payload", "0" * 63, "g" * 64, "STREAMING-UNSIGNED-PAYLOAD"):
        refused(by_header(payload_hash=value), InvalidArgument)
    for value in (
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD",
        "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER",
    ):
        refused(by_header(payload_hash=value), UnsupportedSignature)


def test_a_presigned_url_may_name_its_payload_hash():
    assert read_signature(by_query(query=[("X-Amz-Content-Sha256", EMPTY)])).payload_hash == EMPTY
    assert read_signature(by_query(headers=[("x-amz-content-sha256", EMPTY)])).payload_hash == EMPTY
    assert read_signature(by_query(service="sts")).payload_hash is None


def test_the_claimed_credential_is_read_without_validation():
    signed = ("AKIDEXAMPLE", "s3-object-lambda")
    assert claimed_credential(by_header(service="s3-object-lambda")) == signed
    assert claimed_credential(by_query(service="s3-object-lambda")) == signed
    odd = received("GET", "/k?X-Amz-Credential=a/d/r/iam/aws4_request&b=c", [])
    assert claimed_credential(odd) == ("a", "iam")
    for nothing in (
        received("GET", "/k", []),
        received("GET", "/k", [("authorization", "AWS a:b")]),
        received("GET", "/k?X-Amz-Credential=a/b", []),
    ):
        assert claimed_credential(nothing) == (None, None)


@given(
    st.text(st.characters(max_codepoint=255), max_size=80),
    st.text(st.sampled_from("XAmz-Signature=&%Credential0a/"), max_size=80),
)
def test_anything_else_is_refused_as_an_error_of_s3(value, query):
    for request in (
        received("GET", "/k?" + query, [("authorization", "AWS4-HMAC-SHA256 " + value)]),
        received("GET", f"/k?X-Amz-Signature={value}&{query}", []),
    ):
        claimed_credential(request)
        with pytest.raises(S3Error):
            read_signature(request)


def head_of(request):
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers)
    return f"{request.method} {request.target} HTTP/1.1\r\n{lines}\r\n".encode("latin-1")


@pytest.mark.parametrize("service", ["s3", "s3-object-lambda", "lambda"])
@pytest.mark.parametrize("sign", [by_header, by_query])
def test_a_glance_at_a_signed_head_tells_what_reading_it_tells(sign, service):
    for changes in ({}, {"session_token": "token"}, {"region": "ap-southeast-2"}):
        request = sign(service=service, **changes)
        assert (
            glimpsed_credential(head_of(request)) == claimed_credential(request) == (ACCESS_KEY_ID, service)
        )


def test_a_glance_at_an_unsigned_head_tells_that_it_is():
    assert glimpsed_credential(head_of(received("GET", "/bucket/key", [("Host", "h")]))) == (None, None)


@pytest.mark.parametrize(
    "target",
    [
        "/b/k?X-Amz-Credential=",
        "/b/k?X-Amz-Credential=a/b/c",
        "/b/k?Credential=a/20260101/r/s3/aws4_request&",
    ],
)
def test_a_glance_at_an_odd_credential_tells_nothing(target):
    assert glimpsed_credential(head_of(received("GET", target, [("Host", "h")]))) is None
