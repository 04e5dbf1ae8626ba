"""What goes on after its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Self

from onread.errors import TooManyRequestsException

_LIMIT = 100


class Background:
    """Owns what goes on after its answer: Event invocations. Bounded; leaving the scope waits for them.

    What goes on keeps what its request held: it counts as in flight, with its memory, until it is over.
    """

    def __init__(self, limit: int = _LIMIT) -> None:
        self._limit = limit
        self._group = asyncio.TaskGroup()
        self._count = 0
        self._leaving = asyncio.Event()

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._leaving.set()
        await self._group.__aexit__(None, None, None)

    def spawn(self, work: Callable[[], Awaitable[None]], take: Callable[[], AsyncExitStack]) -> None:
        """Run ``work`` in this scope.

        Args:
            take: takes over what the request holds, when the work is accepted; let go when it is over.

        Raises:
            TooManyRequestsException: too many others run already.
        """
        if self._count >= self._limit:
            raise TooManyRequestsException
        self._count += 1
        self._group.create_task(self._run(work, take()))

    async def pause(self, seconds: float) -> bool:
        """Wait so long; False at once when the scope is being left: nothing is to begin any more."""
        try:
            async with asyncio.timeout(seconds):
                await self._leaving.wait()
        except TimeoutError:
            return True
        return False

    async def _run(self, work: Callable[[], Awaitable[None]], held: AsyncExitStack) -> None:
        try:
            async with held:
                await work()
        finally:
            self._count -= 1
