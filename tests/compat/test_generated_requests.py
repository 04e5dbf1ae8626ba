"""R-069: requests made from the models, every member anything at all, to a real gateway: no 5xx.

Each is signed, so it reaches parsing, policy and the operation itself. Some name things that exist.
"""

import http.client
import json
import os
import random
import re
from collections import Counter
from contextlib import closing
from hashlib import sha256
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest
from tests.compat.conftest import ACCOUNT, REGION
from tests.compat.wire import signed
from tests.fuzz.fuzz_documents import TARGET, sample
from tests.fuzz.harness import mutants

from onread.protocol.model import Operation, load_services
from onread.protocol.operations import SERVED
from onread.protocol.shape import Member

pytestmark = [pytest.mark.compat, pytest.mark.slow]

REQUESTS = int(os.environ.get("ONREAD_GENERATED_REQUESTS", "1500"))
SEED = 69
SERVICES = load_services()
OPERATIONS = [
    SERVICES.operation(service, name) for service, names in sorted(SERVED.items()) for name in sorted(names)
]
VALUES = (
    *(
        "a",
        "",
        "0",
        "-1",
        "1",
        "99999999999999999999",
        "true",
        "é",
        "\U0001f600",
        "a\r\nX-B: c",
        "\0",
        "%",
        "%25",
    ),
    *(
        "..",
        "/",
        "a/b",
        "x" * 300,
        "x" * 1100,
        "*",
        "$LATEST",
        "f:1",
        "{}",
        "<a/>",
        "2030-01-01T00:00:00Z",
        "url",
    ),
    *(
        f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f",
        f"arn:aws:s3:{REGION}:{ACCOUNT}:accesspoint/point",
        "bytes=0-1",
    ),
    *(
        "bucket",
        "key",
        "ap",
        "user",
        "olap",
        "function",
        ACCOUNT,
        "us-east-1",
        "CRC32",
        "AAAAAA==",
        "bucket/key",
    ),
)
_SERVER_S_OWN = {"content-length", "x-amz-content-sha256", "x-amz-decoded-content-length"}


class Caller:
    """Signs and sends what a seed decides, over one connection as long as it lasts."""

    def __init__(self, world, seed: int) -> None:
        self.world = world
        self.rng = random.Random(seed)
        self.connection = http.client.HTTPConnection(*world.address, timeout=20)

    def send(self, operation: Operation) -> tuple[int, bytes, str]:
        path, query = self._path(operation), self._query(operation)
        headers, body = self._headers(operation), self._body(operation)
        service = "s3" if operation.service == "s3control" else operation.service
        digest = sha256(body).hexdigest()
        sent = signed(
            *(self.world, operation.method, path),
            query=query,
            headers=headers,
            service=service,
            payload_hash=digest,
        )
        target = f"{path}?{query}" if query else path
        self.connection.putrequest(operation.method, target, skip_host=True, skip_accept_encoding=True)
        self.connection.putheader("Host", "{}:{}".format(*self.world.address))
        for name, value in [*sent, ("Content-Length", str(len(body)))]:
            self.connection.putheader(name, value.encode("latin-1"))
        self.connection.endheaders(body)
        response = self.connection.getresponse()
        return response.status, response.read(), target

    def _value(self, member: Member | None = None) -> str:
        if member is not None and member.shape.kind in ("integer", "long") and self.rng.random() < 0.6:
            return str(self.rng.choice((0, 1, 2, 1000, 10001)))
        return self.rng.choice(VALUES)

    def _path(self, operation: Operation) -> str:
        known = {"Bucket": "bucket", "Key": "key", "Name": "point", "FunctionName": "function"}

        def filled(label: re.Match[str]) -> str:
            value = known.get(label[1], "a") if self.rng.random() < 0.5 else self._value()
            return quote(value, safe="/~" if label[1] == "Key" else "~")

        return re.sub(r"\{(\w+)\+?\}", filled, operation.uri)

    def _query(self, operation: Operation) -> str:
        pairs = [f"{name}={value}" if value else name for name, value in operation.literals.items()]
        members = operation.input.members.values() if operation.input else ()
        asked = [one for one in members if one.location == "querystring" and self.rng.random() < 0.3]
        return "&".join(pairs + [f"{one.wire_name}={quote(self._value(one), safe='')}" for one in asked])

    def _headers(self, operation: Operation) -> list[tuple[str, str]]:
        members = operation.input.members.values() if operation.input else ()
        headers = []
        for member in members:
            name = member.wire_name.lower()
            if member.location == "header" and name not in _SERVER_S_OWN and self.rng.random() < 0.15:
                value = self._value(member).encode().decode("latin-1")
                headers.append((name, re.sub(r"[\x00-\x1f\x7f]", "", value).strip()))
        if operation.service == "s3control" and "x-amz-account-id" not in dict(headers):
            headers.append(("x-amz-account-id", ACCOUNT))
        return headers

    def _body(self, operation: Operation) -> bytes:
        if not operation.reads_document:
            return self.rng.randbytes(self.rng.randrange(30)) if operation.streaming_input else b""
        content = sample(operation)
        if self.rng.random() < 0.7:
            (content,) = mutants([content], TARGET, 1, seed=str(self.rng.random()))
        return content


def _is_named(status: int, body: bytes) -> bool:
    """Whether a 5xx is one that callers are promised: not implemented, or come again later."""
    return status == 501 or (status == 503 and b"<Code>SlowDown</Code>" in body)


def test_R069_no_generated_request_makes_a_server_error(own_world, record_property):
    world = own_world()
    _furnish(world)
    statuses: Counter[int] = Counter()
    caller = Caller(world, SEED)
    with closing(caller.connection):
        for _ in range(REQUESTS):
            operation = caller.rng.choice(OPERATIONS)
            status, body, target = caller.send(operation)
            statuses[status] += 1
            assert status < 500 or _is_named(status, body), (operation.name, target, body[:300])
            _check_document(operation, status, body)
    assert "Traceback" not in world.log()
    assert world.client("s3").get_object(Bucket="kept", Key="key")["Body"].read() == b"content"
    told = ", ".join(f"{status}: {count}" for status, count in sorted(statuses.items()))
    record_property("told", f"generated requests (R-069): {told}; 0 server errors")


def _furnish(world) -> None:
    """Things that the requests may meet."""
    for bucket in ("bucket", "kept"):
        world.client("s3").create_bucket(Bucket=bucket)
        world.client("s3").put_object(Bucket=bucket, Key="key", Body=b"content")
    world.client("s3control").create_access_point(AccountId=ACCOUNT, Name="point", Bucket="bucket")
    world.client("iam").create_user(UserName="user")


def _check_document(operation: Operation, status: int, body: bytes) -> None:
    """A refusal is a document that its client can read."""
    if status < 400 or not body:
        return
    if operation.service in ("lambda", "onread"):
        json.loads(body)
    else:
        ET.fromstring(body)
