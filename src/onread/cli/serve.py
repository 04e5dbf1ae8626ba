"""``onread serve``: run the gateway."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from onread.config import ConfigurationError, Settings, load_settings


def serve(
    config: Annotated[Path | None, typer.Option(help="A TOML file of settings.")] = None,
    data_dir: Annotated[str | None, typer.Option(help="Where everything is kept.")] = None,
    listen: Annotated[str | None, typer.Option(help="HOST:PORT for S3 and every other API.")] = None,
    admin_listen: Annotated[str | None, typer.Option(help="HOST:PORT for health and metrics.")] = None,
    workers: Annotated[str | None, typer.Option(help="Gateway processes.")] = None,
    log_level: Annotated[str | None, typer.Option(help="debug, info, warning or error.")] = None,
) -> None:
    """Run the gateway until SIGTERM, which drains; a second one ends at once."""
    flags = {
        "data_dir": data_dir,
        "listen": listen,
        "admin_listen": admin_listen,
        "workers": workers,
        "log_level": log_level,
    }
    settings = _settings(flags, config)
    from onread.app import CannotStart, run_gateway  # the stack loads only when it is going to run

    try:
        run_gateway(settings)
    except CannotStart as reason:
        typer.echo(f"onread: {reason}", err=True)
        raise typer.Exit(1) from reason
    sys.stdout.flush()


def _settings(flags: dict[str, str | None], config: Path | None) -> Settings:
    try:
        return load_settings(flags, os.environ, config)
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"onread: {problem}", err=True)
        raise typer.Exit(2) from error
