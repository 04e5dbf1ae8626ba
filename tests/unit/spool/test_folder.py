"""The folder of kept results: names, locks and space, by real files."""

import fcntl
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from onread.errors import ServiceUnavailable, SlowDown
from onread.spool.folder import BLOCK_BYTES, Damaged, Folder, empty

KIB = 1024


class Clock:
    def __init__(self):
        self.seconds = 1_800_000_000.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make_folder(tmp_path, clock):
    made = []

    def make(limit_bytes=10 * BLOCK_BYTES, max_age_seconds=60):
        folder = Folder(
            tmp_path / "spool", limit_bytes=limit_bytes, max_age_seconds=max_age_seconds, now=clock
        )
        made.append(folder)
        return folder

    yield make
    for folder in made:
        folder.close()


def keep(folder, clock, name, *blocks):
    """A complete result."""
    clock.seconds += 1
    files = folder.begin(name, "n")
    folder.reserve(files, len(blocks) * BLOCK_BYTES)
    for index, block in enumerate(blocks):
        folder.append(files, index, block)
    folder.complete(name, files, b"{}")
    folder._directory.set_times(f"{name}.head", used_at=clock(), modified_at=clock())
    files.close()


def test_a_result_is_found_once_it_is_complete(make_folder, clock, tmp_path):
    folder = make_folder()
    files = folder.begin("a", "n")
    assert folder.look("a").claimed
    assert folder.look("a").head is None
    folder.tell("a", b"told")
    assert folder.look("a").head == b"told"
    folder.append(files, 0, b"x" * 10)
    folder.complete("a", files, b"head")
    files.close()
    seen = folder.look("a")
    assert (seen.head, seen.complete, seen.claimed) == (b"head", True, False)
    opened = folder.open("a", "n")
    assert folder.read(opened, 0, 10) == b"x" * 10
    opened.close()
    assert {file.suffix for file in (tmp_path / "spool").iterdir()} == {".head", ".body", ".sums", ""}


def test_one_at_a_time_makes_a_result_whoever_asks(make_folder):
    folder, other = make_folder(), make_folder()
    files = folder.begin("a", "n")
    assert folder.begin("a", "m") is None
    assert other.begin("a", "m") is None
    folder.discard("a", "n", files)
    again = other.begin("a", "m")
    assert again is not None
    again.close()
    files.close()


def test_what_a_killed_worker_began_is_begun_anew(make_folder):
    folder, other = make_folder(), make_folder()
    killed = folder.begin("a", "n")
    folder.append(killed, 0, b"half")
    folder.tell("a", b"told")
    killed.close()  # as its process would
    assert not other.look("a").claimed
    assert other.look("a").head is None
    files = other.begin("a", "m")
    assert other.open("a", "n") is None
    files.close()


def test_the_least_recently_used_goes_first_and_never_what_is_read(make_folder, clock):
    folder = make_folder(limit_bytes=3 * (BLOCK_BYTES + 4 * KIB))
    for name in "abc":
        keep(folder, clock, name, b"x" * BLOCK_BYTES)
    clock.seconds += 1
    assert folder.is_fresh("a")
    reading = folder.open("b", "n")
    keep(folder, clock, "d", b"x" * BLOCK_BYTES)
    assert [name for name in "abcd" if folder.look(name).complete] == ["a", "b", "d"]
    assert folder.evictions == 1
    reading.close()


def test_a_full_folder_refuses_before_a_byte_is_written(make_folder, clock):
    folder = make_folder(limit_bytes=2 * BLOCK_BYTES + 4 * KIB)
    keep(folder, clock, "a", b"x" * BLOCK_BYTES)
    reading = folder.open("a", "n")
    files = folder.begin("b", "n")
    with pytest.raises(SlowDown):
        folder.begin("c", "n")
    with pytest.raises(SlowDown):
        folder.reserve(files, 2 * BLOCK_BYTES)
    with pytest.raises(ServiceUnavailable, match="spool_bytes"):
        folder.reserve(files, 3 * BLOCK_BYTES)
    reading.close()
    folder.reserve(files, 2 * BLOCK_BYTES)
    assert not folder.look("a").complete
    assert folder.used_bytes() == 2 * BLOCK_BYTES
    files.close()


