"""The process above several workers on one port: starts them, watches them, ends with them.

It opens the sockets and the data directory and serves nothing but health and metrics. Every worker has
a listening socket of its own (SO_REUSEPORT) among which the kernel divides connections. They stay open
here, so whoever connects while a worker is started again waits for it instead of being refused.
"""

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog
from setproctitle import setproctitle

from onread.app.elsewhere import GATHER_SECONDS
from onread.app.foundation import Share
from onread.app.gateway import ADMIN_DRAIN_SECONDS
from onread.app.listen import Place, listen_at, tls_files
from onread.app.refusal import CannotStart
from onread.app.workers import DataDirectory, own_data_directory
from onread.cli.front_sockets import bind, divide, fill_up
from onread.cli.life import announce, given_sockets
from onread.cli.watched import Gather, WatchedWorker
from onread.config import ConfigurationError, Settings
from onread.functions.backoff import Backoff
from onread.server.hand_over import Offer
from onread.server.listener import Listener
from onread.server.loop import run
from onread.server.service_manager import GivenSockets, Notifier
from onread.server.tls import Certificates
from onread.telemetry.aggregate import add_up
from onread.telemetry.health import admin_handler
from onread.telemetry.logging import configure_logging

# A worker that has lived so long is started again at once.
_STEADY_SECONDS = 5.0
_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS = 0.1, 10.0
# What a worker may need beyond its drain: ending runs, closing the databases.
_ENDING_SECONDS = 30.0
_BACKLOG = 1024
_log = structlog.get_logger("onread.supervisor")


def run_supervisor(
    read_settings: Callable[[], Settings], environment: Mapping[str, str], *, inherit: bool = False
) -> None:
    """Serve with several workers until SIGTERM or SIGINT, which drain; a second one ends at once.

    Raises:
        ConfigurationError: the settings cannot be used.
        CannotStart: with the reason.
    """
    settings = read_settings()
    configure_logging(settings.log_level)
    setproctitle("onread: gateway")
    given = given_sockets(settings, environment, inherit=inherit)
    with own_data_directory(settings) as directory:
        supervisor = Supervisor(settings, read_settings, Notifier(environment), directory)
        run(partial(supervisor.live, given), loop=settings.loop)


Start = Callable[[Settings, Share, Sequence[socket.socket], Gather], Awaitable[WatchedWorker]]
"""Starts a worker: see `WatchedWorker.start`."""


