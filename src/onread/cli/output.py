"""What a command prints: a table for people, JSON for scripts."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated, Any

import typer

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]


def print_rows(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, as_json: bool) -> None:
    """Rows of one kind; ``columns`` chooses and orders what the table shows, JSON holds everything."""
    if as_json:
        typer.echo(json.dumps(list(rows), indent=2, default=_plain))
        return
    from rich.console import Console  # a twentieth of a second that other commands need not pay
    from rich.table import Table

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        table.add_row(*(str(_plain(row.get(column, ""))) for column in columns))
    Console(soft_wrap=True).print(table, markup=False)


def print_record(record: Mapping[str, Any], *, as_json: bool) -> None:
    """One thing and its members."""
    if as_json:
        typer.echo(json.dumps(record, indent=2, default=_plain))
        return
    for name, value in record.items():
        text = json.dumps(value, default=_plain) if isinstance(value, dict | list) else _plain(value)
        typer.echo(f"{name:28} {text}")


def print_done(action: str, name: str, *, as_json: bool) -> None:
    """What has been done to what, where the API answers with nothing."""
    print_record({action: name}, as_json=as_json)


def without_metadata(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An SDK answer without what belongs to the transport."""
    return {name: value for name, value in answer.items() if name != "ResponseMetadata"}


def _plain(value: Any) -> Any:
    return (
        value.isoformat() if isinstance(value, datetime) else value if isinstance(value, int) else str(value)
    )
