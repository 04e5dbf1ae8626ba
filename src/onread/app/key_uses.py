"""The uses of access keys, written once a minute and when the gateway ends."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import structlog

from onread.app.beside import beside
from onread.errors import ServiceUnavailable, SlowDown
from onread.metadata.key_uses import KeyUses

_log = structlog.get_logger("onread.app")
_EVERY_SECONDS = 60.0
_LAST_SECONDS = 2.0


@asynccontextmanager
async def saving_key_uses(uses: KeyUses) -> AsyncIterator[None]:
    """What `GetAccessKeyLastUsed` tells is saved, for as long as the scope is open and once at its end."""
    async with beside(_save_ever_again(uses), name="onread.app.key_uses"):
        yield
    try:
        async with asyncio.timeout(_LAST_SECONDS):
            await _save(uses)
    except TimeoutError:
        _log.warning("key_uses.unsaved", text="the control database took too long at the end")


async def _save_ever_again(uses: KeyUses) -> None:
    while True:
        await asyncio.sleep(_EVERY_SECONDS)
        await _save(uses)


async def _save(uses: KeyUses) -> None:
    try:
        await uses.save()
    except (ServiceUnavailable, SlowDown) as refusal:
        _log.warning("key_uses.unsaved", text=refusal.text)
