"""Where the gateway's CPU of one transformed GET goes, stage by stage, under load.

The function is a lean one (`bench/functions/lean.py`), so that the gateway is never without work. Turns
without the sampler say what a GET costs, one turn with it how that divides; beside them nginx proxies as
many requests of the same size, which is what the goal is measured by.

    python -m bench.stages
"""

import json
import os
import signal
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.gateway import HERE, Load, World, world
from bench.rendezvous import Case, Server, build_generator, nginx_program, nginx_server
from bench.table import Row, main

TURNS = 5
COUNT = 1000
SAMPLED = 3000
LANES = 8
OBJECT_BYTES = 1024
_PATIENCE_SECONDS = 10.0
_PROXIED = Case("proxied 1 KiB", 64, 12_000, OBJECT_BYTES)


def run() -> list[Row]:
    """The whole, what nginx takes for a proxied request, and the stages."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        samples = folder / "samples.json"
        under = (sys.executable, str(HERE / "sampled.py"), str(samples))
        gateway = stack.enter_context(world(under=under))
        gateway.put("small", OBJECT_BYTES)
        request = gateway.request(gateway.transformed_by("lean"), "small")
        generator = build_generator(folder)
        nginx = stack.enter_context(nginx_server(folder)) if nginx_program() else None
        _load(gateway, request, 200)
        loads, proxied = [], []
        for _ in range(TURNS):
            loads.append(_load(gateway, request, COUNT))
            if nginx is not None:
                proxied.append(_proxied_us(nginx, generator))
        counted = _sample(gateway, request, samples)
    return _rows([load.cpu_us["gateway"] for load in loads], proxied, counted)


def _load(gateway: World, request: bytes, count: int) -> Load:
    return gateway.load(request, lanes=LANES, count=count, size_bytes=OBJECT_BYTES)


def _proxied_us(nginx: Server, generator: Path) -> float:
    return nginx.load(generator, _PROXIED)["cpu_seconds"] / _PROXIED.count * 1e6


def _sample(gateway: World, request: bytes, samples: Path) -> dict[str, Any]:
    os.kill(gateway.pid, signal.SIGUSR1)
    _load(gateway, request, SAMPLED)
    os.kill(gateway.pid, signal.SIGUSR2)
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not samples.exists():
        if time.monotonic() > deadline:
            raise RuntimeError("the sampled gateway wrote no counts")
        time.sleep(0.05)
    counted: dict[str, Any] = json.loads(samples.read_text())
    return counted


def _rows(ours: list[float], proxied: list[float], counted: dict[str, Any]) -> list[Row]:
    whole, how = (
        statistics.median(ours),
        f"{TURNS} x {COUNT}, {LANES} callers, {OBJECT_BYTES} B, lean function",
    )
    rows = [Row("gateway's CPU of a transformed GET under load, us", how, "", whole)]
    if proxied:
        of_nginx = statistics.median(proxied)
        values = f"{whole:.0f} / {of_nginx:.1f} us"
        rows.append(Row("the same / nginx's of a proxied request", how, values, whole / of_nginx, "<= 6"))
    ticks = sum(counted["stages"].values())
    for stage, count in sorted(counted["stages"].items(), key=lambda each: -each[1]):
        share = count / ticks
        rows.append(
            Row(f"  {stage}, us", f"of {ticks} samples in {SAMPLED} GETs", f"{share:.1%}", whole * share)
        )
    return rows


if __name__ == "__main__":
    main(run)
