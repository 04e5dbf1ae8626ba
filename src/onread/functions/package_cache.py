"""Unpacked packages: made when they are first needed, kept while they are used, bounded in size.

Nothing in it outlives its process. What a machine that lost its power left of a folder may look whole and
not be, so folders of an earlier start are thrown away instead of trusted.
"""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from onread.errors import InvalidZipFileException
from onread.functions.package import remove_folder, unpack

Code = Callable[[str], Awaitable[bytes]]
"""The zip of a hexadecimal SHA-256. Raises ResourceNotFoundException."""

_OLD = ".old-"


class PackageCache:
    """The unpacked packages of one pool.

    Args:
        folder: its own.
        limit_bytes: what is kept of packages that nobody uses makes room beyond it, the one that has been
            unused for longest first. Packages in use stay, whatever they take.
    """

    def __init__(self, folder: Path, *, code: Code, limit_bytes: int) -> None:
        self._folder = folder
        self._code = code
        self._limit_bytes = limit_bytes
        self._kept: dict[str, _Kept] = {}  # the least recently used first

    def set_aside(self) -> None:
        """Move what an earlier process left out of the way, before the first `hold`. Blocking.

        Raises:
            OSError: it cannot be moved.
        """
        if self._folder.exists():
            aside = Path(tempfile.mkdtemp(prefix=self._folder.name + _OLD, dir=self._folder.parent))
            self._folder.rename(aside / self._folder.name)

    def throw_away(self) -> None:
        """Remove what was moved out of the way; this may take its time. Blocking."""
        for old in self._folder.parent.glob(f"{self._folder.name}{_OLD}*"):
            _remove(old)

    @asynccontextmanager
    async def hold(self, sha256: str) -> AsyncIterator[Path]:
        """The folder with a package's files, which stays for as long as the scope is open.

        Raises:
            InvalidZipFileException: the stored package is not a safe zip, or not the one asked for.
            OSError: the disk refuses.
        """
        kept = self._kept.setdefault(sha256, _Kept())
        kept.holders += 1
        try:
            async with kept.lock:
                if kept.folder is None:
                    kept.folder = await self._unpack(sha256)
                    kept.size_bytes = await asyncio.to_thread(_size_bytes, kept.folder)
            await self._make_room()
            yield kept.folder
        finally:
            kept.holders -= 1
            if kept.folder is None and not kept.holders:
                self._kept.pop(sha256, None)
            elif sha256 in self._kept:
                self._kept[sha256] = self._kept.pop(sha256)

    async def _unpack(self, sha256: str) -> Path:
        content = await self._code(sha256)
        folder = await asyncio.to_thread(unpack, content, self._folder)
        if folder.name != sha256:
            raise InvalidZipFileException("The stored package is not the one that was uploaded.")
        return folder

    async def _make_room(self) -> None:
        held_bytes = sum(kept.size_bytes for kept in self._kept.values())
        for sha256, kept in tuple(self._kept.items()):
            if held_bytes <= self._limit_bytes:
                return
            if not kept.holders and kept.folder is not None:
                held_bytes -= kept.size_bytes
                await self._evict(sha256, kept)

    async def _evict(self, sha256: str, kept: "_Kept") -> None:
        """Whoever asks for it meanwhile waits for its end, and unpacks it anew."""
        async with kept.lock:
            if kept.holders or kept.folder is None:
                return
            folder, kept.folder, kept.size_bytes = kept.folder, None, 0
            await asyncio.to_thread(_remove, folder)
            if not kept.holders:
                del self._kept[sha256]


class _Kept:
    """One package; ``folder`` is None while it is not unpacked."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.folder: Path | None = None
        self.size_bytes = 0
        self.holders = 0


def _size_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _remove(folder: Path) -> None:
    """Best effort: what stays is thrown away at the next start."""
    with contextlib.suppress(OSError):
        remove_folder(folder)
