"""CompleteMultipartUpload: the parts become the segments of one object, in one transaction.

No byte is copied: the object refers to the blobs of its parts.
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from onread.errors import (
    BadDigest,
    EntityTooSmall,
    InvalidPart,
    InvalidPartOrder,
    InvalidRequest,
    MalformedXML,
    NoSuchUpload,
)
from onread.stores.local.content import DEFAULT_ALGORITHM, checksum_members
from onread.stores.local.engine import Engine, Operation, encode_key
from onread.stores.local.index import Transaction
from onread.stores.local.multipart import MOST_PARTS
from onread.stores.local.object_rows import NewObject, Segment, find_object, require_bucket
from onread.stores.local.put import check_write, place_object
from onread.stores.local.upload_rows import Part, Upload, find_parts, find_upload, remove_upload
from onread.stores.store import StoreCall
from onread.wire.checksums import (
    ALGORITHMS,
    composite_value,
    find_algorithm,
    full_object_value,
    multipart_etag,
)
from onread.wire.output import Output

LEAST_PART_BYTES = 5 * 1024**2  # AWS: every part but the last


@dataclass(frozen=True, slots=True, kw_only=True)
class Completed:
    """What the caller is told of the object."""

    etag: str
    checksum_algorithm: str
    checksum_type: str
    checksum_value: str


async def complete_multipart_upload(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The listed parts, in their order, are the object.

    A second completion of the same upload is answered like the first while its object is there: a
    client that lost the answer asks again.

    Raises:
        MalformedXML, InvalidPart, InvalidPartOrder, EntityTooSmall, InvalidRequest, BadDigest: of the
            list of parts; the upload stays.
        NoSuchUpload, PreconditionFailed.
    """
    key, now_ms = encode_key(call.params["Key"]), engine.now_ms()
    done = await engine.index.write(lambda transaction: _complete(transaction, call, key, now_ms))
    return Output(
        members={
            "Location": f"/{call.bucket}/{call.params['Key']}",
            "Bucket": call.bucket,
            "Key": call.params["Key"],
            "ETag": f'"{done.etag}"',
            **checksum_members(done.checksum_algorithm, done.checksum_type, done.checksum_value),
        }
    )


def _complete(transaction: Transaction, call: StoreCall, key: bytes, now_ms: int) -> Completed:
    connection, params = transaction.connection, call.params
    bucket_id = require_bucket(connection, call.bucket).bucket_id
    upload = find_upload(connection, bucket_id, key, params["UploadId"])
    if upload is None:
        return _completed_before(transaction, call, key)
    check_write(find_object(connection, call.bucket, key), params)
    parts = select_parts(find_parts(connection, upload.upload_id), _listed(params), upload.checksum_algorithm)
    new = build_object(upload, parts, params, now_ms)
    place_object(transaction, call.bucket, key, params, new, build_segments(parts))
    remove_upload(transaction, upload.upload_id, keeping=frozenset(part.blob_id for part in parts))
    return _told(new)


def _completed_before(transaction: Transaction, call: StoreCall, key: bytes) -> Completed:
    stored = find_object(transaction.connection, call.bucket, key)
    if stored is None or stored.upload_id != call.params["UploadId"]:
        raise NoSuchUpload(UploadId=call.params["UploadId"])
    return Completed(
        etag=stored.etag,
        checksum_algorithm=stored.checksum_algorithm,
        checksum_type=stored.checksum_type,
        checksum_value=stored.checksum_value,
    )


def _told(new: NewObject) -> Completed:
    return Completed(
        etag=new.etag,
        checksum_algorithm=new.checksum_algorithm,
        checksum_type=new.checksum_type,
        checksum_value=new.checksum_value,
    )


