"""Ceph's RADOS Gateway with one monitor and one object store in memory: S3 by other people, in C++."""

import shutil
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from tests.compat.seaweed import free_port
from tests.matrix.upstream import Store, process, wait_for

PROGRAMS = ("radosgw", "radosgw-admin", "ceph", "ceph-mon", "ceph-osd", "ceph-authtool", "monmaptool")
STEP_SECONDS = 60
# Signatures are checked by cephx everywhere: with "none" the gateway waits for ever.
CONFIG = """[global]
fsid = {fsid}
mon host = v2:127.0.0.1:{monitor_port}/0
mon initial members = a
public network = 127.0.0.0/8
cluster network = 127.0.0.0/8
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
mon data = {folder}/mon
osd data = {folder}/osd
run dir = {folder}/run
admin socket = {folder}/run/$name.asok
log file = {folder}/log/$name.log
pid file = {folder}/run/$name.pid
keyring = {folder}/keyring
osd objectstore = memstore
memstore device bytes = 4294967296
auth allow insecure global id reclaim = false
[client.rgw]
keyring = {folder}/keyring
rgw frontends = beast endpoint=127.0.0.1:{port} tcp_nodelay=1
rgw thread pool size = 64
rgw data = {folder}/rgw
"""
IDENTITIES = {
    "mon.": ("mon", "allow *"),
    "client.admin": ("mon", "allow *", "osd", "allow *", "mgr", "allow *"),
    "osd.0": ("mon", "allow profile osd", "osd", "allow *"),
    "client.rgw": ("mon", "allow rw", "osd", "allow rwx"),
}


@contextmanager
def running_ceph(folder: Path) -> Iterator[Store]:
    """A cluster below a folder; skips, aloud, where Ceph is not installed."""
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        pytest.skip(f"Ceph is not installed: {', '.join(missing)}")
    store = Store("ceph", free_port())
    fsid, monitor_port = uuid.uuid4(), free_port()
    config = folder / "ceph.conf"
    config.write_text(CONFIG.format(fsid=fsid, folder=folder, port=store.port, monitor_port=monitor_port))
    for name in ("mon", "osd", "run", "log", "rgw"):
        (folder / name).mkdir()
    for number, (name, rights) in enumerate(IDENTITIES.items()):
        more = [word for pair in zip(rights[::2], rights[1::2], strict=True) for word in ("--cap", *pair)]
        create = ["--create-keyring"] if number == 0 else []
        _run("ceph-authtool", *create, folder / "keyring", "--gen-key", "-n", name, *more)
    address = f"[v2:127.0.0.1:{monitor_port}/0]"
    _run("monmaptool", "--create", "--fsid", fsid, "--addv", "a", address, folder / "monmap")
    with ExitStack() as stack:
        yield _started(stack, store, folder, config)


def _started(stack: ExitStack, store: Store, folder: Path, config: Path) -> Store:
    def start(*command: object) -> "subprocess.Popen[bytes]":
        return stack.enter_context(process([*command, "-c", config, "-f"], folder / f"{command[0]}.out"))

    monitor = ("--monmap", folder / "monmap", "--keyring", folder / "keyring")
    _run("ceph-mon", "-c", config, "--mkfs", "-i", "a", *monitor)
    start("ceph-mon", "-i", "a")
    osd = uuid.uuid4()
    number = _run("ceph", "-c", config, "--connect-timeout", STEP_SECONDS, "osd", "new", osd).strip()
    _run("ceph-osd", "-c", config, "-i", number, "--mkfs", "--osd-uuid", osd)
    start("ceph-osd", "-i", number)
    gateway = start("radosgw", "-n", "client.rgw")
    wait_for(store.endpoint, gateway, folder / "radosgw.out")
    keys = (f"--access-key={store.access_key_id}", f"--secret-key={store.secret_access_key}")
    _run("radosgw-admin", "-c", config, "user", "create", "--uid=onread", "--display-name=onread", *keys)
    return store


def _run(*command: object) -> str:
    words = [str(word) for word in command]
    done = subprocess.run(words, capture_output=True, text=True, timeout=STEP_SECONDS, check=False)
    if done.returncode != 0:
        pytest.fail(f"{' '.join(words)}: {done.stderr[-1000:]}")
    return done.stdout
