"""What goes on after its answer."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Self

from onread.errors import TooManyRequestsException

_LIMIT = 100


class Background:
    """Owns what goes on after its answer: Event invocations. Bounded; leaving the scope waits for them."""

    def __init__(self) -> None:
        self._group = asyncio.TaskGroup()
        self._count = 0

    async def __aenter__(self) -> Self:
        await self._group.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self._group.__aexit__(None, None, None)

    def spawn(self, work: Callable[[], Awaitable[None]]) -> None:
        """Run ``work`` in this scope.

        Raises:
            TooManyRequestsException: a hundred others run already.
        """
        if self._count >= _LIMIT:
            raise TooManyRequestsException
        self._count += 1
        self._group.create_task(self._run(work))

    async def _run(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        finally:
            self._count -= 1
