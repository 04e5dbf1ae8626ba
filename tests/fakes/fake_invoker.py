"""An invoker without processes that keeps every promise of the real one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, Self

import orjson

from onread.errors import ServiceError
from onread.functions.invoker import Failed, Invocation, Outcome, Returned, Running, TimedOut

FakeFunction = Callable[[dict[str, Any]], Awaitable[Any]]
"""What a handler does with an event. Raising is an unhandled error of the function."""


class FakeRun:
    """One run; see `onread.functions.invoker.Running`."""

    def __init__(self, invocation: Invocation) -> None:
        self.invocation = invocation
        self.finished: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self.log_tail = b""
        self.abandoned = False
        self.task: asyncio.Task[None] | None = None

    def abandon(self) -> None:
        if self.finished.done() or self.abandoned:
            return
        self.abandoned = True
        if self.task is not None:
            self.task.cancel()


class FakeInvoker:
    """Runs `function` for every invocation, in a task that this context owns.

    Attributes:
        refuse_with: raised by `start` instead of running anything.
        held: when set, `start` waits for it: no environment is free.
    """

    def __init__(self, function: FakeFunction) -> None:
        self.function = function
        self.refuse_with: ServiceError | None = None
        self.held: asyncio.Event | None = None
        self.runs: list[FakeRun] = []
        self._group = asyncio.TaskGroup()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        for run in self.runs:
            run.abandon()
        await self._group.__aexit__(*error)  # type: ignore[arg-type]

    async def start(self, invocation: Invocation) -> Running:
        if self.held is not None:
            await self.held.wait()
        if self.refuse_with is not None:
            raise self.refuse_with
        run = FakeRun(invocation)
        self.runs.append(run)
        run.task = self._group.create_task(self._run(run))
        return run

    async def _run(self, run: FakeRun) -> None:
        try:
            run.finished.set_result(await self._outcome(run.invocation))
        finally:
            if not run.finished.done():  # abandoned: the environment was killed
                run.finished.set_result(Failed("Runtime.ExitError", b"{}"))

    async def _outcome(self, invocation: Invocation) -> Outcome:
        now = asyncio.get_running_loop().time()
        limit = min(now + invocation.function.timeout_seconds, invocation.deadline)
        try:
            async with asyncio.timeout_at(limit) as timeout:
                result = await self.function(orjson.loads(invocation.event))
                return Returned(orjson.dumps(result))
        except TimeoutError:
            assert timeout.expired()
            return TimedOut(b'{"errorMessage":"Task timed out"}')
        except (ArithmeticError, LookupError, ServiceError, ValueError) as error:
            return Failed(type(error).__name__, orjson.dumps({"errorMessage": str(error)}))
