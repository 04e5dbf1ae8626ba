"""`onread.sigv4.sign`: what we send is what botocore would have signed."""

from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.sigv4.signed_requests import ACCESS_KEY_ID, HOST, NOW, SECRET, VECTORS, by_header, by_query

from onread.sigv4.sign import presign, sign_request
from onread.sigv4.verify import read_signature, verify

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=15)
# A parameter called Signature is a second signature, to AWS and to us.
names = texts.filter(
    lambda name: name and name not in ("Signature", "AWSAccessKeyId") and name[:6] != "X-Amz-"
)
queries = st.lists(st.tuples(names, texts), max_size=4, unique_by=lambda pair: pair[0])
values = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20).map(
    lambda text: text.strip()
)


def test_the_published_presigned_url_is_made():
    vector = VECTORS["presigned"]
    url = presign(
        method="GET",
        scheme="https",
        host=VECTORS["host"],
        path=vector["target"],
        query=[],
        headers=[],
        access_key_id=VECTORS["access_key_id"],
        secret=VECTORS["secret"],
        session_token=None,
        region="us-east-1",
        service="s3",
        now=datetime(2013, 5, 24, tzinfo=UTC),
        expires_seconds=vector["expires_seconds"],
    ).url
    assert url == (
        "https://examplebucket.s3.amazonaws.com/test.txt?X-Amz-Algorithm=AWS4-HMAC-SHA256"
        "&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20130524%2Fus-east-1%2Fs3%2Faws4_request"
        "&X-Amz-Date=20130524T000000Z&X-Amz-Expires=86400&X-Amz-SignedHeaders=host"
        f"&X-Amz-Signature={vector['signature']}"
    )


def signed_by_botocore(request, signer):
    """The signature that botocore computes for a request at the time it was signed."""
    canonical = signer.canonical_request(request)
    return signer.signature(signer.string_to_sign(request, canonical), request)


@given(texts, queries, values, st.none() | values.filter(bool))
def test_T010_botocore_presigns_alike(key, query, value, token):
    path = "/" + quote(key, safe="/~")
    request = by_query(path=path, query=query, headers=[("x-amz-meta-a", value)], session_token=token)
    url, _, _ = f"http://{HOST}{request.target}".rpartition("&X-Amz-Signature=")
    theirs = AWSRequest("GET", url, headers={"x-amz-meta-a": value})
    theirs.context["timestamp"] = "20260102T030405Z"
    signer = S3SigV4QueryAuth(Credentials(ACCESS_KEY_ID, SECRET), "s3", "us-east-1")
    claim = read_signature(request)
    assert signed_by_botocore(theirs, signer) == claim.signature
    assert claim.session_token == token
    assert dict(parse_qsl(urlsplit(url).query, keep_blank_values=True)).items() >= dict(query).items()


@given(texts, queries, values, st.sampled_from(["s3", "s3-object-lambda", "lambda"]))
def test_T010_botocore_signs_alike(key, query, value, service):
    path = "/" + quote(key, safe="/~")
    text = "&".join(f"{quote(name, safe='')}={quote(content, safe='')}" for name, content in query)
    request = by_header(path=path, query=text, headers=[("x-amz-meta-a", value)], service=service)
    headers = {name: value for name, value in request.headers if name != "authorization"}
    theirs = AWSRequest("GET", f"http://{HOST}{request.target}", headers=headers)
    theirs.context["timestamp"] = "20260102T030405Z"
    signer = (SigV4Auth if service == "lambda" else S3SigV4Auth)(
        Credentials(ACCESS_KEY_ID, SECRET), service, "us-east-1"
    )
    claim = read_signature(request)
    assert signed_by_botocore(theirs, signer) == claim.signature
    verify(claim, request, SECRET)


def test_the_headers_to_send_are_given_back():
    sent = sign_request(
        method="PUT",
        host=HOST,
        path="/b/k",
        query="",
        headers=[("Content-Type", "text/plain")],
        payload_hash="UNSIGNED-PAYLOAD",
        access_key_id=ACCESS_KEY_ID,
        secret=SECRET,
        session_token="token",
        region="us-east-1",
        service="s3",
        now=NOW,
    )
    assert sent[:-1] == [
        ("Content-Type", "text/plain"),
        ("x-amz-date", "20260102T030405Z"),
        ("x-amz-content-sha256", "UNSIGNED-PAYLOAD"),
        ("x-amz-security-token", "token"),
    ]
    name, value = sent[-1]
    assert name == "authorization"
    assert "content-type;host;x-amz-content-sha256;x-amz-date;x-amz-security-token" in value


@pytest.mark.parametrize("seconds", [0, -1, 604_801])
def test_a_presigned_url_lives_one_second_to_seven_days(seconds):
    with pytest.raises(ValueError, match="604800"):
        by_query(expires_seconds=seconds)
