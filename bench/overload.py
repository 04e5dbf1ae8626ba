"""Twice what can be sustained: how much good comes out, how the rest is refused, and how soon it is over.

A second caller with a key of its own asks five times a second meanwhile.

    python -m bench.overload
"""

import statistics
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from bench.callers import Callers, Tally
from bench.gateway import BUCKET, World, wire_request, world
from bench.table import Row, main

LANES = 32
WARM_SECONDS = 1.5
PEAK_SECONDS = 1.5
QUIET_SECONDS = 1.0
OVERLOAD_SECONDS = 3.0
TURNS = 2
MODEST_PER_SECOND = 5.0


@dataclass(frozen=True)
class Turn:
    """Twice the peak between two peaks, so that what else the machine does falls on all three."""

    peak_per_second: float
    quiet: Tally
    overload: Tally
    modest: Tally
    recovery_seconds: float

    @property
    def ratio(self) -> float:
        """Good answers under overload, of the peak's."""
        return self.overload.per_second(200) / self.peak_per_second


def run() -> list[Row]:
    """Plain reads and transformed ones, each from a new gateway with the defaults."""
    rows = []
    for name, transformed in (("GET 1 KiB", False), ("transformed GET 1 KiB", True)):
        with world() as gateway:
            gateway.put("key", 1024)
            bucket = gateway.transformed_by("once") if transformed else BUCKET
            rows += _rows(name, _measure(gateway, bucket))
    return rows


def _measure(gateway: World, bucket: str) -> list[Turn]:
    modest_request = wire_request(gateway.url(bucket, "key", gateway.somebody_else()))
    with closing(Callers(gateway.port, gateway.request(bucket, "key"))) as callers:
        callers.flat_out(LANES, WARM_SECONDS)
        return [_turn(gateway, callers, modest_request) for _ in range(TURNS)]


def _turn(gateway: World, callers: Callers, modest_request: bytes) -> Turn:
    before = callers.flat_out(LANES, PEAK_SECONDS).per_second(200)
    quiet = callers.steady(before / 4, QUIET_SECONDS)
    with _modest(gateway.port, modest_request) as modest:
        overload = callers.steady(2 * before, OVERLOAD_SECONDS)
    recovery_seconds = _recovery_seconds(callers, 2 * quiet.quantile_ms(200, 0.99))
    after = callers.flat_out(LANES, PEAK_SECONDS).per_second(200)
    return Turn((before + after) / 2, quiet, overload, modest, recovery_seconds)


@contextmanager
def _modest(port: int, request: bytes) -> Iterator[Tally]:
    """A caller who asks now and then, in a thread, for the length of the block."""
    found = Tally()

    def ask() -> None:
        with closing(Callers(port, request)) as callers:
            asked = callers.steady(MODEST_PER_SECOND, OVERLOAD_SECONDS)
        found.seconds, found.lasted = asked.seconds, asked.lasted

    thread = threading.Thread(target=ask)
    thread.start()
    yield found
    thread.join()


def _recovery_seconds(callers: Callers, good_ms: float) -> float:
    """Until ten requests one after the other are answered as quickly as before; ten seconds at most."""
    began = time.perf_counter()
    while time.perf_counter() - began < 10:
        probe = callers.steady(50, 0.2)
        if probe.counts == {200: 10} and probe.quantile_ms(200, 1) <= good_ms:
            break
    return time.perf_counter() - began


def _rows(name: str, turns: list[Turn]) -> list[Row]:
    overloads = [turn.overload for turn in turns]
    asked = sum(tally.counts.total() for tally in overloads)
    refused = asked - sum(tally.counts[200] for tally in overloads)
    good = " and ".join(
        f"{turn.overload.per_second(200):.0f} of {turn.peak_per_second:.0f}" for turn in turns
    )
    quiet_ms = statistics.median(turn.quiet.quantile_ms(200, 0.99) for turn in turns)
    p99_ms = statistics.median(tally.quantile_ms(200, 0.99) for tally in overloads)
    modest = sum((turn.modest.counts for turn in turns), Counter[int]())
    modest_ms = max(turn.modest.quantile_ms(200, 1) for turn in turns)
    return [
        Row(
            f"{name}: goodput at twice the load, of the peak",
            f"{asked} requests, {len(turns)} x {OVERLOAD_SECONDS:g} s",
            f"{good} a second",
            statistics.median(turn.ratio for turn in turns),
            ">= 0.9",
        ),
        Row(
            f"{name}: p99 of the refusals, ms",
            f"{refused} refused, {sum(tally.hinted for tally in overloads)} with Retry-After",
            f"p50 {max(tally.quantile_ms(503, 0.5) for tally in overloads):.0f}",
            max(tally.quantile_ms(503, 0.99) for tally in overloads),
            "<= 1000",
        ),
        Row(
            f"{name}: p99 of the admitted / at a quarter of the load",
            "under overload, to the last byte",
            f"{p99_ms:.0f} and {quiet_ms:.1f} ms",
            p99_ms / quiet_ms,
            "<= 3",
        ),
        Row(
            f"{name}: another key's share answered 200",
            f"{modest.total()} requests, {MODEST_PER_SECOND:g} a second, meanwhile",
            f"slowest {modest_ms:.0f} ms",
            modest[200] / max(1, modest.total()),
            ">= 0.99",
        ),
        Row(
            f"{name}: recovery, s",
            "until ten in a row take at most twice the quiet p99",
            "",
            max(turn.recovery_seconds for turn in turns),
            "<= 5",
        ),
    ]


if __name__ == "__main__":
    main(run)
