"""A hundred parallel ranges of one sliced result of 1 GiB: the function runs once, and memory stays flat.

python -m bench.slices
"""

import socket
import statistics
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from bench.gateway import World, peak_mib, world
from bench.table import Row, main

GIB = 1 << 30
RANGES = 100
TRIES = 200


@dataclass(frozen=True)
class Part:
    """What one range took: seconds from the common start, and how often it was told to slow down."""

    first_byte_seconds: float
    bytes: int
    refused: int


def run() -> list[Row]:
    """The ranges while the function still writes, then once more of what is kept."""
    with world() as gateway:
        alias = gateway.transformed_by("flood")
        gateway.client("onread").configure_object_lambda_access_point(Name="flood", Range="slice")
        for size in (1 << 20, GIB):
            gateway.put(f"sized-{size}", 1)
        for _ in range(3):
            together(gateway, gateway.request(alias, f"sized-{1 << 20}"), 1 << 20)
        started_mib, runs = peak_mib(gateway.pid), made(gateway)
        request = gateway.request(alias, f"sized-{GIB}")
        writing, while_writing = together(gateway, request, GIB)
        kept, when_kept = together(gateway, request, GIB)
        runs = made(gateway) - runs
        grown_mib = peak_mib(gateway.pid) - started_mib
    refused = sum(part.refused for part in (*writing, *kept))
    first = statistics.median(part.first_byte_seconds for part in kept) * 1000
    return [
        Row(
            f"runs of the function for 2 x {RANGES} parallel ranges of 1 GiB",
            f"{RANGES} connections",
            f"{refused} times told to slow down and asked again",
            runs,
            "<= 1",
        ),
        Row("memory added by them, MiB", "peak", f"from {started_mib:.0f}", grown_mib, "<= 32"),
        Row(
            "1 GiB in ranges while it is written: GB/s",
            f"{RANGES} connections",
            f"first range after {min(part.first_byte_seconds for part in writing) * 1000:.0f} ms",
            GIB / while_writing / 1e9,
        ),
        Row(
            "1 GiB in ranges when it is kept: GB/s",
            f"{RANGES} connections",
            f"first bytes after {first:.0f} ms, p50",
            GIB / when_kept / 1e9,
        ),
    ]


def together(gateway: World, request: bytes, size_bytes: int) -> tuple[list[Part], float]:
    """All ranges at once; every byte must come."""
    step = -(-size_bytes // RANGES)
    began = time.monotonic()
    with ThreadPoolExecutor(RANGES) as pool:
        starts = range(0, size_bytes, step)
        parts = list(pool.map(lambda start: fetch(gateway, request, start, start + step - 1, began), starts))
    if (came := sum(part.bytes for part in parts)) != size_bytes:
        raise RuntimeError(f"{came} of {size_bytes} bytes came")
    return parts, time.monotonic() - began


def fetch(gateway: World, request: bytes, first: int, last: int, began: float) -> Part:
    """One range, asked for again while there is no room."""
    ranged = request.replace(
        b"\r\n\r\n", b"\r\nRange: bytes=%d-%d\r\nConnection: close\r\n\r\n" % (first, last)
    )
    for refused in range(TRIES):
        with socket.create_connection(("127.0.0.1", gateway.port), timeout=120) as connection:
            connection.sendall(ranged)
            start = b""
            while b"\r\n\r\n" not in start:
                start += connection.recv(65536)
            arrived = time.monotonic()
            if start.startswith(b"HTTP/1.1 503"):
                continue
            if not start.startswith(b"HTTP/1.1 206"):
                raise RuntimeError(f"refused: {start[:500]!r}")
            received = len(start.partition(b"\r\n\r\n")[2])
            buffer = memoryview(bytearray(1 << 18))
            while count := connection.recv_into(buffer):
                received += count
            return Part(arrived - began, received, refused)
    raise RuntimeError(f"there was no room {TRIES} times")


def made(gateway: World) -> int:
    """How many results were made so far."""
    with urllib.request.urlopen(f"{gateway.gateway.admin_endpoint}/metrics", timeout=20) as answer:
        lines = answer.read().decode().splitlines()
    [value] = [
        line.rpartition(" ")[2] for line in lines if line.startswith('onread_slices_total{outcome="miss"}')
    ]
    return int(float(value))


if __name__ == "__main__":
    main(run)
