"""Who may reach the buckets of upstream stores: policy, public access block and CORS rules, as rows.

The store holds the objects and knows nothing of our identities, so what decides about them is kept here. Each
bucket has one document, by the names of the settings. What a setting means is not known here.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from types import MappingProxyType
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from onread.metadata.schema import bucket_settings

Key = tuple[str, str]
"""Account and bucket."""
Place = tuple[str, str, str]
"""Account, Region and bucket."""

Settings = Mapping[str, Any]
Change = Callable[[Settings], Settings]

NOTHING_SET: Settings = MappingProxyType({})


class BucketSettingsRecords:
    """The settings of every bucket that has some.

    Args:
        known: every setting as it is served now.
        write: runs work in a transaction and serves what it changed.
    """

    def __init__(
        self,
        known: Callable[[], Mapping[Key, Settings]],
        write: Callable[[Callable[[Connection], None]], Awaitable[None]],
        region: str,
    ) -> None:
        self._known = known
        self._write = write
        self._region = region

    def of(self, account_id: str, bucket: str) -> Settings:
        """The settings of a bucket, from memory: the same object until some record changes."""
        return self._known().get((account_id, bucket), NOTHING_SET)

    async def update(self, account_id: str, bucket: str, change: Change) -> None:
        """Replace the settings by what ``change`` makes of them, inside the transaction.

        Raises:
            Exception: whatever ``change`` raises.
        """
        await self._write(partial(_update, place=(account_id, self._region, bucket), change=change))

    async def forget(self, account_id: str, bucket: str) -> None:
        """Nothing is set of this bucket any more."""
        if self.of(account_id, bucket):
            await self.update(account_id, bucket, lambda _: NOTHING_SET)


def load_bucket_settings(connection: Connection, region: str) -> dict[Key, Settings]:
    """All settings of a Region, by account and bucket."""
    rows = connection.execute(select(bucket_settings).where(bucket_settings.c.region == region))
    return {(row.account_id, row.bucket): orjson.loads(row.settings) for row in rows}


def _update(connection: Connection, place: Place, change: Change) -> None:
    account_id, region, bucket = place
    column = bucket_settings.c
    at = (column.account_id == account_id, column.region == region, column.bucket == bucket)
    stored = connection.scalar(select(column.settings).where(*at))
    changed = change(NOTHING_SET if stored is None else orjson.loads(stored))
    connection.execute(delete(bucket_settings).where(*at))
    if changed:
        text = orjson.dumps(dict(changed)).decode()
        row = {"account_id": account_id, "region": region, "bucket": bucket, "settings": text}
        connection.execute(insert(bucket_settings).values(**row))
