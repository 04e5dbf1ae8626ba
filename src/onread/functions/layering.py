"""The layers of a function as one folder, what AWS mounts at ``/opt``.

Each layer is unpacked once for its content; the folder of a combination links to their files, later layers
over earlier ones. Made aside and renamed, so a folder of that name is always whole.

Source: AWS Lambda Developer Guide, "Packaging your layer content": "Lambda extracts the layers in the order
that you added them", and files of later layers replace those of earlier ones.
"""

import asyncio
import hashlib
import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from onread.functions.package import publish_folder, remove_folder, unpacking_folder


class MergedLayers:
    """The merged folders of one pool: made when they are first needed, removed when nobody uses them.

    Args:
        folder: its own.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._holders: Counter[Path] = Counter()
        self._lock = asyncio.Lock()

    @asynccontextmanager
    async def hold(self, folders: Sequence[Path]) -> AsyncIterator[Path]:
        """What these unpacked layers make together, for as long as the scope is open.

        Raises:
            OSError: the disk refuses.
        """
        async with self._lock:
            merged = await asyncio.to_thread(merge_layers, folders, self._folder)
            self._holders[merged] += 1
        try:
            yield merged
        finally:
            self._holders[merged] -= 1
            await self._remove_unused(merged)

    async def _remove_unused(self, merged: Path) -> None:
        async with self._lock:
            if not self._holders[merged]:
                del self._holders[merged]
                with suppress(OSError):  # what stays is removed at the next start
                    await asyncio.to_thread(remove_folder, merged)


def merge_layers(folders: Sequence[Path], cache: Path) -> Path:
    """The folder ``cache/SHA256`` with everything that the unpacked layers hold, read-only. Blocking.

    Raises:
        OSError: the disk refuses; nothing is left behind.
    """
    names = "\n".join(folder.name for folder in folders)
    merged = cache / hashlib.sha256(names.encode()).hexdigest()
    if merged.is_dir():
        return merged
    with unpacking_folder(cache) as aside:
        for folder in folders:
            _lay_over(folder, aside)
        publish_folder(aside, merged)
    return merged


def _lay_over(layer: Path, target: Path) -> None:
    for directory, _names, files in os.walk(layer):
        place = target / Path(directory).relative_to(layer)
        if place.is_file():
            place.unlink()
        place.mkdir(parents=True, exist_ok=True)
        for name in files:
            _link(Path(directory, name), place / name)


def _link(source: Path, target: Path) -> None:
    if target.is_dir():
        shutil.rmtree(target)
    else:
        target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # as many links as the file system allows, or one that has none
        shutil.copy2(source, target)
