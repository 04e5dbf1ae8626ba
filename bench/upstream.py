"""Plain GETs of a store that is not ours: asked itself, through nginx, and through onread, turn by turn.

All of them share the machine, so a proxy's rate is what its own work leaves of the store's.

    python -m bench.upstream
"""

import io
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil
import urllib3
from boto3.s3.transfer import TransferConfig
from tests.compat.seaweed import Seaweed, running_seaweed, weed

from bench.gateway import World, build_generator, of_process, peak_mib, send
from bench.rendezvous import free_port, nginx_program, wait_for
from bench.table import Row, main
from onread.cli.spawn import gateway

BUCKET = "bench-bucket"
TURNS = 5
HUGE_BYTES = 5 << 30
PART_BYTES = 64 << 20
COPIED_BYTES = 1 << 30
EMBEDDED = "bench-embedded"
NGINX = """
daemon off; worker_processes 1; error_log stderr crit; pid @FOLDER@/nginx.pid;
events { worker_connections 1024; }
http {
  access_log off; keepalive_requests 100000000;
  client_body_temp_path @FOLDER@/client; proxy_temp_path @FOLDER@/proxy; fastcgi_temp_path @FOLDER@/fastcgi;
  uwsgi_temp_path @FOLDER@/uwsgi; scgi_temp_path @FOLDER@/scgi;
  upstream store { server 127.0.0.1:@STORE@; keepalive 128; keepalive_requests 100000000; }
  server {
    listen 127.0.0.1:@PORT@;
    location / {
      proxy_pass http://store; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host 127.0.0.1:@STORE@;
      proxy_buffer_size 256k; proxy_buffers 8 256k; proxy_busy_buffers_size 256k; proxy_max_temp_file_size 0;
    }
  }
}
"""


@dataclass(frozen=True)
class Case:
    """One kind of object."""

    name: str
    key: str
    size_bytes: int
    lanes: int
    count: int
    goal: str


CASES = (
    Case("1 KiB, 32 connections", "small", 1 << 10, 32, 6000, ">= 0.7"),
    Case("64 MiB, one connection", "large", 64 << 20, 1, 12, ">= 0.8"),
)


def run() -> list[Row]:
    """One row for each ratio."""
    if weed() is None or nginx_program() is None:
        return [Row("plain GET through onread / the store's own rate", "", "no SeaweedFS or no nginx", None)]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        (folder / "store").mkdir()
        store = stack.enter_context(running_seaweed(folder / "store"))
        nginx_port = stack.enter_context(nginx(folder, store))
        config = folder / "onread.toml"
        config.write_text(store.settings())
        spawned = stack.enter_context(gateway(folder / "data", "--config", str(config)))
        generator = build_generator(folder)
        world = World(spawned, folder, generator)
        store.client().create_bucket(Bucket=BUCKET)
        rows = []
        for case in CASES:
            store.client().put_object(Bucket=BUCKET, Key=case.key, Body=os.urandom(case.size_bytes))
            rows += measure(case, world, store, nginx_port)
        return [*rows, *memory(world)]


def measure(case: Case, world: World, store: Seaweed, nginx_port: int) -> list[Row]:
    """The case, turn by turn."""
    direct = request_of(store.client(), case.key)
    ours = world.request(BUCKET, case.key)
    ways = {"store": (store.port, direct), "nginx": (nginx_port, direct), "onread": (world.port, ours)}
    rates: dict[str, list[float]] = {name: [] for name in ways}
    cpu_us = []
    for turn in range(TURNS + 1):
        for name, (port, request) in ways.items():
            before = of_process(world.pid)
            figures = send(
                world.generator, world.folder, port, request, case.lanes, case.count, case.size_bytes
            )
            if turn:  # the first one warms
                rates[name].append(figures["per_second"])
                if name == "onread":
                    cpu_us.append((of_process(world.pid) - before) / case.count * 1e6)
    median = {name: statistics.median(values) for name, values in rates.items()}
    values = ", ".join(f"{name} {value:.4g}/s" for name, value in median.items())
    how = f"{TURNS} x {case.count}, all on the same cores"
    what = f"GET of an upstream store, {case.name}"
    return [
        Row(f"{what}: rate / the store's own", how, values, median["onread"] / median["store"], case.goal),
        Row(f"{what}: nginx's rate / the store's own", how, values, median["nginx"] / median["store"]),
        Row(f"{what}: gateway's CPU, us", how, values, statistics.median(cpu_us)),
    ]


