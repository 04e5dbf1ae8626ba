"""What a store is sent of a caller's request."""

from datetime import UTC, datetime

import pytest

from onread.sigv4.verify import check_scope, read_signature, verify
from onread.store_settings import read_stores
from onread.stores.upstream.request import (
    direct_url,
    forwarded_headers,
    forwarded_query,
    host_of,
    path_of,
    signed_headers,
)
from onread.wire.message import BytesBody, Headers, Request

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def store(**change):
    table = {
        "name": "main", "endpoint": "http://h:1", "region": "eu-west-1", "access_key_id": "AK",
        "secret_access_key": "secret", "buckets": "*", **change,
    }  # fmt: skip
    (made,) = read_stores([table], {}, [])
    return made


def test_what_is_not_understood_goes_through_and_credentials_do_not():
    given = [
        ("Host", "onread"), ("X-Unknown", "1"), ("x-unknown", "2"), ("Authorization", "AWS4..."),
        ("X-Amz-Security-Token", "t"), ("x-amz-date", "d"), ("Connection", "close, X-Hop"), ("X-Hop", "h"),
        ("Content-Length", "3"), ("Expect", "100-continue"), ("If-Match", '"e"'), ("x-amz-meta-K", "v"),
        ("x-amz-server-side-encryption-customer-key", "k"), ("X-Forwarded-For", "10.0.0.1"),
        ("x-amz-expected-bucket-owner", "000000000000"), ("Range", "bytes=0-1"),
        ("Transfer-Encoding", "chunked"),
    ]  # fmt: skip
    assert forwarded_headers(Headers(given)) == [
        ("X-Unknown", "1"), ("x-unknown", "2"), ("If-Match", '"e"'), ("x-amz-meta-K", "v"),
        ("x-amz-server-side-encryption-customer-key", "k"), ("Range", "bytes=0-1"),
    ]  # fmt: skip


def test_no_connection_line_takes_away_what_policies_looked_at():
    given = [
        ("Connection", "x-amz-tagging, If-None-Match, X-Hop"), ("x-amz-tagging", "class=public"),
        ("If-None-Match", "*"), ("X-Hop", "h"),
    ]  # fmt: skip
    assert forwarded_headers(Headers(given)) == [("x-amz-tagging", "class=public"), ("If-None-Match", "*")]


@pytest.mark.parametrize(
    "name",
    [
        "X-Minio-Force-Delete",
        "x-minio-source-mtime",
        "X-Seaweedfs-Ttl",
        "x-rgw-a",
        "Seaweed-X-Amz-Owner",
        "Rgwx-Uid",
        "X-Amz-Replication-Status",
    ],
)
def test_words_of_a_store_that_no_policy_knows_stay_here(name):
    assert forwarded_headers(Headers([(name, "true"), ("x-amz-meta-a", "1")])) == [("x-amz-meta-a", "1")]


@pytest.mark.parametrize("bypasses", [True, False])
def test_a_retention_is_gone_round_by_those_alone_who_were_asked(bypasses):
    given = Headers([("x-amz-acl", "private"), ("X-Amz-Bypass-Governance-Retention", "true")])
    assert forwarded_headers(given, bypasses_retention=bypasses) == list(given)[: 1 + bypasses]


@pytest.mark.parametrize(
    ("given", "kept"),
    [("aws-chunked", []), ("aws-chunked,gzip", ["gzip"]), ("gzip", ["gzip"]), ("gzip, aws-chunked", None)],
)
def test_aws_chunked_is_ours_to_undo(given, kept):
    sent = [value for _, value in forwarded_headers(Headers([("Content-Encoding", given)]))]
    assert kept is None or sent == kept


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("", ""),
        ("acl", "acl"),
        ("list-type=2&prefix=a%2Fb&delimiter=/", "list-type=2&prefix=a%2Fb&delimiter=%2F"),
        ("prefix=a+b", "prefix=a%20b"),
        ("prefix=a%2Bb", "prefix=a%2Bb"),
        ("versionId=&x-unknown=1", "versionId&x-unknown=1"),
        ("X-Amz-Algorithm=a&X-Amz-Credential=c&X-Amz-Signature=s&x-id=GetObject", "x-id=GetObject"),
        ("x-amz-copy-source=%2Fother%2Fk&X-Amz-Acl=public-read&x%2Damz-tagging=a&uploads", "uploads"),
        ("lambdaArn=arn%3Aminio&versionId=v", "versionId=v"),
        ("a&&b", "a&b"),
        ("list-type=2&metadata=true&Events=s3%3A*&rgwx-uid=u&metadataTable", "list-type=2&metadataTable"),
    ],
)  # fmt: skip
def test_parameters_are_written_in_one_way_and_a_permission_is_left_out(given, sent):
    assert forwarded_query(given) == sent


@pytest.mark.parametrize(
    ("key", "path"),
    [
        (None, "/b"),
        ("a", "/b/a"),
        ("/a", "/b//a"),
        ("a/../b", "/b/a/../b"),
        ("a b+c%2F=", "/b/a%20b%2Bc%252F%3D"),
        ("\U0001f980", "/b/%F0%9F%A6%80"),
        ("a#b?c", "/b/a%23b%3Fc"),
    ],
)
def test_a_key_is_its_bytes(key, path):
    assert path_of(store(), "b", key) == path
    assert path_of(store(path_style=False), "b", key) == (path.removeprefix("/b") or "/")
    assert host_of(store(path_style=False), "b") == "b.h:1"


def test_what_is_sent_is_signed_as_the_store_verifies_it():
    headers = [("X-Unknown", "1"), ("x-amz-meta-a", "b"), ("x-amz-meta-a", "c"), ("Content-Type", "x/y")]
    sent = signed_headers(
        store(), method="PUT", host="h:1", path="/b/a%20b", query="x=1&acl", headers=headers,
        payload_hash="UNSIGNED-PAYLOAD", now=NOW,
    )  # fmt: skip
    assert sent[0] == ("Host", "h:1")
    request = Request(
        method="PUT", target="/b/a%20b?x=1&acl", host="h:1", headers=Headers(sent), body=BytesBody(b"")
    )
    claim = read_signature(request)
    check_scope(claim, now=NOW, region="eu-west-1", services=frozenset({"s3"}))
    verify(claim, request, "secret")
    assert {"x-amz-meta-a", "content-type", "host"} <= set(claim.signed_headers)
    assert "x-unknown" not in claim.signed_headers


def test_a_direct_url_reads_one_object_of_the_store():
    url = direct_url(store(), "b", "a b", method="GET", query={"versionId": "v"}, now=NOW, expires_seconds=61)
    assert url.startswith("http://h:1/b/a%20b?versionId=v&X-Amz-Algorithm=AWS4-HMAC-SHA256&")
    assert "X-Amz-Expires=61&" in url
