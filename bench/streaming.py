"""1 GiB through a transformed GET: how fast, how much memory, how soon the first byte.

The CPU of both sides is shown.

    python -m bench.streaming
"""

import re
import socket
import statistics
import time
from dataclasses import dataclass

from bench.gateway import World, cpu_seconds, peak_mib, world
from bench.table import Row, main

GIB = 1 << 30
TURNS = 3
FIRST_BYTES = 15


@dataclass(frozen=True)
class Stream:
    """What one answer took."""

    gb_per_second: float
    first_byte_ms: float
    gateway_seconds_per_gb: float
    functions_seconds_per_gb: float


def run() -> list[Row]:
    """Both framings, turn by turn, in one gateway whose memory is watched."""
    with world() as gateway:
        alias = gateway.transformed_by("flood")
        keys = [f"{form}-{size}" for form in ("sized", "chunked") for size in (GIB, 1 << 20)]
        requests = {key: gateway.request(alias, key) for key in keys}
        small = [key for key in keys if not key.endswith(str(GIB))]
        for key in small * 3:
            fetch(gateway, requests[key])
        started_mib = peak_mib(gateway.pid)
        large: dict[str, list[Stream]] = {key: [] for key in keys if key not in small}
        for _ in range(TURNS):
            for key, streams in large.items():
                streams.append(fetch(gateway, requests[key]))
        grown_mib = peak_mib(gateway.pid) - started_mib
        first = [fetch(gateway, requests[key]).first_byte_ms for _ in range(FIRST_BYTES) for key in small]
    first += [stream.first_byte_ms for streams in large.values() for stream in streams]
    return [
        Row(
            "memory added by 1 GiB streams, MiB",
            f"{TURNS} x 2, peak",
            f"from {started_mib:.0f}",
            grown_mib,
            "<= 32",
        ),
        Row(
            "first byte after the handler's first write, ms",
            f"{len(first)} answers, p50",
            f"worst {max(first):.1f}",
            statistics.median(first),
            "<= 25",
        ),
        *(_row(key.partition("-")[0], streams) for key, streams in large.items()),
    ]


def _row(form: str, streams: list[Stream]) -> Row:
    gateway = statistics.median(stream.gateway_seconds_per_gb for stream in streams)
    function = statistics.median(stream.functions_seconds_per_gb for stream in streams)
    return Row(
        f"1 GiB through boto3, {form}: GB/s",
        f"{TURNS} turns",
        f"CPU s/GB: gateway {gateway:.2f}, function {function:.2f}",
        statistics.median(stream.gb_per_second for stream in streams),
    )


def fetch(gateway: World, request: bytes) -> Stream:
    """Read one answer to its end and throw it away."""
    before, began = cpu_seconds(gateway.pid), time.monotonic()
    buffer = memoryview(bytearray(1 << 20))
    with socket.create_connection(("127.0.0.1", gateway.port), timeout=120) as connection:
        connection.sendall(request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"))
        start = b""
        # The stamp stands behind the head and, in chunks, behind the line with the chunk's size.
        while (stamp := re.search(rb"\r\n\r\n(?:[0-9a-f]+\r\n)?([0-9]{22}\.[0-9]{9})", start)) is None:
            piece = connection.recv(65536)
            if not piece:
                raise RuntimeError(f"the answer ended early: {start[:500]!r}")
            start += piece
        arrived, received = time.monotonic(), len(start)
        while count := connection.recv_into(buffer):
            received += count
    seconds, after = time.monotonic() - began, cpu_seconds(gateway.pid)
    return Stream(
        gb_per_second=received / seconds / 1e9,
        first_byte_ms=(arrived - float(stamp[1])) * 1000,
        gateway_seconds_per_gb=(after["gateway"] - before["gateway"]) / (received / 1e9),
        functions_seconds_per_gb=(after["functions"] - before["functions"]) / (received / 1e9),
    )


if __name__ == "__main__":
    main(run)
