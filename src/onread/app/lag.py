"""How late the loop is: what waits in its queue waits so long, too (R-047)."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from onread.app.beside import beside
from onread.telemetry.metrics import Metrics

_LOOK_SECONDS = 0.1


@asynccontextmanager
async def watching_lag(metrics: Metrics) -> AsyncIterator[None]:
    """The lag of this loop is measured ten times a second, for as long as the scope is open."""
    async with beside(_watch(metrics), name="onread.app.lag"):
        yield


async def _watch(metrics: Metrics) -> None:
    while True:
        due = time.monotonic() + _LOOK_SECONDS
        await asyncio.sleep(_LOOK_SECONDS)
        metrics.loop_lag_seconds.observe(max(0.0, time.monotonic() - due))
