"""GetObject and HeadObject.

One answer is always of one version: row, length, headers and bytes. The row is looked up and its file
opened on the event loop's thread (measured: 20 us together, against 70 us for the hop to a thread);
a file that went between the two was overwritten, so both are looked up again.
"""

from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

import structlog

from onread.errors import InternalError, InvalidPartNumber, InvalidRequest, NoSuchKey
from onread.stores.local.content import CONTENT_MEMBERS, require_null_version, stored_checksum, unpack
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.object_rows import StoredObject, find_object, find_part, find_pieces, is_stored
from onread.stores.local.reading import Piece, open_piece, read_pieces
from onread.stores.store import StoreCall
from onread.wire.frozen import frozen
from onread.wire.message import Body
from onread.wire.output import Output
from onread.wire.preconditions import check_preconditions
from onread.wire.ranges import ByteRange, content_range, parse_range, resolve_range

log = structlog.get_logger(__name__)

# What the reader may say of the answer, and what it says then.
_OVERRIDES = {f"Response{member}": member for member in CONTENT_MEMBERS}
_MOST_LOOKS = 64  # at an object that is overwritten between every look-up and the opening of its file


@frozen()
class Selected:
    """The bytes ``[start, stop)`` of one version; ``is_part`` when they are answered with 206."""

    stored: StoredObject
    start: int
    stop: int
    is_part: bool


Choose = Callable[[StoredObject], Selected]
"""Which bytes of a version are wanted; raises when its conditions are not met."""


async def get_object(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The object's bytes, or the part of them that was asked for."""
    choose = _choice(engine, call.params)
    selected, body = await open_object(engine, call.bucket, call.params["Key"], choose, scope)
    return Output(
        members=_members(selected, call.params), body=body, status=206 if selected.is_part else None
    )


async def head_object(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """What GetObject would say about the bytes."""
    choose = _choice(engine, call.params)
    selected = choose(_find(engine, call.bucket, call.params["Key"]))
    return Output(members=_members(selected, call.params), status=206 if selected.is_part else None)


async def open_object(
    engine: Engine, bucket: str, key: str, choose: Choose, scope: AsyncExitStack
) -> tuple[Selected, Body | bytes]:
    """The chosen bytes of an object, open: they stay readable when it is overwritten or deleted.

    Raises:
        NoSuchBucket, NoSuchKey, and what ``choose`` raises.
        InternalError: the index names a file that is not there.
    """
    missing: StoredObject | None = None
    for _ in range(_MOST_LOOKS):
        selected = choose(_find(engine, bucket, key))
        if selected.stored == missing:
            break
        body = await _open(engine, selected, scope)
        if body is not None:
            return selected, body
        missing = selected.stored
    log.error("store.missing_blob", blob_id=missing.blob_id if missing else None)
    raise InternalError("The object's bytes on disk are missing.")


async def _open(engine: Engine, selected: Selected, scope: AsyncExitStack) -> Body | bytes | None:
    """The bytes; None when the version was replaced since it was selected."""
    stored = selected.stored
    if selected.start == selected.stop:
        return b""  # an upload of empty parts has no piece to read
    if stored.blob_id is not None:
        pieces = find_pieces(engine.index.connection, stored, selected.start, selected.stop)
    else:
        pieces = await engine.workers.run(_load_pieces, engine, selected)
        if not await _pin(engine, stored, pieces, scope):
            return None
    with map_disk_faults():
        try:
            first = open_piece(engine.shelves, engine.workers, pieces[0])
        except FileNotFoundError:
            return None
    return await read_pieces(engine.shelves, engine.workers, first, pieces, scope)


def _load_pieces(engine: Engine, selected: Selected) -> list[Piece]:
    with engine.index.reading() as connection:
        return find_pieces(connection, selected.stored, selected.start, selected.stop)


async def _pin(engine: Engine, stored: StoredObject, pieces: list[Piece], scope: AsyncExitStack) -> bool:
    """Whether the blobs will stay until the scope closes: the version was still there once pinned."""
    blob_ids = [piece.blob_id for piece in pieces]
    engine.shelves.pin(blob_ids)
    scope.push_async_callback(engine.unpin, blob_ids)
    return bool(pieces) and is_stored(engine.index.connection, stored.sequence)


def _find(engine: Engine, bucket: str, key: str) -> StoredObject:
    with map_disk_faults():
        stored = find_object(engine.index.connection, bucket, encode_key(key))
    if stored is None:
        raise NoSuchKey(Key=key)
    return stored


def _choice(engine: Engine, params: Mapping[str, Any]) -> Choose:
    require_null_version(params.get("VersionId"))
    return partial(_choose, engine, params)


def _choose(engine: Engine, params: Mapping[str, Any], stored: StoredObject) -> Selected:
    check_preconditions(params, etag=stored.etag, modified_at=stored.modified_at, reading=True)
    if params.get("PartNumber") is not None:
        return _choose_part(engine, params, stored)
    requested = parse_range(params["Range"]) if params.get("Range") else None
    wanted = resolve_range(requested, stored.size_bytes)
    if wanted is None:
        return Selected(stored, 0, stored.size_bytes, is_part=False)
    return Selected(stored, wanted.start, wanted.stop, is_part=True)


def _choose_part(engine: Engine, params: Mapping[str, Any], stored: StoredObject) -> Selected:
    if params.get("Range"):
        raise InvalidRequest("Cannot specify both Range header and partNumber query parameter.")
    part_number = params["PartNumber"]
    if stored.part_count is None and part_number == 1:
        return Selected(stored, 0, stored.size_bytes, is_part=stored.size_bytes > 0)
    with map_disk_faults():
        part = find_part(engine.index.connection, stored.sequence, part_number)
    if part is None:
        raise InvalidPartNumber(PartNumberRequested=str(part_number))
    # No Content-Range names an empty part.
    stop = part.start_byte + part.size_bytes
    return Selected(stored, part.start_byte, stop, is_part=part.size_bytes > 0)


def _members(selected: Selected, params: Mapping[str, Any]) -> dict[str, Any]:
    stored = selected.stored
    members = unpack(stored.headers)
    if tags := members.pop("Tags", None):
        members["TagCount"] = len(tags)
    members["AcceptRanges"] = "bytes"
    members["LastModified"] = stored.modified_at
    members["ETag"] = f'"{stored.etag}"'
    members["ContentLength"] = selected.stop - selected.start
    if selected.is_part:
        members["ContentRange"] = content_range(ByteRange(selected.start, selected.stop), stored.size_bytes)
    elif params.get("ChecksumMode") == "ENABLED" and members["ContentLength"] == stored.size_bytes:
        # Of the whole object; a part has none of its own here.
        members |= stored_checksum(stored)
    if params.get("PartNumber") is not None and stored.part_count is not None:
        members["PartsCount"] = stored.part_count
    if not _OVERRIDES.keys().isdisjoint(params):
        members |= {member: params[name] for name, member in _OVERRIDES.items() if name in params}
    return members


OPERATIONS: dict[str, Operation] = {"GetObject": get_object, "HeadObject": head_object}
