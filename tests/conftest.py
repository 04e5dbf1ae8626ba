"""What tests tell of themselves at the end of a run, and the databases they run over."""

from tests.cases import counts
from tests.postgresql import database_location, postgresql, postgresql_url

__all__ = ["database_location", "postgresql", "postgresql_url"]


def pytest_terminal_summary(terminalreporter):
    """One line for each ``record_property("told", ...)`` and section of cases, also from other processes."""
    passed = terminalreporter.stats.get("passed", ())
    lines = [str(text) for report in passed for name, text in report.user_properties if name == "told"]
    lines += counts(report.nodeid for report in passed)
    if lines:
        terminalreporter.section("counts")
    for line in sorted(lines):
        terminalreporter.write_line(line)
