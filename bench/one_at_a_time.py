"""One transformed GET after the other: what the transformation adds to a plain GET of the same gateway.

python -m bench.one_at_a_time
"""

import statistics

from bench.gateway import BUCKET, Load, world
from bench.table import Row, main

TURNS = 7
COUNT = 300
OBJECT_BYTES = 4096


def run() -> list[Row]:
    """The added median, and what a plain GET costs under load."""
    with world() as gateway:
        gateway.put("object", OBJECT_BYTES)
        plain = gateway.request(BUCKET, "object")
        transformed = gateway.request(gateway.transformed_by("once"), "object")
        for request in (plain, transformed):
            gateway.load(request, lanes=1, count=COUNT, size_bytes=OBJECT_BYTES)
        turns = [
            [
                gateway.load(each, lanes=1, count=COUNT, size_bytes=OBJECT_BYTES)
                for each in (plain, transformed)
            ]
            for _ in range(TURNS)
        ]
        crowd = [gateway.load(plain, lanes=8, count=3000, size_bytes=OBJECT_BYTES) for _ in range(TURNS)]
    return _rows(turns, crowd)


def _rows(turns: list[list[Load]], crowd: list[Load]) -> list[Row]:
    plain, transformed = ([turn[side].p50_ms for turn in turns] for side in (0, 1))
    added = statistics.median(slow - fast for fast, slow in zip(plain, transformed, strict=True))
    values = f"{statistics.median(transformed):.2f} - {statistics.median(plain):.2f} ms"
    how = f"{TURNS} x {COUNT}, p50, {OBJECT_BYTES} B"
    cpu = {
        "plain GET, 8 callers": [load.cpu_us["gateway"] for load in crowd],
        "transformed GET, one at a time": [turn[1].cpu_us["gateway"] for turn in turns],
    }
    return [
        Row("one at a time: added to a plain GET, ms", how, values, added, "<= 3"),
        *(
            Row(f"gateway's CPU of a {name}, us", how, "", statistics.median(figures))
            for name, figures in cpu.items()
        ),
    ]


if __name__ == "__main__":
    main(run)
