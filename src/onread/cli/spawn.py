"""A gateway as a process of its own, started and waited for."""

import json
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path


class DidNotStart(Exception):
    """The gateway ended or stayed silent; the text is what it said."""


@dataclass(frozen=True, slots=True)
class SpawnedGateway:
    """A gateway that serves."""

    process: subprocess.Popen[bytes]
    endpoint: str
    admin_endpoint: str
    access_key_id: str
    secret_access_key: str
    log_file: Path

    def environment(self) -> dict[str, str]:
        """What an AWS client needs in its environment to speak to this gateway as root."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key_id,
            "AWS_SECRET_ACCESS_KEY": self.secret_access_key,
            "AWS_REGION": "us-east-1",
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_ENDPOINT_URL": self.endpoint,
            "ONREAD_ENDPOINT": self.endpoint,
        }

    def stop(self, timeout_seconds: float = 30) -> int:
        """Ask it to drain and wait; its exit status. Killed when it does not end in time."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(timeout_seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            return self.process.wait()


def spawn_gateway(
    data_dir: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
    timeout_seconds: float = 30,
) -> SpawnedGateway:
    """Start ``onread serve`` on free ports over ``data_dir`` and wait until it serves.

    Args:
        under: a command that runs the command behind it, as ``taskset -c 0`` or ``prlimit --nofile=512``.

    Raises:
        DidNotStart: it ended, or did not serve within the time.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    log_file = data_dir.with_name(data_dir.name + ".log")
    command = [*under, sys.executable, "-m", "onread", "serve", "--data-dir", str(data_dir)]
    command += ["--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0", *arguments]
    inherited = {
        name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ONREAD_"))
    }
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            command,
            env={**inherited, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=log,
            start_new_session=True,
        )
    ready = None
    try:
        ready = _wait_for_ready(process, time.monotonic() + timeout_seconds)
    finally:
        if ready is None:
            process.kill()
            process.communicate()
    if ready is None:
        raise DidNotStart(log_file.read_text(errors="replace")[-2000:])
    key_id, secret = _root_key(data_dir, environment or {})
    return SpawnedGateway(process, ready["endpoint"], ready["admin_endpoint"], key_id, secret, log_file)


def _root_key(data_dir: Path, environment: Mapping[str, str]) -> tuple[str, str]:
    """Given in the settings, or made by the gateway."""
    if "ONREAD_ROOT_ACCESS_KEY_ID" in environment:
        return environment["ONREAD_ROOT_ACCESS_KEY_ID"], environment["ONREAD_ROOT_SECRET_ACCESS_KEY"]
    root = json.loads((data_dir / "root-access-key.json").read_text())
    return root["access_key_id"], root["secret_access_key"]


def _wait_for_ready(process: subprocess.Popen[bytes], deadline: float) -> Mapping[str, str] | None:
    """The first line of standard output, which is JSON when that is no terminal."""
    assert process.stdout is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stdout, selectors.EVENT_READ)
        line = b""
        while not line.endswith(b"\n"):
            if not selector.select(max(0.0, deadline - time.monotonic())):
                return None
            piece = os.read(process.stdout.fileno(), 4096)
            if not piece:
                return None
            line += piece
    return json.loads(line.splitlines()[0])  # type: ignore[no-any-return]


@contextmanager
def gateway(
    data_dir: Path,
    *arguments: str,
    environment: Mapping[str, str] | None = None,
    under: Sequence[str] = (),
) -> Iterator[SpawnedGateway]:
    """A gateway for the length of a block; drained and gone afterwards."""
    spawned = spawn_gateway(data_dir, *arguments, environment=environment, under=under)
    try:
        yield spawned
    finally:
        spawned.stop()
        if spawned.process.stdout is not None:
            spawned.process.stdout.close()
