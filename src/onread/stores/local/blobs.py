"""Bytes on their way into the store: write aside, sync, rename, sync the place.

Owns the order of these steps. Only when the last one is done may a transaction refer to the blob; it
never changes afterwards. Refuses to know buckets, keys and rows.
"""

import errno
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from onread.errors import EntityTooLarge
from onread.stores.local.index import Adoptable
from onread.stores.local.shelves import Shelves
from onread.stores.local.workers import Workers, settle
from onread.wire.checksums import new_checksum
from onread.wire.message import Body

LARGEST_BLOB_BYTES = 5 * 1024**3  # AWS: the largest PutObject, the largest part
BATCH_BYTES = 1024**2

# The source has as many links as a file may have, or this file system has none, or the source has gone.
_NO_LINK = frozenset({errno.EMLINK, errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EXDEV, errno.ENOENT})


@dataclass(slots=True, kw_only=True)
class Blob(Adoptable):
    """Bytes that are whole and on the medium.

    Attributes:
        md5: binary, of the bytes.
        crc64: CRC64NVME in base64, checked whenever the whole blob is read.
        checksum_value: of the algorithm that was asked for, in base64.
        adopted: whether a committed transaction refers to it.
    """

    blob_id: str
    size_bytes: int
    md5: bytes
    crc64: str
    checksum_value: str
    adopted: bool = False


class Draft:
    """One blob in the making. Its methods run in threads, one at a time."""

    def __init__(self, shelves: Shelves, algorithm: str) -> None:
        self.blob: Blob | None = None
        self._shelves = shelves
        self._blob_id = secrets.token_hex(16)
        self._size_bytes = 0
        self._file: int | None = None
        self._place: int | None = None  # the directory in which the name stands
        self._md5 = new_checksum("MD5")
        self._crc64 = new_checksum("CRC64NVME")
        ours = {"MD5": self._md5, "CRC64NVME": self._crc64}
        self._checksum = ours.get(algorithm) or new_checksum(algorithm)
        self._checksums = {self._md5, self._crc64, self._checksum}

    def write(self, chunks: list[bytes]) -> None:
        """The chunks are appended and hashed."""
        disk, aside = self._shelves.disk, self._shelves.aside
        if self._file is None:
            self._file = disk.create(aside, self._blob_id)
            self._place = aside
        disk.write(self._file, chunks)
        for chunk in chunks:
            self._size_bytes += len(chunk)
            for checksum in self._checksums:
                checksum.update(chunk)

    def finish(self, chunks: list[bytes]) -> Blob:
        """The last chunks are appended, and the blob stands in its shard, all of it on the medium."""
        self.write(chunks)
        disk, aside, shard = self._shelves.disk, self._shelves.aside, self._shelves.shard(self._blob_id)
        if self._file is not None:
            disk.sync(self._file)
            self._close()
        disk.rename(aside, self._blob_id, shard, self._blob_id)
        self._place = shard
        disk.sync_directory(shard)
        self.blob = Blob(
            blob_id=self._blob_id,
            size_bytes=self._size_bytes,
            md5=self._md5.digest(),
            crc64=self._crc64.value(),
            checksum_value=self._checksum.value(),
        )
        return self.blob

    def link(self, source: Blob) -> None:
        """The source's bytes stand under this id too; no `blob` when the file system cannot do that."""
        disk, shard = self._shelves.disk, self._shelves.shard(self._blob_id)
        try:
            disk.link(self._shelves.shard(source.blob_id), source.blob_id, shard, self._blob_id)
        except OSError as error:
            if error.errno in _NO_LINK:
                return
            raise
        self._place = shard
        disk.sync_directory(shard)
        self.blob = Blob(
            blob_id=self._blob_id,
            size_bytes=source.size_bytes,
            md5=source.md5,
            crc64=source.crc64,
            checksum_value=source.checksum_value,
        )

    @property
    def is_adopted(self) -> bool:
        """Whether a committed transaction refers to the blob."""
        return self.blob is not None and self.blob.adopted

    def discard(self) -> None:
        """Neither a descriptor nor a name is left."""
        self._close()
        if self._place is not None:
            self._shelves.unlink(self._place, self._blob_id)

    def _close(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            self._shelves.disk.close(file)


class Blobs:
    """Where blobs are made."""

    def __init__(self, shelves: Shelves, workers: Workers) -> None:
        self._shelves = shelves
        self._workers = workers

    @asynccontextmanager
    async def receive(self, body: Body, algorithm: str, check: Callable[[Blob], None]) -> AsyncIterator[Blob]:
        """The body as a blob that nothing refers to yet; gone again unless a transaction adopts it.

        Args:
            algorithm: of the checksum wanted beside MD5 and CRC64NVME.
            check: raises when the blob is not what the sender announced.

        Raises:
            S3Error: whatever reading the body raises.
            EntityTooLarge: it holds more than 5 GiB.

        Cancellation: no file and no descriptor is left.
        """
        async with self._draft(algorithm) as draft:
            blob = await self._fill(draft, body)
            check(blob)
            yield blob

    @asynccontextmanager
    async def link(self, source: Blob) -> AsyncIterator[Blob | None]:
        """The same bytes under an id of their own, as `receive`, without a copy.

        None: the file system cannot do that, or the source has gone; receive its bytes instead.
        """
        async with self._draft("MD5") as draft:
            await self._workers.run(draft.link, source)
            yield draft.blob

    @asynccontextmanager
    async def _draft(self, algorithm: str) -> AsyncIterator[Draft]:
        draft = Draft(self._shelves, algorithm)
        try:
            yield draft
        finally:
            if not draft.is_adopted:
                await settle(self._workers.submit(draft.discard), may_drop=False)

    async def _fill(self, draft: Draft, body: Body) -> Blob:
        """One batch is written and hashed in a thread while the next one comes in."""
        _check_size(body.length_bytes or 0)
        held: list[bytes] = []
        held_bytes = seen_bytes = 0
        writing = None
        try:
            async for chunk in body:
                held.append(chunk)
                held_bytes += len(chunk)
                if held_bytes < BATCH_BYTES:
                    continue
                seen_bytes += held_bytes
                _check_size(seen_bytes)
                if writing is not None:
                    await settle(writing)
                writing = self._workers.submit(draft.write, held)
                held, held_bytes = [], 0
        finally:
            if writing is not None:
                await settle(writing)
        return await self._workers.run(draft.finish, held)


def _check_size(size_bytes: int) -> None:
    if size_bytes > LARGEST_BLOB_BYTES:
        raise EntityTooLarge(ProposedSize=str(size_bytes), MaxSizeAllowed=str(LARGEST_BLOB_BYTES))
