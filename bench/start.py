"""From the start of the process to the first answer: an empty data directory, and one that was used.

python -m bench.start
"""

import statistics
import tempfile
import time
from pathlib import Path

from bench.table import Row, main
from onread.cli.spawn import gateway

TURNS = 7


def run() -> list[Row]:
    """Both starts, turn by turn."""
    empty, used = [], []
    for _ in range(TURNS):
        with tempfile.TemporaryDirectory() as folder:
            empty.append(_seconds(Path(folder) / "data"))
            used.append(_seconds(Path(folder) / "data"))
    return [
        Row(
            f"ready after the start of `onread serve`, {name} data directory, s",
            f"{TURNS} starts",
            f"worst {max(seconds):.2f}",
            statistics.median(seconds),
            "<= 1.5",
        )
        for name, seconds in (("empty", empty), ("used", used))
    ]


def _seconds(data: Path) -> float:
    began = time.monotonic()
    with gateway(data):
        return time.monotonic() - began


if __name__ == "__main__":
    main(run)
