"""R-006 for kept results, on a file system that is really full: a small tmpfs in a namespace of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]

CHILD = """
import asyncio, os, sys
from datetime import UTC, datetime
from pathlib import Path
from onread.errors import ServiceError
from onread.spool.folder import BLOCK_BYTES, Folder
from onread.spool.result import ResultBody
from onread.spool.space import DISK_MARGIN_BYTES
from onread.spool.spool import Spool
from onread.telemetry.metrics import Metrics

place = Path(sys.argv[1])
PIECE = b"x" * 4 * BLOCK_BYTES
LEFT = DISK_MARGIN_BYTES - (1 << 20)  # names and checksums are not set aside

def free():
    disk = os.statvfs(place)
    return disk.f_bavail * disk.f_frsize

async def read(spool, name, pieces, before_each=lambda: None):
    async def make(writing):
        await writing.tell({}, None)
        for _ in range(pieces):
            before_each()
            await writing.write(PIECE)
        await writing.end()
        return True
    async with spool.use(name, make) as result:
        deadline = asyncio.get_running_loop().time() + 20
        await result.begun(deadline, sized=False)
        return sum([len(chunk) async for chunk in ResultBody(result, 0, None, 20)])

async def refused(work):
    try:
        await work
    except ServiceError as error:
        assert error.status == 503, error
    else:
        raise AssertionError("there was room")

async def main():
    folder = Folder(
        place / "spool", limit_bytes=1 << 40, max_age_seconds=900, now=lambda: datetime.now(UTC).timestamp()
    )
    spool = Spool(
        folder, metrics=Metrics(), random_bytes=os.urandom, wanted=lambda: frozenset({"tag"}),
        patience_seconds=20, max_age_seconds=900,
    )
    async with spool:
        for number in range(60):  # 120 MiB through 24 MiB of room: the oldest go
            assert await read(spool, f"tag-{number}", 8) == 8 * len(PIECE)
            assert free() >= LEFT
        assert folder.evictions > 40
        await refused(read(spool, "tag-large", 200))
        assert free() >= LEFT

        def fill():  # somebody else takes the rest of the disk while a result is written
            with open(place / "filler", "ab", buffering=0) as file:
                try:
                    while True:
                        file.write(bytes(4096))
                except OSError:
                    pass
        await refused(read(spool, "tag-unlucky", 16, fill))
        assert not list((place / "spool").glob("tag-unlucky*"))
        (place / "filler").unlink()
        assert await read(spool, "tag-again", 8) == 8 * len(PIECE)

asyncio.run(main())
"""


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
def test_R006_a_full_disk_refuses_results_and_leaves_room_for_the_rest(tmp_path):
    shell = f'mount -t tmpfs -o size=88m tmpfs {tmp_path} || exit 77; exec "$@"'
    done = subprocess.run(
        ["unshare", "--mount", "sh", "-c", shell, "sh", sys.executable, "-c", CHILD, str(tmp_path)],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=60,
    )
    if done.returncode in (1, 77) and "unshare" in done.stderr + done.stdout:
        pytest.skip("this host allows no mount namespace")
    assert done.returncode == 0, done.stderr