def _listed(params: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    listed: Sequence[Mapping[str, Any]] = (params.get("MultipartUpload") or {}).get("Parts") or ()
    if not 1 <= len(listed) <= MOST_PARTS or any("PartNumber" not in part for part in listed):
        raise MalformedXML
    return listed


def select_parts(stored: Sequence[Part], listed: Sequence[Mapping[str, Any]], algorithm: str) -> list[Part]:
    """The stored parts that the caller lists.

    Raises:
        InvalidPartOrder: numbers do not rise.
        InvalidPart: a part is not there, or its ETag or checksum is another one.
        EntityTooSmall: a part that is not the last one has less than 5 MiB.
    """
    numbers = [part["PartNumber"] for part in listed]
    if any(later <= earlier for earlier, later in pairwise(numbers)):
        raise InvalidPartOrder
    by_number = {part.part_number: part for part in stored}
    parts = [_match(by_number.get(part["PartNumber"]), part, "Checksum" + algorithm) for part in listed]
    for part in parts[:-1]:
        if part.size_bytes < LEAST_PART_BYTES:
            raise EntityTooSmall(
                ProposedSize=str(part.size_bytes),
                MinSizeAllowed=str(LEAST_PART_BYTES),
                PartNumber=str(part.part_number),
                ETag=part.md5.hex(),
            )
    return parts


def _match(part: Part | None, listed: Mapping[str, Any], checksum_member: str) -> Part:
    etag = (listed.get("ETag") or "").strip('"')
    checksum = listed.get(checksum_member)
    if part is None or part.md5.hex() != etag or checksum not in (None, part.checksum_value):
        raise InvalidPart(PartNumber=str(listed["PartNumber"]), ETag=etag)
    return part


def build_segments(parts: Sequence[Part]) -> list[Segment]:
    """The parts, one behind the other."""
    segments, start = [], 0
    for part in parts:
        segments.append(
            Segment(part.part_number, start, part.size_bytes, part.blob_id, part.crc64, part.checksum_value)
        )
        start += part.size_bytes
    return segments


def build_object(upload: Upload, parts: Sequence[Part], params: Mapping[str, Any], now_ms: int) -> NewObject:
    """The object that these parts make.

    Raises:
        InvalidRequest: it has not the size, the checksum type or the algorithm that the caller says.
        BadDigest: it has not the checksum that the caller says.
    """
    size_bytes = sum(part.size_bytes for part in parts)
    if params.get("MpuObjectSize") not in (None, size_bytes):
        raise InvalidRequest(
            "The provided 'x-amz-mp-object-size' header value does not match what was computed."
        )
    if params.get("ChecksumType") not in (None, upload.checksum_type):
        raise InvalidRequest(f"The upload was created with the {upload.checksum_type} checksum type.")
    # AWS looks at no other checksum where none was chosen, which is kept as if its own had been.
    for name, algorithm in ALGORITHMS.items():
        if (
            name != upload.checksum_algorithm != DEFAULT_ALGORITHM
            and params.get(algorithm.member) is not None
        ):
            raise InvalidRequest(
                f"The object has a {upload.checksum_algorithm} checksum: one of {name} cannot be compared."
            )
    value = _checksum_value(upload, parts)
    if params.get("Checksum" + upload.checksum_algorithm) not in (None, value):
        raise BadDigest(
            f"The {upload.checksum_algorithm} you specified did not match the calculated checksum."
        )
    return NewObject(
        etag=multipart_etag([part.md5 for part in parts]),
        size_bytes=size_bytes,
        modified_at_ms=now_ms,
        blob_id=None,
        crc64=None,
        part_count=len(parts),
        checksum_algorithm=upload.checksum_algorithm,
        checksum_type=upload.checksum_type,
        checksum_value=value,
        upload_id=upload.upload_id,
        headers=upload.headers,
    )


def _checksum_value(upload: Upload, parts: Sequence[Part]) -> str:
    algorithm = find_algorithm(upload.checksum_algorithm)
    if upload.checksum_type == "COMPOSITE":
        return composite_value(algorithm, [part.checksum_value for part in parts])
    return full_object_value(algorithm, [(part.checksum_value, part.size_bytes) for part in parts])


OPERATIONS: dict[str, Operation] = {"CompleteMultipartUpload": complete_multipart_upload}
