"""The life of a gateway's process: begun, told about, reloaded, drained, handed over, ended."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Protocol

import structlog

from onread import __version__
from onread.app.gateway import Gateway, open_gateway
from onread.app.listen import tls_files
from onread.app.refusal import CannotStart
from onread.config import ConfigurationError, Endpoint, Settings
from onread.server.hand_over import NotHandedOver, Offer, take_over
from onread.server.loop import run
from onread.server.service_manager import GivenSockets, Notifier, UnusableSocket, activated_sockets
from onread.server.tls import TlsRefused
from onread.telemetry.logging import configure_logging, write_waiting_lines

if TYPE_CHECKING:
    from onread.metadata.first_start import RootKey

_CERTIFICATE_LOOK_SECONDS = 5.0
_CERTIFICATE_WARNING = timedelta(days=14)
# What the old process may need beyond its drain: ending runs, closing the databases.
_ENDING_SECONDS = 60.0
# What a reload changes; everything else waits for a restart.
_RELOADED = frozenset(
    {"log_level", "tls_cert", "tls_key", "admin_client_ca", "drain_seconds", "drain_grace_seconds"}
)
_log = structlog.get_logger("onread.life")


def run_gateway(
    read_settings: Callable[[], Settings], environment: Mapping[str, str], *, inherit: bool = False
) -> None:
    """Serve until SIGTERM or SIGINT, which drain; a second one ends at once. SIGHUP reloads.

    Args:
        read_settings: gives the settings as they stand, now and at each reload.
        inherit: take the sockets of the process that serves the same data directory, and its place.

    Raises:
        ConfigurationError: the settings cannot be used.
        CannotStart: with the reason.
    """
    settings = read_settings()
    configure_logging(settings.log_level)
    given = given_sockets(settings, environment, inherit=inherit)
    life = Life(settings, read_settings, Notifier(environment))
    run(partial(life.live, given), loop=settings.loop)


def given_sockets(settings: Settings, environment: Mapping[str, str], *, inherit: bool) -> GivenSockets:
    """The listening sockets of a service manager, or of the process whose place we take.

    Raises:
        CannotStart: they cannot be used.
    """
    try:
        given = activated_sockets(environment)
        if not inherit or given.front:
            return given
        _log.info("gateway.taking_over", data_dir=str(settings.data_dir))
        patience_seconds = settings.drain_seconds + _ENDING_SECONDS
        return take_over(settings.data_dir, timeout_seconds=patience_seconds) or given
    except (UnusableSocket, NotHandedOver) as reason:
        raise CannotStart(str(reason)) from reason


class Life:
    """One gateway between its start and its end."""

    def __init__(self, settings: Settings, read_settings: Callable[[], Settings], notifier: Notifier) -> None:
        self._settings = settings
        self._read_settings = read_settings
        self._notifier = notifier
        self._told = asyncio.Event()
        self._offer: Offer | None = None

    async def live(self, given: GivenSockets) -> None:
        """From the first port to the last; returns when nothing is left.

        Raises:
            CannotStart: with the reason.
        """
        loop = asyncio.get_running_loop()
        async with self._open(given) as gateway:
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._on_signal)
            loop.add_signal_handler(signal.SIGHUP, self._reload, gateway)
            with self._offered(gateway):
                await self._serve(gateway)
        _log.info("gateway.stopped")

    def _open(self, given: GivenSockets) -> contextlib.AbstractAsyncContextManager[Gateway]:
        return open_gateway(self._settings, given)

    def _announce(self, gateway: Gateway) -> None:
        assert gateway.admin is not None
        announce(self._settings, gateway.front, gateway.admin, gateway.root_key)

    async def _serve(self, gateway: Gateway) -> None:
        async with asyncio.TaskGroup() as tasks:
            watches = [tasks.create_task(watch) for watch in self._watches(gateway)]
            self._announce(gateway)
            self._notifier.ready()
            await self._told.wait()
            await self._drain(gateway)
            for watch in watches:
                watch.cancel()

    def _watches(self, gateway: Gateway) -> Iterator[Coroutine[None, None, None]]:
        """What goes on beside the requests until the end begins."""
        yield self._watch_certificates(gateway)
        if self._notifier.watchdog_seconds is not None:
            yield self._stay_alive()

    async def _drain(self, gateway: Gateway) -> None:
        _log.info("gateway.draining")
        self._notifier.stopping()
        gateway.ready = False
        await asyncio.sleep(self._settings.drain_grace_seconds)
        await gateway.drain(self._settings.drain_seconds)

    def _on_signal(self) -> None:
        if self._told.is_set():
            write_waiting_lines()
            os._exit(1)
        self._told.set()

    # Handing over

    @contextlib.contextmanager
    def _offered(self, gateway: Gateway) -> Iterator[None]:
        """The sockets may be asked for; without a place to ask at, the gateway serves all the same."""
        assert gateway.admin is not None
        try:
            descriptors = {"front": gateway.front.descriptors, "admin": gateway.admin.descriptors}
            self._offer = Offer(self._settings.data_dir, descriptors, self._hand_over)
        except OSError as error:
            _log.warning("gateway.no_hand_over", text=f"--inherit will not work: {error.strerror}")
            yield
            return
        try:
            yield
        finally:
            self._offer.close()

    def _hand_over(self) -> None:
        _log.info("gateway.handed_over")
        self._told.set()

    # Reloading

    def _reload(self, gateway: Gateway) -> None:
        """Read the settings and the certificates again; mistakes leave everything as it was."""
        if self._told.is_set():
            return
        self._notifier.reloading()
        try:
            settings = self._read_settings()
        except ConfigurationError as error:
            _log.error("settings.refused", problems=error.problems)
        else:
            self._apply(settings, gateway)
        self._notifier.ready()

    def _apply(self, settings: Settings, gateway: Gateway) -> None:
        changed = [
            field.name
            for field in fields(settings)
            if getattr(settings, field.name) != getattr(self._settings, field.name)
        ]
        waiting = [name for name in changed if name not in _RELOADED]
        files = tls_files(settings)
        if len(files) != len(gateway.certificates):
            waiting += ["tls_cert, tls_key or admin_client_ca, which begin or end TLS"]
            files = [shown.files for shown in gateway.certificates]
        self._settings = settings
        configure_logging(settings.log_level)
        for shown, newer in zip(gateway.certificates, files, strict=True):
            self._renew(partial(shown.renew, newer))
        _tell_expiry(gateway)
        _log.info("settings.reloaded", changed=changed)
        if waiting:
            _log.warning("settings.restart_needed", settings=waiting)

    async def _watch_certificates(self, gateway: Gateway) -> None:
        _tell_expiry(gateway)
        while True:
            await asyncio.sleep(_CERTIFICATE_LOOK_SECONDS)
            changed = [shown for shown in gateway.certificates if shown.changed()]
            for shown in changed:
                self._renew(shown.renew)
            if changed:
                _tell_expiry(gateway)

    def _renew(self, renew: Callable[[], None]) -> None:
        try:
            renew()
        except TlsRefused as reason:
            _log.error("tls.refused", text=f"{reason}; the certificate read before is shown on")

    async def _stay_alive(self) -> None:
        assert self._notifier.watchdog_seconds is not None
        while True:
            self._notifier.alive()
            await asyncio.sleep(self._notifier.watchdog_seconds)


def _tell_expiry(gateway: Gateway) -> None:
    for shown in gateway.certificates[:1]:
        left = shown.expires_at - datetime.now(UTC)
        tell = _log.info if left > _CERTIFICATE_WARNING else _log.warning
        tell("tls.certificate", file=str(shown.files.certificate), expires_at=shown.expires_at.isoformat())


class Served(Protocol):
    """A listener, as far as it is told about."""

    @property
    def scheme(self) -> str:
        """Of every request there."""

    @property
    def port(self) -> int:
        """That is bound."""


def announce(settings: Settings, front: Served, admin_listener: Served, root_key: "RootKey") -> None:
    """Say on standard output where we serve: words for a terminal, one line of JSON for programs."""
    endpoint = f"{front.scheme}://{Endpoint(settings.listen.host, front.port)}"
    admin = f"{admin_listener.scheme}://{Endpoint(settings.admin_listen.host, admin_listener.port)}"
    _log.info("gateway.ready", endpoint=endpoint, admin_endpoint=admin, version=__version__)
    _log.warning("isolation.none", text="functions are trusted: they run as this user, without isolation")
    if not sys.stdout.isatty():
        told = {"event": "ready", "endpoint": endpoint, "admin_endpoint": admin}
        print(json.dumps({**told, "public_url": settings.public_url or endpoint}), flush=True)
        return
    where = settings.public_url or endpoint
    print(f"onread {__version__} serves {where} (health and metrics: {admin})", flush=True)
    if root_key.is_new:
        key = root_key.access_key
        print("The root's access key, shown this once:")
        print(f"  export AWS_ACCESS_KEY_ID={key.access_key_id}")
        print(f"  export AWS_SECRET_ACCESS_KEY={key.secret.reveal()}", flush=True)
    elif settings.root_access_key_id is None:
        print(f"The root's access key is in {settings.data_dir / 'root-access-key.json'}", flush=True)
