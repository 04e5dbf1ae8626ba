"""What tests tell of themselves at the end of a run, and the databases they run over."""

import gc

import pytest
from tests.cases import counts
from tests.postgresql import database_location, postgresql, postgresql_url

__all__ = ["database_location", "postgresql", "postgresql_url"]


@pytest.fixture(autouse=True, scope="module")
def own_garbage():
    """What the tests of a file leave is collected with them, and looked at only once.

    So no collection of all that a long run has heaped up falls into another test's time, and a socket
    that was forgotten is told where it was.
    """
    yield
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter):
    """One line for each ``record_property("told", ...)`` and section of cases, also from other processes."""
    passed = terminalreporter.stats.get("passed", ())
    lines = [str(text) for report in passed for name, text in report.user_properties if name == "told"]
    lines += counts(report.nodeid for report in passed)
    if lines:
        terminalreporter.section("counts")
    for line in sorted(lines):
        terminalreporter.write_line(line)
