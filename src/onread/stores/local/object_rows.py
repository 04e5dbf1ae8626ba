"""Rows of buckets and objects: every SQL statement about them, by bound parameters only.

Owns what a row holds. Refuses to know requests: names and plain values come in, rows go out.
"""

import sqlite3
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import NamedTuple

from onread.errors import NoSuchBucket
from onread.stores.local.index import Transaction
from onread.stores.local.reading import Piece


class Bucket(NamedTuple):
    """A bucket's row."""

    bucket_id: int
    name: str
    account_id: str
    created_at_ms: int


class NewObject(NamedTuple):
    """What is known of an object before it has its place in the order of writes.

    Attributes:
        etag: without quotes.
        blob_id: None for an object of several segments.
        crc64: of the blob; None with ``blob_id``.
        part_count: None unless it came by a multipart upload.
        upload_id: the upload that made it, so that a repeated completion is known again.
        headers: see ``content.pack``.
    """

    etag: str
    size_bytes: int
    modified_at_ms: int
    blob_id: str | None
    crc64: str | None
    part_count: int | None
    checksum_algorithm: str
    checksum_type: str
    checksum_value: str
    upload_id: str | None
    headers: bytes


class StoredObject(NamedTuple):
    """The current version of an object: `NewObject` behind its sequence number."""

    sequence: int
    etag: str
    size_bytes: int
    modified_at_ms: int
    blob_id: str | None
    crc64: str | None
    part_count: int | None
    checksum_algorithm: str
    checksum_type: str
    checksum_value: str
    upload_id: str | None
    headers: bytes

    @property
    def modified_at(self) -> datetime:
        """When it was written, to the second: what ``Last-Modified`` can say."""
        return datetime.fromtimestamp(self.modified_at_ms // 1000, UTC)


class Segment(NamedTuple):
    """The place of one part in an object; bytes ``[start_byte, start_byte + size_bytes)``."""

    part_number: int
    start_byte: int
    size_bytes: int
    blob_id: str
    crc64: str
    checksum_value: str


_COLUMNS = ", ".join(NewObject._fields)
_FIND = f"""
    SELECT sequence, {_COLUMNS} FROM objects
    WHERE bucket_id = (SELECT bucket_id FROM buckets WHERE name = ?) AND key = ? AND is_current = 1
"""
_INSERT = f"""
    INSERT INTO objects (bucket_id, key, {_COLUMNS})
    VALUES (?, ?, {", ".join("?" for _ in NewObject._fields)})
"""
_SEGMENT_COLUMNS = ", ".join(Segment._fields)


def find_bucket(connection: sqlite3.Connection, name: str) -> Bucket | None:
    """The bucket of this name."""
    row = connection.execute(
        "SELECT bucket_id, name, account_id, created_at_ms FROM buckets WHERE name = ?", (name,)
    ).fetchone()
    return Bucket._make(row) if row else None


def require_bucket(connection: sqlite3.Connection, name: str) -> Bucket:
    """The bucket of this name.

    Raises:
        NoSuchBucket: there is none.
    """
    bucket = find_bucket(connection, name)
    if bucket is None:
        raise NoSuchBucket(BucketName=name)
    return bucket


def find_object(connection: sqlite3.Connection, bucket: str, key: bytes) -> StoredObject | None:
    """The current version of the object.

    Raises:
        NoSuchBucket: there is not even the bucket.
    """
    row = connection.execute(_FIND, (bucket, key)).fetchone()
    if row is None:
        require_bucket(connection, bucket)
        return None
    return StoredObject._make(row)


def insert_object(
    transaction: Transaction, bucket_id: int, key: bytes, new: NewObject, segments: Sequence[Segment] = ()
) -> None:
    """The object is the current version of its key; `remove_object` has made room."""
    connection = transaction.connection
    sequence = connection.execute(_INSERT, (bucket_id, key, *new)).lastrowid
    connection.executemany(
        f"INSERT INTO segments (sequence, {_SEGMENT_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [(sequence, *segment) for segment in segments],
    )


def replace_headers(transaction: Transaction, stored: StoredObject, headers: bytes) -> None:
    """The version's headers are these; see ``content.pack``. Its bytes and its age stay."""
    transaction.connection.execute(
        "UPDATE objects SET headers = ? WHERE sequence = ?", (headers, stored.sequence)
    )


def remove_object(transaction: Transaction, stored: StoredObject) -> None:
    """The version is gone and its blobs are condemned."""
    connection = transaction.connection
    if stored.blob_id is not None:
        transaction.condemn(stored.blob_id)
    else:
        for segment in find_segments(connection, stored.sequence):
            transaction.condemn(segment.blob_id)
        connection.execute("DELETE FROM segments WHERE sequence = ?", (stored.sequence,))
    connection.execute("DELETE FROM objects WHERE sequence = ?", (stored.sequence,))


def find_segments(connection: sqlite3.Connection, sequence: int) -> list[Segment]:
    """The segments of an object that has them, in order; there are at most 10,000."""
    rows = connection.execute(
        f"SELECT {_SEGMENT_COLUMNS} FROM segments WHERE sequence = ? ORDER BY part_number", (sequence,)
    )
    return [Segment._make(row) for row in rows]


def find_part(connection: sqlite3.Connection, sequence: int, part_number: int) -> Segment | None:
    """The segment that one part became: the parts of an object are counted from 1, without gaps."""
    if part_number < 1:
        return None
    row = connection.execute(
        f"SELECT {_SEGMENT_COLUMNS} FROM segments WHERE sequence = ? ORDER BY part_number LIMIT 1 OFFSET ?",
        (sequence, part_number - 1),
    ).fetchone()
    return Segment._make(row) if row else None


def is_stored(connection: sqlite3.Connection, sequence: int) -> bool:
    """Whether this very version is still there."""
    row = connection.execute("SELECT 1 FROM objects WHERE sequence = ?", (sequence,)).fetchone()
    return row is not None


def find_pieces(connection: sqlite3.Connection, stored: StoredObject, start: int, stop: int) -> list[Piece]:
    """What to read for bytes ``[start, stop)`` of the object, in order; none when the version is gone."""
    if stored.blob_id is not None:
        whole = (start, stop) == (0, stored.size_bytes)
        return [Piece(blob_id=stored.blob_id, start=start, stop=stop, crc64=stored.crc64 if whole else None)]
    touched = [
        segment
        for segment in find_segments(connection, stored.sequence)
        if segment.start_byte < stop and segment.start_byte + segment.size_bytes > start
    ]
    return [_piece(segment, start, stop) for segment in touched]


def _piece(segment: Segment, start: int, stop: int) -> Piece:
    first = max(0, start - segment.start_byte)
    last = min(segment.size_bytes, stop - segment.start_byte)
    whole = (first, last) == (0, segment.size_bytes)
    return Piece(blob_id=segment.blob_id, start=first, stop=last, crc64=segment.crc64 if whole else None)
