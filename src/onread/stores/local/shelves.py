"""The directories in which blobs stand, and how blobs leave them.

Owns ``tmp`` and ``blobs`` below the data directory, held open as descriptors: every name is looked up
relative to them and no symbolic link is followed. A blob's file name is its random id; its first
character names the shard. Refuses to know what is in a blob and who refers to it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from threading import Lock

import structlog

from onread.stores.local.claims import Claims
from onread.stores.local.disk import Disk

log = structlog.get_logger(__name__)

SHARDS = "0123456789abcdef"


class Shelves:
    """Blobs in place, and the space aside where they are written first.

    Args:
        directory: an existing directory of ours.
        claims: what other processes on the same directory are reading; None: there are none.

    Attributes:
        aside: the open directory of unfinished blobs.
    """

    def __init__(self, directory: Path, disk: Disk, claims: Claims | None = None) -> None:
        self.disk = disk
        self._claims = claims
        self._left_behind = False
        self._lock = Lock()
        self._pins: Counter[str] = Counter()
        self._condemned: set[str] = set()
        root = disk.open_directory(str(directory))
        self.aside = self._subdirectory("tmp", root)
        blobs = self._subdirectory("blobs", root)
        self._shards = {name: self._subdirectory(name, blobs) for name in SHARDS}
        for parent in (blobs, root):
            disk.sync_directory(parent)
            disk.close(parent)

    def _subdirectory(self, name: str, parent: int) -> int:
        self.disk.make_directory(name, parent)
        return self.disk.open_directory(name, parent)

    def shard(self, blob_id: str) -> int:
        """The open directory in which this blob stands."""
        return self._shards[blob_id[0]]

    def open(self, blob_id: str) -> int:
        """A descriptor to read the blob from; it stays good when the blob is removed.

        Raises:
            FileNotFoundError: the blob was removed.
        """
        return self.disk.open(self.shard(blob_id), blob_id)

    def pin(self, blob_ids: Sequence[str]) -> None:
        """The blobs stay until `unpin`, even when they are condemned meanwhile.

        Whoever pins looks again afterwards whether the index still refers to them: only then were
        they pinned in time.
        """
        with self._lock:
            self._pins.update(blob_ids)
            if self._claims is not None:
                self._claims.hold(blob_ids)

    def unpin(self, blob_ids: Sequence[str]) -> None:
        """The reader is done; what was condemned meanwhile and has no other reader is removed."""
        with self._lock:
            self._pins.subtract(blob_ids)
            free = {blob_id for blob_id in blob_ids if self._pins[blob_id] <= 0}
            for blob_id in free:
                del self._pins[blob_id]
            if self._claims is not None:
                self._claims.let_go(free)
            gone = self._removable(self._condemned & free)
            self._condemned -= gone
        self.remove(gone)

    def condemn(self, blob_ids: Sequence[str]) -> None:
        """Blobs that nothing refers to any more are removed, those pinned as soon as they are free."""
        with self._lock:
            self._condemned.update(blob_ids)
            free = {blob_id for blob_id in self._condemned if self._pins[blob_id] <= 0}
            gone = self._removable(free)
            self._condemned -= gone
        self.remove(gone)

    def _removable(self, blob_ids: set[str]) -> set[str]:
        """Those that no other process reads; the others are tried again with the next ones condemned."""
        return blob_ids if self._claims is None else self._claims.unclaimed(blob_ids)

    def remove(self, blob_ids: Iterable[str]) -> None:
        """The files are gone, or noted for the next start when the disk refuses."""
        for blob_id in blob_ids:
            self.unlink(self.shard(blob_id), blob_id)

    def unlink(self, directory: int, name: str) -> None:
        """The name is gone, or noted for the next start when the disk refuses."""
        try:
            self.disk.unlink(directory, name)
        except FileNotFoundError:
            return
        except OSError as error:
            self._left_behind = True
            log.error("store.file_left_behind", blob_id=name, error=str(error))

    @property
    def holds_orphans(self) -> bool:
        """Whether there are files that could not be removed, so that the next start must look for them."""
        return self._left_behind or bool(self._condemned)

    def sweep_aside(self) -> None:
        """No unfinished blob of an earlier run is left."""
        for name in self.disk.names(self.aside):
            self.unlink(self.aside, name)

    def sweep(self, referenced: set[str]) -> int:
        """Removes every blob that is not referenced; returns how many. Before the first write only."""
        removed = 0
        for shard in self._shards.values():
            for name in self.disk.names(shard):
                if name not in referenced:
                    self.unlink(shard, name)
                    removed += 1
        return removed

    def close(self) -> None:
        """All directories are closed."""
        for directory in (self.aside, *self._shards.values()):
            self.disk.close(directory)
        if self._claims is not None:
            self._claims.close()
