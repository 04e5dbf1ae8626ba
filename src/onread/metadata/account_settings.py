"""Settings of whole accounts, as rows and as records: Block Public Access."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import orjson
from sqlalchemy import Connection, delete, insert, select

from onread.metadata.schema import account_public_access_blocks

Blocks = Mapping[str, bool]
"""The four switches of Block Public Access by AWS's names."""


class AccountSettingsRecords:
    """Block Public Access of accounts; one that was never set has none.

    Args:
        known: the settings as they are served now, by account.
        write: runs work in a transaction and serves what it changed.
    """

    def __init__(
        self,
        known: Callable[[], Mapping[str, Blocks]],
        write: Callable[[Callable[[Connection], None]], Awaitable[None]],
    ) -> None:
        self._known = known
        self._write = write

    def public_access_block(self, account_id: str) -> Blocks | None:
        """The account's switches, from memory."""
        return self._known().get(account_id)

    async def put_public_access_block(self, account_id: str, blocks: Blocks | None) -> None:
        """Replace the account's switches; None: there are none any more."""
        await self._write(partial(_put, account_id=account_id, blocks=blocks))


def load_public_access_blocks(connection: Connection) -> dict[str, Blocks]:
    """The switches of every account that has them."""
    rows = connection.execute(select(account_public_access_blocks))
    return {row.account_id: orjson.loads(row.blocks) for row in rows}


def _put(connection: Connection, account_id: str, blocks: Blocks | None) -> None:
    table = account_public_access_blocks
    connection.execute(delete(table).where(table.c.account_id == account_id))
    if blocks is not None:
        text = orjson.dumps(dict(blocks)).decode()
        connection.execute(insert(table).values(account_id=account_id, blocks=text))
