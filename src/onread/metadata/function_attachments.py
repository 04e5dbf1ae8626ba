"""Documents that hang on functions, as rows and as records."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from onread.metadata.function_records import Attachment
from onread.metadata.functions import Place
from onread.metadata.schema import function_attachments

Change = Callable[[Attachment | None], Attachment | None]
"""What becomes of a document that is there or not; None: none shall be there."""


def change_attachment(
    connection: Connection, place: Place, kind: str, qualifier: str, change: Change
) -> Attachment | None:
    """Replace a document of a function that exists by what ``change`` makes of it."""
    here = _at(place, kind, qualifier)
    row = connection.execute(select(function_attachments).where(*here)).first()
    changed = change(None if row is None else _record(row))
    connection.execute(delete(function_attachments).where(*here))
    if changed is not None:
        account_id, region, name = place
        connection.execute(
            insert(function_attachments).values(
                account_id=account_id,
                region=region,
                name=name,
                kind=kind,
                qualifier=qualifier,
                document=changed.document,
                revision_id=changed.revision_id,
                modified_at=changed.modified_at,
            )
        )
    return changed


def drop_attachments(connection: Connection, place: Place, qualifier: str) -> None:
    """Forget everything that hangs on a version or alias that is gone."""
    account_id, region, name = place
    table = function_attachments.c
    connection.execute(
        delete(function_attachments).where(
            table.account_id == account_id,
            table.region == region,
            table.name == name,
            table.qualifier == qualifier,
        )
    )


def load_attachments(
    connection: Connection, region: str
) -> dict[tuple[str, str], dict[tuple[str, str], Attachment]]:
    """Every document of a Region by account and function, then by kind and qualifier."""
    table = function_attachments
    found: dict[tuple[str, str], dict[tuple[str, str], Attachment]] = {}
    rows = connection.execute(
        select(table).where(table.c.region == region).order_by(table.c.kind, table.c.qualifier)
    )
    for row in rows:
        found.setdefault((row.account_id, row.name), {})[row.kind, row.qualifier] = _record(row)
    return found


def _at(place: Place, kind: str, qualifier: str) -> list[Any]:
    account_id, region, name = place
    table = function_attachments.c
    return [
        table.account_id == account_id,
        table.region == region,
        table.name == name,
        table.kind == kind,
        table.qualifier == qualifier,
    ]


def _record(row: Row[Any]) -> Attachment:
    return Attachment(
        kind=row.kind,
        qualifier=row.qualifier,
        document=row.document,
        revision_id=row.revision_id,
        modified_at=row.modified_at,
    )
