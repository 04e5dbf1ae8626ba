"""The Runtime API over one environment, without sockets."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime

import pytest

from onread.functions.environment import State
from onread.functions.invoker import Failed, Invocation, Returned
from onread.functions.runtime_api import RuntimeApi, build_delivery
from onread.metadata.records import Function
from onread.wire.message import Body, BytesBody, Headers, IteratorBody, Request, Response

FUNCTION = Function(
    account_id="000000000000",
    region="us-east-1",
    name="f",
    runtime="python3.11",
    handler="app.handler",
    role="r",
    code_sha256="0" * 64,
    code_size_bytes=1,
    modified_at=datetime(2030, 1, 1, tzinfo=UTC),
    revision_id="1",
)
DEADLINE = datetime(2030, 1, 1, 0, 0, 3, 500_000, tzinfo=UTC)


class RecordingOwner:
    def __init__(self) -> None:
        self.told: list[object] = []

    def became_idle(self) -> None:
        self.told.append("idle")

    def left(self) -> None:
        self.told.append("left")

    def init_failed(self, error: Failed) -> None:
        self.told.append(error)

    def answered(self, outcome: Returned | Failed) -> None:
        self.told.append(outcome)


class Conversation:
    def __init__(self) -> None:
        self.owner = RecordingOwner()
        self.api = RuntimeApi(self.owner)

    async def send(
        self, method: str, path: str, body: bytes | Body = b"", headers: tuple[tuple[str, str], ...] = ()
    ) -> Response:
        content = BytesBody(body) if isinstance(body, bytes) else body
        request = Request(
            method=method,
            target=f"/2018-06-01/runtime{path}",
            host="",
            headers=Headers(headers),
            body=content,
        )
        async with self.api.handle(request) as response:
            return response

    async def post(self, path: str, body: bytes | Body = b"{}", **headers: str) -> tuple[int, dict[str, str]]:
        pairs = tuple((name.replace("_", "-"), value) for name, value in headers.items())
        response = await self.send("POST", path, body, pairs)
        assert isinstance(response.body, bytes)
        return response.status, json.loads(response.body)

    async def invoke(self, request_id: str = "id-1", event: bytes = b'{"a":1}') -> Response:
        """Let the runtime ask for an event and give it one."""
        async with asyncio.TaskGroup() as group:
            asking = group.create_task(self.send("GET", "/invocation/next"))
            await asyncio.sleep(0)
            assert self.api.ready
            invocation = Invocation(request_id=request_id, function=FUNCTION, event=event, deadline=0)
            self.api.invoke(build_delivery(invocation, DEADLINE))
            assert not self.api.ready
        return asking.result()


def converse(body: Callable[[Conversation], Awaitable[None]]) -> None:
    async def bounded() -> None:
        async with asyncio.timeout(10):
            await body(Conversation())

    asyncio.run(bounded())


def test_next_carries_the_event_and_every_header_that_awslambdaric_needs():
    async def body(talk: Conversation) -> None:
        response = await talk.invoke()
        headers = dict(response.headers)
        assert response.body == b'{"a":1}'
        assert headers["Content-Type"] == "application/json"
        assert headers["Lambda-Runtime-Aws-Request-Id"] == "id-1"
        assert headers["Lambda-Runtime-Deadline-Ms"] == "1893456003500"
        assert headers["Lambda-Runtime-Invoked-Function-Arn"] == FUNCTION.arn
        assert headers["Lambda-Runtime-Trace-Id"].startswith("Root=1-")

    converse(body)


def test_a_response_is_the_outcome():
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        assert (await talk.post("/invocation/id-1/response", b'"x"'))[0] == 202
        assert talk.owner.told == ["idle", Returned(b'"x"')]

    converse(body)


def test_an_error_is_the_outcome_with_its_document_unchanged():
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        document = b'{"errorMessage": "m", "errorType": "ValueError", "stackTrace": []}'
        assert (await talk.post("/invocation/id-1/error", document))[0] == 202
        assert talk.owner.told[-1] == Failed("ValueError", document)

    converse(body)


def test_an_initialisation_error_is_told_with_its_type():
    async def body(talk: Conversation) -> None:
        status, _ = await talk.post(
            "/init/error", b"no json", lambda_runtime_function_error_type="Runtime.ImportModuleError"
        )
        assert status == 202
        (error,) = talk.owner.told
        assert isinstance(error, Failed)
        assert error.error_type == "Runtime.ImportModuleError"
        assert talk.api.machine.state is State.INIT_FAILED

    converse(body)


@pytest.mark.parametrize("second", ["/invocation/id-1/response", "/invocation/id-1/error"])
def test_T151_a_second_answer_is_refused(second):
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        await talk.post("/invocation/id-1/response")
        status, document = await talk.post(second)
        assert (status, document["errorType"]) == (403, "InvalidStateTransition")
        assert len(talk.owner.told) == 2

    converse(body)


@pytest.mark.parametrize("call", ["/invocation/other/response", "/invocation/other/error"])
def test_T151_an_unknown_request_id_is_refused_and_the_run_goes_on(call):
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        status, document = await talk.post(call)
        assert (status, document["errorType"]) == (400, "InvalidRequestID")
        assert (await talk.post("/invocation/id-1/response"))[0] == 202

    converse(body)


def test_T151_an_old_request_id_does_not_answer_the_present_run():
    async def body(talk: Conversation) -> None:
        await talk.invoke("id-1")
        await talk.post("/invocation/id-1/response")
        await talk.invoke("id-2")
        assert (await talk.post("/invocation/id-1/response"))[0] == 400
        assert talk.api.machine.state is State.INVOKED

    converse(body)


def test_T151_next_while_busy_and_a_second_next_are_refused():
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        assert (await talk.send("GET", "/invocation/next")).status == 403
        await talk.post("/invocation/id-1/response")
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(talk.send("GET", "/invocation/next"))
            await asyncio.sleep(0)
            assert (await talk.send("GET", "/invocation/next")).status == 403
            assert talk.api.ready
            waiting.cancel()

    converse(body)


def test_T151_an_initialisation_error_after_the_start_is_refused():
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        assert (await talk.post("/init/error"))[0] == 403

    converse(body)


def test_a_runtime_that_leaves_while_it_waits_may_come_back():
    async def body(talk: Conversation) -> None:
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(talk.send("GET", "/invocation/next"))
            await asyncio.sleep(0)
            waiting.cancel()
        assert talk.owner.told == ["idle", "left"]
        assert not talk.api.ready
        assert (await talk.invoke()).status == 200

    converse(body)


@pytest.mark.parametrize("declared", [True, False])
def test_T152_six_mebibytes_pass_and_a_byte_more_is_refused_as_too_large(declared):
    limit = 6 * 1024 * 1024

    async def pieces(size: int):
        for start in range(0, size, 65536):
            yield b"x" * min(65536, size - start)

    def content(size: int) -> Body:
        return IteratorBody(pieces(size), size if declared else None)

    async def body(talk: Conversation) -> None:
        await talk.invoke("id-1")
        assert (await talk.post("/invocation/id-1/response", content(limit)))[0] == 202
        await talk.invoke("id-2")
        status, document = await talk.post("/invocation/id-2/response", content(limit + 1))
        assert (status, document["errorType"]) == (413, "RequestEntityTooLarge")
        outcome = talk.owner.told[-1]
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "Function.ResponseSizeTooLarge"

    converse(body)


def test_T152_a_body_shorter_than_declared_is_refused_and_no_outcome():
    async def body(talk: Conversation) -> None:
        await talk.invoke()

        async def short():
            yield b"abc"

        assert (await talk.post("/invocation/id-1/response", IteratorBody(short(), 5)))[0] == 400
        assert talk.owner.told == ["idle"]

    converse(body)


@pytest.mark.parametrize("kind", ["a\r\nX: y", "", "x" * 129, "ü"])
def test_T152_an_error_type_that_is_no_name_becomes_unknown(kind):
    async def body(talk: Conversation) -> None:
        await talk.invoke()
        await talk.post("/invocation/id-1/error", json.dumps({"errorType": kind}).encode())
        outcome = talk.owner.told[-1]
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "Runtime.Unknown"

    converse(body)


@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/nothing"), ("DELETE", "/invocation/next"), ("GET", "/restore/next")]
)
def test_a_call_that_does_not_exist_is_not_found(method, path):
    async def body(talk: Conversation) -> None:
        assert (await talk.send(method, path)).status == 404

    converse(body)
