"""Control operations over real records; botocore's models judge every input and output."""

import asyncio
import io
import json
import zipfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import botocore.session
import pytest
from botocore.model import ServiceModel, Shape
from botocore.validate import ParamValidator

from onread.control.call import ControlCall
from onread.control.operations import control_operations
from onread.errors import InvalidParameterValueException, NoSuchKey, TooManyRequestsException
from onread.functions.invoker import Invocation, Outcome, Returned
from onread.functions.logs import LogLine
from onread.functions.pool import NoObserver
from onread.functions.runtimes import Interpreter
from onread.functions.webhooks.address import WebhookRules
from onread.functions.webhooks.invoker import WebhookInvoker
from onread.metadata.facade import Records
from onread.metadata.records import AccessKey, Function, Secret
from onread.policy.principal import Principal, PrincipalKind
from onread.protocol.model import MODELS_FOLDER

NOW = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
ACCOUNT = "111122223333"
OTHER_ACCOUNT = "999988887777"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/reader"

SESSION_KEY = b"k" * 32
ROOT = Principal(
    kind=PrincipalKind.ROOT,
    account_id=ACCOUNT,
    arn=f"arn:aws:iam::{ACCOUNT}:root",
    principal_id=ACCOUNT,
    access_key_id="AKIAROOT",
)


def a_zip(**entries: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, text in (entries or {"app": "def handler(event, context): ..."}).items():
            archive.writestr(f"{name}.py", text)
    return content.getvalue()


def a_policy(principal: Any = "*", **statement: Any) -> str:
    body = {"Effect": "Allow", "Principal": principal, "Action": "s3:GetObject", "Resource": "*", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [body]})


def an_identity_policy() -> str:
    statement = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::bucket/ü&<>"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


class FakeRunning:
    """A run whose end the test decides."""

    def __init__(self) -> None:
        self.finished: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.log_tail = b"START\nline\nEND\n"
        self.abandoned = False

    def abandon(self) -> None:
        self.abandoned = not self.finished.done() or self.abandoned


class FakeFunctions:
    """Stands for the function pool: keeps what it was asked, ends runs with ``outcome`` when there is one."""

    def __init__(self) -> None:
        self.outcome: Outcome | None = Returned(b'{"ok":true}')
        self.full = False
        self.invocations: list[Invocation] = []
        self.runs: list[FakeRunning] = []
        self.started = asyncio.Event()
        self.told: list[tuple[str, str]] = []
        self.lines: list[LogLine] = []

    async def start(self, invocation: Invocation) -> FakeRunning:
        if self.full:
            raise TooManyRequestsException
        self.invocations.append(invocation)
        run = FakeRunning()
        if self.outcome is not None:
            run.finished.set_result(self.outcome)
        self.runs.append(run)
        self.started.set()
        return run

    async def check_runtime(self, runtime: str) -> Interpreter:
        if runtime == "python3.10":
            return Interpreter("/usr/bin/python3.11", "3.11", "python3.11 serves it.")
        if runtime != "python3.11":
            raise InvalidParameterValueException(f"There is no runtime {runtime!r}: use python3.X.")
        return Interpreter("/usr/bin/python3.11", "3.11")

    def prewarm(self, function: Function) -> None:
        self.told.append(("prewarm", function.name))

    def drop(self, function: Function, *, deleted: bool = False) -> None:
        self.told.append(("deleted" if deleted else "updated", function.name))

    def is_warm(self, function: Function) -> bool:
        return ("prewarm", function.name) in self.told

    def adopt(self, function: Function) -> None:
        self.told.append(("adopted", function.name))

    def logs(self, function: Function) -> Iterable[LogLine]:
        return tuple(self.lines)


@cache
def service_model(service: str) -> ServiceModel:
    if service == "onread":
        return ServiceModel(
            json.loads((MODELS_FOLDER / "onread/2026-11-01/service-2.json").read_bytes()), "onread"
        )
    return botocore.session.get_session().get_service_model(service)


