"""``onread serve``: run the gateway."""

import os
import sys
from collections.abc import Callable
from functools import partial
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
    inherit: Annotated[
        bool,
        typer.Option(
            "--inherit",
            help="Take the sockets and the place of the gateway that serves this data directory.",
        ),
    ] = False,
) -> None:
    """Run the gateway until SIGTERM, which drains; a second one ends at once. SIGHUP reloads."""
    flags = {
        "data_dir": data_dir,
        "listen": listen,
        "admin_listen": admin_listen,
        "workers": workers,
        "log_level": log_level,
    }
    read_settings = partial(load_settings, flags, os.environ, config)
    try:
        read_settings()
        _run(read_settings, inherit=inherit)
    except ConfigurationError as error:
        for problem in error.problems:
            typer.echo(f"onread: {problem}", err=True)
        raise typer.Exit(2) from error
    sys.stdout.flush()


def _run(read_settings: Callable[[], Settings], *, inherit: bool) -> None:
    # The stack loads only when it is going to run.
    from onread.app.refusal import CannotStart
    from onread.cli.life import run_gateway
    from onread.cli.supervisor import run_supervisor
    from onread.cli.worker import SEAT, run_worker

    try:
        if SEAT in os.environ:
            run_worker(read_settings, os.environ.pop(SEAT))
        elif read_settings().workers > 1:
            run_supervisor(read_settings, os.environ, inherit=inherit)
        else:
            run_gateway(read_settings, os.environ, inherit=inherit)
    except CannotStart as reason:
        typer.echo(f"onread: {reason}", err=True)
        raise typer.Exit(1) from reason
