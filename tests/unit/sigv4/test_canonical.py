"""`onread.sigv4.canonical`: AWS's encoding rules."""

import pytest
from botocore.auth import SigV4Auth
from botocore.credentials import Credentials
from hypothesis import given
from hypothesis import strategies as st

from onread.sigv4.canonical import (
    canonical_requests,
    encode,
    header_forms,
    path_forms,
    query_forms,
    split_query,
    string_to_sign,
)
from onread.wire.message import Headers

latin = st.characters(min_codepoint=33, max_codepoint=255)


@pytest.mark.parametrize("path", ["/", "/a", "/a/b//c/./..", "/a%20b%2Fc", "/-_.~", ""])
def test_a_path_as_aws_writes_it_has_one_form(path):
    assert path_forms(path, as_s3=True) == [path]


@given(st.integers(0, 255))
def test_every_byte_has_one_canonical_spelling(byte):
    canonical = encode(bytes([byte]))
    for spelling in (f"/x%{byte:02X}", f"/x%{byte:02x}", f"/x{canonical}"):
        assert path_forms(spelling, as_s3=True)[0] == "/x" + canonical


def test_an_encoded_slash_stays_data():
    assert path_forms("/a%2fb/c", as_s3=True)[0] == "/a%2Fb/c"


def test_a_percent_sign_that_encodes_nothing_is_data():
    assert path_forms("/a%zz%", as_s3=True)[0] == "/a%25zz%25"


segments = st.lists(st.sampled_from(["", ".", "..", "a", "b%20c", "~"]), max_size=8).map("/".join)


@given(segments)
def test_other_services_normalise_and_encode_twice_as_botocore_does(path):
    signer = SigV4Auth(Credentials("a", "b"), "lambda", "us-east-1")
    assert path_forms("/" + path, as_s3=False) == [signer._normalize_url_path("/" + path)]


@pytest.mark.parametrize(
    ("query", "canonical"),
    [
        ("", [""]),
        ("acl", ["acl="]),
        ("b=2&a=1&a=0", ["a=0&a=1&b=2"]),
        ("a=%2B", ["a=%2B"]),
        ("a=+", ["a=%2B", "a=+"]),
        ("a=%2b&a==", ["a=%2B&a=%3D", "a=%2b&a=="]),
        ("&&a=1&", ["a=1", "=&=&=&a=1"]),
        ("=v", ["=v", "=v"]),
    ],
)
def test_queries_are_sorted_and_encoded(query, canonical):
    assert query_forms(query) == canonical


def test_the_signature_is_left_out_of_the_query():
    assert query_forms("X-Amz-Signature=0&b=1&a=2", without="X-Amz-Signature") == ["a=2&b=1"]


def test_a_query_is_split_without_decoding():
    assert split_query("") == ()
    assert split_query("a=b=c&d&%41=+") == (("a", "b=c"), ("d", ""), ("%41", "+"))


@given(st.text(latin, max_size=40))
def test_any_bytes_have_canonical_forms(text):
    for form in (*path_forms("/" + text, as_s3=True), *query_forms(text)):
        form.encode("latin-1")
    assert path_forms("/" + text, as_s3=True)[0].isascii()
    assert query_forms(text)[0].isascii()
    assert query_forms(query_forms(text)[0]) == [query_forms(text)[0]] or "" in dict(
        split_query(query_forms(text)[0])
    )


def test_header_values_are_trimmed_and_runs_of_spaces_collapsed():
    headers = Headers([("X-A", " \t a  b \t c  "), ("X-B", '"q   q"'), ("x-a", "d")])
    assert header_forms(["host", "x-a", "x-b", "x-c"], headers, "h:1") == [
        b'host:h:1\nx-a:a b c,d\nx-b:"q q"\nx-c:\n'
    ]


def test_bytes_beyond_ascii_have_two_forms():
    assert header_forms(["x-a"], Headers([("x-a", "\u00c3\u00a0 \u00a0e")]), "h") == [
        b"x-a:\xc3\xa0 \xa0e\n",
        b"x-a:\xc3\x83 e\n",
    ]


def test_at_most_eight_forms_are_tried():
    forms = canonical_requests(
        method="GET",
        paths=path_forms("/%7e", as_s3=True),
        queries=query_forms("+"),
        headers=header_forms(["x-a"], Headers([("x-a", "\u00e9")]), "h"),
        signed_headers=["x-a"],
        payload_hash="UNSIGNED-PAYLOAD",
    )
    assert len(set(forms)) == 8


def test_the_string_to_sign():
    assert string_to_sign("20260102T030405Z", "20260102/r/s3/aws4_request", b"").split("\n") == [
        "AWS4-HMAC-SHA256",
        "20260102T030405Z",
        "20260102/r/s3/aws4_request",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    ]
