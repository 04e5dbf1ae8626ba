"""Functions run in processes of this machine: the pool of all execution environments.

Owns one task for each environment and the folder of unpacked code. What it must not know (the server,
the store of packages, keys) is handed in as callables.
"""

import asyncio
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self

from onread.errors import (
    InvalidParameterValueException,
    InvalidRuntimeException,
    TooManyRequestsException,
)
from onread.functions.fleet import Fleet
from onread.functions.invoker import Invocation, Outcome
from onread.functions.layering import MergedLayers
from onread.functions.logs import Clock, EnvironmentLog, FunctionLog, LogLine, LogSink
from onread.functions.package import check_handler, remove_folder
from onread.functions.package_cache import Code, PackageCache
from onread.functions.process import Launcher, ProcessLauncher
from onread.functions.provision import Credentials, Prepared, Serve
from onread.functions.run import Run
from onread.functions.runtimes import Interpreter, Runtimes
from onread.functions.settings import PoolSettings
from onread.functions.supervisor import Supervisor
from onread.functions.variables import check_environment_variables
from onread.metadata.records import LATEST, Function

# Environments that end for these reasons were still wanted: another takes their place at once.
_WANTED = frozenset({"exited", "timed out", "abandoned", "stuck", "lost"})


class Observer(Protocol):
    """Whoever counts. Every call returns at once."""

    def environment_started(self, function: Function, seconds: float) -> None:
        """An environment asked for its first event so many seconds after its process was started."""

    def environment_ended(self, function: Function, reason: str) -> None:
        """An environment is gone."""

    def ran(self, function: Function, outcome: Outcome, seconds: float) -> None:
        """A run is over, so many seconds after its event was handed over."""


