"""R-006 on a real file system that is really full: a small tmpfs in a mount namespace of its own."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[2]


def in_a_small_file_system(directory, *command):
    mount = f"mount -t tmpfs -o size=24m tmpfs {directory}"
    shell = f'{mount} || exit 77; exec "$@"'
    return subprocess.run(
        ["unshare", "--mount", "sh", "-c", shell, "sh", *command],
        cwd=TESTS,
        capture_output=True,
        text=True,
        timeout=60,
    )


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("unshare"), reason="needs root and unshare")
@pytest.mark.parametrize("how", ["1000", "300000", "outside"])
def test_R006_a_full_disk_refuses_writes_and_lets_itself_be_emptied(tmp_path, how):
    child = (sys.executable, "-m", "stores.local.full_disk_child", str(tmp_path), how)
    done = in_a_small_file_system(tmp_path, *child)
    if done.returncode in (1, 77) and "unshare" in done.stderr + done.stdout:
        pytest.skip("this host allows no mount namespace")
    assert done.returncode == 0, done.stderr
