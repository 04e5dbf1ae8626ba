"""``onread doctor``: is everything as it should be, and what to do where it is not."""

import os
import socket
import sqlite3
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Literal

import typer

from onread.cli.client import endpoint
from onread.config import ConfigurationError, Settings, load_settings

State = Literal["ok", "warning", "problem"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do when it is not ok."""

    state: State
    subject: str
    detail: str
    advice: str = ""


def doctor(
    config: Annotated[Path | None, typer.Option(help="The TOML file that serve uses.")] = None,
) -> None:
    """Check settings, data directory, names, runtime, the running gateway and its clock."""
    try:
        settings = load_settings({}, os.environ, config)
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"problem  settings: {problem}")
        raise typer.Exit(1) from error
    checks: tuple[Callable[[Settings], Iterator[Finding]], ...] = (
        _data,
        _database,
        _names,
        _runtime,
        _isolation,
        _gateway,
    )
    findings = [finding for check in checks for finding in check(settings)]
    for finding in findings:
        typer.echo(f"{finding.state:8} {finding.subject}: {finding.detail}")
        if finding.advice:
            typer.echo(f"         -> {finding.advice}")
    if any(finding.state == "problem" for finding in findings):
        raise typer.Exit(1)


def _data(settings: Settings) -> Iterator[Finding]:
    folder = settings.data_dir
    if not folder.exists():
        yield Finding("ok", "data directory", f"{folder} is not there yet; the first start makes it")
        return
    mode = folder.stat().st_mode & 0o777
    if mode & 0o077:
        yield Finding("warning", "data directory", f"{folder} is open to others", f"chmod 700 {folder}")
    for name in ("master-key", "root-access-key.json"):
        file = folder / name
        if file.exists() and file.stat().st_mode & 0o077:
            yield Finding("problem", name, "others may read it", f"chmod 600 {file}")
    free = os.statvfs(folder)
    free_gib = free.f_bavail * free.f_frsize / 2**30
    state: State = "ok" if free_gib >= 1 else "warning"
    yield Finding(state, "data directory", f"{folder}, {free_gib:.1f} GiB free")


def _database(settings: Settings) -> Iterator[Finding]:
    for file in sorted(settings.data_dir.glob("*.sqlite*")):
        if file.suffix in (".sqlite", ".sqlite3"):
            try:
                with sqlite3.connect(f"file:{file}?mode=ro", uri=True) as connection:
                    answer = connection.execute("PRAGMA quick_check").fetchone()[0]
            except sqlite3.Error as error:
                yield Finding("problem", f"database {file.name}", str(error), "restore it from a backup")
                continue
            yield Finding("ok" if answer == "ok" else "problem", f"database {file.name}", answer)


def _names(settings: Settings) -> Iterator[Finding]:
    name = f"doctor.{settings.domains[0]}"
    try:
        socket.getaddrinfo(name, None)
    except OSError:
        yield Finding(
            "warning",
            "names",
            f"{name} does not resolve: path-style and NAME.olap work, ARNs and virtual hosts do not",
            f"add a wildcard record for *.{settings.domains[0]} (on Debian for localhost: libnss-myhostname)",
        )
    else:
        yield Finding("ok", "names", f"*.{settings.domains[0]} resolves")


def _runtime(_settings: Settings) -> Iterator[Finding]:
    try:
        import awslambdaric  # noqa: F401
    except ImportError:
        yield Finding(
            "problem", "runtime", "awslambdaric is missing", "pip install awslambdaric (Linux only)"
        )
    else:
        yield Finding("ok", "runtime", "awslambdaric is there for Python functions")


def _isolation(_settings: Settings) -> Iterator[Finding]:
    yield Finding("warning", "isolation", "not built yet: functions run as this user and are trusted")


def _gateway(_settings: Settings) -> Iterator[Finding]:
    try:
        with urllib.request.urlopen(endpoint(), timeout=5) as answer:
            date = answer.headers["Date"]
    except urllib.error.HTTPError as refused:  # an unsigned request is refused: it is there
        date = refused.headers["Date"]
        refused.close()
    except OSError as error:
        yield Finding(
            "warning", "gateway", f"{endpoint()} does not answer ({error})", "start it: onread serve"
        )
        return
    yield Finding("ok", "gateway", f"{endpoint()} answers")
    skew = abs((datetime.now(UTC) - parsedate_to_datetime(date)).total_seconds())
    if skew > 300:
        yield Finding(
            "problem", "clock", f"differs from the gateway's by {skew:.0f} s", "synchronise both clocks"
        )
    else:
        yield Finding("ok", "clock", "agrees with the gateway's")