class Api:
    """Calls operations as a client would: inputs and outputs must fit AWS's models."""

    def __init__(self, records: Records, functions: FakeFunctions) -> None:
        self.records = records
        self.functions = functions
        self.objects: dict[tuple[str, str], bytes] = {}
        self.spawned: list[Callable[[], Awaitable[None]]] = []
        self.pauses: list[float] = []
        self.stopping = False
        self.on_pause: Callable[[float], Awaitable[bool]] | None = None
        self.operations = control_operations(
            records,
            functions=functions,
            invoker=functions,
            webhooks=WebhookInvoker(
                WebhookRules(),
                own_ports=set(),
                deliver=self._delivered_to_nobody,
                observer=NoObserver(),
                clock=lambda: NOW,
            ),
            clock=lambda: NOW,
            endpoint="localhost:9000",
            bucket_exists=self._bucket_exists,
            read_object=self.read_object,
            look_at_stores=self._look_at_stores,
            spawn=lambda work, take: self.spawned.append(work),
            pause=self.pause,
            session_key=SESSION_KEY,
        )

    async def _delivered_to_nobody(self, invocation, response):
        raise AssertionError("nothing is called here")

    async def _look_at_stores(self) -> list[dict[str, Any]]:
        return [{"Name": "local", "Type": "embedded", "State": "reachable", "LeftAlone": False}]

    async def _bucket_exists(self, name: str) -> bool:
        return name.startswith("bucket")

    async def pause(self, seconds: float) -> bool:
        self.pauses.append(seconds)
        return await self.on_pause(seconds) if self.on_pause else not self.stopping

    async def read_object(self, call: ControlCall, bucket: str, key: str, version: str | None) -> bytes:
        if (bucket, key) not in self.objects:
            raise NoSuchKey(Key=key)
        return self.objects[bucket, key]

    async def s3control(self, name: str, **params: Any) -> dict[str, Any]:
        return await self.call("s3control", name, AccountId=ACCOUNT, **params)

    async def call(
        self, service: str, name: str, *, principal: Principal = ROOT, valid: bool = True, **params: Any
    ) -> dict[str, Any]:
        """``valid=False`` sends what a client's own validation would refuse."""
        operation = service_model(service).operation_model(name)
        if valid:
            report = ParamValidator().validate(params, operation.input_shape)
            assert not report.has_errors(), report.generate_report()
        output = await self.operations[service, name](self.make_call(principal=principal, **params))
        members = dict(output.members)
        check_shape(members, operation.output_shape, f"{name} output")
        return members

    def make_call(self, *, principal: Principal = ROOT, **params: Any) -> ControlCall:
        return ControlCall(
            params=params,
            principal=principal,
            account_id=ACCOUNT,
            region=REGION,
            request_id="request-1",
            may_read_object=_may_read,
        )


async def _may_read(*_object: str | None) -> bool:
    return True


def check_shape(value: Any, shape: Shape | None, where: str) -> None:
    """The value has the members and types that the model says, and no other."""
    if shape is None:
        assert value == {}, where
        return
    match shape.type_name:
        case "structure":
            assert set(value) <= set(shape.members), f"{where}: {set(value) - set(shape.members)}"
            for name, member in value.items():
                check_shape(member, shape.members[name], f"{where}.{name}")
        case "list":
            for each in value:
                check_shape(each, shape.member, f"{where}[]")
        case "map":
            for each in value.values():
                check_shape(each, shape.value, f"{where}{{}}")
        case "string":
            assert type(value) is str, f"{where}: {type(value)}"
            enum = getattr(shape, "enum", None)
            assert not enum or value in enum, f"{where}: {value!r} is none of {enum}"
        case "integer" | "long":
            assert type(value) is int, where
        case "boolean":
            assert type(value) is bool, where
        case "double":
            assert type(value) is float, where
        case "blob":
            assert type(value) is bytes, where
        case "timestamp":
            assert isinstance(value, datetime), where
            assert value.tzinfo is not None, where
        case other:
            pytest.fail(f"{where}: no rule for {other}")


Opener = Callable[[], AbstractAsyncContextManager[Api]]


@pytest.fixture
def open_api(tmp_path: Path) -> Opener:
    @asynccontextmanager
    async def opened() -> AsyncIterator[Api]:
        records = await Records.open(
            tmp_path, master_key=b"m" * 32, clock=lambda: NOW, account_id=ACCOUNT, region=REGION
        )
        records.set_root(
            AccessKey(
                access_key_id="AKIAROOT",
                secret=Secret("r" * 40),
                account_id=ACCOUNT,
                user_name=None,
                active=True,
                created_at=NOW,
            )
        )
        try:
            yield Api(records, FakeFunctions())
        finally:
            await records.close()

    return opened


@pytest.fixture
def run_with_api(open_api: Opener) -> Callable[[Callable[[Api], Awaitable[None]]], None]:
    """Runs a scenario over a fresh installation."""

    def run(scenario: Callable[[Api], Awaitable[None]]) -> None:
        async def whole() -> None:
            async with open_api() as api:
                await scenario(api)

        asyncio.run(whole())

    return run


Run = Callable[[Callable[[Api], Awaitable[None]]], None]
