"""When access keys were used last: told from memory and the database, written seldom.

A use changes nothing that is served, so it is written without a new epoch: no gateway reads anything anew.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Protocol, TypeVar

from sqlalchemy import Connection, or_, select, update

from onread.metadata.schema import access_keys

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class KeyUse:
    """One use of a key: the service and the Region for which it signed."""

    at: datetime
    service: str
    region: str


class Run(Protocol):
    """Runs work on the database in its turn."""

    def __call__(self, work: Callable[[Connection], T], /) -> Awaitable[T]:
        """The work's result."""
        ...


class KeyUses:
    """The last use of each access key of a user.

    Memory holds one use of each key that was used here since the last `save`.

    Args:
        read: runs a query.
        jot: runs a transaction that changes nothing of what is served.
    """

    def __init__(self, read: Run, jot: Run) -> None:
        self._read = read
        self._jot = jot
        self._unsaved: dict[str, KeyUse] = {}

    def note(self, access_key_id: str, use: KeyUse) -> None:
        """A request was signed with the key. Costs one assignment."""
        self._unsaved[access_key_id] = use

    async def last(self, access_key_id: str) -> KeyUse | None:
        """The newest use that this process has seen or that was saved; None: never used.

        Raises:
            ServiceUnavailable: the database does not answer.
        """
        saved = await self._read(partial(_load, access_key_id=access_key_id))
        known = [use for use in (saved, self._unsaved.get(access_key_id)) if use is not None]
        return max(known, key=lambda use: use.at, default=None)

    async def save(self) -> None:
        """Write what is new to the database.

        Raises:
            ServiceUnavailable, SlowDown: it cannot be written now; it is kept for the next time.
        """
        uses = dict(self._unsaved)
        if not uses:
            return
        await self._jot(partial(_save, uses=uses))
        for access_key_id, use in uses.items():
            if self._unsaved.get(access_key_id) is use:
                del self._unsaved[access_key_id]


def _load(connection: Connection, access_key_id: str) -> KeyUse | None:
    columns = access_keys.c
    row = connection.execute(
        select(columns.used_at, columns.used_service, columns.used_region).where(
            columns.access_key_id == access_key_id
        )
    ).first()
    return None if row is None or row.used_at is None else KeyUse(*row)


def _save(connection: Connection, uses: Mapping[str, KeyUse]) -> None:
    """Later uses win, whichever gateway writes them; keys in one order, that no two wait for each other."""
    columns = access_keys.c
    for access_key_id, use in sorted(uses.items()):
        connection.execute(
            update(access_keys)
            .where(columns.access_key_id == access_key_id)
            .where(or_(columns.used_at.is_(None), columns.used_at < use.at))
            .values(used_at=use.at, used_service=use.service, used_region=use.region)
        )
