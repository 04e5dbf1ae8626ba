"""One execution environment from its start to its end: listener, process, timers, logs.

The supervisor's task holds everything the environment has; when it ends, nothing of it is left. It
answers for the outcome of its run, whatever becomes of the process. Which invocation it gets is its
fleet's decision.
"""

import asyncio
import contextlib
import shutil
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Protocol
from uuid import uuid4

from onread.errors import ServiceError
from onread.functions.environment import Event, State
from onread.functions.failures import could_not_start, runtime_exited, task_timed_out, timed_out_text
from onread.functions.invoker import Failed, Invocation, Outcome, Returned
from onread.functions.logs import EnvironmentLog, render_report
from onread.functions.process import Process
from onread.functions.provision import Prepared, Surround, build_command
from onread.functions.run import Run
from onread.functions.runtime_api import RuntimeApi, build_delivery
from onread.metadata.records import Function

SOON_SECONDS = 0.05


class Fleet(Protocol):
    """Whoever gives the environment its invocations."""

    def became_idle(self, supervisor: "Supervisor") -> None:
        """It may be given an invocation."""

    def keeps(self, supervisor: "Supervisor") -> bool:
        """Whether it stays, however long nobody asks."""

    def no_longer_idle(self, supervisor: "Supervisor") -> None:
        """It may not."""

    def first_idle(self, supervisor: "Supervisor", seconds: float) -> None:
        """It is idle for the first time, so many seconds after its process was started."""

    def start_failed(self, supervisor: "Supervisor", why: Callable[[str], Outcome] | ServiceError) -> None:
        """It will never be idle; ``why`` gives the outcome for a request id, or is to be raised."""

    def ran(self, supervisor: "Supervisor", outcome: Outcome, seconds: float) -> None:
        """A run is over."""

    def ended(self, supervisor: "Supervisor", reason: str) -> None:
        """Nothing is left of it."""


