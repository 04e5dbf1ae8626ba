"""A folder by its descriptor, over a real one."""

import resource
from contextlib import contextmanager

import pytest

from onread.spool.directory import Directory


@contextmanager
def no_file_longer_than(size_bytes):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_R006_a_write_that_fails_leaves_nothing_in_the_way_of_the_next(tmp_path):
    directory = Directory(tmp_path / "spool")
    with no_file_longer_than(2), pytest.raises(OSError, match="large"):
        directory.write_whole("a.told", b"told")
    assert list((tmp_path / "spool").iterdir()) == []
    directory.write_whole("a.told", b"told")
    assert directory.read_whole("a.told") == b"told"
    directory.close()
