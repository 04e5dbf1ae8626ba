"""One result as this process sees it, while it is written and afterwards, and its bytes as a body.

Owns the waiting: whoever wants bytes that are not there yet waits for them, until a deadline, and learns of
the writer's failure at once.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any

import structlog

from onread.errors import IncompleteBody, InternalError, LambdaTimeout, ServiceError
from onread.spool.folder import BLOCK_BYTES, Damaged, Files, Folder
from onread.wire.message import Body

log = structlog.get_logger("onread.spool")

Run = Callable[..., Awaitable[Any]]
"""Blocking work, done in a thread."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What is known since a result began.

    Attributes:
        nonce: new for each result: equal nonces mean equal bytes.
        size_bytes: None while nobody knows.
        about: what its maker says about it.
    """

    nonce: str
    size_bytes: int | None
    about: Mapping[str, Any]


class Result:
    """A result and how far it has come. Nothing here is sent to anybody who has not asked.

    Attributes:
        told: None until it has begun.
        blocks: how many can be read.
        complete: every byte can be read.
        error: why there will be no more bytes.
        users: how many readers need its files.
        known_since: loop seconds.
    """

    def __init__(self, name: str, folder: Folder, run: Run) -> None:
        self.name = name
        self.told: Told | None = None
        self.blocks = 0
        self.complete = False
        self.error: ServiceError | None = None
        self.users = 0
        self.known_since = asyncio.get_running_loop().time()
        self.files: Files | None = None
        self._folder = folder
        self._run = run
        self._waiting: dict[asyncio.Future[None], Callable[[], bool]] = {}

    @property
    def ended(self) -> bool:
        """Nothing will change any more."""
        return self.complete or self.error is not None

    def update(self, *, told: Told | None = None, blocks: int | None = None, complete: bool = False) -> None:
        """There is more of it."""
        self.told = told or self.told
        self.blocks = self.blocks if blocks is None else blocks
        self.complete = self.complete or complete
        self._tell()

    def fail(self, error: ServiceError) -> None:
        """There will be no more of it."""
        if not self.ended:
            self.error = error
            self._tell()

    def _tell(self) -> None:
        """Wake those who have what they wait for, and no others: there may be hundreds."""
        for waiter, is_met in self._waiting.items():
            if not waiter.done() and (self.error is not None or is_met()):
                waiter.set_result(None)

    async def begun(self, deadline: float, *, sized: bool) -> Told:
        """What is told of it, with its size when ``sized``.

        Raises:
            LambdaTimeout: not by the deadline (loop seconds).
            ServiceError: there is no result, and why.
        """
        await self._wait(deadline, lambda: self._is_told(sized=sized))
        if self.told is None or not self._is_told(sized=sized):
            assert self.error is not None
            raise self.error
        return self.told

    def _is_told(self, *, sized: bool) -> bool:
        return self.told is not None and (not sized or self.told.size_bytes is not None)

    async def read(self, index: int, deadline: float) -> bytes:
        """A block, verified; empty behind the last one.

        Raises:
            LambdaTimeout: it was not written by the deadline (loop seconds).
            InternalError: the disk has changed it; the result is not served any more.
            ServiceError: the writer has failed before it.
        """
        await self._wait(deadline, lambda: index < self.blocks or self.complete)
        if index >= self.blocks:
            if self.complete:
                return b""
            assert self.error is not None
            raise self.error
        size_bytes = BLOCK_BYTES
        if self.told is not None and self.told.size_bytes is not None:
            size_bytes = min(size_bytes, self.told.size_bytes - index * BLOCK_BYTES)
        try:
            assert self.files is not None
            # A thread costs more than the read when the page cache has it, and it mostly has.
            block = self._folder.read_cached(self.files, index, size_bytes)
            if block is None:
                block = await self._run(self._folder.read, self.files, index, size_bytes)
            return block
        except Damaged as damage:
            log.error("spool.damaged", name=self.name, block=index)
            await self._run(self._folder.drop, self.name)
            self.error = InternalError("The kept result on disk is damaged.")
            self._tell()
            raise self.error from damage

    async def _wait(self, deadline: float, is_met: Callable[[], bool]) -> None:
        if is_met() or self.error is not None:
            return
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting[waiter] = is_met
        try:
            async with asyncio.timeout_at(deadline):
                await waiter
        except TimeoutError as error:
            raise LambdaTimeout from error
        finally:
            del self._waiting[waiter]


class ResultBody(Body):
    """The bytes ``[start, stop)`` of a result; ``stop`` None: to its end, wherever that will be.

    Args:
        patience_seconds: how long one block may be waited for.
    """

    def __init__(self, result: Result, start: int, stop: int | None, patience_seconds: float) -> None:
        self.length_bytes = None if stop is None else stop - start
        self._result = result
        self._offset = start
        self._stop = stop
        self._patience_seconds = patience_seconds

    async def __anext__(self) -> bytes:
        if self._offset == self._stop:
            raise StopAsyncIteration
        index, skipped = divmod(self._offset, BLOCK_BYTES)
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        block = await self._result.read(index, deadline)
        end = None if self._stop is None else self._stop - index * BLOCK_BYTES
        chunk = block[skipped:end] if skipped or (end is not None and end < len(block)) else block
        if not chunk:
            if self._stop is not None:
                raise IncompleteBody("The kept result is shorter than it was told to be.")
            raise StopAsyncIteration
        self._offset += len(chunk)
        return chunk
