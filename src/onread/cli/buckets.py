"""``onread bucket``."""

from typing import Annotated

import typer

from onread.cli.client import client, fail, refusals
from onread.cli.output import AsJson, print_done, print_record, print_rows

app = typer.Typer(no_args_is_help=True, help="Buckets of the store.")


@app.command()
def create(
    name: str,
    store: Annotated[str, typer.Option(help="The store that holds it.")] = "local",
    as_json: AsJson = False,
) -> None:
    """Create a bucket."""
    if store != "local":
        fail(f"There is no store named {store}: only the embedded store 'local' is built yet.")
    with refusals():
        client("s3").create_bucket(Bucket=name)
    print_record({"Name": name, "Store": store}, as_json=as_json)


@app.command("list")
def list_buckets(as_json: AsJson = False) -> None:
    """List the buckets."""
    with refusals():
        buckets = client("s3").list_buckets()["Buckets"]
    print_rows(buckets, ("Name", "CreationDate"), as_json=as_json)


@app.command()
def delete(name: str, as_json: AsJson = False) -> None:
    """Delete an empty bucket."""
    with refusals():
        client("s3").delete_bucket(Bucket=name)
    print_done("Deleted", name, as_json=as_json)
