"""ListParts and ListMultipartUploads."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any, NamedTuple

from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.listing import (
    END,
    Cursor,
    Page,
    Query,
    after_prefix,
    collect_page,
    cursor_after_marker,
    page_limit,
)
from onread.stores.local.lists import as_bytes, text_encoder
from onread.stores.local.object_rows import require_bucket
from onread.stores.local.upload_rows import Part, Upload, find_parts, require_upload
from onread.stores.store import StoreCall
from onread.wire.output import Output


class ListedUpload(NamedTuple):
    """What a listing tells of one upload."""

    key: bytes
    upload_id: str
    account_id: str
    initiated_at_ms: int
    checksum_algorithm: str
    checksum_type: str


_SELECT = f"""
    SELECT {", ".join(ListedUpload._fields)} FROM uploads
    WHERE bucket_id = ? AND (key, upload_id) >= (?, ?) AND key < ? ORDER BY key, upload_id LIMIT ?
"""


async def list_parts(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """One page of an upload's parts, by number, behind ``PartNumberMarker``."""
    params = call.params
    limit = page_limit(params.get("MaxParts"), "max-parts")
    marker = params.get("PartNumberMarker") or 0
    upload, found = await engine.workers.run(_load_parts, engine, call, int(marker), limit)
    parts = found[:limit]
    members: dict[str, Any] = {
        "Bucket": call.bucket,
        "Key": params["Key"],
        "UploadId": upload.upload_id,
        "PartNumberMarker": marker,
        "NextPartNumberMarker": parts[-1].part_number if parts else 0,
        "MaxParts": limit,
        "IsTruncated": len(found) > limit and limit > 0,
        "Parts": [_part_member(part, upload) for part in parts],
        "Initiator": {"ID": upload.account_id},
        "Owner": {"ID": upload.account_id},
        "StorageClass": "STANDARD",
        "ChecksumAlgorithm": upload.checksum_algorithm,
        "ChecksumType": upload.checksum_type,
    }
    return Output(members=members)


def _load_parts(engine: Engine, call: StoreCall, marker: int, limit: int) -> tuple[Upload, list[Part]]:
    with engine.index.reading() as connection:
        bucket_id = require_bucket(connection, call.bucket).bucket_id
        upload = require_upload(
            connection, bucket_id, encode_key(call.params["Key"]), call.params["UploadId"]
        )
        return upload, find_parts(connection, upload.upload_id, marker, limit + 1)


def _part_member(part: Part, upload: Upload) -> dict[str, Any]:
    return {
        "PartNumber": part.part_number,
        "LastModified": datetime.fromtimestamp(part.modified_at_ms / 1000, UTC),
        "ETag": f'"{part.md5.hex()}"',
        "Size": part.size_bytes,
        "Checksum" + upload.checksum_algorithm: part.checksum_value,
    }


async def list_multipart_uploads(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """One page of the bucket's uploads, by key and then by id, behind the markers."""
    params, encode = call.params, text_encoder(call.params)
    prefix, delimiter = as_bytes(params.get("Prefix")), as_bytes(params.get("Delimiter"))
    limit = page_limit(params.get("MaxUploads"), "max-uploads")
    query = Query(prefix=prefix, delimiter=delimiter, start=_start(params, prefix, delimiter), limit=limit)
    page = await engine.workers.run(_load_uploads, engine, call.bucket, query)
    members: dict[str, Any] = {
        "Bucket": call.bucket,
        "KeyMarker": encode(as_bytes(params.get("KeyMarker"))),
        "UploadIdMarker": params.get("UploadIdMarker") or "",
        "Prefix": encode(prefix),
        "MaxUploads": limit,
        "IsTruncated": page.next is not None,
        "Uploads": [_upload_member(row, encode(row.key)) for row in page.rows],
        "CommonPrefixes": [{"Prefix": encode(group)} for group in page.common_prefixes],
    }
    if page.next is not None:
        members |= {"NextKeyMarker": encode(page.last.key), "NextUploadIdMarker": page.last.tie.decode()}
    if delimiter:
        members["Delimiter"] = encode(delimiter)
    if params.get("EncodingType"):
        members["EncodingType"] = params["EncodingType"]
    return Output(members=members)


def _start(params: Mapping[str, Any], prefix: bytes, delimiter: bytes) -> Cursor:
    marker, upload_id = as_bytes(params.get("KeyMarker")), as_bytes(params.get("UploadIdMarker"))
    # AWS: "If key-marker is not specified, the upload-id-marker parameter is ignored."
    if marker and upload_id:
        return Cursor(marker, upload_id).after()
    return cursor_after_marker(marker, prefix, delimiter)


def _load_uploads(engine: Engine, bucket_name: str, query: Query) -> Page[ListedUpload]:
    end = after_prefix(query.prefix) if query.prefix else END
    with engine.index.reading() as connection:
        bucket_id = require_bucket(connection, bucket_name).bucket_id

        def fetch(cursor: Cursor, limit: int) -> list[tuple[Cursor, ListedUpload]]:
            place = (cursor.key, cursor.tie.decode())
            rows = [
                ListedUpload._make(row)
                for row in connection.execute(_SELECT, (bucket_id, *place, end, limit))
            ]
            return [(Cursor(row.key, row.upload_id.encode()), row) for row in rows]

        return collect_page(query, fetch)


def _upload_member(row: ListedUpload, key: str) -> dict[str, Any]:
    return {
        "Key": key,
        "UploadId": row.upload_id,
        "Initiated": datetime.fromtimestamp(row.initiated_at_ms / 1000, UTC),
        "StorageClass": "STANDARD",
        "Owner": {"ID": row.account_id},
        "Initiator": {"ID": row.account_id},
        "ChecksumAlgorithm": row.checksum_algorithm,
        "ChecksumType": row.checksum_type,
    }


OPERATIONS: dict[str, Operation] = {
    "ListMultipartUploads": list_multipart_uploads,
    "ListParts": list_parts,
}
