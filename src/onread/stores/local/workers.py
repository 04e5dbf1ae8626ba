"""The threads in which the store waits for the disk."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from typing import TypeVar

from onread.stores.local.faults import map_disk_faults

T = TypeVar("T")


async def settle(future: "Future[T]", *, may_drop: bool = True) -> T:
    """The result of work that runs in a thread.

    Cancellation: work that has not begun is dropped (unless it may not be: cleaning up); work that
    has begun is waited for before the cancellation goes on, so no thread touches a file or a row
    after its operation has ended.
    """
    waiter = asyncio.wrap_future(future)
    try:
        return await asyncio.shield(waiter)
    except asyncio.CancelledError:
        if may_drop:
            future.cancel()
        while not waiter.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([waiter])
        raise


class Workers:
    """A bounded pool of threads for reads, writes and hashes."""

    def __init__(self, count: int) -> None:
        self._executor = ThreadPoolExecutor(count, thread_name_prefix="store")

    def submit(self, work: Callable[..., T], *arguments: object) -> "Future[T]":
        """The work is queued; whoever submits settles the future.

        Raises (from the future):
            ServiceUnavailable, InternalError: the disk failed.
        """
        return self._executor.submit(_guarded, work, *arguments)

    async def run(self, work: Callable[..., T], *arguments: object) -> T:
        """The work has been done in a thread; see `settle` for cancellation."""
        return await settle(self.submit(work, *arguments))

    def close(self) -> None:
        """All submitted work is done and the threads are gone."""
        self._executor.shutdown(wait=True)


def _guarded(work: Callable[..., T], *arguments: object) -> T:
    with map_disk_faults():
        return work(*arguments)
