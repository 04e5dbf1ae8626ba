"""A function's deployment package: checked before it is kept, unpacked once for each content.

A zip is refused as a whole when any of its entries could land outside its folder, could not be told
from another, or would make more of itself than a package may be. Nothing is ever repaired.

Source: AWS Lambda Developer Guide, "Lambda quotas" and "Working with .zip file archives".
"""

import hashlib
import io
import os
import re
import shutil
import stat
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from onread.errors import InvalidParameterValueException, InvalidZipFileException

ZIPPED_LIMIT_BYTES = 50 * 1024 * 1024
UNZIPPED_LIMIT_BYTES = 250 * 1024 * 1024
ENTRY_LIMIT = 10_000
RATIO_LIMIT = 100
_RATIO_FLOOR_BYTES = 1024 * 1024  # a few kilobytes of blanks are not a bomb
_NAME_LIMIT_BYTES = 1024
_PART_LIMIT_BYTES = 255
_DEPTH_LIMIT = 64
_HANDLER = re.compile(r"(?:[A-Za-z0-9_-]+[./])+[A-Za-z_][A-Za-z0-9_]*")
_END_OF_DIRECTORY = b"PK\x05\x06"
_DIRECTORY_ENTRY = b"PK\x01\x02"
_ZIP64_LOCATOR = b"PK\x06\x07"
_PIECE_BYTES = 1024 * 1024
_ASIDE = ".unpacking-"
_UNREADABLE = "Could not unzip uploaded file. Please check your file, then try to upload again."


def check_handler(handler: str) -> None:
    """Refuse what is not ``module.function``, ``package.module.function`` or ``folder/module.function``.

    Raises:
        InvalidParameterValueException
    """
    if len(handler) > 128 or not _HANDLER.fullmatch(handler):
        raise InvalidParameterValueException(
            f"The handler {handler[:128]!r} is not valid: write file.function, such as app.handler."
        )


def check_package(content: bytes) -> int:
    """Refuse a zip that is no safe deployment package, reading every byte of it (in a thread, please).

    Returns:
        How many bytes it unpacks to.

    Raises:
        InvalidParameterValueException: what is wrong, and with which entry.
    """
    unzipped_bytes = 0
    with _readable():
        for _entry, source in _open_entries(content):
            while piece := source.read(_PIECE_BYTES):
                unzipped_bytes += len(piece)
    return unzipped_bytes


def unpack(content: bytes, cache: Path) -> Path:
    """The folder ``cache/SHA256`` with the package's files, read-only; made once, then used again.

    Unpacked aside and renamed, so a folder of that name is always whole. Blocking.

    Raises:
        InvalidZipFileException: the package is not a safe zip.
        OSError: the disk refuses; nothing is left behind.
    """
    folder = cache / hashlib.sha256(content).hexdigest()
    if folder.is_dir():
        return folder
    with unpacking_folder(cache) as aside:
        try:
            _write_entries(content, aside)
        except InvalidParameterValueException as error:
            raise InvalidZipFileException(error.text) from error
        publish_folder(aside, folder)
    return folder


@contextmanager
def unpacking_folder(cache: Path) -> Iterator[Path]:
    """A folder to fill before it is published; nothing is left of it when it was not. Blocking."""
    cache.mkdir(parents=True, exist_ok=True)
    aside = Path(tempfile.mkdtemp(prefix=_ASIDE, dir=cache))
    try:
        yield aside
    finally:
        remove_folder(aside)


def publish_folder(aside: Path, folder: Path) -> None:
    """Make a filled folder read-only and give it its name, in one step. Blocking."""
    for directory, _names, _files in os.walk(aside):
        Path(directory).chmod(0o555)
    try:
        aside.rename(folder)
    except OSError:
        if not folder.is_dir():  # else another was quicker, with the same content
            raise


def remove_folder(folder: Path) -> None:
    """Remove a folder of read-only folders, if it is there. Blocking.

    Raises:
        OSError: something of it cannot be removed.
    """
    if folder.exists():
        for directory, _names, _files in os.walk(folder):
            Path(directory).chmod(0o755)
        shutil.rmtree(folder)


def _write_entries(content: bytes, folder: Path) -> None:
    with _readable():
        for entry, source in _open_entries(content):
            _write_entry(entry, source, folder / entry.filename)


def _write_entry(entry: zipfile.ZipInfo, source: IO[bytes], target: Path) -> None:
    if entry.is_dir():
        target.mkdir(parents=True, exist_ok=True)
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        shutil.copyfileobj(source, file, _PIECE_BYTES)
    executable = (entry.external_attr >> 16) & 0o111
    target.chmod(0o555 if executable else 0o444)


