"""``onread key``: access keys of users, by IAM's own operations."""

from pathlib import Path
from typing import Annotated, Any

import typer

from onread.cli.client import client, fail, refusals
from onread.cli.output import AsJson, print_done, print_record, print_rows

app = typer.Typer(no_args_is_help=True, help="Users and their access keys.")

_POLICY_NAME = "onread"
_SHOWN = ("UserName", "AccessKeyId", "SecretAccessKey")


@app.command()
def create(
    name: str,
    policy: Annotated[
        Path | None, typer.Option(help="An IAM policy: what the user may do. Without: nothing.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Create a user with an access key; the secret is shown this once."""
    with refusals():
        document = policy.read_text(encoding="utf-8") if policy else None
        iam = client("iam")
        iam.create_user(UserName=name)
        try:
            if document is not None:
                iam.put_user_policy(UserName=name, PolicyName=_POLICY_NAME, PolicyDocument=document)
            made = iam.create_access_key(UserName=name)["AccessKey"]
        except iam.exceptions.ClientError:
            _remove(iam, name)
            raise
    print_record({member: made[member] for member in _SHOWN}, as_json=as_json)


@app.command("list")
def list_keys(as_json: AsJson = False) -> None:
    """List users and the ids of their keys."""
    with refusals():
        iam = client("iam")
        users = [user for page in iam.get_paginator("list_users").paginate() for user in page["Users"]]
        rows = [key for user in users for key in _keys(iam, user["UserName"])]
    print_rows(rows, ("UserName", "AccessKeyId", "Status", "CreateDate"), as_json=as_json)


@app.command()
def disable(name: str, as_json: AsJson = False) -> None:
    """Make every key of a user inactive."""
    with refusals():
        iam = client("iam")
        for key in _keys(iam, name):
            iam.update_access_key(UserName=name, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    print_done("Disabled", name, as_json=as_json)


@app.command()
def delete(name: str, as_json: AsJson = False) -> None:
    """Delete a user with its keys and policies."""
    with refusals():
        _remove(client("iam"), name)
    print_done("Deleted", name, as_json=as_json)


@app.command()
def rotate(name: str, as_json: AsJson = False) -> None:
    """Give a user a new key and delete the old ones; the secret is shown this once."""
    with refusals():
        iam = client("iam")
        old = _keys(iam, name)
        if len(old) > 1:
            fail(f"{name} has two keys already: delete one first.")
        made = iam.create_access_key(UserName=name)["AccessKey"]
        for key in old:
            iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    print_record({member: made[member] for member in _SHOWN}, as_json=as_json)


def _keys(iam: Any, name: str) -> list[dict[str, Any]]:
    return list(iam.list_access_keys(UserName=name)["AccessKeyMetadata"])


def _remove(iam: Any, name: str) -> None:
    for key in _keys(iam, name):
        iam.delete_access_key(UserName=name, AccessKeyId=key["AccessKeyId"])
    for policy in iam.list_user_policies(UserName=name)["PolicyNames"]:
        iam.delete_user_policy(UserName=name, PolicyName=policy)
    for attached in iam.list_attached_user_policies(UserName=name)["AttachedPolicies"]:
        iam.detach_user_policy(UserName=name, PolicyArn=attached["PolicyArn"])
    iam.delete_user(UserName=name)
