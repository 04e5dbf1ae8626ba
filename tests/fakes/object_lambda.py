"""Records, callers and bodies for tests of Object Lambda."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from onread.errors import IncompleteBody
from onread.metadata.records import AccessPoint, Function, ObjectLambdaAccessPoint
from onread.objectlambda.admission import ReadCall
from onread.objectlambda.configuration import ObjectLambdaConfiguration, read_configuration
from onread.objectlambda.input_url import InputUrl, build_input_url
from onread.policy.principal import FunctionSession, Principal, PrincipalKind
from onread.wire.message import Body, BytesBody, Headers, Request

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCOUNT = "111122223333"
REGION = "us-east-1"
REQUEST_ID = "1a5ed718-5f53-471d-b6fe-5cf62d88d02a"
ENDPOINT = "http://127.0.0.1:9002"
SESSION_KEY = b"s" * 32
TOKEN_KEY = b"t" * 32
ROUTE = "io-local"

SUPPORTING = AccessPoint(
    account_id=ACCOUNT,
    region=REGION,
    name="my-ap",
    bucket="my-bucket",
    alias="my-ap-hrzrlukc5m36ft7okagglf3gmwluquse1b-s3alias",
    created_at=NOW,
)
FUNCTION = Function(
    account_id=ACCOUNT,
    region=REGION,
    name="upper",
    runtime="python3.11",
    handler="app.handler",
    role=f"arn:aws:iam::{ACCOUNT}:role/lambda",
    code_sha256="0" * 64,
    code_size_bytes=1,
    modified_at=NOW,
    revision_id="r",
    timeout_seconds=30,
)
CALLER = Principal(
    kind=PrincipalKind.USER,
    account_id=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:user/alice",
    principal_id="AIDAEXAMPLEALICE00001",
    access_key_id="AKIAEXAMPLEALICE0001",
    user_name="alice",
)
WRITER = Principal(
    kind=PrincipalKind.ASSUMED_ROLE,
    account_id=ACCOUNT,
    arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/lambda/upper",
    principal_id="lambda:upper",
    access_key_id="ASIAEXAMPLEWRITER001",
    role_arn=FUNCTION.role,
    function_session=FunctionSession(function_arn=FUNCTION.arn, environment_id="e1"),
)


def structure(**changes: Any) -> dict[str, Any]:
    """AWS's structure of a configuration, as s3control parses it."""
    return {
        "SupportingAccessPoint": SUPPORTING.arn,
        "TransformationConfigurations": [
            {
                "Actions": ["GetObject"],
                "ContentTransformation": {
                    "AwsLambda": {"FunctionArn": FUNCTION.arn, "FunctionPayload": '{"res-x": "100"}'}
                },
            }
        ],
        **changes,
    }


def configuration(**changes: Any) -> ObjectLambdaConfiguration:
    return read_configuration(structure(**changes))


def olap() -> ObjectLambdaAccessPoint:
    return ObjectLambdaAccessPoint(
        account_id=ACCOUNT,
        region=REGION,
        name="my-olap",
        alias="my-olap-1a4n8yjrb3kda96f67zwrwiiuse1a--ol-s3",
        created_at=NOW,
        configuration=configuration().text(),
    )


def request(target: str = "/my-olap.olap/key", **headers: str) -> Request:
    """A GET; underscores in names of ``headers`` stand for hyphens."""
    pairs = [
        ("Host", "s3.example.com"),
        *((name.replace("_", "-"), value) for name, value in headers.items()),
    ]
    return Request(
        method="GET", target=target, host="s3.example.com", headers=Headers(pairs), body=BytesBody(b"")
    )


def read_call(**changes: Any) -> ReadCall:
    call = ReadCall(
        request_id=REQUEST_ID,
        request=request(),
        operation="GetObject",
        params={"Key": "key"},
        principal=CALLER,
        access_point=olap(),
        supporting=SUPPORTING,
        configuration=configuration(),
    )
    return replace(call, **changes)


class FedBody(Body):
    """A body that a test feeds: the connection of a writer."""

    def __init__(self, length_bytes: int | None = None) -> None:
        self.length_bytes = length_bytes
        self.stall_limit_seconds: float | None = 30.0
        self.pulled_bytes = 0
        self._queue: asyncio.Queue[bytes | None] = asyncio.Queue(64)

    def feed(self, data: bytes) -> "FedBody":
        self._queue.put_nowait(data)
        return self

    def end(self) -> "FedBody":
        """The last byte has come."""
        return self.feed(b"")

    def break_off(self) -> "FedBody":
        """The sender is gone."""
        self._queue.put_nowait(None)
        return self

    def let_sender_pause(self) -> None:
        self.stall_limit_seconds = None

    async def __anext__(self) -> bytes:
        data = await self._queue.get()
        if not data:
            self._queue.put_nowait(data)
        if data is None:
            raise IncompleteBody
        if data == b"":
            raise StopAsyncIteration
        self.pulled_bytes += len(data)
        return data


def input_url(**changes: Any) -> InputUrl:
    """What a run of a GET by `CALLER` is given."""
    arguments: dict[str, Any] = {
        "operation": "GetObject",
        "params": {"Key": "dir/a b.txt"},
        "request": request(),
        "request_id": REQUEST_ID,
        "principal": CALLER,
        "source": SUPPORTING,
        "endpoint": ENDPOINT,
        "session_key": SESSION_KEY,
        "nonce": b"n" * 12,
        "now": NOW,
        "expires_seconds": 61,
        "strict": False,
        **changes,
    }
    return build_input_url(**arguments)
