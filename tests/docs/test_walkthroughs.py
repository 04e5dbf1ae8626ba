"""Whoever follows a page from top to bottom gets what it says: every command of it is run.

The page starts its own gateway, so its blocks run in one shell and one folder, on free ports instead of
the default ones.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from tests.docs.blocks import ROOT, console_blocks, shell_blocks

pytestmark = [pytest.mark.compat, pytest.mark.slow]

_MARK = "----- end of block"

# Shown and not run by this test: what runs it instead.
COVERED = {
    "make demo\n": "the target runs `onread demo`, which tests/compat/test_command_line.py runs",
    "pip install .\n": "the Makefile and CI install the package before anything else",
}


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def follow(page, folder):
    """What each block printed, and whether the shell got to the end."""
    front, admin = free_ports(2)
    script = "set -eu -o pipefail\ntrap 'kill $(jobs -p); wait' EXIT\n"
    script += "".join(f"{block.commands}echo '{_MARK}'\n" for block in shell_blocks(page))
    script = script.replace("127.0.0.1:9000", f"127.0.0.1:{front}").replace(
        "127.0.0.1:9001", f"127.0.0.1:{admin}"
    )
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ONREAD_"))}
    environment = {
        **kept,
        "PATH": f"{Path(sys.executable).parent}:{kept['PATH']}",
        "HOME": str(folder),
        "ONREAD_LISTEN": f"127.0.0.1:{front}",
        "ONREAD_ADMIN_LISTEN": f"127.0.0.1:{admin}",
        "EXAMPLES": str(ROOT / "examples"),
    }
    with (folder / "errors.log").open("wb") as errors:
        shell = subprocess.Popen(
            ["bash", "-c", script],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            start_new_session=True,
        )
        try:
            printed, _ = shell.communicate(timeout=100)
        finally:
            if shell.poll() is None:
                os.killpg(shell.pid, signal.SIGKILL)
    *parts, _ = printed.decode().split(f"{_MARK}\n")
    return parts, shell.returncode, (folder / "errors.log").read_text(errors="replace")


@pytest.mark.skipif(shutil.which("curl") is None, reason="the pages use curl, which is not installed")
@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_a_page_can_be_followed_to_its_end(page, tmp_path):
    blocks = shell_blocks(page)
    parts, status, errors = follow(page, tmp_path)
    assert len(parts) == len(blocks), f"after block {len(parts)}:\n{errors[-2000:]}"
    assert status == 0, errors[-2000:]
    for block, printed in zip(blocks, parts, strict=True):
        if block.printed is not None:
            assert printed.endswith(block.printed), block.commands


@pytest.mark.parametrize("page", ["README.md", "docs/tutorial.md"])
def test_what_is_shown_and_not_run_is_run_elsewhere(page):
    assert set(console_blocks(page)) <= set(COVERED)
