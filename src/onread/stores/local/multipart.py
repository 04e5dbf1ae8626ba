"""Multipart uploads: create, upload a part, abort. Completion is in ``complete``."""

import secrets
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import InvalidArgument, InvalidRequest
from onread.stores.local.blobs import Blob
from onread.stores.local.content import (
    DEFAULT_ALGORITHM,
    Announced,
    announced,
    describe,
    pack,
    refuse_unkept,
)
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.index import Transaction
from onread.stores.local.object_rows import require_bucket
from onread.stores.local.upload_rows import (
    Part,
    Upload,
    has_uploads,
    insert_upload,
    place_part,
    remove_upload,
    require_upload,
)
from onread.stores.store import StoreCall
from onread.wire.checksums import find_algorithm
from onread.wire.output import Output

MOST_PARTS = 10_000
MOST_UPLOADS = 10_000
"""Of one bucket at once. AWS has no such limit, and rules that end old uploads; here they would pile up."""


async def create_multipart_upload(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """An upload exists under a new id that nobody can guess.

    Raises:
        InvalidRequest: the bucket has too many that nobody has ended (T-256).
    """
    params = call.params
    key = encode_key(params["Key"])
    refuse_unkept(params)
    algorithm, checksum_type = _checksum(params)
    upload_id = secrets.token_urlsafe(32)
    headers, now_ms = pack(describe(params)), engine.now_ms()

    def change(transaction: Transaction) -> None:
        bucket_id = require_bucket(transaction.connection, call.bucket).bucket_id
        if has_uploads(transaction.connection, bucket_id, MOST_UPLOADS):
            raise InvalidRequest(
                f"The bucket has {MOST_UPLOADS:,} multipart uploads in progress: complete or abort some."
            )
        upload = Upload(upload_id, bucket_id, key, call.account_id, now_ms, algorithm, checksum_type, headers)
        insert_upload(transaction, upload)

    await engine.index.write(change)
    members = {"Bucket": call.bucket, "Key": params["Key"], "UploadId": upload_id}
    if params.get("ChecksumAlgorithm"):
        members |= {"ChecksumAlgorithm": algorithm, "ChecksumType": checksum_type}
    return Output(members=members)


def _checksum(params: Mapping[str, Any]) -> tuple[str, str]:
    """The upload's checksum algorithm and type, with AWS's defaults.

    Raises:
        InvalidRequest: S3 does not have this type of this algorithm.
    """
    algorithm = find_algorithm(params.get("ChecksumAlgorithm") or DEFAULT_ALGORITHM)
    checksum_type = params.get("ChecksumType") or ("COMPOSITE" if algorithm.composite else "FULL_OBJECT")
    possible = {"COMPOSITE": algorithm.composite, "FULL_OBJECT": algorithm.combine is not None}
    if not possible.get(checksum_type):
        raise InvalidRequest(
            f"The {checksum_type} checksum type cannot be used with the {algorithm.name} checksum algorithm."
        )
    return algorithm.name, checksum_type


async def upload_part(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The body is this part of the upload, in place of an earlier one of its number."""
    params = call.params
    refuse_unkept(params)
    upload = find_target(engine, call)
    expected = part_checksum(params, upload)
    async with engine.blobs.receive(call.body, expected.algorithm, expected.check) as blob:
        # An upload that named no algorithm keeps the default one of each part, whatever the part brought.
        kept = blob.checksum_value if expected.algorithm == upload.checksum_algorithm else blob.crc64
        part = await keep_part(engine, call, blob, checksum_value=kept)
    return Output(
        members={"ETag": f'"{part.md5.hex()}"', "Checksum" + expected.algorithm: blob.checksum_value}
    )


def find_target(engine: Engine, call: StoreCall) -> Upload:
    """The upload that a part is for.

    Raises:
        NoSuchBucket, NoSuchUpload, InvalidArgument: it cannot take this part.
    """
    part_number = call.params["PartNumber"]
    if not 1 <= part_number <= MOST_PARTS:
        raise InvalidArgument(
            f"Part number must be an integer between 1 and {MOST_PARTS}, inclusive",
            ArgumentName="partNumber",
            ArgumentValue=str(part_number),
        )
    with map_disk_faults():
        connection = engine.index.connection
        bucket_id = require_bucket(connection, call.bucket).bucket_id
        return require_upload(connection, bucket_id, encode_key(call.params["Key"]), call.params["UploadId"])


def part_checksum(params: Mapping[str, Any], upload: Upload) -> Announced:
    """What is said about a part's bytes.

    An upload that was begun without an algorithm takes parts with any: SDKs add one to each part by
    themselves, and nothing to CreateMultipartUpload.

    Raises:
        InvalidRequest: its checksum is of another algorithm than the one its upload named.
    """
    expected = announced(params, default_algorithm=upload.checksum_algorithm)
    if expected.algorithm != upload.checksum_algorithm != DEFAULT_ALGORITHM:
        raise InvalidRequest(
            f"Checksum Type mismatch occurred, expected checksum Type: {upload.checksum_algorithm}, "
            f"actual checksum Type: {expected.algorithm}"
        )
    return expected


async def keep_part(engine: Engine, call: StoreCall, blob: Blob, *, checksum_value: str) -> Part:
    """The blob is the part that ``call`` names; ``checksum_value`` is of the upload's algorithm.

    Raises:
        NoSuchUpload: it was completed or aborted while the bytes came.
    """
    params = call.params
    key = encode_key(params["Key"])
    part = Part(
        part_number=params["PartNumber"],
        md5=blob.md5,
        size_bytes=blob.size_bytes,
        modified_at_ms=engine.now_ms(),
        blob_id=blob.blob_id,
        crc64=blob.crc64,
        checksum_value=checksum_value,
    )

    def change(transaction: Transaction) -> None:
        bucket_id = require_bucket(transaction.connection, call.bucket).bucket_id
        require_upload(transaction.connection, bucket_id, key, params["UploadId"])
        place_part(transaction, params["UploadId"], part)
        transaction.adopt(blob)

    await engine.index.write(change)
    return part


async def abort_multipart_upload(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The upload is gone with all its parts."""
    key, upload_id = encode_key(call.params["Key"]), call.params["UploadId"]

    def change(transaction: Transaction) -> None:
        bucket_id = require_bucket(transaction.connection, call.bucket).bucket_id
        require_upload(transaction.connection, bucket_id, key, upload_id)
        remove_upload(transaction, upload_id)

    await engine.index.write(change, frees=True)
    return Output()


OPERATIONS: dict[str, Operation] = {
    "AbortMultipartUpload": abort_multipart_upload,
    "CreateMultipartUpload": create_multipart_upload,
    "UploadPart": upload_part,
}
