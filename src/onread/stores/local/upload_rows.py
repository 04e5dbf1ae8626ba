"""Rows of multipart uploads and their parts: every SQL statement about them."""

import sqlite3
from typing import NamedTuple

from onread.errors import NoSuchUpload
from onread.stores.local.index import Transaction


class Upload(NamedTuple):
    """A multipart upload that is neither completed nor aborted."""

    upload_id: str
    bucket_id: int
    key: bytes
    account_id: str
    initiated_at_ms: int
    checksum_algorithm: str
    checksum_type: str
    headers: bytes


class Part(NamedTuple):
    """A part of an upload. ``md5`` is binary."""

    part_number: int
    md5: bytes
    size_bytes: int
    modified_at_ms: int
    blob_id: str
    crc64: str
    checksum_value: str


_UPLOAD_COLUMNS = ", ".join(Upload._fields)
_PART_COLUMNS = ", ".join(Part._fields)


def has_uploads(connection: sqlite3.Connection, bucket_id: int, count: int) -> bool:
    """Whether a bucket has at least so many uploads; no more of them are looked at."""
    (found,) = connection.execute(
        "SELECT count(*) FROM (SELECT 1 FROM uploads WHERE bucket_id = ? LIMIT ?)", (bucket_id, count)
    ).fetchone()
    return bool(found >= count)


def insert_upload(transaction: Transaction, upload: Upload) -> None:
    """The upload exists."""
    transaction.connection.execute(
        f"INSERT INTO uploads ({_UPLOAD_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)", upload
    )


def find_upload(connection: sqlite3.Connection, bucket_id: int, key: bytes, upload_id: str) -> Upload | None:
    """The upload of this id to this very bucket and key."""
    row = connection.execute(
        f"SELECT {_UPLOAD_COLUMNS} FROM uploads WHERE upload_id = ? AND bucket_id = ? AND key = ?",
        (upload_id, bucket_id, key),
    ).fetchone()
    return Upload._make(row) if row else None


def require_upload(connection: sqlite3.Connection, bucket_id: int, key: bytes, upload_id: str) -> Upload:
    """The upload of this id to this very bucket and key.

    Raises:
        NoSuchUpload: there is none; that it exists for another key is told nobody.
    """
    upload = find_upload(connection, bucket_id, key, upload_id)
    if upload is None:
        raise NoSuchUpload(UploadId=upload_id)
    return upload


def remove_upload(transaction: Transaction, upload_id: str, *, keeping: frozenset[str] = frozenset()) -> None:
    """Upload and parts are gone; the blobs of the parts are condemned, save those to keep."""
    connection = transaction.connection
    for (blob_id,) in connection.execute("SELECT blob_id FROM parts WHERE upload_id = ?", (upload_id,)):
        if blob_id not in keeping:
            transaction.condemn(blob_id)
    connection.execute("DELETE FROM parts WHERE upload_id = ?", (upload_id,))
    connection.execute("DELETE FROM uploads WHERE upload_id = ?", (upload_id,))


def place_part(transaction: Transaction, upload_id: str, part: Part) -> None:
    """The part has this number, in place of the one that had it."""
    connection = transaction.connection
    before = connection.execute(
        "SELECT blob_id FROM parts WHERE upload_id = ? AND part_number = ?", (upload_id, part.part_number)
    ).fetchone()
    if before is not None:
        transaction.condemn(before[0])
    connection.execute(
        f"INSERT OR REPLACE INTO parts (upload_id, {_PART_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (upload_id, *part),
    )


def find_parts(connection: sqlite3.Connection, upload_id: str, after: int = 0, limit: int = -1) -> list[Part]:
    """Parts with numbers above ``after``, in order; all of them by default, at most 10,000."""
    rows = connection.execute(
        f"SELECT {_PART_COLUMNS} FROM parts WHERE upload_id = ? AND part_number > ?"
        " ORDER BY part_number LIMIT ?",
        (upload_id, after, limit),
    )
    return [Part._make(row) for row in rows]
