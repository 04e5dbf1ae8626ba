"""The tables of the embedded store and how an older file becomes a newer one.

Each migration runs in one transaction together with its ``user_version``, so an interrupted start
leaves the old schema or the new one. A released migration never changes: add one behind it.
"""

import sqlite3

MIGRATIONS: tuple[str, ...] = (
    """
    CREATE TABLE state (
        name TEXT PRIMARY KEY,
        value BLOB NOT NULL
    ) WITHOUT ROWID;

    CREATE TABLE buckets (
        bucket_id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        account_id TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL
    );

    -- `sequence` is the order of writes: never reused, and what decides which version is the newest
    -- (clocks may jump). Keys are the bytes of their UTF-8, so SQLite orders them as S3 does.
    -- An object's bytes are one blob, or, after a multipart upload, the blobs in `segments`.
    CREATE TABLE objects (
        sequence INTEGER PRIMARY KEY AUTOINCREMENT,
        bucket_id INTEGER NOT NULL REFERENCES buckets,
        key BLOB NOT NULL,
        version_id TEXT NOT NULL DEFAULT 'null',
        is_current INTEGER NOT NULL DEFAULT 1,
        is_delete_marker INTEGER NOT NULL DEFAULT 0,
        etag TEXT NOT NULL,
        size_bytes INTEGER NOT NULL,
        modified_at_ms INTEGER NOT NULL,
        blob_id TEXT,
        crc64 TEXT,
        part_count INTEGER,
        checksum_algorithm TEXT NOT NULL,
        checksum_type TEXT NOT NULL,
        checksum_value TEXT NOT NULL,
        upload_id TEXT,
        headers BLOB NOT NULL
    );
    CREATE UNIQUE INDEX current_objects ON objects (bucket_id, key) WHERE is_current = 1;
    CREATE INDEX object_versions ON objects (bucket_id, key, sequence) WHERE is_current = 0;

    CREATE TABLE segments (
        sequence INTEGER NOT NULL REFERENCES objects,
        part_number INTEGER NOT NULL,
        start_byte INTEGER NOT NULL,
        size_bytes INTEGER NOT NULL,
        blob_id TEXT NOT NULL,
        crc64 TEXT NOT NULL,
        checksum_value TEXT NOT NULL,
        PRIMARY KEY (sequence, part_number)
    ) WITHOUT ROWID;

    CREATE TABLE uploads (
        upload_id TEXT PRIMARY KEY,
        bucket_id INTEGER NOT NULL REFERENCES buckets,
        key BLOB NOT NULL,
        account_id TEXT NOT NULL,
        initiated_at_ms INTEGER NOT NULL,
        checksum_algorithm TEXT NOT NULL,
        checksum_type TEXT NOT NULL,
        headers BLOB NOT NULL
    ) WITHOUT ROWID;
    CREATE UNIQUE INDEX uploads_by_key ON uploads (bucket_id, key, upload_id);

    CREATE TABLE parts (
        upload_id TEXT NOT NULL REFERENCES uploads,
        part_number INTEGER NOT NULL,
        md5 BLOB NOT NULL,
        size_bytes INTEGER NOT NULL,
        modified_at_ms INTEGER NOT NULL,
        blob_id TEXT NOT NULL,
        crc64 TEXT NOT NULL,
        checksum_value TEXT NOT NULL,
        PRIMARY KEY (upload_id, part_number)
    ) WITHOUT ROWID;
    """,
    # Buckets made before were private, as new ones are.
    """
    CREATE TABLE bucket_settings (
        bucket_id INTEGER NOT NULL REFERENCES buckets,
        name TEXT NOT NULL,
        document TEXT NOT NULL,
        PRIMARY KEY (bucket_id, name)
    ) WITHOUT ROWID;

    -- Rises with every change of any bucket's settings, whoever makes it: what is remembered is old then.
    CREATE TABLE bucket_settings_changes (number INTEGER NOT NULL);
    INSERT INTO bucket_settings_changes VALUES (0);
    CREATE TRIGGER settings_made AFTER INSERT ON bucket_settings
    BEGIN UPDATE bucket_settings_changes SET number = number + 1; END;
    CREATE TRIGGER settings_changed AFTER UPDATE ON bucket_settings
    BEGIN UPDATE bucket_settings_changes SET number = number + 1; END;
    CREATE TRIGGER settings_gone AFTER DELETE ON bucket_settings
    BEGIN UPDATE bucket_settings_changes SET number = number + 1; END;

    -- Instead of ON DELETE CASCADE: foreign keys, once enforced, would have the deletion of a bucket look
    -- through all objects, which no index finds by the bucket alone.
    CREATE TRIGGER bucket_gone AFTER DELETE ON buckets
    BEGIN DELETE FROM bucket_settings WHERE bucket_id = OLD.bucket_id; END;

    INSERT INTO bucket_settings
    SELECT bucket_id, 'public_access_block',
        '{"BlockPublicAcls":true,"IgnorePublicAcls":true,"BlockPublicPolicy":true,"RestrictPublicBuckets":true}'
    FROM buckets;
    INSERT INTO bucket_settings SELECT bucket_id, 'ownership', '"BucketOwnerEnforced"' FROM buckets;
    """,
)

REFERENCED_BLOBS = """
    SELECT blob_id FROM objects WHERE blob_id IS NOT NULL
    UNION ALL SELECT blob_id FROM segments
    UNION ALL SELECT blob_id FROM parts
"""


class NewerSchema(Exception):
    """The file was written by a newer onread, which this one would damage."""


def migrate(connection: sqlite3.Connection) -> None:
    """The file has the newest schema this program knows.

    Raises:
        NewerSchema: it has one that this program does not know; nothing was changed.
    """
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(MIGRATIONS):
        raise NewerSchema(
            f"The store's index has schema {version}, this onread knows {len(MIGRATIONS)}. "
            "Start the newer onread that wrote it."
        )
    for number in range(version, len(MIGRATIONS)):
        # executescript takes no transaction of ours, so the script brings its own.
        connection.executescript(
            f"BEGIN IMMEDIATE; {MIGRATIONS[number]} PRAGMA user_version = {number + 1}; COMMIT;"
        )
