"""``onread access-point`` and ``onread olap``."""

from enum import StrEnum
from typing import Annotated, Any

import typer

from onread.cli.client import account_id, client, refusals
from onread.cli.output import AsJson, print_done, print_record, print_rows, without_metadata

access_points = typer.Typer(
    no_args_is_help=True, help="Standard access points: they support Object Lambda's."
)
olaps = typer.Typer(
    no_args_is_help=True, help="Object Lambda access points: reading through one runs a function."
)


class RangeHandling(StrEnum):
    """The values of ``--range``."""

    aws = "aws"
    function = "function"
    slice = "slice"


class ListSizes(StrEnum):
    """The values of ``--list-sizes``."""

    original = "original"
    transformed = "transformed"


class Switch(StrEnum):
    """The values of what is there or not."""

    on = "on"
    off = "off"


@access_points.command()
def create(
    name: str, bucket: Annotated[str, typer.Option(help="The bucket it leads to.")], as_json: AsJson = False
) -> None:
    """Create a standard access point."""
    with refusals():
        made = client("s3control").create_access_point(AccountId=account_id(), Name=name, Bucket=bucket)
    print_record(without_metadata(made), as_json=as_json)


@access_points.command("list")
def list_access_points(as_json: AsJson = False) -> None:
    """List the standard access points."""
    with refusals():
        found = _pages("list_access_points", "AccessPointList")
    print_rows(found, ("Name", "Bucket", "Alias"), as_json=as_json)


@access_points.command()
def show(name: str, as_json: AsJson = False) -> None:
    """Show a standard access point."""
    with refusals():
        found = client("s3control").get_access_point(AccountId=account_id(), Name=name)
    print_record(without_metadata(found), as_json=as_json)


@access_points.command()
def delete(name: str, as_json: AsJson = False) -> None:
    """Delete a standard access point that supports no Object Lambda access point."""
    with refusals():
        client("s3control").delete_access_point(AccountId=account_id(), Name=name)
    print_done("Deleted", name, as_json=as_json)


@olaps.command("create")
def create_olap(
    name: str,
    access_point: Annotated[str, typer.Option(help="Name or ARN of the supporting access point.")],
    function: Annotated[str, typer.Option(help="Name or ARN of the function.")],
    actions: Annotated[str, typer.Option(help="What is transformed, separated by commas.")] = "GetObject",
    allow: Annotated[str, typer.Option(help="Features left to the function, as GetObject-Range.")] = "",
    payload: Annotated[str, typer.Option(help="Text that every event carries.")] = "",
    as_json: AsJson = False,
) -> None:
    """Create an Object Lambda access point; prints its ARN and its alias."""
    with refusals():
        account = account_id()
        function_arn = client("lambda").get_function_configuration(FunctionName=function)["FunctionArn"]
        region = function_arn.split(":")[3]
        supporting = (
            access_point
            if ":" in access_point
            else f"arn:aws:s3:{region}:{account}:accesspoint/{access_point}"
        )
        aws_lambda = {"FunctionArn": function_arn, **({"FunctionPayload": payload} if payload else {})}
        configuration: dict[str, Any] = {
            "SupportingAccessPoint": supporting,
            "TransformationConfigurations": [
                {"Actions": _words(actions), "ContentTransformation": {"AwsLambda": aws_lambda}}
            ],
        }
        if allow:
            configuration["AllowedFeatures"] = _words(allow)
        made = client("s3control").create_access_point_for_object_lambda(
            AccountId=account, Name=name, Configuration=configuration
        )
    alias = made["Alias"]["Value"]
    print_record(
        {
            "ObjectLambdaAccessPointArn": made["ObjectLambdaAccessPointArn"],
            "Alias": alias,
            "Name": f"{name}.olap",
        },
        as_json=as_json,
    )


@olaps.command("list")
def list_olaps(as_json: AsJson = False) -> None:
    """List the Object Lambda access points."""
    with refusals():
        found = _pages("list_access_points_for_object_lambda", "ObjectLambdaAccessPointList")
    rows = [{**item, "Alias": item.get("Alias", {}).get("Value", "")} for item in found]
    print_rows(rows, ("Name", "ObjectLambdaAccessPointArn", "Alias"), as_json=as_json)


@olaps.command("show")
def show_olap(name: str, as_json: AsJson = False) -> None:
    """Show an Object Lambda access point and its configuration."""
    with refusals():
        control, account = client("s3control"), account_id()
        found = without_metadata(control.get_access_point_for_object_lambda(AccountId=account, Name=name))
        configuration = control.get_access_point_configuration_for_object_lambda(AccountId=account, Name=name)
        settings = without_metadata(client("onread").get_object_lambda_access_point_settings(Name=name))
    print_record(
        {**found, "Configuration": configuration["Configuration"], "Settings": _without_name(settings)},
        as_json=as_json,
    )


@olaps.command("configure")
def configure_olap(
    name: str,
    ranges: Annotated[
        RangeHandling | None,
        typer.Option(
            "--range",
            help="Who answers Range and partNumber: aws (501 unless allowed), the function, or slices of "
            "one kept result.",
        ),
    ] = None,
    anonymous: Annotated[
        Switch | None,
        typer.Option(help="Whether readers who send no signature may read what the function makes."),
    ] = None,
    list_sizes: Annotated[
        ListSizes | None,
        typer.Option(
            help="Whose sizes and ETags lists show: the original objects', or those of the results "
            "(with --range slice)."
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Set what AWS's model has no field for; what is not given stays."""
    given = {
        "ListSizes": None if list_sizes is None else list_sizes.value,
        "Range": None if ranges is None else ranges.value,
        "Anonymous": None if anonymous is None else anonymous.value,
    }
    changes = {member: value for member, value in given.items() if value is not None}
    with refusals():
        made = client("onread").configure_object_lambda_access_point(Name=name, **changes)
    print_record(without_metadata(made), as_json=as_json)


@olaps.command("delete")
def delete_olap(name: str, as_json: AsJson = False) -> None:
    """Delete an Object Lambda access point; its alias is free afterwards."""
    with refusals():
        client("s3control").delete_access_point_for_object_lambda(AccountId=account_id(), Name=name)
    print_done("Deleted", name, as_json=as_json)


def _without_name(settings: dict[str, Any]) -> dict[str, Any]:
    return {member: value for member, value in settings.items() if member != "Name"}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _pages(operation: str, member: str) -> list[dict[str, Any]]:
    call, account = getattr(client("s3control"), operation), account_id()
    answer = call(AccountId=account)
    found = list(answer.get(member, []))
    while token := answer.get("NextToken"):
        answer = call(AccountId=account, NextToken=token)
        found += answer.get(member, [])
    return found
