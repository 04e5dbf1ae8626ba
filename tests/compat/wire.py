"""Requests as bytes, signed by hand where no SDK would sign them, and what came back."""

import http.client
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

import pytest
from botocore.exceptions import ClientError

from onread.sigv4.sign import presign, sign_request

Pair = tuple[str, str]
REGION = "us-east-1"
UNSIGNED = "UNSIGNED-PAYLOAD"
NOTHING = sha256(b"").hexdigest()
CHUNKS = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
CHUNKS_AND_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER"
UNSIGNED_CHUNKS = "STREAMING-UNSIGNED-PAYLOAD-TRAILER"


@dataclass(frozen=True)
class Answer:
    """A response, whole."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> str:
        """AWS's code of the error, in whichever document the service sends."""
        if (kind := self.headers.get("x-amzn-errortype")) is not None:
            return kind
        found = re.search(rb"<Code>([^<]*)</Code>", self.body)
        return found[1].decode() if found else ""

    @property
    def message(self) -> str:
        if self.body.startswith(b"{"):
            return str(json.loads(self.body)["Message"])
        found = re.search(rb"<Message>([^<]*)</Message>", self.body)
        return found[1].decode() if found else ""

    @property
    def refusal(self) -> tuple[str, int]:
        return self.code, self.status


@dataclass(frozen=True)
class Key:
    """Whose signature."""

    access_key_id: str
    secret: str
    session_token: str | None = None


def root_key(world: Any) -> Key:
    return Key(world.gateway.access_key_id, world.gateway.secret_access_key)


def refused(call: Any, **params: Any) -> tuple[str, int]:
    """The code and status with which a call of an SDK is refused."""
    with pytest.raises(ClientError) as caught:
        call(**params)
    response = caught.value.response
    return response["Error"]["Code"], response["ResponseMetadata"]["HTTPStatusCode"]


def send(
    world: Any,
    method: str,
    target: str,
    headers: Iterable[Pair] = (),
    body: bytes | None = None,
    *,
    host: str | None = None,
) -> Answer:
    """One request on a connection of its own, with exactly these headers besides Host and length."""
    connection = http.client.HTTPConnection(*world.address, timeout=20)
    try:
        connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
        connection.putheader("Host", host or host_of(world))
        for name, value in headers:
            connection.putheader(name, value.encode())
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        response = connection.getresponse()
        names = {name.lower(): value for name, value in response.getheaders()}
        return Answer(response.status, names, response.read())
    finally:
        connection.close()


def host_of(world: Any) -> str:
    name, port = world.address
    return f"{name}:{port}"


def signed(
    world: Any,
    method: str,
    path: str,
    *,
    query: str = "",
    headers: Iterable[Pair] = (),
    payload_hash: str = UNSIGNED,
    key: Key | None = None,
    service: str = "s3",
    region: str = REGION,
    now: datetime | None = None,
    host: str | None = None,
) -> list[Pair]:
    """The headers of a request signed by header; root's unless told otherwise."""
    key = key or root_key(world)
    return sign_request(
        method=method,
        host=host or host_of(world),
        path=path,
        query=query,
        headers=headers,
        payload_hash=payload_hash,
        access_key_id=key.access_key_id,
        secret=key.secret,
        session_token=key.session_token,
        region=region,
        service=service,
        now=now or datetime.now(UTC),
    )


def send_signed(
    world: Any, method: str, path: str, body: bytes | None = None, *, query: str = "", **signing: Any
) -> Answer:
    """Sign and send."""
    headers = signed(world, method, path, query=query, **signing)
    target = f"{path}?{query}" if query else path
    return send(world, method, target, headers, body, host=signing.get("host"))


def presigned_target(
    world: Any,
    method: str,
    path: str,
    *,
    query: Iterable[Pair] = (),
    headers: Iterable[Pair] = (),
    key: Key | None = None,
    service: str = "s3",
    now: datetime | None = None,
    expires_seconds: int = 300,
) -> str:
    """Path and query of a presigned URL."""
    key = key or root_key(world)
    url = presign(
        method=method,
        scheme="http",
        host=host_of(world),
        path=path,
        query=query,
        headers=headers,
        access_key_id=key.access_key_id,
        secret=key.secret,
        session_token=key.session_token,
        region=REGION,
        service=service,
        now=now or datetime.now(UTC),
        expires_seconds=expires_seconds,
    ).url
    return url.removeprefix(f"http://{host_of(world)}")


def forged(headers: Iterable[Pair]) -> list[Pair]:
    """The same headers with a signature that somebody made up."""
    invented = "Signature=" + "a1" * 32
    return [(name, re.sub("Signature=[0-9a-f]{64}", invented, value)) for name, value in headers]


def forged_target(target: str) -> str:
    """The same presigned target with a signature that somebody made up."""
    return re.sub("X-Amz-Signature=[0-9a-f]{64}", "X-Amz-Signature=" + "a1" * 32, target)


def value_of(headers: Iterable[Pair], name: str) -> str:
    return next(value for each, value in headers if each.lower() == name)


def pieces(content: bytes, size: int) -> Iterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]
