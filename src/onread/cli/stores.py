"""``onread store``."""

import typer

from onread.cli.client import client, refusals
from onread.cli.output import AsJson, print_rows

app = typer.Typer(no_args_is_help=True, help="The stores that hold the buckets; the settings name them.")

_COLUMNS = ("Name", "Type", "Endpoint", "Buckets", "State")


@app.command("list")
def list_stores(as_json: AsJson = False) -> None:
    """List the stores, and whether each of them answers."""
    with refusals():
        found = client("onread").list_stores()["Stores"]
    if not as_json:
        found = [{**store, "Buckets": ", ".join(store.get("Buckets", ()))} for store in found]
    print_rows(found, _COLUMNS, as_json=as_json)
