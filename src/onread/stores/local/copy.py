"""CopyObject and UploadPartCopy, within this store.

Blobs never change, so a copy of a whole blob is a second name for the same file (a hard link): it
costs nothing, and deleting either leaves the other. Everything else is read and written again.
Whether the caller may read the source was decided before the call came here.
"""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from typing import Any

from onread.addressing.copy_source import CopySource, parse_copy_source
from onread.addressing.names import is_alias
from onread.errors import AccessDenied, InvalidArgument, InvalidRange, InvalidRequest, NotImplemented
from onread.stores.local.blobs import LARGEST_BLOB_BYTES, Blob
from onread.stores.local.buckets import check_owner
from onread.stores.local.content import (
    checksum_members,
    describe,
    pack,
    refuse_unkept,
    require_null_version,
    unpack,
)
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.get import Selected, open_object
from onread.stores.local.multipart import find_target, keep_part
from onread.stores.local.object_rows import StoredObject
from onread.stores.local.put import check_target, place_blob
from onread.stores.store import StoreCall
from onread.wire.checksums import find_algorithm
from onread.wire.message import Body, BytesBody
from onread.wire.output import Output
from onread.wire.preconditions import check_preconditions
from onread.wire.ranges import parse_range


async def copy_object(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The target holds the source's bytes as they were at one moment.

    Raises:
        InvalidRequest: nothing would change, or the source has more than 5 GiB.
    """
    params = call.params
    key = encode_key(params["Key"])
    refuse_unkept(params)
    source = _source(engine, params)
    _refuse_empty_change(call, source)
    check_target(engine, call.bucket, key, params)
    choose = partial(_choose_source, params)
    async with AsyncExitStack() as reading:
        selected, body = await open_object(engine, source.container, source.key, choose, reading)
        algorithm = _algorithm(params, selected.stored)
        async with _copied(engine, selected, body, algorithm) as blob:
            headers = await _headers(call, selected.stored)
            new = await place_blob(engine, call, blob, algorithm, headers)
    checksum = checksum_members(new.checksum_algorithm, new.checksum_type, new.checksum_value)
    return Output(members={"CopyObjectResult": {**_written(new.etag, new.modified_at_ms), **checksum}})


async def upload_part_copy(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The part of the upload holds the source's bytes, or the range of them that was asked for."""
    params = call.params
    refuse_unkept(params)
    upload = find_target(engine, call)
    source = _source(engine, params)
    choose = partial(_choose_source, params)
    async with AsyncExitStack() as reading:
        selected, body = await open_object(engine, source.container, source.key, choose, reading)
        async with _copied(engine, selected, body, upload.checksum_algorithm) as blob:
            part = await keep_part(engine, call, blob, checksum_value=blob.checksum_value)
    checksum = {"Checksum" + upload.checksum_algorithm: part.checksum_value}
    return Output(members={"CopyPartResult": {**_written(part.md5.hex(), part.modified_at_ms), **checksum}})


def _source(engine: Engine, params: Mapping[str, Any]) -> CopySource:
    source = parse_copy_source(params["CopySource"])
    if source.container.startswith("arn:") or is_alias(source.container):
        raise NotImplemented("An access point as copy source is not implemented: name its bucket.")
    require_null_version(source.version_id)
    check_owner(engine, source.container, params.get("ExpectedSourceBucketOwner"))
    return source


def _refuse_empty_change(call: StoreCall, source: CopySource) -> None:
    params = call.params
    changes = params.get("MetadataDirective") == "REPLACE" or any(
        params.get(name) for name in ("StorageClass", "WebsiteRedirectLocation", "ChecksumAlgorithm")
    )
    if (source.container, source.key) == (call.bucket, params["Key"]) and not changes:
        raise InvalidRequest(
            "This copy request is illegal because it is trying to copy an object to itself without "
            "changing the object's metadata, storage class, website redirect location or encryption "
            "attributes."
        )


def _choose_source(params: Mapping[str, Any], stored: StoredObject) -> Selected:
    check_preconditions(
        params, etag=stored.etag, modified_at=stored.modified_at, reading=False, prefix="CopySource"
    )
    selected = _choose_range(params.get("CopySourceRange"), stored)
    if selected.stop - selected.start > LARGEST_BLOB_BYTES:
        raise InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{LARGEST_BLOB_BYTES}"
        )
    return selected


