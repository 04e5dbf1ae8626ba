"""What a sender says about an object beside its bytes: content headers, metadata, checksum.

Owns what is kept, what is refused and in what form it is stored. Does no IO.
"""

import base64
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from onread.errors import (
    AccessControlListNotSupported,
    BadDigest,
    InvalidArgument,
    InvalidRequest,
    MetadataTooLarge,
    NotImplemented,
)
from onread.stores.local.blobs import Blob
from onread.stores.local.object_rows import StoredObject
from onread.stores.tags import read_tagging_header
from onread.wire.aws_chunked import strip_aws_chunked
from onread.wire.checksums import ALGORITHMS, find_algorithm

LARGEST_METADATA_BYTES = 2048  # AWS: "user-defined metadata is limited to 2 KB in size"
DEFAULT_CONTENT_TYPE = "binary/octet-stream"
DEFAULT_ALGORITHM = "CRC64NVME"  # AWS: what S3 computes when the sender names none
CONTENT_MEMBERS = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
)

# What would be promised and not kept if it were accepted in silence.
_REFUSED_MEMBERS = (
    "ServerSideEncryption",
    "SSECustomerAlgorithm",
    "SSECustomerKey",
    "SSECustomerKeyMD5",
    "SSEKMSKeyId",
    "SSEKMSEncryptionContext",
    "CopySourceSSECustomerAlgorithm",
    "CopySourceSSECustomerKey",
    "CopySourceSSECustomerKeyMD5",
    "BucketKeyEnabled",
    "ObjectLockMode",
    "ObjectLockRetainUntilDate",
    "ObjectLockLegalHoldStatus",
    "ObjectLockEventHold",
    "ObjectLockEnabledForBucket",
    "WriteOffsetBytes",
)
_OWNERS_ACLS = (None, "private", "bucket-owner-full-control")
_GRANTS = ("GrantFullControl", "GrantRead", "GrantReadACP", "GrantWrite", "GrantWriteACP")
_STORAGE_CLASSES = frozenset(
    {None, "STANDARD", "REDUCED_REDUNDANCY", "STANDARD_IA", "ONEZONE_IA", "INTELLIGENT_TIERING"}
)


def refuse_unkept(params: Mapping[str, Any]) -> None:
    """Return when the embedded store can keep all that is asked.

    Storage classes with immediate access are accepted and stored as STANDARD.

    Raises:
        NotImplemented: with the name of the member that it lacks.
        AccessControlListNotSupported: see `refuse_other_acls`.
    """
    for member in _REFUSED_MEMBERS:
        if params.get(member):
            raise NotImplemented(f"The embedded store does not implement {member}.")
    refuse_other_acls(params)
    if params.get("StorageClass") not in _STORAGE_CLASSES:
        raise NotImplemented(f"The embedded store does not implement storage class {params['StorageClass']}.")


def refuse_other_acls(params: Mapping[str, Any]) -> None:
    """Return when no other rights are asked for than the owner has of everything in its buckets.

    Raises:
        AccessControlListNotSupported: they are; what AWS says where the bucket's owner is enforced.
    """
    if params.get("ACL") not in _OWNERS_ACLS or any(params.get(grant) for grant in _GRANTS):
        raise AccessControlListNotSupported


def describe(params: Mapping[str, Any]) -> dict[str, Any]:
    """What GetObject will tell about the object, by AWS's member names, and ``Tags``, if it has some.

    Raises:
        MetadataTooLarge: names and values of the user metadata have more than 2 KiB.
        InvalidArgument, InvalidTag, BadRequest: the tags cannot be.
    """
    described = {name: params[name] for name in CONTENT_MEMBERS if params.get(name)}
    described.setdefault("ContentType", DEFAULT_CONTENT_TYPE)
    # AWS: aws-chunked is how the request was sent, not how the object is encoded.
    _, encoding = strip_aws_chunked(described.pop("ContentEncoding", None))
    if encoding is not None:
        described["ContentEncoding"] = encoding
    if params.get("WebsiteRedirectLocation"):
        described["WebsiteRedirectLocation"] = params["WebsiteRedirectLocation"]
    described["Metadata"] = _user_metadata(params.get("Metadata") or {})
    if params.get("Tagging"):
        described["Tags"] = read_tagging_header(params["Tagging"])
    return described


def _user_metadata(metadata: Mapping[str, str]) -> dict[str, str]:
    # A header's value has one character for each of its bytes; S3 keeps names in lower case.
    size_bytes = sum(len(name) + len(value) for name, value in metadata.items())
    if size_bytes > LARGEST_METADATA_BYTES:
        raise MetadataTooLarge(Size=str(size_bytes), MaxSizeAllowed=str(LARGEST_METADATA_BYTES))
    return {name.lower(): value for name, value in metadata.items()}


def pack(described: Mapping[str, Any]) -> bytes:
    """The members as they are stored; a time as seconds since 1970."""
    expires = described.get("Expires")
    if isinstance(expires, datetime):
        described = {**described, "Expires": expires.timestamp()}
    return orjson.dumps(described)


def unpack(packed: bytes) -> dict[str, Any]:
    """The members as they were given to `pack`."""
    described: dict[str, Any] = orjson.loads(packed)
    expires = described.get("Expires")
    if isinstance(expires, float | int):
        described["Expires"] = datetime.fromtimestamp(expires, UTC)
    return described


@dataclass(frozen=True, slots=True, kw_only=True)
class Announced:
    """What the sender says about the bytes.

    Attributes:
        algorithm: S3's name of the one checksum that is stored with the object.
        value: its value in base64 when it came ahead of the bytes.
        md5: ``Content-MD5``.
    """

    algorithm: str
    value: str | None = None
    md5: str | None = None

    def check(self, blob: Blob) -> None:
        """Return when the bytes are the ones that were announced.

        Raises:
            BadDigest: they are not.
        """
        if self.value is not None and self.value != blob.checksum_value:
            raise BadDigest(f"The {self.algorithm} you specified did not match the calculated checksum.")
        if self.md5 is not None and self.md5 != base64.b64encode(blob.md5).decode():
            raise BadDigest("The Content-MD5 you specified did not match what we received.")


def announced(params: Mapping[str, Any], default_algorithm: str = DEFAULT_ALGORITHM) -> Announced:
    """The checksum to compute and what it must be.

    Raises:
        InvalidRequest: more than one value, or an algorithm that S3 does not know.
    """
    given = [name for name, algorithm in ALGORITHMS.items() if params.get(algorithm.member)]
    if len(given) > 1:
        raise InvalidRequest(
            "Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed."
        )
    md5 = params.get("ContentMD5")
    if given:
        return Announced(algorithm=given[0], value=params["Checksum" + given[0]], md5=md5)
    named = params.get("ChecksumAlgorithm")
    return Announced(algorithm=find_algorithm(named).name if named else default_algorithm, md5=md5)


def checksum_members(algorithm: str, checksum_type: str, value: str) -> dict[str, str]:
    """A stored checksum by AWS's member names."""
    return {"Checksum" + algorithm: value, "ChecksumType": checksum_type}


def stored_checksum(stored: StoredObject) -> dict[str, str]:
    """The checksum of an object by AWS's member names."""
    return checksum_members(stored.checksum_algorithm, stored.checksum_type, stored.checksum_value)


def require_null_version(version_id: str | None) -> None:
    """Return when the only version there is, ``null``, or none is named.

    Raises:
        InvalidArgument: another one; the embedded store keeps no versions yet.
    """
    if version_id not in (None, "null"):
        raise InvalidArgument(
            "Invalid version id specified", ArgumentName="versionId", ArgumentValue=str(version_id)
        )
