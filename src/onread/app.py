"""Builds everything once, in order, and takes it down in the reverse order."""

import asyncio
import contextlib
import os
import secrets
import shutil
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import structlog

from onread.config import Endpoint, Settings
from onread.control.operations import control_operations
from onread.functions.observe import InvocationObserver, log_function_line
from onread.functions.pool import FunctionPool
from onread.functions.settings import PoolSettings
from onread.gateway.admission import Admission
from onread.gateway.authenticate import Authenticator
from onread.gateway.authorize import Authorizer
from onread.gateway.background import Background
from onread.gateway.dispatch import Dispatch
from onread.gateway.function_keys import function_keys
from onread.gateway.gate import AdmissionLimits
from onread.gateway.own_reads import OwnReads
from onread.gateway.pipeline import Pipeline
from onread.gateway.resolve import Resolver
from onread.metadata.database import DatabaseRefused
from onread.metadata.facade import Records
from onread.metadata.first_start import (
    RootKey,
    UnsafeKeyFile,
    load_master_key,
    load_root_key,
    root_access_key,
)
from onread.objectlambda.relay import Relay, worker_route
from onread.objectlambda.rendezvous import Rendezvous
from onread.objectlambda.response import forwarded_members
from onread.objectlambda.route_token import TOKEN_PURPOSE, output_route
from onread.objectlambda.sessions import SESSION_PURPOSE
from onread.objectlambda.transform import Transformation, TransformSettings
from onread.objectlambda.write_get_object_response import WriteGetObjectResponse
from onread.protocol.model import Services, load_services
from onread.server.descriptors import raise_descriptor_limit
from onread.server.limits import DEFAULT_LIMITS, Limits
from onread.server.listener import Listener, serve
from onread.server.passage import Passage
from onread.server.proxies import behind_proxies
from onread.server.service_manager import GivenSockets
from onread.server.tls import Certificates, TlsFiles, TlsRefused
from onread.sigv4.session_token import derive_key
from onread.stores.local.premises import Premises
from onread.stores.local.schema import NewerSchema
from onread.stores.local.store import LocalStore, UnusableDirectory
from onread.telemetry.health import admin_handler
from onread.telemetry.metrics import Metrics
from onread.wire.message import Handler

_NOTHING = GivenSockets()
# The last question about our health is answered, too.
ADMIN_DRAIN_SECONDS = 1.0
# Below the data directory: where connections go from one worker to another.
_DOORS = "workers"
# Requests look by themselves: this is for functions that were changed or deleted in another worker.
_LOOK_SECONDS = 0.2
_log = structlog.get_logger("onread.app")


class CannotStart(Exception):
    """One line that says why, and what to do."""


_REASONS = (
    CannotStart,
    UnsafeKeyFile,
    DatabaseRefused,
    UnusableDirectory,
    NewerSchema,
    TlsRefused,
    OSError,
)


def utc_now() -> datetime:
    """The wall clock of this process, handed to everything that needs one."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Share:
    """Which of several workers on one port a process is.

    Attributes:
        index: from 0; ``count`` is how many there are.
        generation: how many processes have had this place before.
        gateway_id: the same for all of them, another one at each start of the gateway.
    """

    index: int
    count: int
    generation: int
    gateway_id: str

    @property
    def route(self) -> str:
        """This worker's own: the callers whose answers are sent there wait in it."""
        return worker_route(self.gateway_id, self.index, self.generation)

    def of(self, whole: int) -> int:
        """What one worker has of something that all have together: at least one."""
        return max(1, whole // self.count)


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
    ready: bool = True

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
    settings: Settings, given: GivenSockets = _NOTHING, share: Share | None = None
) -> AsyncIterator[Gateway]:
    """A gateway from its settings to its open ports, for as long as the scope is open.

    Args:
        given: sockets to serve instead of the addresses in the settings; they are owned from now on.
        share: one of several workers, in a data directory that `own_data_directory` holds elsewhere.

    Raises:
        CannotStart: a port is taken, the data directory is in use or unsafe, the database is too new,
            the certificate cannot be shown.
    """
    refused: Exception
    async with AsyncExitStack() as scope:
        try:
            gateway = await _build(settings, given, share, scope)
        except _REASONS as reason:
            refused = reason  # told once the scope is closed: a task group would wrap it in a group
        else:
            yield gateway
            return
    raise CannotStart(_one_line(refused)) from refused


