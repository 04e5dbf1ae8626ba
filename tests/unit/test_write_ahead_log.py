"""Many who switch a new file to its write-ahead log at the same moment all succeed."""

import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest

from onread.write_ahead_log import use_write_ahead_log

TOGETHER = 6


def opened(file, timeout=10.0):
    return closing(sqlite3.connect(file, timeout=timeout, isolation_level=None))


def test_all_who_begin_at_once_have_it(tmp_path):
    for number in range(5):
        file, ready = tmp_path / f"{number}.sqlite3", threading.Barrier(TOGETHER)

        def switch(file=file, ready=ready):
            with opened(file) as connection:
                ready.wait(10)
                use_write_ahead_log(connection, 10)
                return connection.execute("PRAGMA journal_mode").fetchone()[0]

        with ThreadPoolExecutor(TOGETHER) as pool:
            switched = [pool.submit(switch) for _ in range(TOGETHER)]
            assert [each.result(20) for each in switched] == ["wal"] * TOGETHER


def test_a_file_that_others_keep_is_refused_in_time(tmp_path):
    file = tmp_path / "file.sqlite3"
    with opened(file) as other, opened(file, timeout=0) as connection:
        other.execute("CREATE TABLE t (a)")
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(sqlite3.OperationalError, match="locked"):
            use_write_ahead_log(connection, 0.05)


def test_what_is_no_database_is_refused_at_once(tmp_path):
    file = tmp_path / "file.sqlite3"
    file.write_bytes(b"no database" * 1000)
    with opened(file) as connection, pytest.raises(sqlite3.DatabaseError):
        use_write_ahead_log(connection, 60)
