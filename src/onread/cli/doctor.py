"""``onread doctor``: is everything as it should be, and what to do where it is not."""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated

import typer

from onread.cli.client import endpoint
from onread.cli.finding import Finding, compare_clocks
from onread.cli.output import AsJson
from onread.config import ConfigurationError, Settings, load_settings

_DATABASES = ("control.sqlite3", "store/index.sqlite")
_FREE_GIB = 1.0


def doctor(
    config: Annotated[Path | None, typer.Option(help="The TOML file that serve uses.")] = None,
    data_dir: Annotated[str | None, typer.Option(help="The data directory that serve uses.")] = None,
    as_json: AsJson = False,
) -> None:
    """Check settings, data directory, databases, names, runtime, stores, the running gateway and its clock.

    Ends with 1 when something is a problem; warnings do not count.
    """
    findings = list(examine({"data_dir": data_dir}, config))
    if as_json:
        typer.echo(json.dumps([asdict(finding) for finding in findings], indent=2))
    else:
        _print_findings(findings)
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def examine(flags: dict[str, str | None], config: Path | None) -> Iterator[Finding]:
    """Every finding, one look after the other; settings that cannot be used end it at once."""
    from onread.cli.doctor_stores import look_at_stores  # a fifth of the start of every other command

    try:
        settings = load_settings(flags, os.environ, config)
    except ConfigurationError as error:
        for problem in error.problems:
            yield Finding("problem", "settings", problem, "see docs/settings.md")
        return
    yield Finding("ok", "settings", "can be used")
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        look_at_data,
        look_at_databases,
        look_at_control_database,
        look_at_names,
        look_at_runtime,
        look_at_isolation,
        look_at_stores,
        look_at_gateway,
    )
    for check in checks:
        yield from check(settings)


def _print_findings(findings: list[Finding]) -> None:
    for finding in findings:
        typer.echo(f"{finding.state:8} {finding.subject}: {finding.detail}")
        if finding.advice:
            typer.echo(f"         -> {finding.advice}")


def look_at_data(settings: Settings) -> Iterator[Finding]:
    """Is the data directory there, ours alone, and has it room?"""
    folder = settings.data_dir
    if not folder.exists():
        yield Finding("ok", "data directory", f"{folder} is not there yet; the first start makes it")
        return
    if not folder.is_dir() or not os.access(folder, os.R_OK | os.W_OK | os.X_OK):
        yield Finding("problem", "data directory", f"{folder} cannot be used", "choose another: data_dir")
        return
    if folder.stat().st_mode & 0o077:
        yield Finding("warning", "data directory", f"{folder} is open to others", f"chmod 700 {folder}")
    for name in ("master-key", "root-access-key.json"):
        file = folder / name
        if file.exists() and file.stat().st_mode & 0o077:
            yield Finding("problem", name, "others may read it", f"chmod 600 {file}")
    free = os.statvfs(folder)
    free_gib = free.f_bavail * free.f_frsize / 2**30
    if free_gib < _FREE_GIB:
        yield Finding("warning", "data directory", f"{folder}, {free_gib:.1f} GiB free", "make room")
    else:
        yield Finding("ok", "data directory", f"{folder}, {free_gib:.1f} GiB free")


def look_at_databases(settings: Settings) -> Iterator[Finding]:
    """Are the control records and the store's index whole?"""
    import sqlite3  # loaded by nothing else in the command line

    for name in _DATABASES:
        file, subject = settings.data_dir / name, f"database {name}"
        if not file.exists():
            continue
        try:
            connection = sqlite3.connect(f"file:{file}?mode=ro", uri=True)
            try:
                answer = str(connection.execute("PRAGMA quick_check").fetchone()[0])
            finally:
                connection.close()
        except sqlite3.Error as error:
            answer = str(error)
        if answer == "ok":
            yield Finding("ok", subject, "whole")
        else:
            yield Finding("problem", subject, answer, "stop the gateway and restore a backup")


def look_at_control_database(settings: Settings) -> Iterator[Finding]:
    """Where another database keeps the control records: does it answer, and may it be used?"""
    from onread.app.checkup import check_up_database  # with it come the drivers

    if settings.database_url is not None:
        for state, detail, advice in check_up_database(settings):
            yield Finding(state, "control database", detail, advice)


def look_at_names(settings: Settings) -> Iterator[Finding]:
    """Do names below the domains lead somewhere?"""
    import socket

    for domain in settings.domains:
        name = f"doctor.{domain}"
        try:
            socket.getaddrinfo(name, None)
        except OSError:
            yield Finding(
                "warning",
                "names",
                f"{name} does not resolve: path-style and NAME.olap work, ARNs and virtual hosts do not",
                f"add a wildcard record for *.{domain} (on Debian for localhost: libnss-myhostname)",
            )
        else:
            yield Finding("ok", "names", f"*.{domain} resolves")


def look_at_runtime(_settings: Settings) -> Iterator[Finding]:
    """Can Python functions run here?"""
    import importlib.util

    if importlib.util.find_spec("awslambdaric") is None:
        yield Finding(
            "problem", "runtime", "awslambdaric is missing", "pip install awslambdaric (Linux only)"
        )
    else:
        yield Finding("ok", "runtime", "awslambdaric is there for Python functions")


def look_at_isolation(_settings: Settings) -> Iterator[Finding]:
    """What keeps functions from the rest of the machine?"""
    yield Finding("warning", "isolation", "not built yet: functions run as this user and are trusted")


def look_at_gateway(_settings: Settings) -> Iterator[Finding]:
    """Does the gateway answer, and does its clock agree with ours?"""
    import http.client
    import urllib.error
    import urllib.request

    try:
        with urllib.request.urlopen(endpoint(), timeout=5) as answer:
            date = answer.headers["Date"]
    except urllib.error.HTTPError as refused:  # an unsigned request is refused: it is there
        date = refused.headers["Date"]
        refused.close()
    except (OSError, http.client.HTTPException) as error:
        yield Finding(
            "warning", "gateway", f"{endpoint()} does not answer ({error})", "start it: onread serve"
        )
        return
    if date is None:
        yield Finding("problem", "gateway", f"{endpoint()} is no gateway", "set ONREAD_ENDPOINT")
        return
    yield Finding("ok", "gateway", f"{endpoint()} answers")
    yield compare_clocks(parsedate_to_datetime(date), datetime.now(UTC))