@dataclass(slots=True)
class DataDirectory:
    """One that is held for workers; ``clean`` is set when each of them has ended in good order."""

    root_key: RootKey
    clean: bool = False


@contextlib.contextmanager
def own_data_directory(settings: Settings) -> Iterator[DataDirectory]:
    """The data directory, made good for workers to join; blocks.

    Raises:
        CannotStart: it is in use or unsafe, or a database is too new.
    """
    try:
        _take_data_directory(settings.data_dir)
        premises = Premises(settings.data_dir / "store")
        master_key, root_key = _keys(settings)
        asyncio.run(_prepare_records(settings, master_key))
        for folder in (settings.data_dir / _DOORS, settings.data_dir / "functions" / _DOORS):
            shutil.rmtree(folder, ignore_errors=True)  # of workers that were killed
            folder.mkdir(mode=0o700, parents=True)
    except _REASONS as reason:
        raise CannotStart(_one_line(reason)) from reason
    directory = DataDirectory(root_key)
    try:
        yield directory
    finally:
        premises.release(clean=directory.clean)


async def _prepare_records(settings: Settings, master_key: bytes) -> None:
    records = await _open_records(settings, master_key)
    await records.close()


def _one_line(reason: Exception) -> str:
    if isinstance(reason, OSError):
        return f"{reason.filename or 'the system'}: {reason.strerror or reason}"
    return str(reason)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener listens, and what it shows there."""

    setting: str
    address: Endpoint
    given: Sequence[socket.socket]
    certificates: Certificates | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Foundation:
    """What everything above is built from: the settings, the keys and what is kept."""

    settings: Settings
    root_key: RootKey
    session_key: bytes
    token_key: bytes
    services: Services
    metrics: Metrics
    store: LocalStore
    records: Records
    functions_endpoint: str
    share: Share | None

    @property
    def route(self) -> str:
        """The route at which the answers for our callers arrive."""
        return output_route(secrets.token_hex(4)) if self.share is None else self.share.route

    def limit(self, of_gateway: int) -> int:
        """What this process may have of a limit of the whole gateway."""
        return of_gateway if self.share is None else self.share.of(of_gateway)


def tls_files(settings: Settings) -> list[TlsFiles]:
    """What the front listener shows, then the admin listener; either may be missing at the end."""
    if settings.tls_cert is None or settings.tls_key is None:
        return []
    front = TlsFiles(certificate=settings.tls_cert, key=settings.tls_key)
    if settings.admin_client_ca is None:
        return [front]
    return [front, replace(front, client_ca=settings.admin_client_ca)]


async def _build(
    settings: Settings, given: GivenSockets, share: Share | None, scope: AsyncExitStack
) -> Gateway:
    certificates = [Certificates(files) for files in tls_files(settings)]
    # Functions reach us on a port of their own: no number of waiting callers can keep their writes out.
    functions_socket = scope.enter_context(socket.create_server(("127.0.0.1", 0), backlog=1024))
    endpoint = f"http://127.0.0.1:{functions_socket.getsockname()[1]}"
    base = await _lay_foundation(settings, endpoint, share, scope)
    background = await scope.enter_async_context(Background())
    pool = await scope.enter_async_context(_function_pool(base))
    for_functions = _pipeline(base, pool, background)
    descriptors = raise_descriptor_limit()
    for_callers = replace(for_functions, admission=_admission(base, descriptors))
    # A half of the descriptors is for callers; the rest for files, functions, health and what is refused.
    limits = replace(DEFAULT_LIMITS, connections=min(base.limit(settings.max_connections), descriptors // 2))
    passage = scope.enter_context(_passage(base))
    await scope.enter_async_context(serve(for_functions.handle, sock=functions_socket, passage=passage))
    front_place = Place("listen", settings.listen, given.front, *certificates[:1])
    handler = behind_proxies(for_callers.handle, settings.trusted_proxies)
    front = await listen_at(front_place, handler, scope, limits, passage)
    exposition = partial(_exposition, base.metrics, pool)
    gateway = Gateway(front=front, admin=None, pool=pool, root_key=base.root_key, exposition=exposition)
    if passage is not None:
        passage.open(front)
        scope.callback(passage.close)  # before the listener ends: it adopts what comes
        await scope.enter_async_context(_following(base.records, pool))
        return gateway
    handler = admin_handler(exposition, lambda: gateway.ready)
    admin_place = Place("admin_listen", settings.admin_listen, given.admin, *certificates[1:])
    gateway.admin = await listen_at(admin_place, handler, scope)
    return gateway


@contextlib.contextmanager
def _passage(base: _Foundation) -> Iterator[Passage | None]:
    """The way to the other workers; None when there is none."""
    share = base.share
    if share is None:
        yield None
        return
    relay = Relay(share.gateway_id, share.route)
    passage = Passage(base.settings.data_dir / _DOORS, share.route, relay.destination)
    try:
        yield passage
    finally:
        passage.close()


@asynccontextmanager
async def _following(records: Records, pool: FunctionPool) -> AsyncIterator[None]:
    """What other workers write is served here within a moment, and functions that changed start anew."""
    served = {function.arn: function for function in records.all_functions()}

    def changed() -> None:
        now = {function.arn: function for function in records.all_functions()}
        for arn, function in served.items():
            if arn not in now:
                pool.drop(function, deleted=True)
            elif now[arn] != function:
                pool.adopt(now[arn])
        served.clear()
        served.update(now)

    async with asyncio.TaskGroup() as tasks:
        following = records.follow(every_seconds=_LOOK_SECONDS, changed=changed)
        task = tasks.create_task(following, name="onread.app.follow")
        try:
            yield
        finally:
            task.cancel()


async def _open_records(settings: Settings, master_key: bytes) -> Records:
    return await Records.open(
        settings.database_url or settings.data_dir,
        master_key=master_key,
        clock=utc_now,
        account_id=settings.account_id,
        region=settings.region,
    )


async def _lay_foundation(
    settings: Settings, functions_endpoint: str, share: Share | None, scope: AsyncExitStack
) -> _Foundation:
    if share is None:
        _take_data_directory(settings.data_dir)
    master_key, root_key = _keys(settings)
    store = await LocalStore.open(
        settings.data_dir / "store", clock=utc_now, region=settings.region, joined=share is not None
    )
    scope.push_async_callback(store.close)
    records = await _open_records(settings, master_key)
    scope.push_async_callback(records.close)
    records.set_root(root_key.access_key)
    return _Foundation(
        settings=settings,
        root_key=root_key,
        session_key=derive_key(master_key, SESSION_PURPOSE),
        token_key=derive_key(master_key, TOKEN_PURPOSE),
        services=load_services(),
        metrics=Metrics(),
        store=store,
        records=records,
        functions_endpoint=functions_endpoint,
        share=share,
    )


def worker_folder(settings: Settings, share: Share) -> Path:
    """Where a worker keeps its functions; of no use once it has ended."""
    return settings.data_dir / "functions" / _DOORS / share.route


def _pool_settings(base: _Foundation) -> PoolSettings:
    settings = PoolSettings(
        cache_directory=base.settings.data_dir / "functions",
        search_path=os.pathsep.join(os.get_exec_path()),
    )
    share = base.share
    if share is None:
        return settings
    return replace(
        settings,
        cache_directory=worker_folder(base.settings, share),
        environments_limit=share.of(settings.environments_limit),
        share=(share.index, share.count),
    )


def _function_pool(base: _Foundation) -> FunctionPool:
    return FunctionPool(
        _pool_settings(base),
        serve_runtime_api=_serve_runtime_api,
        endpoint=lambda: base.functions_endpoint,
        code=base.records.load_code,
        credentials=partial(function_keys, key=base.session_key, random_bytes=os.urandom),
        log_sink=log_function_line,
        observer=InvocationObserver(base.metrics),
        clock=utc_now,
    )


def _pipeline(base: _Foundation, pool: FunctionPool, background: Background) -> Pipeline:
    settings, records = base.settings, base.records
    authorizer = Authorizer(records=records, account_id=settings.account_id, region=settings.region)
    dispatch = _dispatch(base, pool, background, authorizer)
    return Pipeline(
        services=base.services,
        authenticate=Authenticator(
            records=records,
            account_id=settings.account_id,
            region=settings.region,
            session_key=base.session_key,
            is_live=pool.is_live,
            open_runs=dispatch.transformation.runs,
        ),
        resolve=Resolver(records, settings.account_id),
        authorize=authorizer,
        dispatch=dispatch,
        metrics=base.metrics,
        domains=settings.domains,
        host_id="{host-id}",
        clock=utc_now,
        catch_up=None if base.share is None else records.catch_up,
    )


def _admission(base: _Foundation, descriptors: int) -> Admission:
    """The callers' admission; each request in flight may hold a file beside its connection."""
    records = base.records
    return Admission(
        AdmissionLimits(
            in_flight=min(base.limit(base.settings.max_in_flight), max(1, descriptors // 4)),
            memory_bytes=base.limit(base.settings.max_request_memory_bytes),
        ),
        is_known=lambda access_key_id: records.access_key(access_key_id) is not None,
        clock=time.monotonic,
        metrics=base.metrics,
    )


def _dispatch(
    base: _Foundation, pool: FunctionPool, background: Background, authorizer: Authorizer
) -> Dispatch:
    settings, rendezvous = base.settings, Rendezvous()
    reads = OwnReads(base.store, authorizer, settings.account_id)
    return Dispatch(
        records=base.records,
        store=base.store,
        transformation=_transformation(base, pool, rendezvous),
        write=WriteGetObjectResponse(
            rendezvous=rendezvous,
            token_key=base.token_key,
            forwarded=forwarded_members(base.services),
            clock=utc_now,
        ),
        control=control_operations(
            base.records,
            functions=pool,
            clock=utc_now,
            endpoint=(settings.public_url or f"//{settings.listen}").partition("//")[2],
            bucket_exists=reads.bucket_exists,
            read_object=reads.read_object,
            spawn=background.spawn,
            strict=settings.strict,
        ),
        account_id=settings.account_id,
        region=settings.region,
    )


def _transformation(base: _Foundation, pool: FunctionPool, rendezvous: Rendezvous) -> Transformation:
    return Transformation(
        services=base.services,
        find_function=base.records.function,
        invoker=pool,
        rendezvous=rendezvous,
        settings=TransformSettings(
            route=base.route,
            timeout_seconds=base.settings.transform_timeout_seconds,
            strict=base.settings.strict,
        ),
        endpoint=lambda: base.functions_endpoint,
        session_key=base.session_key,
        token_key=base.token_key,
        clock=utc_now,
        random_bytes=os.urandom,
        metrics=base.metrics,
    )


def _exposition(metrics: Metrics, pool: FunctionPool) -> bytes:
    """The metrics, gauges brought up to date."""
    environments, busy, waiting = pool.counts()
    metrics.environments.labels("busy").set(busy)
    metrics.environments.labels("warm").set(environments - busy)
    metrics.invocations_waiting.set(waiting)
    return metrics.exposition()


async def listen_at(
    place: Place,
    handler: Handler,
    scope: AsyncExitStack,
    limits: Limits = DEFAULT_LIMITS,
    passage: Passage | None = None,
) -> Listener:
    """Serve a handler at a place until the scope is left.

    Raises:
        CannotStart: there is no listening there.
    """
    address = place.address
    try:
        served = serve(
            handler,
            host=address.host,
            port=address.port,
            sock=place.given,
            limits=limits,
            certificates=place.certificates,
            passage=passage,
        )
        return await scope.enter_async_context(served)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CannotStart(
            f"{place.setting} {address}: {reason or error}. Write another HOST:PORT."
        ) from error


def _take_data_directory(directory: Path) -> None:
    """Make it ours alone, unless it holds something already: then say when others may look in."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(directory.iterdir()):
        directory.chmod(0o700)  # a volume just mounted, say
    elif directory.stat().st_mode & 0o077:
        cure = f"others may look into the data directory; run: chmod 700 {directory}"
        _log.warning("data_directory.open", text=cure)


def _keys(settings: Settings) -> tuple[bytes, RootKey]:
    if settings.master_key is not None:
        master_key = settings.master_key.reveal().encode()
    else:
        file = settings.master_key_file or settings.data_dir / "master-key"
        master_key = load_master_key(file, random_bytes=os.urandom)
    if settings.root_access_key_id is not None and settings.root_secret_access_key is not None:
        given = root_access_key(
            settings.root_access_key_id,
            settings.root_secret_access_key,
            account_id=settings.account_id,
            now=utc_now(),
        )
        return master_key, RootKey(given, is_new=False)
    root_file = settings.data_dir / "root-access-key.json"
    root = load_root_key(root_file, account_id=settings.account_id, now=utc_now(), random_bytes=os.urandom)
    return master_key, root


@asynccontextmanager
async def _serve_runtime_api(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler, host="127.0.0.1", port=0) as listener:
        yield f"127.0.0.1:{listener.port}"
