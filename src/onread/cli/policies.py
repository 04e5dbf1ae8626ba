"""``onread policy``: what policies would decide, and which statements do."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any

import typer

from onread.cli.client import client, fail, refusals
from onread.cli.output import AsJson

app = typer.Typer(no_args_is_help=True, help="What policies would decide.")


@app.callback()
def group() -> None:
    """Keep ``simulate`` a command of its own while it is the only one."""


@app.command("simulate")
def simulate(
    who: Annotated[str, typer.Argument(help="A user's name, role/NAME, or the ARN of either.")],
    actions: Annotated[list[str], typer.Argument(help="Actions, such as s3:GetObject.")],
    resource: Annotated[
        list[str] | None, typer.Option(help="ARNs that the actions are about; without one: *.")
    ] = None,
    context: Annotated[
        list[str] | None, typer.Option(help="KEY=VALUE of a condition key; once more for another value.")
    ] = None,
    resource_policy: Annotated[
        Path | None, typer.Option(help="The policy of the resource, as a bucket has one.")
    ] = None,
    policy: Annotated[
        list[Path] | None, typer.Option(help="Further policies, as if they were attached.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Tell whether WHO may do ACTIONS, by the policies as they are now; exit 0 whatever the answer."""
    with refusals():
        question: dict[str, Any] = {
            "PolicySourceArn": _arn(who),
            "ActionNames": actions,
            "ResourceArns": resource or ["*"],
            "ContextEntries": _entries(context or []),
            "PolicyInputList": [path.read_text(encoding="utf-8") for path in policy or []],
        }
        if resource_policy is not None:
            question["ResourcePolicy"] = resource_policy.read_text(encoding="utf-8")
        pages = client("iam").get_paginator("simulate_principal_policy").paginate(**question)
        results = [result for page in pages for result in page["EvaluationResults"]]
    if as_json:
        typer.echo(json.dumps(results, indent=2))
        return
    for result in results:
        typer.echo("\n".join(_lines(result)))


def _arn(who: str) -> str:
    if who.startswith("arn:"):
        return who
    iam = client("iam")
    if who.startswith("role/"):
        return str(iam.get_role(RoleName=who.removeprefix("role/"))["Role"]["Arn"])
    return str(iam.get_user(UserName=who)["User"]["Arn"])


def _entries(given: list[str]) -> list[dict[str, Any]]:
    values: dict[str, list[str]] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not equals or ":" not in name:
            fail(f"--context {each}: write KEY=VALUE, such as aws:SourceIp=192.0.2.1")
        values.setdefault(name, []).append(value)
    return [
        {
            "ContextKeyName": name,
            "ContextKeyValues": texts,
            "ContextKeyType": "string" if len(texts) == 1 else "stringList",
        }
        for name, texts in values.items()
    ]


def _lines(result: dict[str, Any]) -> Iterator[str]:
    """Names are long here, and a table would cut them."""
    yield f"{result['EvalDecision']:12}  {result['EvalActionName']}  {result['EvalResourceName']}"
    for statement in result.get("MatchedStatements", []):
        yield f"{'':12}  by {statement['SourcePolicyId']}, line {statement['StartPosition']['Line']}"
    if missing := result.get("MissingContextValues"):
        yield f"{'':12}  missing {' '.join(missing)}"
