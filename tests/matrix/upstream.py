"""A store that is not ours, as a process of its own."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import pytest

from onread.cli.client import make_client

START_SECONDS = 60


class Upstream(Protocol):
    """What the tests want of a store."""

    @property
    def endpoint(self) -> str: ...

    @property
    def access_key_id(self) -> str: ...

    @property
    def secret_access_key(self) -> str: ...

    def client(self) -> Any:
        """boto3 at the store itself."""

    def settings(self) -> str:
        """The TOML that puts it behind a gateway."""


@dataclass(frozen=True)
class Store:
    """A running store at a port of the loopback interface."""

    name: str
    port: int
    access_key_id: str = "STOREKEYSTOREKEY"
    secret_access_key: str = "store-secret-store-secret"

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def client(self) -> Any:
        return make_client(
            "s3",
            endpoint_url=self.endpoint,
            access_key_id=self.access_key_id,
            secret_access_key=self.secret_access_key,
        )

    def settings(self) -> str:
        return (
            f'[[stores]]\nname = "{self.name}"\ntype = "s3"\nendpoint = "{self.endpoint}"\n'
            f'region = "us-east-1"\naccess_key_id = "{self.access_key_id}"\n'
            f'secret_access_key = "{self.secret_access_key}"\nbuckets = "*"\n'
        )


@contextmanager
def process(command: Sequence[object], log: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """A program in a process group of its own; it has ended when the block has."""
    with log.open("wb") as file:
        running = subprocess.Popen(
            [str(word) for word in command], stdout=file, stderr=file, cwd=log.parent, start_new_session=True
        )
    try:
        yield running
    finally:
        if running.poll() is None:
            os.killpg(running.pid, signal.SIGTERM)
        try:
            running.wait(15)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()


def wait_for(endpoint: str, running: "subprocess.Popen[bytes]", log: Path) -> None:
    """Until it answers a request, whatever the answer is."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(endpoint, timeout=5).close()
            return
        except urllib.error.HTTPError:
            return
        except OSError:
            try:
                running.wait(0.1)
                break
            except subprocess.TimeoutExpired:
                continue
    pytest.fail(f"The store did not start: {log.read_text(errors='replace')[-2000:]}")
