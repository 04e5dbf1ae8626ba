"""Unpacked packages: shared while used, thrown away when there is no room, never trusted after a restart."""

import asyncio
import hashlib
import io
import zipfile
from contextlib import AsyncExitStack

import pytest

from onread.errors import InvalidZipFileException
from onread.functions.package_cache import PackageCache

MOST_BYTES = 2500


def package(letter):
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("lib/data", letter * 1000)
    return content.getvalue()


class Packages:
    """Three packages of 1,000 bytes each, a cache that holds two, and what was asked of the store."""

    def __init__(self, folder):
        self.by_sha256 = {hashlib.sha256(each).hexdigest(): each for each in map(package, "abc")}
        self.folder = folder / "code"
        self.asked = []
        self.cache = PackageCache(self.folder, code=self.load, limit_bytes=MOST_BYTES)

    async def load(self, sha256):
        self.asked.append(sha256)
        await asyncio.sleep(0)
        return self.by_sha256[sha256]

    def on_disk(self):
        return {path.name for path in self.folder.iterdir()}


@pytest.fixture
def packages(tmp_path):
    return Packages(tmp_path)


async def use(packages, sha256):
    async with packages.cache.hold(sha256) as folder:
        assert len((folder / "lib" / "data").read_bytes()) == 1000


def test_many_who_ask_at_once_share_one_folder(packages):
    async def main():
        first = next(iter(packages.by_sha256))
        await asyncio.gather(*(use(packages, first) for _ in range(20)))
        await use(packages, first)
        assert packages.asked == [first]

    asyncio.run(main())


def test_what_has_been_unused_for_longest_makes_room(packages):
    async def main():
        a, b, c = packages.by_sha256
        for sha256 in (a, b, a, c):
            await use(packages, sha256)
        assert packages.on_disk() == {a, c}
        await use(packages, b)
        assert packages.on_disk() == {c, b}
        assert packages.asked == [a, b, c, b]

    asyncio.run(main())


def test_what_is_used_stays_whatever_it_takes(packages):
    async def main():
        async with AsyncExitStack() as scope:
            for sha256 in packages.by_sha256:
                await scope.enter_async_context(packages.cache.hold(sha256))
            assert packages.on_disk() == packages.by_sha256.keys()
        first = next(iter(packages.by_sha256))
        await use(packages, first)
        assert len(packages.on_disk()) == 2
        assert first in packages.on_disk()

    asyncio.run(main())


def test_many_users_of_more_than_fits_always_find_their_files(packages):
    async def main():
        async def use_all(number):
            for turn in range(12):
                await use(packages, list(packages.by_sha256)[(number + turn) % 3])

        await asyncio.gather(*map(use_all, range(6)))
        assert len(packages.on_disk()) <= 3

    asyncio.run(main())


def test_R002_what_an_earlier_process_left_is_not_trusted(packages):
    async def main():
        sha256 = next(iter(packages.by_sha256))
        left = packages.folder / sha256 / "lib"
        left.mkdir(parents=True)
        (left / "data").write_bytes(b"")  # what a power cut makes of a file that was not synced
        left.chmod(0o555)
        packages.cache.set_aside()
        await use(packages, sha256)
        packages.cache.throw_away()
        assert [path.name for path in packages.folder.parent.iterdir()] == ["code"]

    asyncio.run(main())


def test_a_package_that_is_another_one_is_refused_and_nothing_is_kept_of_it(packages):
    async def main():
        first, second, _ = packages.by_sha256
        packages.by_sha256[first] = packages.by_sha256[second]
        with pytest.raises(InvalidZipFileException, match="not the one"):
            await use(packages, first)
        await use(packages, second)

    asyncio.run(main())
