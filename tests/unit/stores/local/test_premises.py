"""A data directory for several processes: one owner, and what it says of how the directory was left."""

import os
import subprocess
import sys

import pytest

from onread.stores.local import premises as module
from onread.stores.local.premises import INDEX, Premises, UnusableDirectory, join

OWNS = """
import sys
from pathlib import Path
from onread.stores.local import premises
from onread.telemetry.logging import configure_logging
configure_logging("error")
premises._LEAVING_SECONDS = float(sys.argv[2])
try:
    owned = premises.Premises(Path(sys.argv[1]))
except premises.UnusableDirectory as reason:
    print(reason, flush=True)
else:
    print("owned", flush=True)
    sys.stdin.read()
"""


def owner(directory, leaving_seconds="0.05"):
    command = [sys.executable, "-c", OWNS, str(directory), leaving_seconds]
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)


@pytest.fixture
def directory(tmp_path):
    return tmp_path / "store"


def orphan(directory):
    """A file of a blob that no row names."""
    shelf = min(path for path in (directory / "blobs").iterdir() if path.is_dir())
    file = shelf / (shelf.name + "0" * (64 - len(shelf.name)))
    file.write_bytes(b"nobody's")
    return file


def test_a_second_owner_is_refused_until_the_first_has_gone(directory):
    with owner(directory) as first:
        assert first.stdout.readline() == "owned\n"
        with owner(directory) as second:
            assert "Another process has the data directory" in second.stdout.readline()
        first.kill()
        first.wait(10)
    with owner(directory) as third:
        assert third.stdout.readline() == "owned\n"
        third.communicate("")


def test_who_has_joined_keeps_owners_out_and_is_waited_for(directory):
    Premises(directory).release(clean=True)
    joined = join(directory)
    with owner(directory) as hasty:
        assert "Another process has" in hasty.stdout.readline()
    with owner(directory, "20") as patient:
        os.close(joined)
        assert patient.stdout.readline() == "owned\n"
        patient.communicate("")


@pytest.mark.parametrize(("clean", "stays"), [(True, True), (False, False)])
def test_R004_what_no_row_names_is_swept_unless_the_last_owner_left_in_good_order(directory, clean, stays):
    Premises(directory).release(clean=True)
    premises = Premises(directory)
    file = orphan(directory)
    premises.release(clean=clean)
    again = Premises(directory)
    assert file.exists() == stays
    again.release(clean=True)


def test_a_worker_that_left_something_behind_makes_the_next_start_sweep(directory):
    premises = Premises(directory)
    with premises._index() as index:
        index.set_state(module.LEFT_BEHIND, b"yes")
    file = orphan(directory)
    premises.release(clean=True)
    Premises(directory).release(clean=True)
    assert not file.exists()


def test_R052_a_directory_that_others_may_look_into_is_refused_and_an_empty_one_made_ours(directory):
    directory.mkdir()
    directory.chmod(0o755)
    Premises(directory).release(clean=True)
    assert directory.stat().st_mode & 0o777 == 0o700
    directory.chmod(0o750)
    with pytest.raises(UnusableDirectory, match="chmod 700"):
        Premises(directory)
    directory.chmod(0o700)
    Premises(directory).release(clean=True)


def test_R052_a_damaged_index_is_refused_with_what_to_do_and_the_lock_is_free_again(directory):
    Premises(directory).release(clean=True)
    kept = (directory / INDEX).read_bytes()
    for name in (INDEX, INDEX + "-wal", INDEX + "-shm"):
        (directory / name).unlink(missing_ok=True)
    (directory / INDEX).write_bytes(b"no database" * 1000)
    with pytest.raises(UnusableDirectory, match="Restore a backup"):
        Premises(directory)
    (directory / INDEX).write_bytes(kept)
    Premises(directory).release(clean=True)


def test_a_link_in_the_place_of_the_lock_is_not_followed(directory, tmp_path):
    directory.mkdir(mode=0o700)
    (directory / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(UnusableDirectory):
        Premises(directory)
    assert not (tmp_path / "elsewhere").exists()
