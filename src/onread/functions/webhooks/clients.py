"""The pools of connections to webhooks: one for each version of a function, for as long as it is used."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from onread.metadata.function_records import Webhook
from onread.metadata.records import Function
from onread.outbound.client import Client

IDLE_SECONDS = 60.0
"""How long a pool is kept that no run uses: versions come and go, and nobody tells of those that went."""


@dataclass(slots=True, eq=False)
class _Kept:
    webhook: Webhook
    connections: int
    client: Client
    runs: int = 0
    timer: asyncio.TimerHandle | None = None


class Clients:
    """Finds the pool of a version, and closes it when its last run is long over.

    Args:
        make: a pool for a version.
        close: sees to it that a pool is closed.
    """

    def __init__(
        self, *, make: Callable[[Function, Webhook], Client], close: Callable[[Client], None]
    ) -> None:
        self._make = make
        self._close = close
        self._kept: dict[str, _Kept] = {}

    def __len__(self) -> int:
        return len(self._kept)

    @contextmanager
    def use(self, function: Function, webhook: Webhook) -> Iterator[Client]:
        """The pool for the time of one run. One with other settings is closed when its own runs are over."""
        key = f"{function.arn}:{function.version}"
        kept = self._kept.get(key)
        if kept is None or kept.webhook != webhook or kept.connections != function.warm_environments:
            made = _Kept(webhook, function.warm_environments, self._make(function, webhook))
            if kept is not None:
                self._let_go(key, kept)
            kept = self._kept[key] = made
        if kept.timer is not None:
            kept.timer.cancel()
        kept.runs += 1
        try:
            yield kept.client
        finally:
            kept.runs -= 1
            if not kept.runs:
                self._rest(key, kept)

    def close(self) -> None:
        """Let go of every pool; those with runs are closed when these end."""
        for key, kept in list(self._kept.items()):
            self._let_go(key, kept)

    def _rest(self, key: str, kept: _Kept) -> None:
        if self._kept.get(key) is not kept:
            self._close(kept.client)
            return
        kept.timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._let_go, key, kept)

    def _let_go(self, key: str, kept: _Kept) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]
        if kept.timer is not None:
            kept.timer.cancel()
        if not kept.runs:
            self._close(kept.client)
