"""Every measurement, one table: ``python -m bench`` (``make bench``). Takes about eleven minutes.

Exit status 0 even when a goal is missed: it is the reader who judges, for the machine may be busy.
"""

import os
import sys

from bench import (
    decisions,
    ministack,
    one_at_a_time,
    overload,
    rendezvous,
    road,
    slices,
    slow_clients,
    stages,
    start,
    streaming,
    tls,
    unmodified_function,
    upstream,
    workers,
)
from bench.table import Row, render, write

MEASUREMENTS = (
    unmodified_function,
    one_at_a_time,
    stages,
    road,
    decisions,
    rendezvous,
    streaming,
    slices,
    start,
    tls,
    workers,
    overload,
    slow_clients,
    upstream,
    ministack,
)


def main() -> None:
    """Measure, print, keep."""
    rows: list[Row] = []
    busy = os.getloadavg()[0]
    for measurement in MEASUREMENTS:
        sys.stderr.write(f"{measurement.__name__} ...\n")
        rows += measurement.run()
    after = os.getloadavg()[0]
    sys.stdout.write(render(rows))
    sys.stdout.write(f"\n{os.cpu_count()} cores; load average {busy:.1f} before, {after:.1f} after\n")
    sys.stderr.write(f"written to {write(rows, 'latest')}\n")


if __name__ == "__main__":
    main()
