"""CopyObject and UploadPartCopy from one store to another: read here, written there, nothing held in between.

Whether the caller may read the source and write the target was decided before the call came here. The bytes
and what is said about them come from one answer of the source's store, so they are of one version.

Source: Amazon S3 API Reference, CopyObject and UploadPartCopy.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlencode

from onread.addressing.copy_source import CopySource
from onread.errors import (
    AccessDenied,
    IncompleteBody,
    InvalidArgument,
    InvalidRange,
    InvalidRequest,
    NoSuchTagSet,
    NotImplemented,
    ServiceUnavailable,
)
from onread.stores.store import Store, StoreCall
from onread.stores.tags import Tags
from onread.stores.upstream.tags import read_tags
from onread.wire.aws_chunked import strip_aws_chunked
from onread.wire.checksums import ALGORITHMS, Checksum, find_algorithm
from onread.wire.message import Body, BytesBody
from onread.wire.output import Output
from onread.wire.preconditions import check_preconditions
from onread.wire.ranges import parse_range

LARGEST_COPY_BYTES = 5 << 30

# What an object is said to be: with COPY, the default, the source's, with REPLACE the request's.
_DESCRIBED = (
    "CacheControl",
    "ContentDisposition",
    "ContentEncoding",
    "ContentLanguage",
    "ContentType",
    "Expires",
    "Metadata",
)
# What a copy says of its target, whatever the source was.
_OF_TARGET = (
    "ACL", "BucketKeyEnabled", "GrantFullControl", "GrantRead", "GrantReadACP", "GrantWriteACP", "IfMatch",
    "IfNoneMatch", "Key", "ObjectLockLegalHoldStatus", "ObjectLockMode", "ObjectLockRetainUntilDate",
    "RequestPayer", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5",
    "SSEKMSEncryptionContext", "SSEKMSKeyId", "ServerSideEncryption", "StorageClass",
    "WebsiteRedirectLocation",
)  # fmt: skip
_OF_PART = (
    "Key", "PartNumber", "RequestPayer", "SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5",
    "UploadId",
)  # fmt: skip
# What the target's store says of what was written, and the caller is told.
_ANSWERED = (
    "BucketKeyEnabled", "Expiration", "RequestCharged", "SSECustomerAlgorithm", "SSECustomerKeyMD5",
    "SSEKMSEncryptionContext", "SSEKMSKeyId", "ServerSideEncryption", "VersionId",
)  # fmt: skip
_CUSTOMER_KEY = ("SSECustomerAlgorithm", "SSECustomerKey", "SSECustomerKeyMD5")
_CONTENT_RANGE = re.compile(r"bytes ([0-9]+)-([0-9]+)/([0-9]+)")

_READ = (None, HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT)

Members = Mapping[str, Any]


async def transfer(call: StoreCall, source: Store, target: Store, *, clock: Callable[[], datetime]) -> Output:
    """Do a copy whose source is in another store than its target.

    Raises:
        PreconditionFailed: the source is not as the caller wants it.
        InvalidRequest, InvalidArgument, InvalidRange: it is too large, or has no such range.
        AccessDenied: the source has tags that the caller may not copy.
        ServiceUnavailable: the source's store stopped in the middle; nothing was written.
        S3Error: what either store answers.

    Cancellation: nothing was written.
    """
    named = call.copy_source
    assert named is not None  # decided by whoever calls
    wanted = _read_range(call.params.get("CopySourceRange")) if call.operation == "UploadPartCopy" else None
    async with AsyncExitStack() as scope:
        read, body = await _open(call, named, source, wanted, scope)
        if call.operation == "CopyObject":
            params = {**_described(call, read), **(await _tagging(call, named, source, read))}
            params |= {**_picked(call.params, _OF_TARGET), **_checksum(call.params, read)}
            operation = "PutObject"
        else:
            params, operation = _picked(call.params, _OF_PART), "UploadPart"
        put = StoreCall(
            operation=operation,
            bucket=call.bucket,
            params=params,
            account_id=call.account_id,
            body=_SourceBody(body, params.get("ChecksumAlgorithm")),
        )
        answer = await target.execute(put, scope)
        assert isinstance(answer, Output)  # nobody but onread asked
        written = answer.members
    result = {name: value for name, value in written.items() if name.startswith("Checksum") or name == "ETag"}
    members = {
        f"Copy{'Object' if operation == 'PutObject' else 'Part'}Result": {**result, "LastModified": clock()},
        **_picked(written, _ANSWERED),
    }
    if read.get("VersionId") is not None:
        members["CopySourceVersionId"] = read["VersionId"]
    return Output(members=members)


async def _open(
    call: StoreCall, named: CopySource, source: Store, wanted: tuple[int, int] | None, scope: AsyncExitStack
) -> tuple[Members, Body]:
    """What is read, and what its store says about it."""
    params = {"Key": named.key, "VersionId": named.version_id, "ChecksumMode": "ENABLED"}
    params |= {name: call.params.get(f"CopySource{name}") for name in _CUSTOMER_KEY}
    if wanted is not None:
        params["Range"] = f"bytes={wanted[0]}-{wanted[1]}"
    given = {name: value for name, value in params.items() if value is not None}
    asked = StoreCall(operation="GetObject", bucket=named.container, params=given, account_id=call.account_id)
    answer = await source.execute(asked, scope)
    assert isinstance(answer, Output)
    if answer.status not in _READ:
        raise ServiceUnavailable("The store of the copy's source answers with what is no object.")
    read = answer.members
    check_preconditions(
        call.params,
        etag=read.get("ETag"),
        modified_at=read.get("LastModified"),
        reading=False,
        prefix="CopySource",
    )
    body = BytesBody(answer.body or b"") if not isinstance(answer.body, Body) else answer.body
    if body.length_bytes is None:
        raise ServiceUnavailable("The store of the copy's source does not say how long it is.")
    if wanted is not None:
        _check_range(wanted, read, body.length_bytes)
    if body.length_bytes > LARGEST_COPY_BYTES:
        raise InvalidRequest(
            "The specified copy source is larger than the maximum allowable size for a copy source: "
            f"{LARGEST_COPY_BYTES}"
        )
    return read, body


def _read_range(text: str | None) -> tuple[int, int] | None:
    """First and last byte; None: the whole."""
    if text is None:
        return None
    wanted = parse_range(text)
    if wanted is None or wanted.first is None or wanted.last is None:
        raise InvalidArgument(
            "The x-amz-copy-source-range value must be of the form bytes=first-last where first and "
            "last are the zero-based offsets of the first and last bytes to copy",
            ArgumentName="x-amz-copy-source-range",
            ArgumentValue=text,
        )
    return wanted.first, wanted.last


def _check_range(wanted: tuple[int, int], read: Members, length_bytes: int) -> None:
    """Return when the store gives exactly what was asked for."""
    found = _CONTENT_RANGE.fullmatch(str(read.get("ContentRange") or ""))
    first, last = wanted
    if found is None or int(found[1]) != first or length_bytes != int(found[2]) - first + 1:
        raise ServiceUnavailable("The store of the copy's source does not give the range asked for.")
    if int(found[2]) != last:
        raise InvalidRange(
            f"Range specified is not valid for source object of size: {found[3]}",
            RangeRequested=f"bytes={first}-{last}",
            ActualObjectSize=found[3],
        )


def _described(call: StoreCall, read: Members) -> dict[str, Any]:
    described = _picked(
        call.params if call.params.get("MetadataDirective") == "REPLACE" else read, _DESCRIBED
    )
    # How an upload was sent is no encoding of its object, whatever a store has kept of it.
    _, encoding = strip_aws_chunked(described.pop("ContentEncoding", None))
    return {**described, "ContentEncoding": encoding} if encoding else described


async def _tagging(call: StoreCall, named: CopySource, source: Store, read: Members) -> Members:
    """``Tagging`` of the target: the request's, or the source's when the caller may copy them."""
    if call.params.get("TaggingDirective") == "REPLACE":
        return _picked(call.params, ("Tagging",))
    version_id = named.version_id or read.get("VersionId")
    params = {"Key": named.key, **({"VersionId": version_id} if version_id else {})}
    asked = StoreCall(
        operation="GetObjectTagging", bucket=named.container, params=params, account_id=call.account_id
    )
    try:
        tags: Tags = await read_tags(source, asked)
    except (NoSuchTagSet, NotImplemented):
        return {}  # none, or a store without any
    if not tags:
        return {}
    if not await call.may_copy_tags():
        raise AccessDenied
    return {"Tagging": urlencode(tags)}


def _checksum(asked: Members, read: Members) -> dict[str, Any]:
    """The target keeps the checksum that the caller names, or the source's, and compares what it is sent."""
    named = asked.get("ChecksumAlgorithm")
    algorithm = find_algorithm(named) if named else _known_checksum(read)
    if algorithm is None:
        return {}
    value = read.get(algorithm.member) if read.get("ChecksumType") != "COMPOSITE" else None
    if value and "-" not in value:
        return {algorithm.member: value}
    return {"ChecksumAlgorithm": algorithm.name} if named else {}


def _known_checksum(read: Members) -> Any:
    return next((each for each in ALGORITHMS.values() if read.get(each.member)), None)


def _picked(members: Members, names: Sequence[str]) -> dict[str, Any]:
    return {name: members[name] for name in names if members.get(name) is not None}


class _SourceBody(Body):
    """The source's bytes, with their checksum behind them when one is asked for.

    Raises (from iteration):
        ServiceUnavailable: the source's store stopped before their end.
    """

    def __init__(self, body: Body, algorithm: str | None) -> None:
        self.length_bytes = body.length_bytes
        self._body = body
        self._header = find_algorithm(algorithm).header if algorithm else ""
        self._checksum: Checksum | None = find_algorithm(algorithm).start() if algorithm else None

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._body.__anext__()
        except IncompleteBody as cut:
            raise ServiceUnavailable("The store of the copy's source stopped before its end.") from cut
        except StopAsyncIteration:
            if self._checksum is not None:
                self.trailers = [(self._header, self._checksum.value())]
            raise
        if self._checksum is not None:
            self._checksum.update(chunk)
        return chunk
