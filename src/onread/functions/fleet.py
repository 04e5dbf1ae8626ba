"""The environments of one version of a function, and the invocations that wait for one.

Decides who runs where: an idle environment if there is one, else a new one while fewer exist than the
function may have, else the queue, where callers take turns. Environments of an older revision of
``$LATEST`` get no further run.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from onread.errors import ResourceNotFoundException, ServiceError, TooManyRequestsException
from onread.functions.backoff import Backoff
from onread.functions.fair_queue import FairQueue
from onread.functions.invoker import Invocation, Outcome
from onread.functions.logs import FunctionLog
from onread.functions.run import Run, never_started
from onread.functions.settings import PoolSettings
from onread.functions.supervisor import SOON_SECONDS, Supervisor
from onread.metadata.records import Function

_RUNS_REMEMBERED = 8  # about so many count in how long a run takes


@dataclass(slots=True)
class Waiting:
    """An invocation in the queue; ``place`` is set once with its run, or with the error to raise."""

    invocation: Invocation
    place: "asyncio.Future[Run]"


class Headquarters(Protocol):
    """The pool, as far as a fleet knows it."""

    settings: PoolSettings

    @property
    def has_room(self) -> bool:
        """Whether an environment may be started without another having to end."""
        ...

    def launch(self, fleet: "Fleet") -> Supervisor | None:
        """A new environment for the fleet's function, its supervisor's task started; None: no room."""
        ...

    def wants_room(self, fleet: "Fleet") -> bool:
        """Whether another function has no environment at all and there is no room for one."""
        ...

    def ran(self, function: Function, outcome: Outcome, seconds: float) -> None:
        """A run is over."""

    def ended(self, fleet: "Fleet", supervisor: Supervisor, reason: str) -> None:
        """An environment is gone, and there is room for another."""

    def ready_after(self, function: Function, seconds: float) -> None:
        """An environment asked for its first event so long after it was wanted."""


class Fleet:
    """The environments of one version of a function. Loop only; nothing here waits but `start`.

    Args:
        log: of the function; all its versions write into it.
    """

    def __init__(self, function: Function, headquarters: Headquarters, log: FunctionLog) -> None:
        settings = headquarters.settings
        self.function = function
        self.log = log
        self.environments: dict[str, Supervisor] = {}
        self.waiting: FairQueue[str, Waiting] = FairQueue()
        self._headquarters = headquarters
        self._settings = settings
        self._idle: list[Supervisor] = []
        self._backoff = Backoff(settings.backoff_first_seconds, settings.backoff_last_seconds)
        self._last_failure: Callable[[str], Outcome] | None = None
        self._run_seconds = 0.0  # of late
        self._retry: asyncio.TimerHandle | None = None
        self._loop = asyncio.get_running_loop()

    @property
    def busy(self) -> int:
        """How many environments have a run."""
        return sum(supervisor.busy for supervisor in self.environments.values())

    @property
    def most(self) -> int:
        """How many environments there may be here."""
        return max(self._settings.share_of(self.function.warm_environments), self._least)

    @property
    def _least(self) -> int:
        """How many are kept while nobody asks."""
        wanted = self.function.min_environments
        return self._settings.share_of(wanted) if wanted else 0

    @property
    def _staying(self) -> int:
        return sum(not supervisor.retiring for supervisor in self.environments.values())

    @property
    def is_warm(self) -> bool:
        """Whether as many environments are ready as are to be kept."""
        ready = sum(each.started and not each.retiring for each in self.environments.values())
        return ready >= self._least

    async def start(self, invocation: Invocation) -> Run:
        """See `onread.functions.invoker.Invoker.start`."""
        self.adopt(invocation.function)
        if not self.waiting and (run := self._hand_over(invocation)) is not None:
            return run
        if self._last_failure is not None and not self.environments and self._pause_seconds() > 0:
            return never_started(invocation, self._last_failure(invocation.request_id))
        self._refuse_what_would_be_late(invocation)
        if len(self.waiting) >= self._settings.queue_limit:
            self._make_way(invocation.caller)
        return await self._wait(Waiting(invocation, self._loop.create_future()))

    def _refuse_what_would_be_late(self, invocation: Invocation) -> None:
        """Whoever would wait in vain is told now, not when the time is over.

        Raises:
            TooManyRequestsException: those before it alone take longer than it can wait.
        """
        turns = self.waiting.turns_until(invocation.caller)
        seconds = turns * self._run_seconds / self.most
        if self._loop.time() + seconds > invocation.deadline:
            raise TooManyRequestsException(
                f"{turns} invocations of {self.function.name} would come first, for {seconds:.1f} s.",
                retry_after_seconds=1,
            )

    def shed(self) -> None:
        """More is asked than can be run, and goes on to be: of every caller only the newest waits on.

        What a function asks for, inside a run that has begun, waits on: it was never a part of the crowd.
        """
        refusal = TooManyRequestsException(
            f"More is asked of {self.function.name} than it can answer.", retry_after_seconds=1
        )
        for waiting in self.waiting.keep_newest(spared=_is_nested):
            self._refuse(waiting, refusal)

    async def _wait(self, waiting: Waiting) -> Run:
        self.waiting.append(waiting.invocation.caller, waiting)
        self.balance()
        try:
            async with asyncio.timeout_at(waiting.invocation.deadline):
                return await asyncio.shield(waiting.place)
        except BaseException as left:
            self._give_up(waiting)
            if isinstance(left, TimeoutError):
                raise TooManyRequestsException(
                    f"No environment of {self.function.name} came free in time.", retry_after_seconds=1
                ) from left
            raise

    def _make_way(self, caller: str) -> None:
        """Send away who came last of the caller with the most waiting: a busy one keeps nobody out (T-260).

        Raises:
            TooManyRequestsException: that would be this very caller.
        """
        refusal = TooManyRequestsException(
            f"{len(self.waiting)} invocations of {self.function.name} wait already.", retry_after_seconds=1
        )
        greediest = self.waiting.greediest() if self.waiting else caller
        if self.waiting.count(greediest) <= self.waiting.count(caller) + 1:
            raise refusal
        self._refuse(self.waiting.pop_newest(greediest), refusal)

    def _give_up(self, waiting: Waiting) -> None:
        """Leave the queue; a run that was handed over at this very moment is not wanted any more."""
        with suppress(ValueError):
            self.waiting.remove(waiting.invocation.caller, waiting)
        if not waiting.place.done():
            waiting.place.cancel()
        elif not waiting.place.cancelled() and waiting.place.exception() is None:
            waiting.place.result().abandon()

    def adopt(self, function: Function) -> None:
        """Serve this record from now on, unless it is older than the one at hand."""
        known = self.function
        if function is known or function.modified_at < known.modified_at:
            return
        self.function = function
        if function.revision_id == known.revision_id and function.code_sha256 == known.code_sha256:
            self._shrink()  # how many environments there may be is no part of the revision
            self.keep_warm()
            return
        self._backoff.succeeded()
        self._last_failure = None
        self.retire("function updated")

    def _shrink(self) -> None:
        for supervisor in self._idle[: max(self._surplus, 0)]:
            supervisor.retire("fewer wanted")

    @property
    def _surplus(self) -> int:
        return self._staying - self.most

    def retire(self, reason: str) -> None:
        """No environment of now gets a further run: idle ones end at once, the others after theirs."""
        for supervisor in list(self.environments.values()):
            supervisor.retire(reason)

    def close(self) -> None:
        """The pool is closing: refuse whoever waits. The pool ends the environments."""
        if self._retry is not None:
            self._retry.cancel()
        while self.waiting:
            self._refuse(self.waiting.popleft(), TooManyRequestsException("The gateway is stopping."))

    def delete(self) -> None:
        """The function is gone: whoever waits is told so."""
        error = ResourceNotFoundException(f"Function not found: {self.function.arn}")
        while self.waiting:
            self._refuse(self.waiting.popleft(), error)
        self.retire("function deleted")

    def end_idle(self) -> bool:
        """Make room for another function: end the environment that has been idle longest, if one is."""
        if not self._idle:
            return False
        self._idle[0].retire("room needed")
        return True

    def balance(self) -> None:
        """Hand out what is idle, then start as many environments as are wanted and allowed."""
        while self.waiting:
            waiting = self.waiting.first()
            if waiting.invocation.deadline <= self._loop.time():
                self.waiting.popleft()  # its own timeout tells it
                continue
            run = self._hand_over(waiting.invocation)
            if run is None:
                break
            self.waiting.popleft()
            waiting.place.set_result(run)
        starting = sum(not supervisor.started for supervisor in self.environments.values())
        soon = sum(supervisor.soon_idle for supervisor in self.environments.values())
        if soon and self.waiting:
            self._balance_after(SOON_SECONDS)  # if they were not that soon
        for _ in range(len(self.waiting) - starting - soon):
            if not self.grow():
                break
        self.keep_warm()

    def keep_warm(self) -> None:
        """Start what the function shall have while nobody asks, where that ends nobody else's."""
        while self._staying < self._least and self._headquarters.has_room and self.grow():
            pass

    def grow(self) -> bool:
        """Start one environment, if the function may have one more now."""
        if len(self.environments) >= self.most:
            return False
        if (pause := self._pause_seconds()) > 0:
            self._balance_after(pause)
            return False
        supervisor = self._headquarters.launch(self)
        if supervisor is None:
            return False
        self.environments[supervisor.environment_id] = supervisor
        return True

    def _pause_seconds(self) -> float:
        return self._backoff.remaining_seconds(self._loop.time())

    def _balance_after(self, seconds: float) -> None:
        when = self._loop.time() + seconds
        if self._retry is not None:
            if self._loop.time() < self._retry.when() <= when:
                return
            self._retry.cancel()
        self._retry = self._loop.call_at(when, self.balance)

    def _hand_over(self, invocation: Invocation) -> Run | None:
        # The one used last is the one whose caches are warm, and the others may grow old and end.
        while self._idle:
            supervisor = self._idle.pop()
            if supervisor.ready:
                return supervisor.begin(invocation)
        return None

    def _refuse(self, waiting: Waiting, error: ServiceError) -> None:
        if not waiting.place.done():
            waiting.place.set_exception(error)

    # What supervisors tell (supervisor.Fleet)

    def became_idle(self, supervisor: Supervisor) -> None:
        """See `supervisor.Fleet`."""
        self._backoff.succeeded()
        self._last_failure = None
        if self._headquarters.wants_room(self) or self._surplus > 0:
            supervisor.retire("room needed")
            return
        self._idle.append(supervisor)
        self.balance()

    def keeps(self, supervisor: Supervisor) -> bool:
        """See `supervisor.Fleet`."""
        return self._staying <= self._least

    def no_longer_idle(self, supervisor: Supervisor) -> None:
        """See `supervisor.Fleet`."""
        with suppress(ValueError):
            self._idle.remove(supervisor)

    def first_idle(self, supervisor: Supervisor, seconds: float) -> None:
        """See `supervisor.Fleet`."""
        self._headquarters.ready_after(supervisor.function, seconds)

    def start_failed(self, supervisor: Supervisor, why: Callable[[str], Outcome] | ServiceError) -> None:
        """One that waits is told; all are when no other environment could serve them."""
        if not isinstance(why, ServiceError):
            self._backoff.failed(self._loop.time())
            self._last_failure = why
        alone = all(other is supervisor or not other.live for other in self.environments.values())
        for _ in range(len(self.waiting) if alone else min(len(self.waiting), 1)):
            waiting = self.waiting.popleft()
            if isinstance(why, ServiceError):
                self._refuse(waiting, why)
            elif not waiting.place.done():
                run = never_started(waiting.invocation, why(waiting.invocation.request_id))
                waiting.place.set_result(run)

    def ran(self, supervisor: Supervisor, outcome: Outcome, seconds: float) -> None:
        """See `supervisor.Fleet`."""
        known = self._run_seconds or seconds
        self._run_seconds = known + (seconds - known) / _RUNS_REMEMBERED
        self._headquarters.ran(supervisor.function, outcome, seconds)

    def ended(self, supervisor: Supervisor, reason: str) -> None:
        """See `supervisor.Fleet`."""
        self.no_longer_idle(supervisor)
        self.environments.pop(supervisor.environment_id, None)
        self._headquarters.ended(self, supervisor, reason)


def _is_nested(waiting: Waiting) -> bool:
    return bool(waiting.invocation.chain)
