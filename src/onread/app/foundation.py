"""What everything else is built from: the settings, the keys, what is kept, and which worker this is."""

import os
import secrets
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from onread.config import Settings
from onread.metadata.epoch_board import EpochBoard
from onread.metadata.facade import Records
from onread.metadata.first_start import (
    RootKey,
    load_master_key,
    load_root_key,
    root_access_key,
)
from onread.objectlambda.relay import worker_route
from onread.objectlambda.route_token import TOKEN_PURPOSE, output_route
from onread.objectlambda.sessions import SESSION_PURPOSE
from onread.objectlambda.slices.request import SPOOL_PURPOSE
from onread.protocol.model import Services, load_services
from onread.sigv4.session_token import derive_key
from onread.spool.folder import empty as empty_spool
from onread.stores.local.store import LocalStore
from onread.stores.stores import Stores
from onread.stores.upstream.access import UpstreamAccess
from onread.stores.upstream.store import UpstreamStore
from onread.telemetry.metrics import Metrics

_log = structlog.get_logger("onread.app")
# Below the data directory: where connections go from one worker to another.
DOORS = "workers"


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Foundation:
    """What everything above is built from: the settings, the keys and what is kept."""

    settings: Settings
    root_key: RootKey
    session_key: bytes
    token_key: bytes
    spool_key: bytes
    services: Services
    metrics: Metrics
    store: LocalStore
    stores: Stores
    records: Records
    functions_endpoint: str
    share: Share | None

    @property
    def route(self) -> str:
        """The route at which the answers for our callers arrive."""
        return output_route(secrets.token_hex(4)) if self.share is None else self.share.route

    @property
    def has_others(self) -> bool:
        """Whether other processes write control records, too."""
        return self.share is not None or self.records.shared

    def limit(self, of_gateway: int) -> int:
        """What this process may have of a limit of the whole gateway."""
        return of_gateway if self.share is None else self.share.of(of_gateway)


async def lay_foundation(
    settings: Settings, functions_endpoint: str, share: Share | None, scope: AsyncExitStack
) -> Foundation:
    """Open what is kept, for as long as ``scope`` is.

    Raises:
        UnsafeKeyFile, UnusableDirectory, BucketInTwoStores, NewerSchema, DatabaseRefused, OSError: it
            cannot be opened.
    """
    if share is None:
        take_data_directory(settings.data_dir)
        empty_spool(spool_folder(settings))
    master_key, root_key = load_keys(settings)
    store = await LocalStore.open(
        settings.data_dir / "store", clock=utc_now, region=settings.region, joined=share is not None
    )
    scope.push_async_callback(store.close)
    services = load_services()
    records = await open_records(settings, master_key)
    scope.push_async_callback(records.close)
    metrics = Metrics()
    stores = open_stores(settings, store, services, records, metrics)
    scope.push_async_callback(stores.close)
    if share is not None and records.shared:
        board = EpochBoard(settings.data_dir / DOORS / "epochs", share.index, share.count)
        scope.callback(board.close)
        records.share_epochs(board)
    records.set_root(root_key.access_key)
    return Foundation(
        settings=settings,
        root_key=root_key,
        session_key=derive_key(master_key, SESSION_PURPOSE),
        token_key=derive_key(master_key, TOKEN_PURPOSE),
        spool_key=derive_key(master_key, SPOOL_PURPOSE),
        services=services,
        metrics=metrics,
        store=store,
        stores=stores,
        records=records,
        functions_endpoint=functions_endpoint,
        share=share,
    )


def open_stores(
    settings: Settings, embedded: LocalStore, services: Services, records: Records, metrics: Metrics
) -> Stores:
    """The embedded store and those that the settings name, as one.

    Raises:
        BucketInTwoStores: the embedded one holds a bucket that the settings give to another.
        OSError: the certificates of one cannot be read.
    """
    s3 = services.service("s3")
    upstreams = [
        UpstreamStore.open(each, s3=s3, region=settings.region, clock=utc_now, metrics=metrics)
        for each in settings.stores
    ]
    access = UpstreamAccess(records.bucket_settings, settings.account_id)
    return Stores(embedded, upstreams, settings.account_id, access, utc_now)


async def open_records(settings: Settings, master_key: bytes) -> Records:
    """The control records of this installation; see `Records.open`."""
    return await Records.open(
        settings.data_dir if settings.database_url is None else settings.database_url.reveal(),
        master_key=master_key,
        clock=utc_now,
        account_id=settings.account_id,
        region=settings.region,
    )


def spool_folder(settings: Settings) -> Path:
    """Where results are kept for slices; nothing in it outlives the gateway."""
    return settings.data_dir / "spool"


def take_data_directory(directory: Path) -> None:
    """Make it ours alone, unless it holds something already: then say when others may look in."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not any(directory.iterdir()):
        directory.chmod(0o700)  # a volume just mounted, say
    elif directory.stat().st_mode & 0o077:
        cure = f"others may look into the data directory; run: chmod 700 {directory}"
        _log.warning("data_directory.open", text=cure)


def load_keys(settings: Settings) -> tuple[bytes, RootKey]:
    """The master key and the root's access key: those in the settings, else those kept, else new ones."""
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
