"""A page of a list with the sizes of the results, as HEAD and GET answer them, in place of the originals'.

What stands in a page is true, or the page ends before it. Owns which of three things becomes of a key:

* its result is kept, or can be made in time: its size and its ETag stand in the list;
* there is no result: the function refuses that object, or the reader may not read it. It is listed as the
  original is, and reading it tells why;
* nobody knows yet: the page ends before it and says where to go on. Where it would be the first: 503, and
  whoever asks again finds what has been made meanwhile.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any
from urllib.parse import quote, unquote_plus

import structlog

from onread.errors import AccessDenied, S3Error, ServiceError, SlowDown
from onread.objectlambda.admission import ReadCall
from onread.objectlambda.slices.sliced import SlicedReads
from onread.wire.message import Headers, Request

log = structlog.get_logger("onread.slices")

AT_ONCE = 8
"""How many keys of one list are asked for, and so perhaps transformed, at a time."""
PAGE_SECONDS = 20.0
"""How long one page is worked at: well below the minute after which SDKs give up."""

_MOST_LOGGED = 10
_TOKEN = "onread-after."
# Not about an object: whoever reads one sends none of them.
_OF_LISTS = frozenset({"x-amz-optional-object-attributes"})
_OF_THE_ORIGINAL = ("ChecksumAlgorithm", "ChecksumType")

MayRead = Callable[[str], Awaitable[bool]]
Measured = tuple[int, str]
"""Size in bytes and ETag."""


def page_token(key: str) -> str:
    """The continuation token of a page that ends with this key; no secret, as ``start-after`` is none."""
    return _TOKEN + base64.urlsafe_b64encode(key.encode()).decode("ascii")


def key_of_token(token: str | None) -> str | None:
    """The key behind which a list goes on; None: the token is not one of ours."""
    if token is None or not token.startswith(_TOKEN):
        return None
    try:
        return base64.b64decode(token.removeprefix(_TOKEN), b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class SizedLists:
    """Lists with the sizes of results.

    Args:
        may_read: whether whoever lists may read the result of this key at the access point: the original
            is asked for by a HEAD through the access point behind it.
    """

    slices: SlicedReads
    may_read: MayRead
    page_seconds: float = PAGE_SECONDS

    async def sized(self, call: ReadCall, members: Mapping[str, Any]) -> Mapping[str, Any]:
        """The page of a list with the sizes of the results.

        Args:
            call: ListObjects or ListObjectsV2.
            members: the answer's, as the bucket's store gave it.

        Raises:
            SlowDown: the size of the first key is not known yet.
            LambdaNotFound, LambdaPermissionError, LoopDetected: no result could be made at all.
        """
        contents: Sequence[Mapping[str, Any]] = members.get("Contents") or ()
        if not contents:
            return members
        is_encoded = members.get("EncodingType") == "url"
        keys = [unquote_plus(item["Key"]) if is_encoded else item["Key"] for item in contents]
        self.slices.admit(_read_of(call, keys[0], call.request_id))
        work = _Page(self.slices, self.may_read, call, keys)
        await work.run(self.page_seconds)
        work.log_what_is_missing()
        shown = [_entry(item, work.found[index]) for index, item in enumerate(contents[: work.stop])]
        if work.stop == len(keys):
            return {**members, "Contents": shown}
        if not shown:
            raise SlowDown("The sizes of these objects are being made.", retry_after_seconds=1)
        return _cut(call.operation, members, shown, keys[work.stop - 1])


@dataclass(slots=True)
class _Page:
    """The keys of one page, asked for in their order.

    Attributes:
        found: by its index in the page; a `ServiceError`: there is no such result.
        stop: the first key that nobody knows about, or the end.
    """

    slices: SlicedReads
    may_read: MayRead
    call: ReadCall
    keys: Sequence[str]
    found: dict[int, Measured | ServiceError] = field(default_factory=dict)
    stop: int = 0

    async def run(self, seconds: float) -> None:
        """Ask for all of them, and stop where the answer is missing."""
        self.stop = len(self.keys)
        todo = iter(range(len(self.keys)))
        try:
            async with asyncio.timeout(seconds), asyncio.TaskGroup() as group:
                for _ in range(AT_ONCE):
                    group.create_task(self._work(todo))
        except TimeoutError:
            self.stop = next((index for index in range(self.stop) if index not in self.found), self.stop)

    def log_what_is_missing(self) -> None:
        """One line a page, however many there are."""
        refused = {
            self.keys[index]: found.code
            for index, found in sorted(self.found.items())
            if index < self.stop and isinstance(found, ServiceError)
        }
        if refused:
            some = dict(islice(refused.items(), _MOST_LOGGED))
            log.warning("slices.unsized", request_id=self.call.request_id, count=len(refused), keys=some)

    async def _work(self, todo: Iterator[int]) -> None:
        for index in todo:
            if index >= self.stop:
                return
            try:
                await self._check(self.keys[index])
                admitted = self.slices.admit(
                    _read_of(self.call, self.keys[index], self.slices.new_request_id())
                )
                self.found[index] = await self.slices.measure(admitted)
            except SlowDown:
                self.stop = min(self.stop, index)
            except ServiceError as refusal:
                self.found[index] = refusal

    async def _check(self, key: str) -> None:
        """Before anything runs.

        Raises:
            AccessDenied: they may not read it.
            SlowDown: nobody can say now.
        """
        try:
            may_read = await self.may_read(key)
        except S3Error as unknown:
            raise SlowDown from unknown
        if not may_read:
            raise AccessDenied


def _read_of(call: ReadCall, key: str, request_id: str) -> ReadCall:
    """The read of one object that stands for its line in the list: as the same client would send it."""
    request: Request = call.request
    headers = Headers(pair for pair in request.headers if pair[0].lower() not in _OF_LISTS)
    target = f"{request.path.rstrip('/')}/{quote(key, safe='/-_.~')}"
    return replace(
        call,
        request_id=request_id,
        operation="HeadObject",
        params={"Key": key},
        request=replace(request, method="HEAD", target=target, headers=headers),
    )


def _entry(item: Mapping[str, Any], found: Measured | ServiceError) -> Mapping[str, Any]:
    if isinstance(found, ServiceError):
        return item
    size_bytes, etag = found
    kept = {name: value for name, value in item.items() if name not in _OF_THE_ORIGINAL}
    return {**kept, "Size": size_bytes, "ETag": etag}


def _cut(
    operation: str, members: Mapping[str, Any], shown: Sequence[Mapping[str, Any]], last_key: str
) -> Mapping[str, Any]:
    """The page up to its last known key. Prefixes behind that come with the next page."""
    last = shown[-1]["Key"]
    is_encoded = members.get("EncodingType") == "url"
    prefixes = [
        group
        for group in members.get("CommonPrefixes") or ()
        if (unquote_plus(group["Prefix"]) if is_encoded else group["Prefix"]) < last_key
    ]
    cut: dict[str, Any] = {**members, "Contents": shown, "CommonPrefixes": prefixes, "IsTruncated": True}
    if operation == "ListObjects":
        return {**cut, "NextMarker": last}
    return {**cut, "KeyCount": len(shown) + len(prefixes), "NextContinuationToken": page_token(last_key)}
