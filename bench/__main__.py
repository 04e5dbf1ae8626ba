"""Every measurement, one table: ``python -m bench`` (``make bench``). Takes about five minutes.

Exit status 0 even when a goal is missed: it is the reader who judges, for the machine may be busy.
"""

import sys

from bench import ministack, one_at_a_time, rendezvous, start, streaming, unmodified_function
from bench.table import Row, render, write

MEASUREMENTS = (unmodified_function, one_at_a_time, rendezvous, streaming, start, ministack)


def main() -> None:
    """Measure, print, keep."""
    rows: list[Row] = []
    for measurement in MEASUREMENTS:
        sys.stderr.write(f"{measurement.__name__} ...\n")
        rows += measurement.run()
    sys.stdout.write(render(rows))
    sys.stderr.write(f"written to {write(rows, 'latest')}\n")


if __name__ == "__main__":
    main()
