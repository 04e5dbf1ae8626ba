"""Results by name: found, followed while another worker writes them, or made once for all who wait.

Owns the single flight. However many ask for a name at the same time, in however many workers, its maker runs
once; who makes it is never the one who asked first but a task of its own, so no reader who leaves takes the
result from the others.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, Self, TypeVar

import orjson
import structlog

from onread.errors import (
    InternalError,
    LambdaTimeout,
    ResponseInterrupted,
    ServiceError,
    ServiceUnavailable,
    SlowDown,
)
from onread.spool.folder import BLOCK_BYTES, Files, Folder, Sight
from onread.spool.result import Result, Told
from onread.telemetry.metrics import Metrics

log = structlog.get_logger("onread.spool")

MOST_MAKERS = 64
"""How many results one worker may be making at once."""

_THREADS = 4
_FOLLOW_SECONDS = 0.02
_TIDY_SECONDS = 0.25
_SWEEP_EVERY = 20  # looks
_NONCE_BYTES = 16
_WRITTEN_AT_ONCE = 4
"""Blocks."""
_LARGEST_STEP_BYTES = 64 << 20

T = TypeVar("T")


class Writing:
    """What a maker writes to."""

    def __init__(self, spool: "Spool", result: Result, files: Files, nonce: str) -> None:
        self._spool = spool
        self._result = result
        self._files = files
        self._nonce = nonce
        self._pending = bytearray()
        self._reserved_bytes = BLOCK_BYTES

    async def tell(self, about: Mapping[str, Any], size_bytes: int | None) -> None:
        """The result begins: readers may begin, too.

        Raises:
            SlowDown, ServiceUnavailable: there is no room for it.
        """
        if size_bytes is not None:
            await self._reserve(size_bytes)
        told = Told(nonce=self._nonce, size_bytes=size_bytes, about=about)
        await self._spool.run(self._spool.folder.tell, self._result.name, _to_bytes(told))
        self._result.update(told=told)

    async def write(self, chunk: bytes) -> None:
        """The next bytes.

        Raises:
            SlowDown, ServiceUnavailable: there is no room for them.
        """
        self._pending += chunk
        while len(self._pending) >= _WRITTEN_AT_ONCE * BLOCK_BYTES:
            content = bytes(self._pending[: _WRITTEN_AT_ONCE * BLOCK_BYTES])
            del self._pending[: _WRITTEN_AT_ONCE * BLOCK_BYTES]
            await self._append(content)
            self._result.update(blocks=self._result.blocks + _WRITTEN_AT_ONCE)

    async def end(self) -> None:
        """Every byte is written; readers may have the last ones."""
        content, index = bytes(self._pending), self._result.blocks
        if content:
            await self._append(content)
        assert self._result.told is not None
        size_bytes = index * BLOCK_BYTES + len(content)
        told = replace(self._result.told, size_bytes=size_bytes)
        self._result.update(told=told, blocks=blocks_of(size_bytes), complete=True)

    async def _append(self, content: bytes) -> None:
        index = self._result.blocks
        await self._reserve(index * BLOCK_BYTES + len(content))
        await self._spool.run(self._spool.folder.append, self._files, index, content)
        self._spool.metrics.slice_bytes_written.inc(len(content))

    async def _reserve(self, total_bytes: int) -> None:
        if total_bytes <= self._reserved_bytes:
            return
        known = self._result.told is None or self._result.told.size_bytes is not None
        step = 0 if known else min(self._reserved_bytes, _LARGEST_STEP_BYTES)
        wanted = max(total_bytes, self._reserved_bytes + step)
        await self._spool.run(self._spool.folder.reserve, self._files, wanted)
        self._reserved_bytes = wanted


Make = Callable[[Writing], Awaitable[bool]]
"""Writes a result, from `Writing.tell` to `Writing.end`; says whether it may be kept."""


class Spool:
    """The results of one worker; the folder is shared by all of them.

    Args:
        random_bytes: so many bytes from the system's source.
        wanted: the tags that names may still bear; another object whenever they have changed.
        patience_seconds: how long another worker may take to make a result.
        max_age_seconds: how long a result is served.
        reports_space: whether the metrics of this worker say what all of them keep.
    """

    def __init__(
        self,
        folder: Folder,
        *,
        metrics: Metrics,
        random_bytes: Callable[[int], bytes],
        wanted: Callable[[], frozenset[str]],
        patience_seconds: float,
        max_age_seconds: float,
        reports_space: bool = True,
    ) -> None:
        self.folder = folder
        self.metrics = metrics
        self._random_bytes = random_bytes
        self._wanted = wanted
        self._patience_seconds = patience_seconds
        self._max_age_seconds = max_age_seconds
        self._reports_space = reports_space
        self._results: dict[str, Result] = {}
        self._makers = 0
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="onread-spool")
        self._group = asyncio.TaskGroup()
        self._tasks: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        self._own(self._tidy())
        return self

    async def __aexit__(self, *exception: object) -> None:
        for task in self._tasks:
            task.cancel()
        await self._group.__aexit__(None, None, None)
        for result in self._results.values():
            if result.files is not None:
                result.files.close()
        await asyncio.to_thread(self._threads.shutdown)
        self.folder.close()

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """Blocking work, done in a thread.

        Cancellation: what has begun is waited for, so no file is closed under it.
        """
        waiter = asyncio.wrap_future(self._threads.submit(work, *arguments))
        try:
            return await asyncio.shield(waiter)
        except asyncio.CancelledError:
            while not waiter.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait((waiter,))
            raise

    @asynccontextmanager
    async def use(self, name: str, make: Make) -> AsyncIterator[Result]:
        """The result of this name while the scope is open; ``make`` is called when there is none."""
        result, now = self._results.get(name), asyncio.get_running_loop().time()
        if result is None or result.error is not None or now - result.known_since > self._max_age_seconds:
            result = self._results[name] = Result(name, self.folder, self.run)
            self._own(self._bring(result, make))
        else:
            self.metrics.slices.labels("joined").inc()
        result.users += 1
        try:
            yield result
        finally:
            result.users -= 1
            self._let_go(result)

    def _own(self, work: Any) -> None:
        task = self._group.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _let_go(self, result: Result) -> None:
        """Nobody needs it in memory any more once it has ended and is read by nobody."""
        if result.users or not result.ended:
            return
        if self._results.get(result.name) is result:
            del self._results[result.name]
        files, result.files = result.files, None
        if files is not None and files.claim is None:
            files.close()

    async def _bring(self, result: Result, make: Make) -> None:
        result.users += 1
        try:
            await self._find_or_make(result, make)
        except ServiceError as error:
            result.fail(error)
        except asyncio.CancelledError:
            result.fail(ServiceUnavailable("The gateway is stopping."))
            raise
        except Exception as bug:  # the end of this task's road: whatever it is, it is ours
            log.exception("spool.bug", exc_info=bug)
            result.fail(InternalError())
        finally:
            result.users -= 1
            self._let_go(result)

    async def _find_or_make(self, result: Result, make: Make) -> None:
        while True:
            sight = await self.run(self.folder.look, result.name)
            if sight.complete:
                if await self._take(result, sight):
                    self.metrics.slices.labels("hit").inc()
                    return
                await self.run(self.folder.drop, result.name)
            elif sight.claimed:
                if await self._follow(result):
                    self.metrics.slices.labels("joined").inc()
                    return
            elif await self._make(result, make):
                return

    async def _take(self, result: Result, sight: Sight) -> bool:
        """Serve what is complete; False: it has become too old, or has gone meanwhile."""
        assert sight.head is not None
        told = _from_bytes(sight.head)
        if result.files is None:
            if not await self.run(self.folder.is_fresh, result.name):
                return False
            result.files = await self.run(self.folder.open, result.name, told.nonce)
            if result.files is None:
                return False
        assert told.size_bytes is not None
        result.update(told=told, blocks=blocks_of(told.size_bytes), complete=True)
        return True

    async def _follow(self, result: Result) -> bool:
        """Serve what another worker writes; False: it gave up before it had anything to tell.

        Raises:
            ResponseInterrupted: it failed when readers may have begun.
            LambdaTimeout: it took too long.
        """
        deadline = asyncio.get_running_loop().time() + self._patience_seconds
        while asyncio.get_running_loop().time() < deadline:
            sight = await self.run(self.folder.look, result.name)
            if sight.complete:
                return await self._take(result, sight)
            if not sight.claimed:
                if result.told is not None:
                    raise ResponseInterrupted
                return False
            if sight.head is not None:
                await self._show(result, _from_bytes(sight.head))
            await asyncio.sleep(_FOLLOW_SECONDS)
        raise LambdaTimeout

    async def _show(self, result: Result, told: Told) -> None:
        if result.files is None:
            result.files = await self.run(self.folder.open, result.name, told.nonce)
        if result.files is not None:
            blocks = self.folder.blocks(result.files)
            # The last block may be short, which only a known size tells.
            result.update(told=told, blocks=blocks if told.size_bytes is not None else max(0, blocks - 1))

    async def _make(self, result: Result, make: Make) -> bool:
        """Make the result; False: another worker was quicker."""
        if self._makers >= MOST_MAKERS:
            raise SlowDown("Too many results are being made. Please try again.", retry_after_seconds=1)
        self._makers += 1
        nonce = self._random_bytes(_NONCE_BYTES).hex()
        try:
            files = await self.run(self.folder.begin, result.name, nonce)
            if files is None:
                return False
            self.metrics.slices.labels("miss").inc()
            result.files = files
            try:
                kept = await make(Writing(self, result, files, nonce)) and self._is_wanted(result.name)
                assert result.told is not None
                if kept:
                    await self.run(self.folder.complete, result.name, files, _to_bytes(result.told))
                return True
            finally:
                if files.claim is not None:
                    await self.run(self.folder.discard, result.name, nonce, files)
        finally:
            self._makers -= 1

    async def _tidy(self) -> None:
        """Every now and then nothing is left that may not be, and the metrics say what is."""
        swept: frozenset[str] | None = None
        counted = looks = 0
        while True:
            await asyncio.sleep(_TIDY_SECONDS)
            wanted, looks = self._wanted(), looks + 1
            if wanted is swept and looks % _SWEEP_EVERY:
                continue
            with suppress(ServiceError):  # it is in the log, and tried again
                await self.run(self.folder.sweep, partial(_bears_only, wanted))
                swept = wanted
                self.metrics.slice_evictions.inc(self.folder.evictions - counted)
                counted = self.folder.evictions
                if self._reports_space:
                    self.metrics.slice_bytes.set(await self.run(self.folder.used_bytes))

    def _is_wanted(self, name: str) -> bool:
        return _bears_only(self._wanted(), name)


def _bears_only(wanted: frozenset[str], name: str) -> bool:
    """Names are tags and a digest, joined by hyphens."""
    return wanted.issuperset(name.split("-")[:-1])


def blocks_of(size_bytes: int) -> int:
    """How many blocks so many bytes fill."""
    return -(-size_bytes // BLOCK_BYTES)


def _to_bytes(told: Told) -> bytes:
    return orjson.dumps({"nonce": told.nonce, "size_bytes": told.size_bytes, "about": told.about})


def _from_bytes(content: bytes) -> Told:
    return Told(**orjson.loads(content))