class NoObserver:
    """Counts nothing."""

    def environment_started(self, function: Function, seconds: float) -> None:
        """See `Observer`."""

    def environment_ended(self, function: Function, reason: str) -> None:
        """See `Observer`."""

    def ran(self, function: Function, outcome: Outcome, seconds: float) -> None:
        """See `Observer`."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _no_sink(_function: Function, _line: LogLine) -> None:
    return None


class FunctionPool:
    """Runs functions as local processes (an `Invoker`). Use it as ``async with``.

    Leaving the scope kills every process and waits for it, at most ``kill_wait_seconds``; runs that
    are open then end as failed. Must live in the loop of the main thread: processes die with it.

    Args:
        serve_runtime_api: serves a handler on a port of its own while the scope is open.
        endpoint: the URL at which functions reach S3; asked whenever a process starts.
        code: loads a package.
        credentials: makes the keys of one environment; they must outlive ``environment_life_seconds``.
        log_sink: gets every line as it is written.
    """

    def __init__(
        self,
        settings: PoolSettings,
        *,
        serve_runtime_api: Serve,
        endpoint: Callable[[], str],
        code: Code,
        credentials: Credentials,
        log_sink: LogSink = _no_sink,
        observer: Observer | None = None,
        launcher: Launcher | None = None,
        runtimes: Runtimes | None = None,
        clock: Clock = _utc_now,
    ) -> None:
        # Processes have another working directory: no path of theirs may depend on ours.
        self.settings = replace(settings, cache_directory=settings.cache_directory.resolve())
        self.serve = serve_runtime_api
        self.endpoint = endpoint
        self.credentials = credentials
        self.launcher: Launcher = launcher or ProcessLauncher()
        self.clock = clock
        self._log_sink = log_sink
        self._observer: Observer = observer or NoObserver()
        self._runtimes = runtimes or Runtimes(search_path=settings.search_path)
        self._layers = MergedLayers(self.settings.cache_directory / "layers")
        self._packages = PackageCache(
            self.settings.cache_directory / "code", code=code, limit_bytes=settings.code_cache_bytes
        )
        self._fleets: dict[tuple[str, str, str], Fleet] = {}
        self._logs: dict[tuple[str, str], FunctionLog] = {}
        self._open: Counter[tuple[str, str]] = Counter()
        self._supervisors: dict[str, Supervisor] = {}
        self._group = asyncio.TaskGroup()
        self._closed = True
        self._ran = asyncio.Event()

    async def __aenter__(self) -> Self:
        # What a gateway that was killed left behind.
        cache = self.settings.cache_directory
        await asyncio.to_thread(shutil.rmtree, cache / "environments", ignore_errors=True)
        await asyncio.to_thread(self._packages.set_aside)
        await asyncio.to_thread(remove_folder, cache / "layers")
        await self._group.__aenter__()
        self._group.create_task(asyncio.to_thread(self._packages.throw_away), name="old packages")
        self._closed = False
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._closed = True
        for fleet in self._fleets.values():
            fleet.close()
        for supervisor in tuple(self._supervisors.values()):  # those of deleted functions too
            supervisor.kill("stopping")
        await self._group.__aexit__(kind, error, trace)

    async def drain(self) -> None:
        """Return when no run is open: what a function still does after its answer is part of its run."""
        while any(fleet.busy or fleet.waiting for fleet in self._fleets.values()):
            self._ran.clear()
            await self._ran.wait()

    # For those who run functions

    async def start(self, invocation: Invocation) -> Run:
        """See `onread.functions.invoker.Invoker.start`."""
        if self._closed:
            raise TooManyRequestsException("The gateway is stopping.")
        function = invocation.function
        key = (function.account_id, function.name)
        self._refuse_more_than_reserved(function)
        self._open[key] += 1
        try:
            run = await self._fleet(function).start(invocation)
        except BaseException:
            self._over(key)
            raise
        run.finished.add_done_callback(lambda _: self._over(key))
        return run

    def _over(self, key: tuple[str, str]) -> None:
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]

    def _refuse_more_than_reserved(self, function: Function) -> None:
        reserved = function.reserved_concurrency
        if reserved is None:
            return
        here = self.settings.share_of(reserved) if reserved else 0
        if self._open[function.account_id, function.name] >= here:
            raise TooManyRequestsException(
                "Rate Exceeded.",
                retry_after_seconds=1,
                Reason="ReservedFunctionConcurrentInvocationLimitExceeded",
            )

    def prewarm(self, function: Function) -> None:
        """Start an environment of this function if it has none, so that the first caller finds it warm."""
        if function.webhook is not None:
            return
        fleet = self._fleet(function)
        fleet.adopt(function)
        if not self._closed and not fleet.environments:
            fleet.grow()
        if not self._closed:
            fleet.keep_warm()

    def drop(self, function: Function, *, deleted: bool = False) -> None:
        """The function was updated or deleted: its environments get no further run.

        A deleted ``$LATEST`` is the whole function, with all its versions.
        Idle ones end at once, busy ones after their run. Those that wait for a deleted function are
        refused with ResourceNotFoundException; those that wait for an updated one get a new environment.
        """
        if deleted:
            for key in [key for key in self._fleets if _belongs(key, function)]:
                self._fleets.pop(key).delete()
            if function.version == LATEST:
                self._logs.pop((function.account_id, function.name), None)
        elif (fleet := self._fleets.get(_key(function))) is not None:
            fleet.adopt(function)
            fleet.retire("function updated")

    def adopt(self, function: Function) -> None:
        """The function was changed somewhere else: what runs here follows. Nothing is started."""
        fleet = self._fleets.get(_key(function))
        if fleet is not None:
            fleet.adopt(function)

    def is_warm(self, function: Function) -> bool:
        """Whether as many environments of this version are ready as are to be kept."""
        fleet = self._fleets.get(_key(function))
        return fleet is not None and fleet.is_warm

    def runs_at_once(self, function: Function) -> int | None:
        """How many runs of this version there are here at most; None while it has never been asked for."""
        fleet = self._fleets.get(_key(function))
        return None if fleet is None else fleet.most

    def shed(self, function: Function) -> None:
        """More is asked of this version than it can run: whoever waits is refused, but for a few."""
        fleet = self._fleets.get(_key(function))
        if fleet is not None:
            fleet.shed()

    async def check_runtime(self, runtime: str) -> Interpreter:
        """The interpreter that would serve a runtime, with the warning for the state reason.

        Raises:
            InvalidParameterValueException: none could.
        """
        return await asyncio.to_thread(self._runtimes.resolve, runtime)

    def is_live(self, environment_id: str) -> bool:
        """Whether this environment exists and its keys may therefore be used."""
        supervisor = self._supervisors.get(environment_id)
        return supervisor is not None and supervisor.live

    def chain_of(self, environment_id: str) -> tuple[str, ...]:
        """The ARNs of the functions in whose runs an environment acts at this moment, its own the last."""
        supervisor = self._supervisors.get(environment_id)
        return () if supervisor is None else supervisor.chain

    def logs(self, function: Function) -> Iterable[LogLine]:
        """The latest lines of a function, all its versions, oldest first."""
        return self.logs_of(function.account_id, function.name)

    def logs_of(self, account_id: str, name: str) -> Iterable[LogLine]:
        """As `logs`, of the function of this name."""
        log = self._logs.get((account_id, name))
        return () if log is None else log.lines()

    def counts(self) -> tuple[int, int, int]:
        """How many environments exist, how many of them have a run, how many invocations wait."""
        fleets = self._fleets.values()
        return len(self._supervisors), sum(f.busy for f in fleets), sum(len(f.waiting) for f in fleets)

    # For fleets and supervisors

    @property
    def has_room(self) -> bool:
        """See `fleet.Headquarters`."""
        return not self._closed and len(self._supervisors) < self.settings.environments_limit

    def launch(self, fleet: Fleet) -> Supervisor | None:
        """See `fleet.Headquarters`."""
        if self._closed:
            return None
        if len(self._supervisors) >= self.settings.environments_limit:
            any(other.end_idle() for other in self._fleets.values() if other is not fleet)
            return None  # `ended` comes back when there is room
        log = EnvironmentLog(
            fleet.function,
            fleet.log,
            sink=self._log_sink,
            clock=self.clock,
            limit_bytes=self.settings.log_bytes_per_invocation,
        )
        supervisor = Supervisor(fleet.function, fleet, self, log)
        self._supervisors[supervisor.environment_id] = supervisor
        self._group.create_task(supervisor.run(), name=f"environment {supervisor.environment_id}")
        return supervisor

    def wants_room(self, fleet: Fleet) -> bool:
        """See `fleet.Headquarters`."""
        if len(self._supervisors) < self.settings.environments_limit:
            return False
        return any(other.waiting and not other.environments for other in self._fleets.values())

    @asynccontextmanager
    async def prepare(self, function: Function) -> AsyncIterator[Prepared]:
        """See `provision.Surround`."""
        # A record that slipped past these checks must not reach a process, nor end the pool.
        check_handler(function.handler)
        check_environment_variables(function.environment)
        try:
            interpreter = await self.check_runtime(function.runtime)
        except InvalidParameterValueException as error:
            raise InvalidRuntimeException(error.text) from error
        async with AsyncExitStack() as held:
            task_root = await held.enter_async_context(self._packages.hold(function.code_sha256))
            yield Prepared(interpreter, task_root, await self._layers_root(function, held))

    async def _layers_root(self, function: Function, held: AsyncExitStack) -> Path | None:
        if not function.layers:
            return None
        hold = self._packages.hold
        folders = [await held.enter_async_context(hold(each.code_sha256)) for each in function.layers]
        return await held.enter_async_context(self._layers.hold(folders))

    def ran(self, function: Function, outcome: Outcome, seconds: float) -> None:
        """See `fleet.Headquarters`."""
        self._ran.set()
        self._observer.ran(function, outcome, seconds)

    def ready_after(self, function: Function, seconds: float) -> None:
        """See `fleet.Headquarters`."""
        self._observer.environment_started(function, seconds)

    def ended(self, fleet: Fleet, supervisor: Supervisor, reason: str) -> None:
        """See `fleet.Headquarters`."""
        self._supervisors.pop(supervisor.environment_id, None)
        self._ran.set()
        self._observer.environment_ended(supervisor.function, reason)
        if self._closed:
            return
        if reason in _WANTED and supervisor.runs and fleet in self._fleets.values():
            fleet.grow()
        for other in self._fleets.values():
            if other.waiting:
                other.balance()
        for other in self._fleets.values():  # after those who are waited for
            other.keep_warm()

    def _fleet(self, function: Function) -> Fleet:
        fleet = self._fleets.get(_key(function))
        if fleet is None:
            owner = (function.account_id, function.name)
            log = self._logs.get(owner)
            if log is None:
                log = self._logs[owner] = FunctionLog(self.settings.log_bytes_per_function)
            fleet = self._fleets[_key(function)] = Fleet(function, self, log)
        return fleet


def _key(function: Function) -> tuple[str, str, str]:
    return function.account_id, function.name, function.version


def _belongs(key: tuple[str, str, str], function: Function) -> bool:
    """Whether a fleet goes when this version of a function is deleted."""
    return key == _key(function) or (key[:2] == _key(function)[:2] and function.version == LATEST)
