"""R-068: a runtime that calls its API in any order: each event has one outcome, and no call is lost."""

import asyncio

from tests.fuzz.harness import Draw, Target

from onread.functions.environment import State
from onread.functions.invoker import Failed, Returned
from onread.functions.runtime_api import Delivery, RuntimeApi
from onread.wire.message import BytesBody, Headers, Request, Response

PATHS = (
    *(
        "invocation/{id}/response",
        "invocation/{id}/error",
        "init/error",
        "invocation/next",
        "invocation/other/response",
    ),
    *("invocation//response", "invocation/{id}/response/", "", "invocation/../init/error", "restore/next"),
)
BODIES = (
    b"",
    b"{}",
    b'{"errorMessage":"m","errorType":"T","stackTrace":["a"]}',
    b"[1]",
    b"\xff",
    b'{"errorType":1}',
    b'"\\ud800"',
    b"null",
)
STATUSES = {200, 202, 400, 403, 404, 413}
_LONGEST_SEQUENCE = 40


class Owner:
    """Keeps the outcomes."""

    def __init__(self) -> None:
        self.outcomes: list[Returned | Failed] = []

    def became_idle(self) -> None: ...

    def left(self) -> None: ...

    def init_failed(self, error: Failed) -> None: ...

    def answered(self, outcome: Returned | Failed) -> None:
        self.outcomes.append(outcome)


class Runtime:
    """One environment and the calls of its runtime that wait."""

    def __init__(self, group: asyncio.TaskGroup) -> None:
        self.owner = Owner()
        self.api = RuntimeApi(self.owner)
        self.events = 0
        self.waiting: list[asyncio.Task[None]] = []
        self._group = group

    async def step(self, draw: Draw) -> None:
        match draw.below(6):
            case 0:
                self.waiting.append(self._group.create_task(self._next()))
                await asyncio.sleep(0)
            case 1:
                self._invoke()
                await asyncio.sleep(0)
            case 2 if self.waiting:
                self.waiting.pop(draw.below(len(self.waiting))).cancel()
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            case _:
                await self._call(draw)
        assert len(self.owner.outcomes) <= self.events, "two outcomes for one event"
        assert not self.api.ready or self.api.machine.state is State.IDLE

    async def _next(self) -> None:
        response = await self._send("GET", "invocation/next", b"", "")
        assert response.status in (200, 403)

    def _invoke(self) -> None:
        if self.api.ready:
            self.events += 1
            self.api.invoke(
                Delivery(
                    request_id=f"id-{self.events}", event=b"{}", deadline_ms=1, function_arn="a", trace_id="t"
                )
            )

    async def _call(self, draw: Draw) -> None:
        method, path = draw.pick(("POST", "GET", "PUT")), draw.pick(PATHS)
        if method == "GET" and path == "invocation/next":
            return
        body = draw.pick((*BODIES, draw.take(30)))
        before = len(self.owner.outcomes)
        current = f"id-{self.events - draw.below(2)}"
        response = await self._send(method, path.format(id=current), body, draw.text(10))
        assert response.status in STATUSES
        told = len(self.owner.outcomes) - before
        accepted = response.status == 202 and path != "init/error"
        assert told == accepted, (response.status, told)

    async def _send(self, method: str, path: str, body: bytes, error_type: str) -> Response:
        request = Request(
            method=method,
            target=f"/2018-06-01/runtime/{path}",
            host="h",
            headers=Headers([("Lambda-Runtime-Function-Error-Type", error_type)]),
            body=BytesBody(body),
        )
        async with self.api.handle(request) as response:
            return response


async def _converse(content: bytes) -> None:
    draw = Draw(content)
    async with asyncio.TaskGroup() as group:
        runtime = Runtime(group)
        for _ in range(_LONGEST_SEQUENCE):
            if draw.empty:
                break
            await runtime.step(draw)
        for task in runtime.waiting:
            task.cancel()


_loop = asyncio.Runner()


def check(content: bytes) -> None:
    _loop.run(_converse(content))


TARGET = Target(
    case="R-068",
    check=check,
    seeds=[
        bytes([0, 1, 3, 0, 0, 1, 0, 0]),
        bytes([0, 1, 3, 0, 1, 2, 0, 0, 0, 1, 3, 0, 0, 1, 0, 0]),
        bytes([3, 0, 2, 2, 0, 0, 0]),
        bytes([0, 2, 0, 0, 1, 1, 3, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0]),
        bytes([0, 1, 2, 0, 3, 0, 4, 1, 0, 0, 3, 0, 0, 8, 9, 1, 65]),
    ],
    longest_bytes=512,
    rounds=1500,
)
