"""``onread bucket``."""

from typing import Annotated

import typer

from onread.cli.client import client, refusals
from onread.cli.output import AsJson, print_done, print_record, print_rows

app = typer.Typer(no_args_is_help=True, help="Buckets of the store.")


@app.command()
def create(
    name: str,
    store: Annotated[
        str | None,
        typer.Option(
            help="The store that is to hold it: local, or one of the settings. "
            "Without it: where the settings put it, else local."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a bucket."""
    # Behind a colon, as Ceph names placements: any client can say it.
    location = {"CreateBucketConfiguration": {"LocationConstraint": f":{store}"}} if store else {}
    with refusals():
        client("s3").create_bucket(Bucket=name, **location)
    print_record({"Name": name, **({"Store": store} if store else {})}, as_json=as_json)


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