def test_workers_count_together(make_folder):
    """What one has set aside another cannot take."""
    folder, other = make_folder(limit_bytes=4 * BLOCK_BYTES), make_folder(limit_bytes=4 * BLOCK_BYTES)
    first, second = folder.begin("a", "n"), other.begin("b", "n")
    folder.reserve(first, 3 * BLOCK_BYTES)
    with pytest.raises(SlowDown):
        other.reserve(second, 2 * BLOCK_BYTES)
    first.close()
    second.close()


def test_what_is_counted_is_what_is_there_even_after_a_worker_was_killed(make_folder, clock):
    folder, other = make_folder(), make_folder()
    keep(folder, clock, "a", b"x" * 10)
    keep(other, clock, "b", b"x" * BLOCK_BYTES, b"y")
    killed, discarded = folder.begin("c", "n"), folder.begin("d", "n")
    folder.reserve(killed, 5 * BLOCK_BYTES)
    folder.discard("d", "n", discarded)
    there = (10 + 4 * KIB) + (BLOCK_BYTES + 1 + 4 * KIB)
    assert other.used_bytes() == there + 5 * BLOCK_BYTES
    killed.close()
    discarded.close()
    other.sweep(lambda name: name != "a")
    assert folder.used_bytes() == there - (10 + 4 * KIB)
    folder.drop("b")
    assert other.used_bytes() == 0


def test_a_look_whether_a_result_is_in_use_takes_it_from_nobody(make_folder, clock, tmp_path):
    folder = make_folder()
    keep(folder, clock, "a", b"x")
    with ThreadPoolExecutor(1) as threads, (tmp_path / "spool" / "a.n.body").open("rb") as looked_at:
        fcntl.flock(looked_at, fcntl.LOCK_EX)
        opening = threads.submit(folder.open, "a", "n")
        with pytest.raises(TimeoutError):
            opening.result(timeout=0.2)
        fcntl.flock(looked_at, fcntl.LOCK_UN)
        opened = opening.result(timeout=10)
    assert folder.read(opened, 0, 1) == b"x"
    opened.close()


@pytest.mark.parametrize("kind", ["body", "sums"])
@pytest.mark.parametrize("harm", ["flip", "cut"])
def test_a_block_that_the_disk_has_changed_is_never_read(make_folder, clock, tmp_path, kind, harm):
    folder = make_folder()
    keep(folder, clock, "a", b"x" * BLOCK_BYTES, b"y" * 10)
    file = tmp_path / "spool" / f"a.n.{kind}"
    content = bytearray(file.read_bytes())
    content[-1] ^= 1
    file.write_bytes(content if harm == "flip" else content[:-1])
    opened = folder.open("a", "n")
    assert folder.read(opened, 0, BLOCK_BYTES) == b"x" * BLOCK_BYTES
    with pytest.raises(Damaged):
        folder.read(opened, 1, 10)
    opened.close()


def test_what_is_not_wanted_or_too_old_is_swept(make_folder, clock, tmp_path):
    folder = make_folder(max_age_seconds=60)
    for name in ("old", "gone", "kept", "read"):
        keep(folder, clock, name, b"x")
        if name in ("old", "read"):
            clock.seconds += 1
    reading, claimed = folder.open("gone", "n"), folder.begin("claimed", "n")
    clock.seconds += 57
    assert not folder.is_fresh("old")
    assert folder.is_fresh("kept")
    folder.sweep(lambda name: name != "gone")
    names = {file.name.partition(".")[0] for file in (tmp_path / "spool").iterdir()} - {"lock"}
    assert names == {"kept", "read", "claimed"}
    assert folder.read(reading, 0, 1) == b"x"  # whoever was let in keeps it
    reading.close()
    claimed.close()


def test_nobody_else_can_look_in_and_nothing_outlives_a_start(make_folder, tmp_path):
    folder = make_folder()
    files = folder.begin("a", "n")
    folder.tell("a", b"told")
    for file in (tmp_path / "spool").iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    files.close()
    empty(tmp_path / "spool")
    assert list((tmp_path / "spool").iterdir()) == []
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
