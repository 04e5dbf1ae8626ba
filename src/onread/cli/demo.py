"""``onread demo``: the whole story in one command."""

import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from onread.cli.spawn import DidNotStart, SpawnedGateway, spawn_gateway

_TEXT = b"Dear reader, somebody ran code on this object while you read it.\n"
_FUNCTION = Path(__file__).parent / "demo_function"
_BUCKET, _KEY, _ROUNDS = "demo-bucket", "letter.txt", 20


def demo(
    keep: Annotated[bool, typer.Option("--keep", help="Leave the gateway running afterwards.")] = False,
) -> None:
    """Start a gateway, deploy an example function and read one object before and after."""
    folder = Path(tempfile.mkdtemp(prefix="onread-demo-"))
    typer.echo(f"Starting a gateway over {folder} ...")
    try:
        gateway = spawn_gateway(folder / "data")
    except DidNotStart as reason:
        typer.echo(f"onread: the gateway did not start:\n{reason}", err=True)
        raise typer.Exit(1) from reason
    kept = False
    try:
        _tell(gateway)
        _print_by_hand(gateway, keep=keep)
        kept = keep
    finally:
        if not kept:
            gateway.stop()
            _remove(folder)


def _tell(gateway: SpawnedGateway) -> None:
    alias = _set_up(gateway)
    s3 = _client(gateway, "s3")
    before = s3.get_object(Bucket=_BUCKET, Key=_KEY)["Body"].read()
    after = s3.get_object(Bucket=alias, Key=_KEY)["Body"].read()
    typer.echo(f"\nbefore  s3://{_BUCKET}/{_KEY}\n        {before.decode().strip()}")
    typer.echo(f"after   s3://{alias}/{_KEY}\n        {after.decode().strip()}\n")
    if before != _TEXT or after != _TEXT.upper():
        typer.echo("onread: this is not what the function should have made.", err=True)
        raise typer.Exit(1)
    plain = _median_ms(lambda: s3.get_object(Bucket=_BUCKET, Key=_KEY)["Body"].read())
    transformed = _median_ms(lambda: s3.get_object(Bucket=alias, Key=_KEY)["Body"].read())
    typer.echo(
        f"a plain GET takes {plain:.1f} ms, a transformed one {transformed:.1f} ms (median of {_ROUNDS})\n"
    )


def _set_up(gateway: SpawnedGateway) -> str:
    """Bucket, object, function and both access points, through AWS's own operations; the alias."""
    from onread.functions.packaging import zip_path

    s3, functions, control = (_client(gateway, name) for name in ("s3", "lambda", "s3control"))
    account = _client(gateway, "sts").get_caller_identity()["Account"]
    s3.create_bucket(Bucket=_BUCKET)
    s3.put_object(Bucket=_BUCKET, Key=_KEY, Body=_TEXT, ContentType="text/plain")
    function = functions.create_function(
        FunctionName="uppercase",
        Runtime="python3.11",
        Handler="app.handler",
        Role=f"arn:aws:iam::{account}:role/onread-function",
        Code={"ZipFile": zip_path(_FUNCTION)},
        Timeout=30,
        MemorySize=512,
    )
    supporting = control.create_access_point(AccountId=account, Name="demo", Bucket=_BUCKET)
    transformation = {
        "Actions": ["GetObject"],
        "ContentTransformation": {"AwsLambda": {"FunctionArn": function["FunctionArn"]}},
    }
    made = control.create_access_point_for_object_lambda(
        AccountId=account,
        Name="shout",
        Configuration={
            "SupportingAccessPoint": supporting["AccessPointArn"],
            "TransformationConfigurations": [transformation],
        },
    )
    return str(made["Alias"]["Value"])


def _client(gateway: SpawnedGateway, service: str) -> Any:
    from onread.cli.client import make_client

    return make_client(
        service,
        endpoint_url=gateway.endpoint,
        access_key_id=gateway.access_key_id,
        secret_access_key=gateway.secret_access_key,
    )


def _median_ms(read: Callable[[], bytes]) -> float:
    read()
    taken = []
    for _ in range(_ROUNDS):
        begun = time.perf_counter()
        read()
        taken.append((time.perf_counter() - begun) * 1000)
    return statistics.median(taken)


def _print_by_hand(gateway: SpawnedGateway, *, keep: bool) -> None:
    if keep:
        typer.echo(
            f"The gateway goes on as process {gateway.process.pid}; end it with: kill {gateway.process.pid}"
        )
        typer.echo("".join(f"export {name}={value}\n" for name, value in gateway.environment().items()))
        typer.echo(f"aws s3 cp s3://shout.olap/{_KEY} -\nonread get shout.olap {_KEY}")
        return
    typer.echo(
        "The same by hand (start with `onread serve`, export the keys it shows, then):\n"
        f"  onread bucket create {_BUCKET}\n"
        f"  onread put {_BUCKET} {_KEY} FILE\n"
        f"  onread function create uppercase --handler app.handler --runtime python3.11 --code {_FUNCTION}\n"
        f"  onread access-point create demo --bucket {_BUCKET}\n"
        "  onread olap create shout --access-point demo --function uppercase\n"
        f"  onread get shout.olap {_KEY}"
    )


def _remove(folder: Path) -> None:
    import shutil

    shutil.rmtree(folder)
