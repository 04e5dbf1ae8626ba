"""The bare rendezvous against nginx `proxy_pass`: the same bytes, from a writer to a held caller.

Both servers run pinned to core 0 and the generator to core 1, turn by turn, so that whatever else the
machine does falls on both. Only the ratios mean something.

    python -m bench.rendezvous
"""

import json
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.table import Row, main

HERE = Path(__file__).parent
TURNS = 5
LANES = 64
LARGE = 1 << 30
SERVER_CORE, GENERATOR_CORE = "0", "1"
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Case:
    name: str
    lanes: int
    count: int
    size_bytes: int
    chunked: bool = False
    rendezvous: bool = True


CASES = [
    Case("get 1 KiB", LANES, 30_000, 1024, rendezvous=False),
    Case("rendezvous 1 KiB", LANES, 12_000, 1024),
    Case("rendezvous 1 KiB chunked", LANES, 12_000, 1024, chunked=True),
    Case("relay 1 GiB", 1, 1, LARGE),
    Case("relay 1 GiB chunked", 1, 1, LARGE, chunked=True),
]


class Server:
    """A server under measurement: how to load it, and what it used."""

    def __init__(self, name: str, pids: list[int], port: int, upstream_port: int | None) -> None:
        self.name = name
        self.port = port
        self._pids = pids
        self._upstream_port = upstream_port

    def load(self, generator: Path, case: Case) -> dict[str, float]:
        mode = "get" if not case.rendezvous else "rendezvous" if self._upstream_port is None else "proxy"
        arguments = [mode, self.port, case.lanes, case.count, case.size_bytes, int(case.chunked)]
        if mode == "proxy":
            arguments.append(self._upstream_port)
        before = self.cpu_seconds()
        figures = json.loads(pinned(GENERATOR_CORE, [generator, *arguments]))
        if figures["errors"]:
            raise RuntimeError(f"{self.name} answered {figures['errors']} times with an error")
        return {**figures, "cpu_seconds": self.cpu_seconds() - before}

    def cpu_seconds(self) -> float:
        fields = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split() for pid in self._pids]
        return sum(int(each[11]) + int(each[12]) for each in fields) / TICKS

    def peak_mib(self) -> float:
        status = [Path(f"/proc/{pid}/status").read_text() for pid in self._pids]
        return sum(int(each.partition("VmHWM:")[2].split()[0]) for each in status) / 1024


GOALS = {
    ("rendezvous 1 KiB", "rate_ratio"): ">= 0.7",
    ("relay 1 GiB", "rate_ratio"): ">= 0.9",
    ("relay 1 GiB chunked", "rate_ratio"): ">= 0.65",
}


def run() -> list[Row]:
    """The ratios to nginx, of the rate (higher is better) and of the CPU (lower is better)."""
    if nginx_program() is None:
        sys.stderr.write("SKIPPED: nginx is not installed; the rendezvous is compared with it\n")
        return [Row("bare rendezvous / nginx proxy_pass", "nginx is not installed", "", None)]
    figures = measure()
    rows = [
        Row(
            f"bare {name}: {what} / nginx's",
            f"{TURNS} x {case['count']}, {case['lanes']} lanes",
            f"{case['onread'][unit]} / {case['nginx'][unit]} {unit.replace('_', ' ')}",
            case[ratio_name],
            GOALS.get((name, ratio_name), ""),
        )
        for name, case in figures["cases"].items()
        for what, ratio_name, unit in (
            ("rate", "rate_ratio", "gb_per_second" if case["lanes"] == 1 else "per_second"),
            ("CPU", "cpu_ratio", "cpu_seconds_per_gb" if case["lanes"] == 1 else "cpu_us_each"),
        )
    ]
    grown = figures["peak_rss_growth_mib"]
    return [*rows, Row("memory added by bare 1 GiB relays, MiB", f"{TURNS} x 2, peak", "", grown)]


