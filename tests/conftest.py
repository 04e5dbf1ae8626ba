"""What tests tell of themselves at the end of a run: the counts behind their green."""


def pytest_terminal_summary(terminalreporter):
    """One line for each ``record_property("told", ...)``, also from other processes."""
    lines = [
        str(text)
        for report in terminalreporter.stats.get("passed", ())
        for name, text in report.user_properties
        if name == "told"
    ]
    if lines:
        terminalreporter.section("counts")
    for line in sorted(lines):
        terminalreporter.write_line(line)
