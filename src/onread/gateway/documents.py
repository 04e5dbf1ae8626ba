"""Documents: the whole of a body, bounded in size and in time, and what it says."""

import asyncio
from typing import Any

from onread.errors import RequestTimeout
from onread.protocol.model import Operation
from onread.protocol.parse import parse_body
from onread.wire.message import Body

GRACE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 128 << 10
# Measured: 10,000 parts in 1.4 MB take 250 ms, 64 KiB at most 15.
_LONGEST_AT_ONCE = 64 << 10


async def read_document(body: Body, limit_bytes: int) -> bytes:
    """The whole body.

    Some documents are read before their signature can be checked, for it covers their hash: a sender
    that gives a byte now and then would hold its place among the callers for as long as it likes (T-254).

    Raises:
        MaxMessageLengthExceeded: it is longer than ``limit_bytes``.
        RequestTimeout: it came slower than 128 KiB a second, with half a minute for the start.
        IncompleteBody: the sender stopped before the end.
    """
    size_bytes = limit_bytes if body.length_bytes is None else min(body.length_bytes, limit_bytes)
    try:
        async with asyncio.timeout(GRACE_SECONDS + size_bytes / SLOWEST_BYTES_PER_SECOND):
            return await body.read(limit_bytes)
    except TimeoutError as late:
        raise RequestTimeout from late


async def parse_document(operation: Operation, document: bytes) -> dict[str, Any]:
    """The members of a document; a long one is parsed in a thread, for others wait meanwhile (T-259).

    Raises:
        ServiceError: see `onread.protocol.parse.parse_body`.
    """
    if len(document) <= _LONGEST_AT_ONCE:
        return parse_body(operation, document)
    return await asyncio.to_thread(parse_body, operation, document)
