"""The command tree."""

import typer

from onread.cli import (
    access_points,
    buckets,
    demo,
    doctor,
    functions,
    keys,
    models,
    objects,
    policies,
    serve,
    stores,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help and errors: quicker, and one line a fact
    help="Run your code on every S3 read. Commands speak to ONREAD_ENDPOINT with your AWS credentials.",
)
app.command()(demo.demo)
app.command()(serve.serve)
app.add_typer(buckets.app, name="bucket")
app.add_typer(stores.app, name="store")
app.add_typer(access_points.access_points, name="access-point")
app.add_typer(functions.app, name="function")
app.add_typer(access_points.olaps, name="olap")
app.add_typer(keys.app, name="key")
app.add_typer(policies.app, name="policy")
for command in (objects.get, objects.put, objects.head, objects.ls, objects.presign, doctor.doctor):
    app.command()(command)
app.command()(models.models)


def main() -> None:
    """The entry point ``onread``."""
    app()
