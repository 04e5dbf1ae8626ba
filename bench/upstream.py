"""Plain GETs of a store that is not ours: asked itself, through nginx, and through onread, turn by turn.

All of them share the machine, so a proxy's rate is what its own work leaves of the store's.

    python -m bench.upstream
"""

import os
import statistics
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psutil
from tests.compat.seaweed import Seaweed, running_seaweed, weed

from bench.gateway import World, build_generator, of_process, peak_mib, send
from bench.rendezvous import free_port, nginx_program, wait_for
from bench.table import Row, main
from onread.cli.spawn import gateway

BUCKET = "bench-bucket"
TURNS = 5
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
        return [*rows, memory(world)]


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


def memory(world: World, size_bytes: int = 5 << 30) -> Row:
    """What a large upload and download add to the gateway's memory."""
    client = world.client("s3")
    before = psutil.Process(world.pid).memory_info().rss / 2**20
    part = 256 << 20
    upload = client.create_multipart_upload(Bucket=BUCKET, Key="huge")["UploadId"]
    parts = []
    block = os.urandom(part)
    for number in range(1, size_bytes // part + 1):
        etag = client.upload_part(Bucket=BUCKET, Key="huge", UploadId=upload, PartNumber=number, Body=block)[
            "ETag"
        ]
        parts.append({"PartNumber": number, "ETag": etag})
    client.complete_multipart_upload(
        Bucket=BUCKET, Key="huge", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    body = client.get_object(Bucket=BUCKET, Key="huge")["Body"]
    read = sum(len(chunk) for chunk in iter(lambda: body.read(1 << 20), b""))
    assert read == size_bytes
    client.delete_object(Bucket=BUCKET, Key="huge")
    grown = peak_mib(world.pid) - before
    gib = size_bytes >> 30
    return Row(
        f"{gib} GiB to an upstream store and back: growth of the gateway, MiB",
        f"one upload in parts of {part >> 20} MiB, one GET",
        f"{before:.0f} MiB before",
        grown,
        "<= 32",
    )


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
