"""``onread get``, ``put``, ``head``, ``ls`` and ``presign``: for people without another S3 client at hand."""

import shutil
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, BinaryIO

import typer

from onread.cli.client import client, refusals
from onread.cli.output import AsJson, print_record, print_rows, without_metadata

Bucket = Annotated[str, typer.Argument(help="A bucket, an alias or NAME.olap")]


class Method(StrEnum):
    """The values of ``--method``."""

    GET = "GET"
    HEAD = "HEAD"
    PUT = "PUT"


_SIGNED = {Method.GET: "get_object", Method.HEAD: "head_object", Method.PUT: "put_object"}


def get(
    bucket: Bucket,
    key: str,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write here instead.")] = None,
) -> None:
    """Read an object; through an Object Lambda access point it comes transformed."""
    with refusals():
        body = client("s3").get_object(Bucket=bucket, Key=key)["Body"]
        if output is None:
            shutil.copyfileobj(body, sys.stdout.buffer)
            sys.stdout.flush()
        elif output.exists() and not output.is_file():
            with output.open("wb") as device:
                shutil.copyfileobj(body, device)
        else:
            _write_whole(body, output)


def put(bucket: Bucket, key: str, file: Path, as_json: AsJson = False) -> None:
    """Write a file as an object."""
    with refusals(), file.open("rb") as body:
        answer = client("s3").put_object(Bucket=bucket, Key=key, Body=body)
    print_record(without_metadata(answer), as_json=as_json)


def head(bucket: Bucket, key: str, as_json: AsJson = False) -> None:
    """Show an object's headers."""
    with refusals():
        answer = client("s3").head_object(Bucket=bucket, Key=key)
    print_record(without_metadata(answer), as_json=as_json)


def ls(bucket: Bucket, prefix: str = typer.Argument(""), as_json: AsJson = False) -> None:
    """List objects below a prefix."""
    with refusals():
        pages = client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        found = [item for page in pages for item in page.get("Contents", [])]
    print_rows(found, ("LastModified", "Size", "Key"), as_json=as_json)


def presign(
    bucket: Bucket,
    key: str,
    expires: Annotated[int, typer.Option(help="Seconds it is good for.")] = 3600,
    method: Annotated[
        Method, typer.Option(help="What it is good for: reading, asking, writing.")
    ] = Method.GET,
    as_json: AsJson = False,
) -> None:
    """Print a URL that reads (or writes) an object without credentials."""
    with refusals():
        params = {"Bucket": bucket, "Key": key}
        url = client("s3").generate_presigned_url(_SIGNED[method], Params=params, ExpiresIn=expires)
    if as_json:
        print_record({"Url": url}, as_json=True)
    else:
        typer.echo(url)


def _write_whole(body: BinaryIO, output: Path) -> None:
    """The file holds the whole object or is what it was: a read may break off in the middle."""
    aside = output.with_name(f".{output.name}.part")
    try:
        with aside.open("wb") as file:
            shutil.copyfileobj(body, file)
        aside.replace(output)
    finally:
        aside.unlink(missing_ok=True)
