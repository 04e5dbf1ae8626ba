"""Reading a document: the whole of a body, bounded in size and in time."""

import asyncio

from onread.errors import RequestTimeout
from onread.wire.message import Body

GRACE_SECONDS = 30.0
SLOWEST_BYTES_PER_SECOND = 128 << 10


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
