"""One row for each figure, and the table they make."""

import json
import operator
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

RESULTS = Path(__file__).parent / "results"
_RELATIONS = {">=": operator.ge, "<=": operator.le}
_HEADINGS = ("what", "ratio or figure", "goal", "met", "values", "how")


@dataclass(frozen=True)
class Row:
    """One measured figure.

    Attributes:
        what: is measured.
        how: how often, how large, beside what.
        values: what the figure was made of, with units.
        figure: a ratio, or a figure in the unit that ``what`` names; None when it was skipped.
        goal: ``>= 0.8``; empty when it is for the record.
    """

    what: str
    how: str
    values: str
    figure: float | None
    goal: str = ""

    @property
    def met(self) -> str:
        """Whether the goal is reached, in a word."""
        if self.figure is None or not self.goal:
            return "" if self.figure is not None else "skipped"
        relation, limit = self.goal.split()
        return "yes" if _RELATIONS[relation](self.figure, float(limit)) else "NO"


def render(rows: Sequence[Row]) -> str:
    """The rows as a Markdown table, columns aligned."""
    cells = [
        (row.what, "" if row.figure is None else f"{row.figure:.3g}", row.goal, row.met, row.values, row.how)
        for row in rows
    ]
    table = [_HEADINGS, *cells]
    widths = [max(len(line[column]) for line in table) for column in range(len(_HEADINGS))]
    lines = [_line(line, widths) for line in table]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, widths, strict=True))
    return f"| {' | '.join(padded)} |"


def write(rows: Sequence[Row], name: str) -> Path:
    """The rows as JSON in ``results/NAME.json``, with what they were measured on."""
    RESULTS.mkdir(exist_ok=True)
    file = RESULTS / f"{name}.json"
    machine = {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
        "machine": platform.machine(),
        "python": platform.python_version(),
    }
    figures = [{**asdict(row), "met": row.met} for row in rows]
    file.write_text(json.dumps({"machine": machine, "rows": figures}, indent=2) + "\n")
    return file


def main(run: Callable[[], list[Row]]) -> None:
    """Print the rows of one measurement."""
    sys.stdout.write(render(run()))
