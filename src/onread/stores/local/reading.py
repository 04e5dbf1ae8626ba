"""Stored bytes on their way out.

A small object is read at once, a large one as its receiver takes it, a chunk at a time. What the page
cache holds is read on the spot, for handing it to a thread costs twenty times the read; what must
come from the medium is waited for in a thread, while the system reads ahead.

Whoever reads a blob from its first byte to its last learns whether it is still what was written: the
CRC64NVME of 1 MiB takes 20 us.
"""

from collections.abc import Sequence
from contextlib import AsyncExitStack

import structlog

from onread.errors import InternalError
from onread.stores.local.disk import Disk
from onread.stores.local.faults import map_disk_faults
from onread.stores.local.shelves import Shelves
from onread.stores.local.workers import Workers
from onread.wire.checksums import Checksum, new_checksum
from onread.wire.frozen import frozen
from onread.wire.message import Body

log = structlog.get_logger(__name__)

CHUNK_BYTES = 256 * 1024


@frozen(kw_only=True)
class Piece:
    """Bytes ``[start, stop)`` of one blob.

    ``crc64`` is the blob's CRC64NVME when the piece is the whole blob, else None.
    """

    blob_id: str
    start: int
    stop: int
    crc64: str | None


class OpenPiece:
    """A piece that is being read, from its first byte to its last."""

    def __init__(self, disk: Disk, workers: Workers, piece: Piece, file: int) -> None:
        self._disk = disk
        self._workers = workers
        self._piece = piece
        self._file: int | None = file
        self._offset = piece.start
        self._checksum: Checksum | None = new_checksum("CRC64NVME") if piece.crc64 is not None else None

    async def read(self) -> bytes:
        """The next chunk; empty at the end.

        Raises:
            InternalError: the file is not what was written; the last chunk is then held back.
        """
        size_bytes = min(CHUNK_BYTES, self._piece.stop - self._offset)
        if self._file is None or size_bytes == 0:
            self.close()
            return b""
        chunk = await self._read(self._file, size_bytes)
        self._offset += len(chunk)
        self._check(chunk, expected_bytes=size_bytes)
        return chunk

    async def _read(self, file: int, size_bytes: int) -> bytes:
        with map_disk_faults():
            if self._disk.is_cached(file, size_bytes, self._offset):
                return self._disk.read(file, size_bytes, self._offset)
        return await self._workers.run(self._read_from_medium, file, size_bytes)

    def _read_from_medium(self, file: int, size_bytes: int) -> bytes:
        chunk = self._disk.read(file, size_bytes, self._offset)
        ahead = min(4 * CHUNK_BYTES, self._piece.stop - self._offset - size_bytes)
        if ahead > 0:
            self._disk.expect_reads(file, ahead, self._offset + size_bytes)
        return chunk

    def _check(self, chunk: bytes, *, expected_bytes: int) -> None:
        is_whole = len(chunk) == expected_bytes
        if is_whole and self._checksum is not None:
            self._checksum.update(chunk)
            if self._offset == self._piece.stop:
                is_whole = self._checksum.value() == self._piece.crc64
        if not is_whole:
            log.error("store.damaged_blob", blob_id=self._piece.blob_id, offset=self._offset)
            raise InternalError("The object's bytes on disk are damaged.")

    def close(self) -> None:
        """The descriptor is given back."""
        file, self._file = self._file, None
        if file is not None:
            self._disk.close(file)


class StoredBody(Body):
    """The pieces of an object, one after the other. Whoever made it closes it in its scope."""

    def __init__(
        self, shelves: Shelves, workers: Workers, first: OpenPiece, later: Sequence[Piece], size: int
    ) -> None:
        self.length_bytes = size
        self._shelves = shelves
        self._workers = workers
        self._open = first
        self._later = list(reversed(later))

    async def __anext__(self) -> bytes:
        while not (chunk := await self._open.read()):
            if not self._later:
                raise StopAsyncIteration
            with map_disk_faults():
                self._open = open_piece(self._shelves, self._workers, self._later.pop())
        return chunk

    def close(self) -> None:
        """No descriptor is left."""
        self._later.clear()
        self._open.close()


def open_piece(shelves: Shelves, workers: Workers, piece: Piece) -> OpenPiece:
    """The piece, open.

    Raises:
        FileNotFoundError: the blob was removed.
    """
    return OpenPiece(shelves.disk, workers, piece, shelves.open(piece.blob_id))


async def read_pieces(
    shelves: Shelves, workers: Workers, first: OpenPiece, pieces: Sequence[Piece], scope: AsyncExitStack
) -> Body | bytes:
    """The pieces as a body; a small single one is read, checked and closed before this returns."""
    size_bytes = sum(piece.stop - piece.start for piece in pieces)
    if len(pieces) > 1 or size_bytes > CHUNK_BYTES:
        body = StoredBody(shelves, workers, first, pieces[1:], size_bytes)
        scope.callback(body.close)
        return body
    try:
        return await first.read()
    finally:
        first.close()
