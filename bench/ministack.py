"""MiniStack beside the gateway, for the record: the same unmodified function, the same load.

It is no dependency: where it is not installed this says so and measures nothing. Install it aside
(``python -m venv V; V/bin/pip install ministack boto3 requests``) and put ``V/bin`` on the path.

    python -m bench.ministack
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from bench.gateway import ACCOUNT, BUCKET, build_generator, make_transformed, send, world
from bench.rendezvous import free_port, wait_for
from bench.table import Row, main
from onread.cli.client import make_client

TURNS = 3
COUNT = 300
LANES = 4
OBJECT_BYTES = 1024
WHAT = "transformed GETs a second / MiniStack's"


def run() -> list[Row]:
    """Both, turn by turn; the rate of each."""
    program = shutil.which("ministack")
    if program is None:
        sys.stderr.write("SKIPPED: MiniStack is not installed; see bench/ministack.py\n")
        return [Row(WHAT, "MiniStack is not installed", "", None)]
    with tempfile.TemporaryDirectory() as name, world() as gateway, _ministack(program, Path(name)) as port:
        folder, generator = Path(name), build_generator(Path(name))
        gateway.put("object", OBJECT_BYTES)
        ours = gateway.request(gateway.transformed_by("once"), "object")
        theirs = _prepare(port)
        load = {"lanes": LANES, "count": COUNT, "size_bytes": OBJECT_BYTES}
        gateway.load(ours, **load)
        send(generator, folder, port, theirs, LANES, COUNT, OBJECT_BYTES)
        rates = [
            (
                gateway.load(ours, **load).per_second,
                send(generator, folder, port, theirs, LANES, COUNT, OBJECT_BYTES)["per_second"],
            )
            for _ in range(TURNS)
        ]
    mine, other = (statistics.median(rate[side] for rate in rates) for side in (0, 1))
    how = f"{TURNS} x {COUNT}, {LANES} callers, {OBJECT_BYTES} B, for the record"
    return [Row(WHAT, how, f"{mine:.0f} / {other:.0f}", mine / other)]


@contextmanager
def _ministack(program: str, folder: Path) -> Iterator[int]:
    port = free_port()
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    with (
        open(folder / "ministack.log", "wb") as log,
        subprocess.Popen(
            [program],
            env={**inherited, "GATEWAY_PORT": str(port), "HOME": str(folder)},
            cwd=folder,
            stdout=log,
            stderr=log,
        ) as process,
    ):
        try:
            wait_for(port)
            yield port
        finally:
            process.terminate()


def _prepare(port: int) -> bytes:
    """The request that reads through MiniStack's Object Lambda access point."""
    endpoint = f"http://127.0.0.1:{port}"
    client: Any = partial(make_client, endpoint_url=endpoint, access_key_id="test", secret_access_key="test")
    client("s3").create_bucket(Bucket=BUCKET)
    client("s3").put_object(Bucket=BUCKET, Key="object", Body=b"a" * OBJECT_BYTES)
    variables = {"AWS_DISABLE_HOST_PREFIX_INJECTION": "true", "AWS_ENDPOINT_URL_S3": endpoint}
    make_transformed(client, "once", variables)
    # Addressed as an SDK does it by the ARN: the account in the host, the service in the scope.
    host = f"once-{ACCOUNT}.localhost:{port}"
    request = AWSRequest("GET", f"http://{host}/object", headers={"Host": host})
    SigV4Auth(Credentials("test", "test"), "s3-object-lambda", "us-east-1").add_auth(request)
    lines = "".join(f"{name}: {value}\r\n" for name, value in request.headers.items())
    return f"GET /object HTTP/1.1\r\n{lines}\r\n".encode()


if __name__ == "__main__":
    main(run)
