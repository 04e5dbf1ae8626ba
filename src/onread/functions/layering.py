"""The layers of a function as one folder, what AWS mounts at ``/opt``.

Each layer is unpacked once for its content; the folder of a combination links to their files, later layers
over earlier ones. Made aside and renamed, so a folder of that name is always whole.

Source: AWS Lambda Developer Guide, "Packaging your layer content": "Lambda extracts the layers in the order
that you added them", and files of later layers replace those of earlier ones.
"""

import hashlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from onread.functions.package import publish_folder, unpacking_folder


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
