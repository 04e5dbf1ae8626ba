"""Which database a location means."""

from pathlib import Path

from onread.metadata.database import Database


def open_database(location: Path | str) -> Database:
    """The database in a folder (made when absent), or at a ``sqlite:///`` or ``postgresql://`` URL.

    Nothing is asked of it before `Database.start`.

    Raises:
        DatabaseRefused: it cannot be used; the message says what to do.
    """
    # Each loads its driver: SQLite's users need no PostgreSQL.
    if isinstance(location, str) and location.startswith(("postgresql://", "postgres://")):
        from onread.metadata.postgresql import PostgresqlDatabase

        return PostgresqlDatabase(location)
    from onread.metadata.sqlite import SqliteDatabase, locate_file

    return SqliteDatabase(locate_file(location))
