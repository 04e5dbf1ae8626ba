"""Two workers beside one, on a load that is nothing but bytes through the gateway.

The load generator needs a core of its own: on two cores the second worker has what it leaves.

    python -m bench.workers
"""

import os
import statistics
from contextlib import ExitStack

from bench.gateway import BUCKET, Load, world
from bench.table import Row, main

TURNS = 3
LANES = 64
SIZES = {1 << 10: 20_000, 256 << 10: 4_000}


def run() -> list[Row]:
    """One worker and two, turn by turn, at the same stored objects."""
    loads: dict[tuple[int, int], list[Load]] = {}
    with ExitStack() as stack:
        gateways = {
            count: stack.enter_context(world({"ONREAD_WORKERS": str(count), "ONREAD_LOG_LEVEL": "error"}))
            for count in (1, 2)
        }
        for gateway in gateways.values():
            for size in SIZES:
                gateway.put(f"{size}", size)
        for _ in range(TURNS):
            for size, requests in SIZES.items():
                for count, gateway in gateways.items():
                    load = gateway.load(
                        gateway.request(BUCKET, f"{size}"), lanes=LANES, count=requests, size_bytes=size
                    )
                    loads.setdefault((size, count), []).append(load)
    return [_row(size, loads[size, 1], loads[size, 2]) for size in SIZES]


def _row(size: int, one: list[Load], two: list[Load]) -> Row:
    rate = {count: statistics.median(load.per_second for load in of) for count, of in ((1, one), (2, two))}
    cpu = {
        count: statistics.median(load.cpu_us["gateway"] for load in of) for count, of in ((1, one), (2, two))
    }
    return Row(
        f"two workers / one worker, stored GET of {size >> 10} KiB: rate",
        f"{LANES} lanes, {TURNS} turns, {os.cpu_count()} cores for all",
        f"{rate[1]:.0f} and {rate[2]:.0f} a second; gateway CPU us {cpu[1]:.0f} and {cpu[2]:.0f}",
        rate[2] / rate[1],
    )


if __name__ == "__main__":
    main(run)
