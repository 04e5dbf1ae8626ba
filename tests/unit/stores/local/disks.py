"""Disks that tell what they are asked to do, stop before it, or refuse it."""

import errno
import shutil
from pathlib import Path

from onread.stores.local.disk import Disk

STEPS = ("create", "write", "sync", "close", "rename", "link", "sync_directory", "commit", "unlink")


class SteppedDisk(Disk):
    """Calls ``step(name)`` before each step that changes something."""

    def step(self, name):
        raise NotImplementedError

    def create(self, directory, name):
        self.step("create")
        return super().create(directory, name)

    def write(self, file, chunks):
        self.step("write")
        super().write(file, chunks)

    def sync(self, file):
        self.step("sync")
        super().sync(file)

    def close(self, file):
        self.step("close")
        super().close(file)

    def rename(self, directory, name, new_directory, new_name):
        self.step("rename")
        super().rename(directory, name, new_directory, new_name)

    def link(self, directory, name, new_directory, new_name):
        self.step("link")
        super().link(directory, name, new_directory, new_name)

    def sync_directory(self, directory):
        self.step("sync_directory")
        super().sync_directory(directory)

    def unlink(self, directory, name):
        self.step("unlink")
        super().unlink(directory, name)

    def commit(self, connection):
        self.step("commit")
        super().commit(connection)


class RecordingDisk(SteppedDisk):
    """Keeps the names of the steps."""

    def __init__(self):
        self.steps = []

    def step(self, name):
        self.steps.append(name)


class SnapshotDisk(SteppedDisk):
    """Copies the data directory before each step: what a kill -9 at that moment leaves."""

    def __init__(self, directory: Path, snapshots: Path):
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
