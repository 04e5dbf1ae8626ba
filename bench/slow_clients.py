"""A thousand clients who take their time, beside good ones: what the good ones notice.

The slow ones are one process, the good ones another.

    python -m bench.slow_clients
"""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.synchronize import Event
from urllib.parse import urlsplit

from tests.compat.slow_clients import Attack, attacked

from bench.callers import Callers, Tally
from bench.gateway import BUCKET, World, wire_request, world
from bench.table import Row, main
from onread.server.descriptors import raise_descriptor_limit

ATTACKERS = 1000
GOOD_LANES = 4
GROUPS = {"each at moments of its own": 25, "all at the same moments": 1}
SECONDS = 5.0
TURNS = 2
_START_SECONDS = 60.0


def run() -> list[Row]:
    """Slow heads, slow bodies and slow reads of a large object, a third of each."""
    with world() as gateway:
        gateway.put("key", 1024)
        gateway.put("large", 64 << 20)
        request = wire_request(
            gateway.url(BUCKET, "key", gateway.somebody_else())
        )  # the slow have the root's
        callers = Callers(gateway.folder, gateway.port, request)
        callers.flat_out(GOOD_LANES, 1.0)
        return [row for when, groups in GROUPS.items() for row in _rows(gateway, callers, when, groups)]


def _rows(gateway: World, callers: Callers, when: str, groups: int) -> list[Row]:
    turns = [_turn(gateway, callers, groups) for _ in range(TURNS)]
    good = sum(beside.good for _, beside in turns)
    asked = sum(beside.asked for _, beside in turns)
    ratios = sorted(beside.good_ms["p99"] / alone.good_ms["p99"] for alone, beside in turns)
    values = " and ".join(
        f"{alone.good_ms['p99']:.2f} to {beside.good_ms['p99']:.2f} ms" for alone, beside in turns
    )
    how = (
        f"{ATTACKERS} slow clients, {when}, {TURNS} x {SECONDS:g} s of good GETs of 1 KiB, {GOOD_LANES} lanes"
    )
    return [
        Row(
            "good requests served among slow clients, share",
            how,
            f"{good} of {asked}",
            good / asked,
            ">= 0.999",
        ),
        Row("their p99 / without slow clients", how, values, ratios[TURNS // 2], "<= 2"),
    ]


def _turn(gateway: World, callers: Callers, groups: int) -> tuple[Tally, Tally]:
    alone = callers.flat_out(GOOD_LANES, SECONDS)
    with _attacked_from_elsewhere(("127.0.0.1", gateway.port), _attacks(gateway), groups):
        return alone, callers.flat_out(GOOD_LANES, SECONDS)


@contextmanager
def _attacked_from_elsewhere(
    address: tuple[str, int], attacks: Sequence[Attack], groups: int
) -> Iterator[None]:
    """All of them at work, in a process of their own, for the length of the block."""
    context = multiprocessing.get_context("spawn")
    ready, done = context.Event(), context.Event()
    process = context.Process(target=_attack, args=(address, attacks, groups, ready, done), daemon=True)
    process.start()
    try:
        if not ready.wait(_START_SECONDS):
            raise RuntimeError("the slow clients did not get in")
        yield
    finally:
        done.set()
        process.join(_START_SECONDS)


def _attack(
    address: tuple[str, int], attacks: Sequence[Attack], groups: int, ready: Event, done: Event
) -> None:
    os.nice(19)  # they would be elsewhere: the processor is not what they take from the good ones
    raise_descriptor_limit()
    with attacked(address, attacks, ATTACKERS, groups=groups):
        ready.set()
        done.wait()


def _attacks(gateway: World) -> list[Attack]:
    large = urlsplit(gateway.url(BUCKET, "large"))
    host = f"Host: {large.netloc}\r\n"
    body = f"PUT /{BUCKET}/slow HTTP/1.1\r\n{host}Content-Length: 1000000\r\n\r\n"
    read = f"GET {large.path}?{large.query} HTTP/1.1\r\n{host}\r\n"
    return [
        Attack(f"GET / HTTP/1.1\r\n{host}X-A: ".encode(), drip=b"a"),
        Attack(body.encode(), drip=b"a"),
        Attack(read.encode(), bytes_read=64),
    ]


if __name__ == "__main__":
    main(run)