def measure() -> dict[str, Any]:
    """Measure every case on both servers, turn by turn.

    Returns:
        For each case the medians of both servers and onread's ratio to nginx: of the rate (higher is
        better) and of the CPU (lower is better); and how much memory the large bodies added.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        generator = build_generator(folder)
        onread = stack.enter_context(onread_server())
        nginx = stack.enter_context(nginx_server(folder))
        for case in CASES:
            if case.size_bytes < LARGE:
                load_both(generator, (onread, nginx), case)  # warm both
        started_mib = onread.peak_mib()
        cases = {case.name: compare(generator, onread, nginx, case) for case in CASES}
        return {"cases": cases, "peak_rss_growth_mib": round(onread.peak_mib() - started_mib, 1)}


def compare(generator: Path, onread: Server, nginx: Server, case: Case) -> dict[str, Any]:
    turns = [load_both(generator, (onread, nginx), case) for _ in range(TURNS)]
    ours, theirs = ([turn[side] for turn in turns] for side in (0, 1))
    return {
        "lanes": case.lanes,
        "count": case.count,
        "onread": summary(ours, case),
        "nginx": summary(theirs, case),
        "rate_ratio": ratio(ours, theirs, "per_second"),
        "cpu_ratio": ratio(ours, theirs, "cpu_seconds"),
    }


def load_both(generator: Path, servers: tuple[Server, Server], case: Case) -> list[dict[str, float]]:
    return [server.load(generator, case) for server in servers]


def summary(turns: list[dict[str, float]], case: Case) -> dict[str, float]:
    figures = {key: median(turns, key) for key in ("per_second", "gb_per_second", "p50_ms", "p99_ms")}
    cpu = median(turns, "cpu_seconds")
    return {
        **figures,
        "cpu_us_each": round(cpu / case.count * 1e6, 1),
        "cpu_seconds_per_gb": round(cpu / (case.count * case.size_bytes / 1e9), 3),
    }


def ratio(ours: list[dict[str, float]], theirs: list[dict[str, float]], key: str) -> float:
    return round(median(ours, key) / median(theirs, key), 3)


def median(turns: list[dict[str, float]], key: str) -> float:
    return round(statistics.median(turn[key] for turn in turns), 4)


# What is measured, and with what


def pinned(core: str, command: list[object]) -> str:
    words = ["taskset", "-c", core, *map(str, command)]
    return subprocess.run(words, check=True, capture_output=True, text=True, timeout=120).stdout


def build_generator(folder: Path) -> Path:
    generator = folder / "loadgen"
    subprocess.run(["cc", "-O2", "-o", generator, HERE / "loadgen.c"], check=True)
    return generator


@contextmanager
def onread_server() -> Iterator[Server]:
    command = ["taskset", "-c", SERVER_CORE, sys.executable, "-m", "bench.rendezvous_server"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE.parent
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Server("onread", [process.pid], int(process.stdout.readline()), None)
        process.stdin.close()


@contextmanager
def nginx_server(folder: Path) -> Iterator[Server]:
    port, upstream_port = free_port(), free_port()
    files = folder / "files" / "bytes"
    files.mkdir(parents=True)
    (files / "1024").write_bytes(b"x" * 1024)
    text = (HERE / "nginx.conf.template").read_text()
    for name, value in {"FOLDER": folder, "PORT": port, "UPSTREAM_PORT": upstream_port}.items():
        text = text.replace(f"@{name}@", str(value))
    configuration = folder / "nginx.conf"
    configuration.write_text(text)
    nginx = nginx_program()
    assert nginx is not None
    os.chmod(folder, 0o755)  # nginx's worker may run as another user
    with subprocess.Popen(["taskset", "-c", SERVER_CORE, nginx, "-c", configuration]) as process:
        try:
            wait_for(port)
            yield Server("nginx", [process.pid, *workers(process.pid)], port, upstream_port)
        finally:
            process.send_signal(signal.SIGTERM)


def nginx_program() -> str | None:
    return shutil.which("nginx", path=os.environ["PATH"] + ":/usr/sbin")


def workers(pid: int) -> list[int]:
    """The children of a process, which come a moment after its port."""
    for _ in range(1000):
        if found := children(pid):
            return found
        os.sched_yield()
    raise RuntimeError("nginx started no worker")


def children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(port: int) -> None:
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise RuntimeError(f"nothing listens on {port}")


if __name__ == "__main__":
    main(run)
