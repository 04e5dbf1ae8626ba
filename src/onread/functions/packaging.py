"""Making a deployment package from what a developer has: a folder, a single file, or a ready zip.

The same input gives the same bytes, so that an unchanged function keeps its code hash. Used by the
command line; nothing on the road of a request comes here. Blocking.
"""

import io
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

from onread.errors import InvalidParameterValueException

_LEFT_OUT = frozenset({"__pycache__", ".git", ".venv", ".mypy_cache", ".pytest_cache", ".ruff_cache"})
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # the first moment a zip can name


def zip_path(path: Path) -> bytes:
    """The package for a folder, a single file, or a zip that is taken as it is.

    Raises:
        InvalidParameterValueException: there is nothing there, or it cannot be packed.
    """
    if path.is_dir():
        return zip_folder(path)
    if not path.is_file():
        raise InvalidParameterValueException(f"There is no file or folder {path}.")
    return path.read_bytes() if zipfile.is_zipfile(path) else zip_file(path)


def zip_file(path: Path) -> bytes:
    """A package that holds this one file."""
    return _zip([(path.name, path)])


def zip_folder(path: Path) -> bytes:
    """A package of everything below a folder; caches and version control are left out.

    Raises:
        InvalidParameterValueException: a link to a folder lies in it, or it holds no file.
    """
    files = sorted((str(file.relative_to(path).as_posix()), file) for file in _walk(path))
    if not files:
        raise InvalidParameterValueException(f"The folder {path} holds no file.")
    return _zip(files)


def _walk(path: Path) -> Iterator[Path]:
    for directory, names, files in os.walk(path):
        names[:] = [name for name in names if name not in _LEFT_OUT]
        for name in names:
            if Path(directory, name).is_symlink():
                raise InvalidParameterValueException(f"{Path(directory, name)} is a link to a folder.")
        yield from (Path(directory, name) for name in files if not name.endswith(".pyc"))


def _zip(files: list[tuple[str, Path]]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name, file in files:
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.external_attr = (0o100755 if os.access(file, os.X_OK) else 0o100644) << 16
            archive.writestr(entry, file.read_bytes())
    return content.getvalue()
