"""Twice what can be sustained: how much good comes out, how the rest is refused, and how soon it is over.

The callers are a process of their own and come at random moments. A second caller with a key of its own asks
five times a second meanwhile.

    python -m bench.overload [SECONDS]
"""

import sys
import time
from dataclasses import dataclass

from bench.callers import Callers, Tally
from bench.gateway import BUCKET, World, wire_request, world
from bench.table import Row, main

LANES = {False: 32, True: 8}  # enough to have the gateway, or the function, always at work
WARM_SECONDS = 2.0
PEAK_SECONDS = 4.0
QUIET_SECONDS = 6.0
OVERLOAD_SECONDS = 60.0
MODEST_PER_SECOND = 5.0


@dataclass(frozen=True)
class Turn:
    """Twice the peak between two peaks, so that what else the machine does falls on all three."""

    peaks: tuple[float, float]
    quiet: Tally
    overload: Tally
    modest: Tally
    recovery_seconds: float

    @property
    def ratio(self) -> float:
        """Good answers under overload, of the peak's; those of the second caller are good, too."""
        return (self.overload.per_second + self.modest.per_second) / (sum(self.peaks) / 2)


def run(seconds: float = OVERLOAD_SECONDS) -> list[Row]:
    """Plain reads and transformed ones, each from a new gateway with the defaults."""
    rows = []
    for name, transformed in (("GET 1 KiB", False), ("transformed GET 1 KiB", True)):
        with world() as gateway:
            gateway.put("key", 1024)
            bucket = gateway.transformed_by("once") if transformed else BUCKET
            rows += _rows(name, seconds, _turn(gateway, bucket, LANES[transformed], seconds))
    return rows


def _turn(gateway: World, bucket: str, lanes: int, seconds: float) -> Turn:
    callers = Callers(gateway.folder, gateway.port, gateway.request(bucket, "key"))
    modest_request = wire_request(gateway.url(bucket, "key", gateway.somebody_else()))
    modest_caller = Callers(gateway.folder, gateway.port, modest_request, "modest")
    callers.flat_out(lanes, WARM_SECONDS)
    before = callers.flat_out(lanes, PEAK_SECONDS).per_second
    quiet = callers.steady(before / 4, QUIET_SECONDS)
    modest = modest_caller.begin_steady(MODEST_PER_SECOND, seconds)
    overload = callers.steady(2 * before, seconds)
    recovery_seconds = _recovery_seconds(callers, 2 * quiet.good_ms["p99"])
    after = callers.flat_out(lanes, PEAK_SECONDS).per_second
    return Turn((before, after), quiet, overload, modest.tally(), recovery_seconds)


def _recovery_seconds(callers: Callers, good_ms: float) -> float:
    """Until some ten requests are answered as quickly as before; ten seconds at most."""
    began = time.perf_counter()
    while time.perf_counter() - began < 10:
        probe = callers.steady(50, 0.2)
        if probe.good == probe.asked and probe.good_ms["max"] <= good_ms:
            break
    return time.perf_counter() - began


def _rows(name: str, seconds: float, turn: Turn) -> list[Row]:
    overload, quiet, modest = turn.overload, turn.quiet, turn.modest
    failed = overload.other + overload.broken + overload.unanswered
    return [
        Row(
            f"{name}: goodput at twice the load, of the peak",
            f"{overload.asked} requests in {seconds:g} s, {failed} failed, {overload.unsent} found no socket",
            f"{overload.per_second:.0f} of {turn.peaks[0]:.0f} and {turn.peaks[1]:.0f} a second",
            turn.ratio,
            ">= 0.9",
        ),
        Row(
            f"{name}: p99 of the refusals, ms",
            f"{overload.refused} refused, {overload.hinted} with Retry-After",
            f"p50 {overload.refused_ms['p50']:.2f}, max {overload.refused_ms['max']:.0f}",
            overload.refused_ms["p99"],
            "<= 1000",
        ),
        Row(
            f"{name}: p99 of the admitted / at a quarter of the load",
            "under overload, its beginning included, to the last byte",
            f"{overload.good_ms['p99']:.2f} (p50 {overload.good_ms['p50']:.2f}) and "
            f"{quiet.good_ms['p99']:.2f} (p50 {quiet.good_ms['p50']:.2f}) ms",
            overload.good_ms["p99"] / quiet.good_ms["p99"],
            "<= 3",
        ),
        Row(
            f"{name}: another key's share answered 200",
            f"{modest.asked} requests, {MODEST_PER_SECOND:g} a second, meanwhile",
            f"p50 {modest.good_ms['p50']:.1f}, slowest {modest.good_ms['max']:.0f} ms",
            modest.good / max(1, modest.asked),
            ">= 0.99",
        ),
        Row(
            f"{name}: recovery, s",
            "until ten in a row take at most twice the quiet p99",
            "",
            turn.recovery_seconds,
            "<= 5",
        ),
    ]


if __name__ == "__main__":
    span = float(sys.argv[1]) if len(sys.argv) > 1 else OVERLOAD_SECONDS
    main(lambda: run(span))
