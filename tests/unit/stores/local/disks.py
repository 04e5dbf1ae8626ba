"""Disks that tell what they are asked to do, stop before it, or refuse it."""

import errno
import shutil
import threading
from contextlib import nullcontext
from pathlib import Path

from onread.stores.local.disk import Disk

STEPS = ("create", "write", "sync", "close", "rename", "link", "sync_directory", "commit", "unlink")


class SteppedDisk(Disk):
    """Calls ``step(name)`` before each step that changes something.

    Attributes:
        alone: held during both.
    """

    alone = nullcontext()

    def step(self, name):
        raise NotImplementedError

    def create(self, directory, name):
        with self.alone:
            self.step("create")
            return super().create(directory, name)

    def write(self, file, chunks):
        with self.alone:
            self.step("write")
            super().write(file, chunks)

    def sync(self, file):
        with self.alone:
            self.step("sync")
            super().sync(file)

    def close(self, file):
        with self.alone:
            self.step("close")
            super().close(file)

    def rename(self, directory, name, new_directory, new_name):
        with self.alone:
            self.step("rename")
            super().rename(directory, name, new_directory, new_name)

    def link(self, directory, name, new_directory, new_name):
        with self.alone:
            self.step("link")
            super().link(directory, name, new_directory, new_name)

    def sync_directory(self, directory):
        with self.alone:
            self.step("sync_directory")
            super().sync_directory(directory)

    def unlink(self, directory, name):
        with self.alone:
            self.step("unlink")
            super().unlink(directory, name)

    def commit(self, connection):
        with self.alone:
            self.step("commit")
            super().commit(connection)


class RecordingDisk(SteppedDisk):
    """Keeps the names of the steps."""

    def __init__(self):
        self.steps = []

    def step(self, name):
        self.steps.append(name)


class SnapshotDisk(SteppedDisk):
    """Copies the data directory before each step: what a kill -9 at that moment leaves.

    No other thread takes a step while it copies: a kill is one moment for all of them.
    """

    def __init__(self, directory: Path, snapshots: Path):
        self.alone = threading.RLock()
        self._directory = directory
        self._snapshots = snapshots
        self.armed = False
        self.taken = []

    def step(self, name):
        if self.armed:
            target = self._snapshots / f"{len(self.taken):03d}-{name}"
            shutil.copytree(self._directory, target)
            self.taken.append(target)


class FailingDisk(SteppedDisk):
    """Refuses one kind of step with one error while it is armed."""

    def __init__(self, name, number=errno.EIO):
        self._name = name
        self._number = number
        self.armed = False

    def step(self, name):
        if self.armed and name == self._name:
            raise OSError(self._number, "refused by the test")
