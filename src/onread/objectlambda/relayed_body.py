"""The writer's bytes on their way to the caller: pulled through, never held.

Owns the promise that a caller never gets a whole-looking body that was not whole: whatever is wrong with
the writer's bytes is known before the last of them leaves.
"""

from onread.errors import BadDigest, IncompleteBody
from onread.objectlambda.response import DeclaredChecksum
from onread.wire.checksums import new_checksum
from onread.wire.message import Body


class RelayedBody(Body):
    """A writer's body as the caller's sender pulls it.

    With a declared length the end of the source is seen before the last chunk is handed over, so an error
    that only the end reveals (a digest, a short body) cuts the caller short of its ``Content-Length``.
    Without one, such an error comes instead of the end and the last-chunk marker is never sent.

    Attributes:
        complete: the source's end was seen; nothing more is wanted of the writer.

    Raises (from iteration):
        BadDigest: the declared checksum is not that of the bytes.
        IncompleteBody: the source ended early or late.
        S3Error: whatever else the source raises.
    """

    def __init__(self, source: Body, checksum: DeclaredChecksum | None) -> None:
        self.length_bytes = source.length_bytes
        self.complete = False
        self._source = source
        self._declared = checksum
        self._checksum = new_checksum(checksum.algorithm) if checksum is not None else None
        self._seen_bytes = 0

    async def __anext__(self) -> bytes:
        if self.complete:
            raise StopAsyncIteration
        try:
            chunk = await self._source.__anext__()
        except StopAsyncIteration:
            self._end()
            raise
        self._seen_bytes += len(chunk)
        if self._checksum is not None:
            self._checksum.update(chunk)
        if self._seen_bytes == self.length_bytes:
            async for _ in self._source:
                raise IncompleteBody(f"More than the declared {self.length_bytes} bytes came.")
            self._end()
        return chunk

    def _end(self) -> None:
        if self.length_bytes is not None and self._seen_bytes != self.length_bytes:
            raise IncompleteBody(f"{self._seen_bytes} of the declared {self.length_bytes} bytes came.")
        if self._checksum is None or self._declared is None:
            self.complete = True
            return
        if self._checksum.value() != self._declared.value:
            raise BadDigest(f"The {self._declared.algorithm} checksum given is not that of the Body.")
        self.complete = True


class PrefixedBody(Body):
    """A body of which one chunk was read already."""

    def __init__(self, first: bytes, rest: Body) -> None:
        self.length_bytes = rest.length_bytes
        self._first = first
        self._rest = rest

    async def __anext__(self) -> bytes:
        if self._first:
            first, self._first = self._first, b""
            return first
        return await self._rest.__anext__()


async def look_into(body: Body) -> tuple[bool, Body]:
    """Whether the body is empty, and the whole body still.

    Reads at most one chunk, and only when the length is unknown.
    """
    if body.length_bytes is not None:
        return body.length_bytes == 0, body
    async for first in body:
        return False, PrefixedBody(first, body)
    return True, body
