"""A gateway from its settings to its open ports."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from functools import partial

from onread.app.elsewhere import Elsewhere
from onread.app.foundation import Foundation, Share, lay_foundation
from onread.app.key_uses import saving_key_uses
from onread.app.lag import watching_lag
from onread.app.listen import Place, bound_address, functions_listener, listen_at, tls_files
from onread.app.refusal import REASONS, CannotStart, one_line
from onread.app.road import build_admission, build_door, build_pipeline, open_runners
from onread.app.workers import following, open_passage, start_wanted
from onread.config import Settings
from onread.functions.pool import FunctionPool
from onread.gateway.background import Background
from onread.metadata.facade import Records
from onread.metadata.first_start import RootKey
from onread.server.descriptors import raise_descriptor_limit
from onread.server.limits import DEFAULT_LIMITS
from onread.server.listener import Listener, serve
from onread.server.proxies import behind_proxies
from onread.server.service_manager import GivenSockets
from onread.server.tls import Certificates
from onread.telemetry.health import admin_handler

_NOTHING = GivenSockets()
# The last question about our health is answered, too.
ADMIN_DRAIN_SECONDS = 1.0


@dataclass(slots=True, kw_only=True)
class Gateway:
    """A gateway that serves.

    Attributes:
        admin: None in a worker: who started it answers for all.
        exposition: renders the metrics as they are now.
    """

    front: Listener
    admin: Listener | None
    pool: FunctionPool
    root_key: RootKey
    exposition: Callable[[], bytes]
    records: Records
    ready: bool = True

    @property
    def serves(self) -> bool:
        """Whether requests are served: no drain has begun, and what is known is not too old."""
        return self.ready and self.records.current

    @property
    def certificates(self) -> list[Certificates]:
        """What the listeners that speak TLS show."""
        both = (self.front, self.admin)
        return [of.certificates for of in both if of is not None and of.certificates is not None]

    async def drain(self, timeout_seconds: float) -> None:
        """Not ready from now on; what is in progress may end, within the time given.

        Callers first, then the runs: a caller has the last byte before its function has been told so.
        Health last, that it can be asked for until then.
        """
        self.ready = False
        deadline = asyncio.get_running_loop().time() + timeout_seconds
        await self.front.drain(timeout_seconds)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout_at(deadline):
                await self.pool.drain()
        if self.admin is not None:
            await self.admin.drain(ADMIN_DRAIN_SECONDS)


@asynccontextmanager
async def open_gateway(
    settings: Settings,
    given: GivenSockets = _NOTHING,
    share: Share | None = None,
    elsewhere: Elsewhere | None = None,
) -> AsyncIterator[Gateway]:
    """A gateway from its settings to its open ports, for as long as the scope is open.

    Args:
        given: sockets to serve instead of the addresses in the settings; they are owned from now on.
        share: one of several workers, in a data directory that `own_data_directory` holds elsewhere.
        elsewhere: the other workers.

    Raises:
        CannotStart: a port is taken, the data directory is in use or unsafe, the database is too new,
            the certificate cannot be shown.
    """
    refused: Exception
    async with AsyncExitStack() as scope:
        try:
            gateway = await _build(settings, given, share, elsewhere, scope)
        except REASONS as reason:
            refused = reason  # told once the scope is closed: a task group would wrap it in a group
        else:
            yield gateway
            return
    raise CannotStart(one_line(refused)) from refused


async def _build(
    settings: Settings,
    given: GivenSockets,
    share: Share | None,
    elsewhere: Elsewhere | None,
    scope: AsyncExitStack,
) -> Gateway:
    certificates = [Certificates(files) for files in tls_files(settings)]
    # Functions reach us on a port of their own: no number of waiting callers can keep their writes out.
    functions_socket = scope.enter_context(functions_listener(settings))
    endpoint = settings.functions_url or f"http://{bound_address(functions_socket)}"
    base = await lay_foundation(settings, endpoint, share, scope)
    await scope.enter_async_context(watching_lag(base.metrics))
    await scope.enter_async_context(saving_key_uses(base.records.key_uses))
    background = await scope.enter_async_context(Background())
    runners = await open_runners(base, scope)
    pool = runners.pool
    pipeline = build_pipeline(base, runners, background, elsewhere)
    for_functions = replace(pipeline, cors=None)  # no browser asks there
    descriptors = raise_descriptor_limit()
    admission = build_admission(base, pool, descriptors)
    for_callers = replace(pipeline, admission=admission)
    # A half of the descriptors is for callers; the rest for files, functions, health and what is refused.
    limits = replace(DEFAULT_LIMITS, connections=min(base.limit(settings.max_connections), descriptors // 2))
    passage = scope.enter_context(open_passage(base))
    await scope.enter_async_context(serve(for_functions.handle, sock=functions_socket, passage=passage))
    front_place = Place("listen", settings.listen, given.front, *certificates[:1])
    handler = behind_proxies(for_callers.handle, settings.trusted_proxies)
    door = build_door(base, admission)
    front = await listen_at(front_place, handler, scope, limits, passage, door)
    start_wanted(base.records, pool)
    runners.webhooks.own_ports.update((front.port, bound_address(functions_socket).port))
    exposition = partial(render_exposition, base, pool)
    gateway = Gateway(
        front=front,
        admin=None,
        pool=pool,
        root_key=base.root_key,
        exposition=exposition,
        records=base.records,
    )
    if base.has_others:
        await scope.enter_async_context(following(base.records, pool))
    if passage is not None:
        passage.open(front)
        scope.callback(passage.close)  # before the listener ends: it adopts what comes
        return gateway
    handler = admin_handler(exposition, lambda: gateway.serves)
    admin_place = Place("admin_listen", settings.admin_listen, given.admin, *certificates[1:])
    gateway.admin = await listen_at(admin_place, handler, scope)
    return gateway


def render_exposition(base: Foundation, pool: FunctionPool) -> bytes:
    """The metrics, gauges brought up to date."""
    metrics, records = base.metrics, base.records
    environments, busy, waiting = pool.counts()
    metrics.environments.labels("busy").set(busy)
    metrics.environments.labels("warm").set(environments - busy)
    metrics.invocations_waiting.set(waiting)
    base.stores.measure(metrics)
    metrics.database_lost.set(not records.reachable)
    metrics.records_stale.set(not records.current)
    return metrics.exposition()