class Supervisor:
    """One gateway of several workers between its start and its end."""

    def __init__(
        self,
        settings: Settings,
        read_settings: Callable[[], Settings],
        notifier: Notifier,
        directory: DataDirectory,
        start: Start = WatchedWorker.start,
    ) -> None:
        self._start = start
        self._settings = settings
        self._read_settings = read_settings
        self._notifier = notifier
        self._directory = directory
        self._directory.clean = True
        self._gateway_id = secrets.token_hex(4)
        self._told = asyncio.Event()
        self._failed: str = ""
        self._ready_places: set[int] = set()
        self._all_ready = asyncio.Event()
        self._workers: set[WatchedWorker] = set()
        self._fronts: list[socket.socket] = []
        # Kept to the end: who takes over waits until it is gone.
        self._offer: Offer | None = None

    async def live(self, given: GivenSockets) -> None:
        """From the first port to the last; returns when nothing is left.

        Raises:
            CannotStart: with the reason.
        """
        count = self._settings.workers
        async with AsyncExitStack() as scope:
            certificates = [Certificates(files) for files in tls_files(self._settings)]
            self._fronts = fill_up(given.front, count) if given.front else bind(self._settings.listen, count)
            place = Place("admin_listen", self._settings.admin_listen, given.admin, *certificates[1:])
            admin = await listen_at(place, admin_handler(self._exposition, self._is_ready), scope)
            loop = asyncio.get_running_loop()
            for number in (signal.SIGTERM, signal.SIGINT):
                loop.add_signal_handler(number, self._on_signal)
            loop.add_signal_handler(signal.SIGHUP, self._reload)
            scheme = "https" if certificates else "http"
            await self._serve(_Front(scheme, self._fronts[0].getsockname()[1]), admin)
        if self._failed:
            raise CannotStart(self._failed)
        _log.info("gateway.stopped")

    async def _serve(self, front: "_Front", admin: Listener) -> None:
        settings, loop = self._settings, asyncio.get_running_loop()
        async with asyncio.TaskGroup() as tasks:
            for index in range(self._settings.workers):
                tasks.create_task(self._keep(index, tasks), name=f"onread.supervisor.{index}")
            telling = tasks.create_task(self._tell_when_ready(front, admin), name="onread.supervisor.tell")
            await self._told.wait()
            telling.cancel()
            if self._offer is not None:
                self._offer.close()
            self._notifier.stopping()
            patience_seconds = settings.drain_grace_seconds + settings.drain_seconds + _ENDING_SECONDS
            patience = loop.call_later(patience_seconds, self._kill_all)
            for sock in self._fronts:
                sock.close()
            for worker in tuple(self._workers):
                worker.end()
        patience.cancel()
        await admin.drain(ADMIN_DRAIN_SECONDS)

    def _kill_all(self) -> None:
        for worker in tuple(self._workers):
            worker.kill()

    # One worker's place

    async def _keep(self, index: int, tasks: asyncio.TaskGroup) -> None:
        """There is a worker in this place until the end."""
        loop = asyncio.get_running_loop()
        backoff = Backoff(_FIRST_PAUSE_SECONDS, _LAST_PAUSE_SECONDS)
        generation = 0
        while not self._told.is_set():
            began = loop.time()
            share = Share(
                index=index, count=self._settings.workers, generation=generation, gateway_id=self._gateway_id
            )
            front = divide(self._fronts, index, share.count)
            worker = await self._start(
                self._settings, share, front, lambda asker, told: self._gather(asker, told, tasks)
            )
            self._workers.add(worker)
            generation += 1
            tasks.create_task(self._see_off(worker), name="onread.supervisor.see_off")
            if self._told.is_set():
                worker.end()
                return
            await worker.ready.wait()
            self._count_ready(worker)
            await worker.leaving.wait()
            if self._told.is_set():
                return
            if not worker.was_ready and not self._all_ready.is_set():
                self._fail(f"worker {index} did not start")
                return
            if loop.time() - began >= _STEADY_SECONDS or worker.drains:
                backoff.succeeded()
                continue
            backoff.failed(loop.time())
            await self._pause(backoff.remaining_seconds(loop.time()))

    async def _see_off(self, worker: WatchedWorker) -> None:
        status = await worker.wait()
        self._workers.discard(worker)
        if status != 0:
            self._directory.clean = False
            _log.error("worker.died", worker=worker.index, status=status)
        elif not self._told.is_set():
            _log.info("worker.ended", worker=worker.index)

    async def _pause(self, seconds: float) -> None:
        try:
            async with asyncio.timeout(seconds):
                await self._told.wait()
        except TimeoutError:
            return

    def _count_ready(self, worker: WatchedWorker) -> None:
        if worker.was_ready:
            self._ready_places.add(worker.index)
        if len(self._ready_places) == self._settings.workers:
            self._all_ready.set()

    def _fail(self, reason: str) -> None:
        self._failed = self._failed or reason
        self._told.set()

    # Told about

    async def _tell_when_ready(self, front: "_Front", admin: Listener) -> None:
        await self._all_ready.wait()
        self._offer_sockets(admin)
        announce(self._settings, front, admin, self._directory.root_key)
        self._notifier.ready()
        if self._notifier.watchdog_seconds is not None:
            while True:
                self._notifier.alive()
                await asyncio.sleep(self._notifier.watchdog_seconds)

    def _offer_sockets(self, admin: Listener) -> None:
        """They may be asked for; without a place to ask at, the gateway serves all the same."""
        descriptors = {
            "front": lambda: [sock.fileno() for sock in self._fronts],
            "admin": admin.descriptors,
        }
        try:
            self._offer = Offer(self._settings.data_dir, descriptors, self._hand_over)
        except OSError as error:
            _log.warning("gateway.no_hand_over", text=f"--inherit will not work: {error.strerror}")

    def _hand_over(self) -> None:
        _log.info("gateway.handed_over")
        self._told.set()

    def _is_ready(self) -> bool:
        serving = any(worker.serves for worker in self._workers)
        return self._all_ready.is_set() and serving and not self._told.is_set()

    async def _exposition(self) -> bytes:
        """The metrics of all workers together; of those that answer in time."""
        answers = await self._ask_all(self._workers, {"ask": "metrics"})
        return add_up(text.encode() for text in answers)

    def _gather(self, asker: WatchedWorker, told: dict[str, Any], tasks: asyncio.TaskGroup) -> None:
        """One worker asks all the others."""

        async def gather() -> None:
            answers = await self._ask_all(self._workers - {asker}, told["question"])
            asker.tell({"number": told["number"], "answers": answers})

        tasks.create_task(gather(), name="onread.supervisor.gather")

    async def _ask_all(self, workers: set[WatchedWorker], question: dict[str, Any]) -> list[Any]:
        """The answers of those that answer in time."""
        asked = [worker.ask(question, GATHER_SECONDS) for worker in tuple(workers)]
        return [answer for answer in await asyncio.gather(*asked) if answer is not None]

    def _on_signal(self) -> None:
        if self._told.is_set():
            self._kill_all()
            os._exit(1)
        _log.info("gateway.draining")
        self._told.set()

    def _reload(self) -> None:
        """Every worker reads its settings and certificates again; here the log follows."""
        if self._told.is_set():
            return
        try:
            settings = self._read_settings()
        except ConfigurationError as error:
            _log.error("settings.refused", problems=error.problems)
            return
        configure_logging(settings.log_level)
        if settings.workers != self._settings.workers:
            _log.warning("settings.restart_needed", settings=["workers"])
        for worker in tuple(self._workers):
            worker.reload()


class _Front:
    """What is told of the callers' listener, which the workers have."""

    def __init__(self, scheme: str, port: int) -> None:
        self.scheme = scheme
        self.port = port
