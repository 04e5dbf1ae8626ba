"""How a process learns what other processes wrote, and how sure it is to know everything.

Owns when to look again and when what is known is too old to be served. Refuses to know records.
"""

import asyncio
import time
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable

import structlog

from onread.errors import ServiceUnavailable, SlowDown
from onread.metadata.epoch_board import EpochBoard

RETRY_AFTER_SECONDS = 2
"""What a caller is told to wait when the database does not answer: it is looked for twice a second."""
MOST_UNCONFIRMED_SECONDS = 30.0
"""How long records are served after the database last confirmed them; then every request is refused."""

log = structlog.get_logger("onread.metadata")


Refresh = Callable[[bool], Awaitable[bool]]
"""Takes over what others wrote, True when there was something; called with True: reads everything anew."""


class Following(ABC):
    """What one process knows of the others' changes.

    Args:
        epoch: the number of the last change that is served here.
        monotonic: seconds that only grow.

    Attributes:
        board: where the workers of one gateway tell each other what they wrote; None in a process alone.
        reachable: False from when the database was found lost until it has been read again.
    """

    def __init__(
        self,
        refresh: Refresh,
        epoch: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._refresh = refresh
        self._epoch = epoch
        self._monotonic = monotonic
        self._confirmed_at = monotonic()
        self.reachable = True
        self._catching_up = asyncio.Lock()
        self.board: EpochBoard | None = None

    @abstractmethod
    async def catch_up(self) -> None:
        """Before each request: serve what is known to be new, refuse when too little is known.

        Raises:
            ServiceUnavailable: what is known is older than `MOST_UNCONFIRMED_SECONDS`.
        """

    @abstractmethod
    async def follow(self, changed: Callable[[], None]) -> None:
        """Look again and again, until cancelled; ``changed`` is called when there was something new."""

    def wrote(self, epoch: int) -> None:
        """This process has committed a change and serves it; its caller does not know yet."""
        if self.board is not None:
            self.board.note(epoch)

    @property
    def current(self) -> bool:
        """Whether what is known may still be served."""
        return self._monotonic() - self._confirmed_at <= MOST_UNCONFIRMED_SECONDS

    def require_current(self) -> None:
        """Refuse to decide by what is too old.

        Raises:
            ServiceUnavailable: it is older than `MOST_UNCONFIRMED_SECONDS`.
        """
        if not self.current:
            raise ServiceUnavailable(
                f"The control database has not answered for {MOST_UNCONFIRMED_SECONDS:.0f} seconds: "
                "who may read what is not known any more. Please try again.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )

    def require_reachable(self) -> None:
        """Refuse at once what would wait in vain.

        Raises:
            ServiceUnavailable: the database is lost.
        """
        if not self.reachable:
            raise ServiceUnavailable(
                "The control database does not answer, so nothing can be changed. Please try again.",
                retry_after_seconds=RETRY_AFTER_SECONDS,
            )

    def _confirm(self, asked_at: float) -> None:
        self._confirmed_at = asked_at
        if not self.reachable:
            self.reachable = True
            log.info("metadata.database_found", epoch=self._epoch())

    def _lose(self, reason: str) -> None:
        if self.reachable:
            self.reachable = False
            log.error("metadata.database_lost", reason=reason, served_seconds=MOST_UNCONFIRMED_SECONDS)


class LookingAtFile(Following):
    """Over SQLite: one number in the file's header differs after every commit of another process.

    Args:
        version: reads that number.
    """

    LOOK_SECONDS = 0.2
    """Requests look by themselves: `follow` is for functions that were changed in another worker."""

    def __init__(
        self,
        refresh: Refresh,
        epoch: Callable[[], int],
        version: Callable[[], int],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(refresh, epoch, monotonic)
        self._version = version
        self._seen_version = -1

    async def catch_up(self) -> None:
        """Serve what other processes have written until now. Measured: 4 us when there is nothing new."""
        asked_at = self._monotonic()
        try:
            if self._version() != self._seen_version:
                async with self._catching_up:
                    version = self._version()
                    if version != self._seen_version:  # nobody else did while we waited
                        await self._refresh(False)
                        self._seen_version = version
        except (ServiceUnavailable, SlowDown):  # it is in the log
            self.require_current()
        else:
            self._confirmed_at = asked_at

    async def follow(self, changed: Callable[[], None]) -> None:
        """`catch_up` now and then."""
        epoch = self._epoch()
        while True:
            await asyncio.sleep(self.LOOK_SECONDS)
            try:
                await self.catch_up()
            except ServiceUnavailable:
                continue
            if epoch != self._epoch():
                epoch = self._epoch()
                changed()
