"""SQLite's write-ahead log, switched on where others may do the same at the same moment."""

import sqlite3
import time

_PAUSE_SECONDS = 0.005
_PRIMARY = 0xFF  # of a code: the rest tells of what kind of busy


def use_write_ahead_log(connection: sqlite3.Connection, patience_seconds: float) -> None:
    """The file has one from now on. Blocks while others have the file, no longer than told.

    Two that switch at once may wait for each other: SQLite's own busy timeout would let them, to its end, and
    fail. So each asks again and again, and holds nothing meanwhile.

    Raises:
        sqlite3.OperationalError: others had it for so long, or the file cannot be used.
    """
    deadline = time.monotonic() + patience_seconds
    (own_patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0")
    try:
        while not _switched(connection, deadline):
            time.sleep(_PAUSE_SECONDS)
    finally:
        connection.execute(f"PRAGMA busy_timeout = {own_patience_ms}")


def _switched(connection: sqlite3.Connection, deadline: float) -> bool:
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as error:
        is_busy = error.sqlite_errorcode & _PRIMARY == sqlite3.SQLITE_BUSY
        if not is_busy or time.monotonic() > deadline:
            raise
        return False
    return True
