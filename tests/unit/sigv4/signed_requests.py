"""Requests as a server receives them, signed by botocore or by hand."""

import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import urlsplit

from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from onread.sigv4.sign import presign, sign_request
from onread.wire.message import BytesBody, Headers, Request

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCESS_KEY_ID = "AKIDEXAMPLE"
SECRET = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
HOST = "alias.example.com:9000"
SERVICES = {"s3", "s3-object-lambda"}
EMPTY = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
VECTORS = json.loads((Path(__file__).parents[2] / "vectors" / "sigv4_s3.json").read_text())


def received(method, target, headers, host=HOST):
    return Request(method=method, target=target, host=host, headers=Headers(headers), body=BytesBody(b""))


def by_header(method="GET", path="/bucket/key", query="", headers=(), payload_hash=EMPTY, **changes):
    """A request that sign_request signed; changes go to it."""
    given = {
        "method": method,
        "host": HOST,
        "path": path,
        "query": query,
        "headers": list(headers),
        "payload_hash": payload_hash,
        "access_key_id": ACCESS_KEY_ID,
        "secret": SECRET,
        "session_token": None,
        "region": "us-east-1",
        "service": "s3",
        "now": NOW,
    }
    given.update(changes)
    target = path + ("?" + query if query else "")
    return received(method, target, [("Host", HOST), *sign_request(**given)])


def by_query(method="GET", path="/bucket/key", query=(), headers=(), **changes):
    """A request for a URL that presign made."""
    given = {
        "method": method,
        "scheme": "http",
        "host": HOST,
        "path": path,
        "query": list(query),
        "headers": list(headers),
        "access_key_id": ACCESS_KEY_ID,
        "secret": SECRET,
        "session_token": None,
        "region": "us-east-1",
        "service": "s3",
        "now": NOW,
        "expires_seconds": 61,
    }
    given.update(changes)
    return from_url(method, presign(**given).url, headers)


def from_url(method, url, headers=()):
    parts = urlsplit(url)
    target = url[url.index(parts.netloc) + len(parts.netloc) :]
    return received(method, target, [("Host", parts.netloc), *headers], host=parts.netloc)


def by_botocore(signer_class, method, url, headers=(), body=b"", token=None, service="s3", **signer):
    """A request that botocore signed, as it leaves Python's HTTP client: values as latin-1 bytes."""
    request = AWSRequest(method, url, headers=dict(headers), data=body)
    credentials = Credentials(ACCESS_KEY_ID, SECRET, token)
    signer_class(credentials, service, "us-east-1", **signer).add_auth(request)
    return as_sent(request.prepare())


def as_sent(prepared):
    headers = [(_text(name), _text(value)) for name, value in prepared.headers.items()]
    return from_url(prepared.method, prepared.url, headers)


def _text(value):
    return value.decode("latin-1") if isinstance(value, bytes) else value


def with_headers(request, *more):
    return received(request.method, request.target, [*request.headers, *more], host=request.host)


def without_header(request, name):
    kept = [pair for pair in request.headers if pair[0].lower() != name]
    return received(request.method, request.target, kept, host=request.host)


def with_header(request, name, value):
    return with_headers(without_header(request, name), (name, value))


def with_target(request, old, new):
    assert old in request.target
    return received(request.method, request.target.replace(old, new), request.headers, host=request.host)


def authorization(request, old, new):
    value = request.headers.get("authorization")
    assert old in value
    return with_header(request, "authorization", value.replace(old, new))
