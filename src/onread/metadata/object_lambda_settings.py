"""onread's own settings of Object Lambda access points, as rows and as records.

A row goes with its access point: one made again under the name begins with the defaults.
"""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

import orjson
from sqlalchemy import Connection, delete, insert, select

from onread.errors import NoSuchAccessPoint
from onread.metadata.records import DEFAULT_SETTINGS, ListSizes, ObjectLambdaSettings, RangeHandling
from onread.metadata.schema import object_lambda_access_points, object_lambda_settings

Key = tuple[str, str]
"""Account and name."""
Place = tuple[str, str, str]
"""Account, Region and name: what makes an access point unique."""

Change = Callable[[ObjectLambdaSettings], ObjectLambdaSettings]


class ObjectLambdaSettingsRecords:
    """The settings of every Object Lambda access point; those never set are `DEFAULT_SETTINGS`.

    Args:
        known: every setting as it is served now.
        write: runs work in a transaction and serves what it changed.
    """

    def __init__(
        self,
        known: Callable[[], Mapping[Key, ObjectLambdaSettings]],
        write: Callable[[Callable[[Connection], ObjectLambdaSettings]], Awaitable[ObjectLambdaSettings]],
        region: str,
    ) -> None:
        self._known = known
        self._write = write
        self._region = region

    def of(self, account_id: str, name: str) -> ObjectLambdaSettings:
        """The settings of the access point of this name, from memory."""
        return self._known().get((account_id, name), DEFAULT_SETTINGS)

    async def update(self, account_id: str, name: str, change: Change) -> ObjectLambdaSettings:
        """Replace the settings by what ``change`` makes of them, inside the transaction.

        Raises:
            NoSuchAccessPoint: there is none; and whatever ``change`` raises.
        """
        return await self._write(partial(_update, place=(account_id, self._region, name), change=change))


def load_object_lambda_settings(connection: Connection, region: str) -> dict[Key, ObjectLambdaSettings]:
    """All settings of a Region, by account and name."""
    table = object_lambda_settings
    rows = connection.execute(select(table).where(table.c.region == region))
    return {(row.account_id, row.name): _record(row.settings) for row in rows}


def _update(connection: Connection, place: Place, change: Change) -> ObjectLambdaSettings:
    account_id, region, name = place
    owner = object_lambda_access_points.c
    owned = (owner.account_id == account_id, owner.region == region, owner.name == name)
    if connection.execute(select(owner.name).where(*owned)).first() is None:
        raise NoSuchAccessPoint
    column = object_lambda_settings.c
    at = (column.account_id == account_id, column.region == region, column.name == name)
    stored = connection.scalar(select(column.settings).where(*at))
    changed = change(DEFAULT_SETTINGS if stored is None else _record(stored))
    connection.execute(delete(object_lambda_settings).where(*at))
    connection.execute(
        insert(object_lambda_settings).values(
            account_id=account_id, region=region, name=name, settings=_text(changed)
        )
    )
    return changed


def _text(settings: ObjectLambdaSettings) -> str:
    return orjson.dumps(
        {
            "Range": settings.range_handling,
            "Anonymous": settings.anonymous,
            "ListSizes": settings.list_sizes,
        }
    ).decode()


def _record(text: str) -> ObjectLambdaSettings:
    """What an older version did not know has its default."""
    stored: dict[str, Any] = orjson.loads(text)
    return ObjectLambdaSettings(
        range_handling=RangeHandling(stored.get("Range", DEFAULT_SETTINGS.range_handling)),
        anonymous=stored.get("Anonymous", DEFAULT_SETTINGS.anonymous),
        list_sizes=ListSizes(stored.get("ListSizes", DEFAULT_SETTINGS.list_sizes)),
    )