class Supervisor:
    """Watches over one environment. All methods but `run` return at once."""

    def __init__(self, function: Function, fleet: Fleet, surround: Surround, log: EnvironmentLog) -> None:
        self.environment_id = uuid4().hex
        self.function = function
        self.retiring = False
        self.started = False
        self.runs = 0
        self._fleet = fleet
        self._surround = surround
        self._settings = surround.settings
        self._log = log
        self._loop = asyncio.get_running_loop()
        self._api = RuntimeApi(self)
        self._process: Process | None = None
        self._stopped = asyncio.Event()
        self._reason = "exited"
        self._run: Run | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._abandoning: asyncio.TimerHandle | None = None
        self._born = self._run_began = self._answered = (
            time.monotonic()
        )  # uvloop's own clock moves by milliseconds
        self._init_seconds: float | None = None

    @property
    def ready(self) -> bool:
        """Whether an event can be handed over at this moment."""
        return self._api.ready and not self.retiring and not self._stopped.is_set()

    @property
    def busy(self) -> bool:
        """Whether it has a run whose outcome is open."""
        return self._run is not None

    @property
    def live(self) -> bool:
        """Whether its process may still act in its name."""
        return not self._stopped.is_set() and self._api.machine.state is not State.DEAD

    @property
    def chain(self) -> tuple[str, ...]:
        """The functions in whose runs this one acts now, itself the last. It knows; its headers do not."""
        outer = self._run.invocation.chain if self._run is not None else ()
        return (*outer, self.function.arn)

    @property
    def soon_idle(self) -> bool:
        """Whether it has just answered and should ask for the next event any moment."""
        answered = self._api.machine.state is State.RESPONDED
        return answered and not self.retiring and time.monotonic() - self._answered < SOON_SECONDS

    # Its life

    async def run(self) -> None:
        """Live. Returns when the process is gone and its folder removed.

        Cancellation: kills the process and waits for it, at most ``kill_wait_seconds``.
        """
        folder = self._settings.cache_directory / "environments" / self.environment_id
        try:
            async with self._surround.prepare(self.function) as prepared:
                await self._live(folder, prepared)
        except ServiceError as error:
            self._fail_start(error)
        except OSError as error:
            text = f"The environment could not be started: {error.strerror or type(error).__name__}."
            self._fail_start(lambda _request_id: could_not_start(text))
        finally:
            self._stopped.set()
            self._cancel_timers()
            self._fleet.ended(self, self._reason)
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def _live(self, folder: Path, prepared: Prepared) -> None:
        await asyncio.to_thread(folder.mkdir, mode=0o700, parents=True)
        async with self._surround.serve(self._api.handle) as address:
            if self._stopped.is_set():
                return
            self._born = time.monotonic()
            self._arm(self._settings.start_timeout_seconds, self._start_timed_out)
            self._log.note(f"INIT_START Runtime Version: python:{prepared.interpreter.version}")
            if prepared.interpreter.warning is not None:
                self._log.note(f"[onread: {prepared.interpreter.warning}]")
            command = build_command(
                self._surround,
                self.function,
                self.environment_id,
                prepared,
                work_directory=folder,
                address=address,
            )
            process = self._process = self._surround.launcher.launch(command, self._log.feed)
            try:
                await self._until_the_end(process)
            finally:
                await self._bury(process)

    async def _until_the_end(self, process: Process) -> None:
        """Wait for the end of the process, or for the order to end it."""
        process.exited.add_done_callback(lambda _exited: self._stopped.set())
        if process.exited.done():
            self._stopped.set()
        await self._stopped.wait()

    async def _bury(self, process: Process) -> None:
        """Kill what is left, reap it, and answer for the run that it had."""
        process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.kill_wait_seconds):
                await asyncio.shield(process.exited)
        return_code = process.exited.result() if process.exited.done() else -9
        self._process = None
        self._api.machine.fire(Event.EXIT)
        if self._run is not None:
            self._finish(runtime_exited(self._run.invocation.request_id, return_code), status="error")
        elif self._reason == "exited":
            self._fail_start(lambda request_id: runtime_exited(request_id, return_code))

    # What the fleet asks of it

    def begin(self, invocation: Invocation) -> Run:
        """Hand an event over. Only while `ready`."""
        now = self._loop.time()
        self.runs += 1
        run = self._run = Run(invocation, self.environment_id, self._abandon)
        self._run_began = time.monotonic()
        limit = min(self.function.timeout_seconds, invocation.deadline - now)
        self._arm(max(limit, 0.0), lambda: self._run_timed_out(limit))
        self._log.begin(invocation.request_id)
        deadline = self._surround.clock() + timedelta(seconds=limit)
        self._api.invoke(build_delivery(invocation, deadline))
        return run

    def retire(self, reason: str) -> None:
        """No further run: ends at once, or after the run that it has."""
        self.retiring = True
        if self._run is None:
            self.kill(reason)

    def kill(self, reason: str) -> None:
        """End now; the outcome of an open run is told when the process is gone."""
        if not self._stopped.is_set():
            self._reason = reason
            self._fleet.no_longer_idle(self)
            self._stopped.set()
            if self._process is not None:
                self._process.kill()

    # What the runtime tells (runtime_api.Owner)

    def became_idle(self) -> None:
        """See `runtime_api.Owner`."""
        now = time.monotonic()
        if not self.started:
            self.started = True
            self._init_seconds = now - self._born
            self._fleet.first_idle(self, self._init_seconds)
        if now - self._born >= self._settings.environment_life_seconds:
            self.retiring = True
        if self.retiring:
            self.kill("recycled")
            return
        self._arm(self._settings.idle_seconds, self._idle_too_long)
        # The /next that brings us here is about to wait: hand over when it does.
        self._fleet.became_idle(self)

    def left(self) -> None:
        """See `runtime_api.Owner`."""
        self._fleet.no_longer_idle(self)
        self._arm(self._settings.next_timeout_seconds, lambda: self.kill("lost"))

    def init_failed(self, error: Failed) -> None:
        """See `runtime_api.Owner`."""
        self._drain()
        self._fail_start(lambda _request_id: error)

    def answered(self, outcome: Returned | Failed) -> None:
        """See `runtime_api.Owner`."""
        self._answered = time.monotonic()
        self._finish(outcome, status="error" if isinstance(outcome, Failed) else None)
        self._arm(self._settings.next_timeout_seconds, lambda: self.kill("stuck"))

    # Ends

    def _finish(self, outcome: Outcome, *, status: str | None = None, notes: tuple[str, ...] = ()) -> None:
        run, self._run = self._run, None
        if run is None:
            return
        self._cancel_timers()
        peak = self._process.peak_memory_mb() if self._process is not None else 0
        self._drain()
        seconds = time.monotonic() - self._run_began
        report = render_report(
            run.invocation.request_id,
            seconds=seconds,
            memory_mb=self.function.memory_mb,
            peak_memory_mb=peak,
            init_seconds=self._init_seconds,
            status=status,
        )
        self._init_seconds = None
        run.finish(outcome, self._log.end(report, notes=notes))
        self._fleet.ran(self, outcome, seconds)

    def _run_timed_out(self, limit_seconds: float) -> None:
        assert self._run is not None
        request_id, at = self._run.invocation.request_id, self._surround.clock()
        text = timed_out_text(request_id, at, limit_seconds)
        outcome = task_timed_out(request_id, at, limit_seconds)
        self.kill("timed out")
        self._finish(outcome, status="timeout", notes=(text,))

    def _start_timed_out(self) -> None:
        limit = self._settings.start_timeout_seconds
        at = self._surround.clock()
        self._log.note(f"INIT_REPORT Init Duration: {limit * 1000:.2f} ms\tPhase: init\tStatus: timeout")
        self._fail_start(lambda request_id: task_timed_out(request_id, at, limit))
        self.kill("start timed out")

    def _fail_start(self, why: Callable[[str], Outcome] | ServiceError) -> None:
        if not self.started:
            self.started = True
            self._reason = "could not start"
            self._fleet.start_failed(self, why)

    def _abandon(self, run: Run) -> None:
        if run is self._run and self._abandoning is None:
            grace = self._settings.abandon_grace_seconds
            self._abandoning = self._loop.call_later(grace, lambda: self.kill("abandoned"))

    def _idle_too_long(self) -> None:
        if self._fleet.keeps(self):
            self._arm(self._settings.idle_seconds, self._idle_too_long)
        else:
            self.retire("idle")

    def _drain(self) -> None:
        if self._process is not None:
            self._process.drain()

    def _arm(self, seconds: float, action: Callable[[], None]) -> None:
        """The one timer: what must happen if nothing else does."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_later(seconds, action)

    def _cancel_timers(self) -> None:
        for timer in (self._timer, self._abandoning):
            if timer is not None:
                timer.cancel()
        self._timer = self._abandoning = None