def _open_entries(content: bytes) -> Iterator[tuple[zipfile.ZipInfo, IO[bytes]]]:
    """Every entry to be read to its end, piece by piece, after all names have been checked.

    ZipFile stops at the size an entry declares and checks its CRC, so a lying entry is an error of the
    reading: see `_readable`.
    """
    _check_directory(content)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        entries = archive.infolist()
        _check_entries(entries, len(content))
        for entry in entries:
            with archive.open(entry) as source:
                yield entry, source


@contextmanager
def _readable() -> Iterator[None]:
    """What zipfile raises of a broken package, as the refusal of it."""
    try:
        yield
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, struct.error, ValueError) as error:
        raise InvalidParameterValueException(_UNREADABLE) from error


def _check_directory(content: bytes) -> None:
    """Bound the central directory before anything parses it: a million entries fit into 50 MiB."""
    if len(content) > ZIPPED_LIMIT_BYTES:
        raise InvalidParameterValueException(f"The package is larger than {ZIPPED_LIMIT_BYTES} bytes zipped.")
    end = content.rfind(_END_OF_DIRECTORY)
    if end < 0 or len(content) < end + 22:
        raise InvalidParameterValueException(_UNREADABLE)
    if content[max(end - 20, 0) : end].startswith(_ZIP64_LOCATOR):
        raise InvalidParameterValueException("The package is a ZIP64 file: no package needs to be one.")
    size_bytes = int.from_bytes(content[end + 12 : end + 16], "little")
    if content.count(_DIRECTORY_ENTRY, max(end - size_bytes, 0), end) > ENTRY_LIMIT:
        raise InvalidParameterValueException(f"The package holds more than {ENTRY_LIMIT} entries.")


def _check_entries(entries: list[zipfile.ZipInfo], zipped_bytes: int) -> None:
    if len(entries) > ENTRY_LIMIT:
        raise InvalidParameterValueException(f"The package holds more than {ENTRY_LIMIT} entries.")
    unzipped_bytes = sum(entry.file_size for entry in entries)
    if unzipped_bytes > UNZIPPED_LIMIT_BYTES:
        raise InvalidParameterValueException(
            f"Unzipped size must be smaller than {UNZIPPED_LIMIT_BYTES} bytes"
        )
    if unzipped_bytes > max(_RATIO_FLOOR_BYTES, zipped_bytes * RATIO_LIMIT):
        raise InvalidParameterValueException(
            f"The package unpacks to more than {RATIO_LIMIT} times its size."
        )
    seen: set[str] = set()
    folders: set[str] = set()
    files: set[str] = set()
    for entry in entries:
        _check_kind(entry)
        _check_name(entry)
        _check_clash(entry, seen, folders, files)


def _check_kind(entry: zipfile.ZipInfo) -> None:
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise _refused(entry, "is neither a file nor a folder")
    if entry.flag_bits & 0x1:
        raise _refused(entry, "is encrypted")
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(entry, "is compressed by a method other than deflate")


def _check_name(entry: zipfile.ZipInfo) -> None:
    name = entry.orig_filename
    if len(name.encode("utf-8", "surrogatepass")) > _NAME_LIMIT_BYTES:
        raise _refused(entry, "has too long a name")
    if "\\" in name or ":" in name.partition("/")[0] or any(ord(letter) < 32 for letter in name):
        raise _refused(entry, "has a name with a character that is refused")
    parts = name.removesuffix("/").split("/")
    if len(parts) > _DEPTH_LIMIT:
        raise _refused(entry, "lies too deep")
    for part in parts:
        if part in ("", ".", "..") or len(part.encode("utf-8", "surrogatepass")) > _PART_LIMIT_BYTES:
            raise _refused(entry, "does not name a place inside the package")


def _check_clash(entry: zipfile.ZipInfo, seen: set[str], folders: set[str], files: set[str]) -> None:
    """Two entries are one when a file system without letter case would take them for one."""
    name = entry.filename.rstrip("/").casefold()
    if name in seen:
        raise _refused(entry, "is there twice (letter case does not count)")
    parts = name.split("/")
    above = {"/".join(parts[:depth]) for depth in range(1, len(parts))}
    if not above.isdisjoint(files) or (not entry.is_dir() and name in folders):
        raise _refused(entry, "needs a name to be both a file and a folder")
    seen.add(name)
    folders |= above
    (folders if entry.is_dir() else files).add(name)


def _refused(entry: zipfile.ZipInfo, why: str) -> InvalidParameterValueException:
    return InvalidParameterValueException(f"The package's entry {entry.orig_filename[:120]!r} {why}.")