def _choose_range(text: str | None, stored: StoredObject) -> Selected:
    if text is None:
        return Selected(stored, 0, stored.size_bytes, is_part=False)
    wanted = parse_range(text)
    if wanted is None or wanted.first is None or wanted.last is None:
        raise InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
            "last are the zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    if wanted.last >= stored.size_bytes:
        raise InvalidRange(
            f"Range specified is not valid for source object of size: {stored.size_bytes}",
            RangeRequested=text,
            ActualObjectSize=str(stored.size_bytes),
        )
    return Selected(stored, wanted.first, wanted.last + 1, is_part=True)


@asynccontextmanager
async def _copied(
    engine: Engine, selected: Selected, body: Body | bytes, algorithm: str
) -> AsyncIterator[Blob]:
    """The selected bytes as a blob of their own, by a link when they are a whole blob."""
    same = _same_blob(selected, algorithm)
    if same is not None:
        async with engine.blobs.link(same) as linked:
            if linked is not None:
                yield linked
                return
    content = BytesBody(body) if isinstance(body, bytes) else body
    async with engine.blobs.receive(content, algorithm, check=_accept) as blob:
        yield blob


def _same_blob(selected: Selected, algorithm: str) -> Blob | None:
    stored = selected.stored
    is_whole = (selected.start, selected.stop) == (0, stored.size_bytes)
    if (
        stored.blob_id is None
        or stored.crc64 is None
        or not is_whole
        or stored.checksum_algorithm != algorithm
    ):
        return None
    return Blob(
        blob_id=stored.blob_id,
        size_bytes=stored.size_bytes,
        md5=bytes.fromhex(stored.etag),  # an object of one blob has its MD5 as entity tag
        crc64=stored.crc64,
        checksum_value=stored.checksum_value,
    )


def _accept(blob: Blob) -> None:
    """Nobody announced the bytes of a copy; reading them checked them."""


def _algorithm(params: Mapping[str, Any], stored: StoredObject) -> str:
    named = params.get("ChecksumAlgorithm")
    return find_algorithm(named).name if named else stored.checksum_algorithm


async def _headers(call: StoreCall, stored: StoredObject) -> bytes:
    """AWS: COPY, the default, keeps the source's headers and metadata, or tags; REPLACE takes the request's.

    A website redirect is the request's in both cases: "This value is unique to each object and is not
    copied when using the x-amz-metadata-directive."

    Raises:
        AccessDenied: the source has tags, and the caller may not copy them.
    """
    params, source, given = call.params, unpack(stored.headers), describe(call.params)
    kept = dict(given if params.get("MetadataDirective") == "REPLACE" else source)
    kept.pop("WebsiteRedirectLocation", None)
    if params.get("WebsiteRedirectLocation"):
        kept["WebsiteRedirectLocation"] = params["WebsiteRedirectLocation"]
    replaces_tags = params.get("TaggingDirective") == "REPLACE"
    tags = (given if replaces_tags else source).get("Tags")
    kept.pop("Tags", None)
    if tags:
        if not replaces_tags and not await call.may_copy_tags():
            raise AccessDenied
        kept["Tags"] = tags
    return pack(kept)


def _written(etag: str, modified_at_ms: int) -> dict[str, Any]:
    return {"ETag": f'"{etag}"', "LastModified": datetime.fromtimestamp(modified_at_ms / 1000, UTC)}


OPERATIONS: dict[str, Operation] = {"CopyObject": copy_object, "UploadPartCopy": upload_part_copy}
