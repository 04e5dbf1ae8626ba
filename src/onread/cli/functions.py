"""``onread function``."""

import base64
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from onread.cli.client import client, fail, refusals
from onread.cli.output import AsJson, print_done, print_record, print_rows, without_metadata
from onread.functions.packaging import zip_path

app = typer.Typer(no_args_is_help=True, help="Functions: your code, as AWS Lambda runs it.")

_PLACEHOLDER_ROLE = "arn:aws:iam::000000000000:role/onread-function"
_COLUMNS = ("FunctionName", "Runtime", "Handler", "Timeout", "MemorySize", "LastModified")

Environment = Annotated[list[str] | None, typer.Option("--env", help="K=V for the function; repeat it.")]
Code = Annotated[Path, typer.Option(help="A folder, a file or a zip.")]


@app.command()
def create(
    name: str,
    code: Code,
    handler: Annotated[str, typer.Option(help="FILE.FUNCTION")] = "app.handler",
    runtime: Annotated[str, typer.Option(help="As AWS names it.")] = "python3.11",
    env: Environment = None,
    timeout: Annotated[int, typer.Option(help="Seconds one run may take.")] = 60,
    memory: Annotated[int, typer.Option(help="MB")] = 512,
    as_json: AsJson = False,
) -> None:
    """Create a function from a folder, a file or a zip."""
    variables = _variables(env)
    with refusals():
        made = client("lambda").create_function(
            FunctionName=name,
            Runtime=runtime,
            Handler=handler,
            Role=_PLACEHOLDER_ROLE,
            Code={"ZipFile": _packed(code)},
            Timeout=timeout,
            MemorySize=memory,
            Environment={"Variables": variables},
        )
    print_record(without_metadata(made), as_json=as_json)


@app.command()
def update(
    name: str,
    code: Annotated[Path | None, typer.Option(help="A folder, a file or a zip.")] = None,
    handler: Annotated[str | None, typer.Option(help="FILE.FUNCTION")] = None,
    runtime: Annotated[str | None, typer.Option(help="As AWS names it.")] = None,
    env: Environment = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds one run may take.")] = None,
    memory: Annotated[int | None, typer.Option(help="MB")] = None,
    as_json: AsJson = False,
) -> None:
    """Replace a function's code or settings; what is not given stays."""
    settings: dict[str, Any] = {
        "Handler": handler,
        "Runtime": runtime,
        "Timeout": timeout,
        "MemorySize": memory,
    }
    settings = {member: value for member, value in settings.items() if value is not None}
    if env is not None:
        settings["Environment"] = {"Variables": _variables(env)}
    with refusals():
        packed = None if code is None else _packed(code)  # what cannot be packed changes nothing
        made = client("lambda").get_function_configuration(FunctionName=name)
        if settings:
            made = client("lambda").update_function_configuration(FunctionName=name, **settings)
        if packed is not None:
            made = client("lambda").update_function_code(FunctionName=name, ZipFile=packed)
    print_record(without_metadata(made), as_json=as_json)


@app.command()
def configure(
    name: str,
    maximum: Annotated[
        int | None, typer.Option("--max", help="How many environments may run at once.")
    ] = None,
    minimum: Annotated[
        int | None, typer.Option("--min", help="How many environments are kept while nobody asks.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set what AWS's model has no field for; what is not given stays."""
    given = {"WarmEnvironments": maximum, "MinimumEnvironments": minimum}
    changes = {member: value for member, value in given.items() if value is not None}
    with refusals():
        made = client("onread").configure_function(FunctionName=name, **changes)
    print_record(without_metadata(made), as_json=as_json)


@app.command()
def webhook(
    name: str,
    url: Annotated[str, typer.Option(help="Where events are posted: https://HOST[:PORT][/PATH].")],
    dialect: Annotated[
        str, typer.Option(help="aws, or minio: their event and their reply by headers.")
    ] = "aws",
    token_file: Annotated[Path | None, typer.Option(help="Holds the bearer token to send.")] = None,
    certificate: Annotated[Path | None, typer.Option(help="PEM to show the endpoint.")] = None,
    key: Annotated[Path | None, typer.Option(help="The certificate's private key, PEM.")] = None,
    timeout: Annotated[int | None, typer.Option(help="Seconds one run may take.")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a function of an HTTP endpoint, or give such a function another endpoint."""
    given = {
        "Dialect": dialect,
        "AuthToken": _content(token_file),
        "Certificate": _content(certificate),
        "PrivateKey": _content(key),
        "Timeout": timeout,
    }
    members = {member: value for member, value in given.items() if value is not None}
    with refusals():
        made = client("onread").put_function_webhook(FunctionName=name, Url=url, **members)
    print_record(without_metadata(made), as_json=as_json)


@app.command()
def invoke(
    name: str,
    payload: Annotated[str, typer.Option(help="The event, JSON; @FILE reads one.")] = "{}",
    as_json: AsJson = False,
) -> None:
    """Run a function once and print its result; the tail of its log goes to standard error."""
    with refusals():
        event = Path(payload[1:]).read_bytes() if payload.startswith("@") else payload.encode()
        answer = client("lambda").invoke(FunctionName=name, Payload=event, LogType="Tail")
        result = answer["Payload"].read().decode("utf-8", "replace")
    log = base64.b64decode(answer.get("LogResult", "")).decode("utf-8", "replace")
    if as_json:
        shown = {"Payload": result, "Log": log, "FunctionError": answer.get("FunctionError")}
        print_record({name: value for name, value in shown.items() if value is not None}, as_json=True)
    else:
        typer.echo(log, err=True, nl=False)
        typer.echo(result)
    if "FunctionError" in answer:
        raise typer.Exit(1)


@app.command()
def logs(
    name: str,
    limit: Annotated[int, typer.Option(help="How many lines, the latest.")] = 100,
    as_json: AsJson = False,
) -> None:
    """Print what a function wrote lately."""
    with refusals():
        events = client("onread").get_function_logs(FunctionName=name, Limit=limit)["Events"]
    if as_json:
        print_rows(events, (), as_json=True)
        return
    for event in events:
        when: datetime = event["Timestamp"]
        typer.echo(f"{when:%Y-%m-%dT%H:%M:%S}Z {event.get('RequestId', '-')[:8]} {event['Message']}")


@app.command("list")
def list_functions(as_json: AsJson = False) -> None:
    """List the functions."""
    with refusals():
        pages = client("lambda").get_paginator("list_functions").paginate()
        found = [function for page in pages for function in page["Functions"]]
    print_rows(found, _COLUMNS, as_json=as_json)


@app.command()
def delete(name: str, as_json: AsJson = False) -> None:
    """Delete a function."""
    with refusals():
        client("lambda").delete_function(FunctionName=name)
    print_done("Deleted", name, as_json=as_json)


def _packed(code: Path) -> bytes:
    if not code.exists():
        fail(f"{code}: no such file or folder")
    return zip_path(code)


def _content(file: Path | None) -> str | None:
    try:
        return None if file is None else file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        fail(f"{file}: not a text file that can be read")


def _variables(pairs: list[str] | None) -> dict[str, str]:
    variables = {}
    for pair in pairs or []:
        name, equals, value = pair.partition("=")
        if not equals:
            raise typer.BadParameter(f"{pair}: write K=V", param_hint="--env")
        variables[name] = value
    return variables
