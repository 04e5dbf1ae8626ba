"""Rows of buckets' settings, and what is remembered of them so that a request asks for nothing.

Owns how a setting is kept. Refuses to know what a document means, but for those that decide about
requests: policy, public access block, CORS.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

import orjson

from onread.stores.bucket_settings import BucketSettings, read_bucket_settings
from onread.stores.local.index import Index, Transaction
from onread.stores.local.object_rows import find_bucket, require_bucket

MOST_REMEMBERED = 256  # buckets; a policy has up to 20 KiB, CORS rules up to 64


def insert_settings(transaction: Transaction, bucket_id: int, settings: Mapping[str, Any]) -> None:
    """The settings of a bucket that is new; None among them is left out."""
    transaction.connection.executemany(
        "INSERT INTO bucket_settings (bucket_id, name, document) VALUES (?, ?, ?)",
        [(bucket_id, name, _dump(value)) for name, value in settings.items() if value is not None],
    )


def put_setting(transaction: Transaction, bucket: str, name: str, value: Any) -> None:
    """The setting is this from now on.

    Raises:
        NoSuchBucket.
    """
    bucket_id = require_bucket(transaction.connection, bucket).bucket_id
    transaction.connection.execute(
        "INSERT INTO bucket_settings (bucket_id, name, document) VALUES (?, ?, ?)"
        " ON CONFLICT DO UPDATE SET document = excluded.document",
        (bucket_id, name, _dump(value)),
    )


def delete_setting(transaction: Transaction, bucket: str, name: str) -> None:
    """There is no such setting; no error when there was none before.

    Raises:
        NoSuchBucket.
    """
    bucket_id = require_bucket(transaction.connection, bucket).bucket_id
    transaction.connection.execute(
        "DELETE FROM bucket_settings WHERE bucket_id = ? AND name = ?", (bucket_id, name)
    )


def find_setting(connection: sqlite3.Connection, bucket: str, name: str) -> Any:
    """The setting; None when there is none.

    Raises:
        NoSuchBucket.
    """
    bucket_id = require_bucket(connection, bucket).bucket_id
    row = connection.execute(
        "SELECT document FROM bucket_settings WHERE bucket_id = ? AND name = ?", (bucket_id, name)
    ).fetchone()
    return orjson.loads(row[0]) if row else None


class RememberedSettings:
    """Buckets' settings in memory, as old as the last commit of whichever process.

    A look compares one number: of our own commits, or, where other processes write too, the one that
    SQLite keeps in shared memory. Only after a commit does it ask the database whether settings changed.
    That there is no such bucket is remembered until whatever commit comes next: in front of another store
    most buckets are not here. Used on one thread alone, that of the index's connection.

    Args:
        shared: other processes write this index, too.
    """

    def __init__(self, index: Index, *, shared: bool) -> None:
        self._index = index
        self._shared = shared
        self._known: OrderedDict[str, BucketSettings] = OrderedDict()
        self._absent: set[str] = set()
        self._seen_commits = self._changes = -1

    def find(self, name: str) -> BucketSettings | None:
        """The settings of the bucket as they are now; None when there is no such bucket."""
        self._forget_what_changed()
        known = self._known.get(name)
        if known is not None:
            self._known.move_to_end(name)
            return known
        return None if name in self._absent else self._look(name)

    def _look(self, name: str) -> BucketSettings | None:
        found = _load(self._index.connection, name)
        if found is not None:
            self._known[name] = found
            if len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        elif len(self._absent) < MOST_REMEMBERED:
            self._absent.add(name)
        return found

    def _forget_what_changed(self) -> None:
        connection, commits = self._index.connection, self._index.commits
        if self._shared:
            (commits,) = connection.execute("PRAGMA data_version").fetchone()
        if commits == self._seen_commits:
            return
        self._absent.clear()
        (changes,) = connection.execute("SELECT number FROM bucket_settings_changes").fetchone()
        if changes != self._changes:
            self._known.clear()
        # In this order: what was committed after the first number makes the next look ask again.
        self._seen_commits, self._changes = commits, changes


def _load(connection: sqlite3.Connection, name: str) -> BucketSettings | None:
    bucket = find_bucket(connection, name)
    if bucket is None:
        return None
    rows = connection.execute(
        "SELECT name, document FROM bucket_settings WHERE bucket_id = ?", (bucket.bucket_id,)
    )
    found = {setting: orjson.loads(document) for setting, document in rows}
    return read_bucket_settings(bucket.account_id, found)


def _dump(value: Any) -> str:
    return orjson.dumps(value).decode()