def memory(world: World, size_bytes: int = HUGE_BYTES) -> list[Row]:
    """What large uploads and a large download add to the gateway's memory, each from its own start."""
    client, gib = world.client("s3"), size_bytes >> 30
    ways = (
        (f"{gib} GiB upload to an upstream store, one PUT", partial(put_whole, client, size_bytes)),
        (f"{gib} GiB download from an upstream store, one GET", partial(read_whole, client, size_bytes)),
        (f"{gib} GiB upload to an upstream store, boto3 in parts", partial(put_in_parts, client, size_bytes)),
    )
    rows = [grown(world, name, do, size_bytes) for name, do in ways]
    client.delete_object(Bucket=BUCKET, Key="huge")
    client.create_bucket(Bucket=EMBEDDED, CreateBucketConfiguration={"LocationConstraint": ":local"})
    put_whole(client, COPIED_BYTES, EMBEDDED)
    for source, target in ((EMBEDDED, BUCKET), (BUCKET, EMBEDDED)):
        do = partial(
            client.copy_object, Bucket=target, Key="huge", CopySource={"Bucket": source, "Key": "huge"}
        )
        rows.append(grown(world, f"{COPIED_BYTES >> 30} GiB copy, {source} to {target}", do, COPIED_BYTES))
    return rows


def grown(world: World, name: str, do: Callable[[], object], size_bytes: int) -> Row:
    """What one way adds."""
    before = restart_peak(world.pid)
    begin = time.perf_counter()
    do()
    rate = size_bytes / (time.perf_counter() - begin) / 1e6
    how = f"{before:.0f} MiB before; {rate:.0f} MB/s with client and store on the same cores"
    return Row(f"{name}: growth of the gateway, MiB", "once", how, peak_mib(world.pid) - before, "<= 32")


class Zeros(io.RawIOBase):
    """So many bytes, made as they are read, for uploads larger than memory. It can be rewound."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes = size_bytes
        self.offset = 0

    def seekable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def readable(self) -> bool:
        """See `io.RawIOBase`."""
        return True

    def seek(self, offset: int, whence: int = 0) -> int:
        """See `io.RawIOBase`."""
        self.offset = (0, self.offset, self.size_bytes)[whence] + offset
        return self.offset

    def tell(self) -> int:
        """See `io.RawIOBase`."""
        return self.offset

    def read(self, size: int = -1) -> bytes:
        """See `io.RawIOBase`."""
        left = self.size_bytes - self.offset
        taken = left if size < 0 else min(size, left)
        self.offset += taken
        return bytes(taken)


def put_whole(client: Any, size_bytes: int, bucket: str = BUCKET) -> None:
    """One PUT, its payload not hashed beforehand."""
    url = client.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "huge"})
    answer = urllib3.request(
        "PUT", url, body=Zeros(size_bytes), headers={"Content-Length": str(size_bytes)}, retries=False
    )
    assert answer.status == 200, answer.data[:500]


def read_whole(client: Any, size_bytes: int) -> None:
    """One GET."""
    body = client.get_object(Bucket=BUCKET, Key="huge")["Body"]
    assert sum(len(chunk) for chunk in iter(lambda: body.read(1 << 20), b"")) == size_bytes


def put_in_parts(client: Any, size_bytes: int) -> None:
    """As boto3 uploads by itself, in larger parts than its own 8 MiB."""
    config = TransferConfig(multipart_chunksize=PART_BYTES, max_concurrency=4)
    client.upload_fileobj(Zeros(size_bytes), BUCKET, "huge", Config=config)
    assert client.head_object(Bucket=BUCKET, Key="huge")["ContentLength"] == size_bytes


def restart_peak(pid: int) -> float:
    """The memory of a process now, in MiB; its peak begins anew."""
    Path(f"/proc/{pid}/clear_refs").write_text("5")
    return float(psutil.Process(pid).memory_info().rss) / 2**20


def request_of(client: object, key: str) -> bytes:
    """A presigned GET of the store's own."""
    url = urlsplit(
        client.generate_presigned_url("get_object", Params={"Bucket": BUCKET, "Key": key})  # type: ignore[attr-defined]
    )
    return f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()


@contextmanager
def nginx(folder: Path, store: Seaweed) -> Iterator[int]:
    """nginx in front of the store; its port."""
    port = free_port()
    text = (
        NGINX.replace("@FOLDER@", str(folder))
        .replace("@STORE@", str(store.port))
        .replace("@PORT@", str(port))
    )
    (folder / "nginx.conf").write_text(text)
    program = nginx_program()
    assert program is not None
    process = subprocess.Popen([program, "-c", str(folder / "nginx.conf")])
    try:
        wait_for(port)
        yield port
    finally:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main(run)
