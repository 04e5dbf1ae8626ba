"""ListObjects and ListObjectsV2."""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import quote

from onread.errors import InvalidArgument
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.listing import (
    END,
    Cursor,
    Page,
    Query,
    after_prefix,
    collect_page,
    cursor_after_marker,
    open_token,
    page_limit,
    seal_token,
)
from onread.stores.local.object_rows import require_bucket
from onread.stores.store import StoreCall
from onread.wire.output import Output


class Listed(NamedTuple):
    """What a listing tells of one object."""

    key: bytes
    etag: str
    size_bytes: int
    modified_at_ms: int
    checksum_algorithm: str
    checksum_type: str


_SELECT = f"""
    SELECT {", ".join(Listed._fields)} FROM objects
    WHERE bucket_id = ? AND key >= ? AND key < ? AND is_current = 1 ORDER BY key LIMIT ?
"""


async def list_objects(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """One page of the bucket's keys and common prefixes behind ``Marker``."""
    params, encode = call.params, text_encoder(call.params)
    prefix, delimiter, marker = (as_bytes(params.get(name)) for name in ("Prefix", "Delimiter", "Marker"))
    limit = page_limit(params.get("MaxKeys"), "max-keys")
    start = cursor_after_marker(marker, prefix, delimiter)
    query = Query(prefix=prefix, delimiter=delimiter, start=start, limit=limit)
    page, owner = await engine.workers.run(load_page, engine, call.bucket, query)
    members = {
        **page_members(call, page, limit, owner=owner),
        "Marker": encode(marker),
    }
    if page.next is not None and delimiter:
        # AWS: "This element is returned only if you have the delimiter request parameter specified."
        members["NextMarker"] = encode(page.last.key)
    return Output(members=members)


async def list_objects_v2(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """One page of the bucket's keys and common prefixes behind the token or ``StartAfter``."""
    params, encode = call.params, text_encoder(call.params)
    prefix, delimiter = as_bytes(params.get("Prefix")), as_bytes(params.get("Delimiter"))
    limit = page_limit(params.get("MaxKeys"), "max-keys")
    query = Query(prefix=prefix, delimiter=delimiter, start=_start(engine, call, prefix), limit=limit)
    page, owner = await engine.workers.run(load_page, engine, call.bucket, query)
    members = {
        **page_members(call, page, limit, owner=owner if params.get("FetchOwner") else None),
        "KeyCount": page.count,
    }
    if params.get("StartAfter"):
        members["StartAfter"] = encode(as_bytes(params["StartAfter"]))
    if params.get("ContinuationToken") is not None:
        members["ContinuationToken"] = params["ContinuationToken"]
    if page.next is not None:
        members["NextContinuationToken"] = seal_token(engine.token_secret, call.bucket, page.next)
    return Output(members=members)


def _start(engine: Engine, call: StoreCall, prefix: bytes) -> Cursor:
    token = call.params.get("ContinuationToken")
    if token is not None:
        return open_token(engine.token_secret, call.bucket, token)
    delimiter = as_bytes(call.params.get("Delimiter"))
    return cursor_after_marker(as_bytes(call.params.get("StartAfter")), prefix, delimiter)


def load_page(engine: Engine, bucket_name: str, query: Query) -> tuple[Page[Listed], str]:
    """A page as it was at one moment, and the account that owns what is on it."""
    end = after_prefix(query.prefix) if query.prefix else END
    with engine.index.reading() as connection:
        bucket = require_bucket(connection, bucket_name)

        def fetch(cursor: Cursor, limit: int) -> list[tuple[Cursor, Listed]]:
            rows = connection.execute(_SELECT, (bucket.bucket_id, cursor.key, end, limit))
            return [(Cursor(row[0]), Listed._make(row)) for row in rows]

        return collect_page(query, fetch), bucket.account_id


def page_members(call: StoreCall, page: Page[Listed], limit: int, owner: str | None) -> dict[str, Any]:
    """What every kind of list says of a page; ``owner`` None: not who owns the objects."""
    params, encode = call.params, text_encoder(call.params)
    members: dict[str, Any] = {
        "Name": call.bucket,
        "Prefix": encode(as_bytes(params.get("Prefix"))),
        "MaxKeys": limit,
        "IsTruncated": page.next is not None,
        "Contents": [_content(row, encode, owner) for row in page.rows],
        "CommonPrefixes": [{"Prefix": encode(group)} for group in page.common_prefixes],
    }
    if params.get("Delimiter"):
        members["Delimiter"] = encode(as_bytes(params["Delimiter"]))
    if params.get("EncodingType"):
        members["EncodingType"] = params["EncodingType"]
    return members


def _content(row: Listed, encode: Callable[[bytes], str], owner: str | None) -> dict[str, Any]:
    content: dict[str, Any] = {
        "Key": encode(row.key),
        "LastModified": datetime.fromtimestamp(row.modified_at_ms / 1000, UTC),
        "ETag": f'"{row.etag}"',
        "ChecksumAlgorithm": [row.checksum_algorithm],
        "ChecksumType": row.checksum_type,
        "Size": row.size_bytes,
        "StorageClass": "STANDARD",
    }
    if owner is not None:
        content["Owner"] = {"ID": owner}
    return content


def as_bytes(text: str | None) -> bytes:
    """A prefix, delimiter or marker as keys are stored; empty when it was not sent.

    Raises:
        InvalidArgument: it is no text that UTF-8 can hold.
    """
    try:
        return (text or "").encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidArgument("The listing's parameters must be UTF-8.") from error


def text_encoder(params: Mapping[str, Any]) -> Callable[[bytes], str]:
    """How this answer writes keys and prefixes: as text, or percent-encoded for ``encoding-type=url``.

    Raises:
        InvalidArgument: another encoding type.
    """
    encoding = params.get("EncodingType")
    if encoding not in (None, "", "url"):
        raise InvalidArgument(
            "Invalid Encoding Method specified in Request",
            ArgumentName="encoding-type",
            ArgumentValue=encoding,
        )
    # %20 rather than AWS's + for a space: every client decodes that, some leave + alone.
    return _quoted if encoding else _plain


def _quoted(key: bytes) -> str:
    return quote(key, safe="/")


def _plain(key: bytes) -> str:
    return key.decode("utf-8", "replace")  # a common prefix may end inside a character


OPERATIONS: dict[str, Operation] = {"ListObjects": list_objects, "ListObjectsV2": list_objects_v2}
