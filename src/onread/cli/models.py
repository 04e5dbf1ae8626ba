"""``onread models``: where botocore and the AWS CLI find the model of onread's own operations."""

import typer

from onread.cli.output import AsJson, print_record


def models(as_json: AsJson = False) -> None:
    """Print the folder of our service model: export AWS_DATA_PATH=$(onread models)."""
    from onread.protocol.model import MODELS_FOLDER  # with it comes botocore, and `--help` need not pay

    if as_json:
        print_record({"Folder": str(MODELS_FOLDER)}, as_json=True)
    else:
        typer.echo(str(MODELS_FOLDER))
