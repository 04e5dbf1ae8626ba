"""A gateway under measurement: what it serves, who calls it, and what each kind of process used."""

import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psutil

from onread.cli.client import make_client
from onread.cli.spawn import SpawnedGateway, gateway
from onread.functions.packaging import zip_path

HERE = Path(__file__).parent
ACCOUNT = "000000000000"
BUCKET = "bench"
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
)
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class World:
    """A running gateway with one bucket, and the load generator.

    Attributes:
        folder: temporary, for requests and programs.
    """

    gateway: SpawnedGateway
    folder: Path
    generator: Path
    clients: dict[str, Any] = field(default_factory=dict)

    @property
    def pid(self) -> int:
        """Of the gateway."""
        return self.gateway.process.pid

    @property
    def port(self) -> int:
        """Of the callers' listener."""
        return urlsplit(self.gateway.endpoint).port or 0

    def client(self, service: str) -> Any:
        """boto3 as root."""
        keys = self.gateway.access_key_id, self.gateway.secret_access_key
        if service not in self.clients:
            self.clients[service] = make_client(
                service,
                endpoint_url=self.gateway.endpoint,
                access_key_id=keys[0],
                secret_access_key=keys[1],
            )
        return self.clients[service]

    def put(self, key: str, size_bytes: int) -> None:
        """An object of so many small letters."""
        self.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"a" * size_bytes)

    def transformed_by(self, name: str) -> str:
        """The alias of an Object Lambda access point over ``functions/NAME.py`` and the bucket."""
        return str(make_transformed(self.client, name)["Alias"]["Value"])

    def url(self, bucket: str, key: str, signer: Any = None) -> str:
        """A presigned GET, good for a day; ``signer``: an S3 client, the root's unless told otherwise."""
        params = {"Bucket": bucket, "Key": key}
        sign = (signer or self.client("s3")).generate_presigned_url
        return str(sign("get_object", Params=params, ExpiresIn=86_400))

    def request(self, bucket: str, key: str) -> bytes:
        """A presigned GET as it goes over the wire."""
        return wire_request(self.url(bucket, key))

    def somebody_else(self) -> Any:
        """An S3 client with the key of a user of its own, who may do everything."""
        iam, name = self.client("iam"), "somebody-else"
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="all", PolicyDocument=EVERYTHING)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return make_client(
            "s3",
            endpoint_url=self.gateway.endpoint,
            access_key_id=key["AccessKeyId"],
            secret_access_key=key["SecretAccessKey"],
        )

    def load(self, request: bytes, *, lanes: int, count: int, size_bytes: int) -> "Load":
        """Send one request again and again; every answer must be 200."""
        before, of_children = cpu_seconds(self.pid), os.times()
        figures = send(self.generator, self.folder, self.port, request, lanes, count, size_bytes)
        after, now = cpu_seconds(self.pid), os.times()
        generator = now.children_user + now.children_system
        generator -= of_children.children_user + of_children.children_system
        before["generator"], after["generator"] = 0.0, generator
        return Load(
            per_second=figures["per_second"],
            p50_ms=figures["p50_ms"],
            p99_ms=figures["p99_ms"],
            cpu_us={kind: (after[kind] - before[kind]) / count * 1e6 for kind in after},
        )


def wire_request(url: str) -> bytes:
    """A GET of a URL as it goes over the wire."""
    split = urlsplit(url)
    return f"GET {split.path}?{split.query} HTTP/1.1\r\nHost: {split.netloc}\r\n\r\n".encode()


@dataclass(frozen=True)
class Load:
    """What one turn of load measured.

    Attributes:
        cpu_us: CPU microseconds a request, by kind of process: ``gateway``, ``functions``, ``generator``.
    """

    per_second: float
    p50_ms: float
    p99_ms: float
    cpu_us: dict[str, float]


def make_transformed(
    client: Callable[[str], Any], name: str, variables: Mapping[str, str] | None = None
) -> Any:
    """Make ``functions/NAME.py`` a function, and two access points over the bucket that it transforms.

    Args:
        client: gives the boto3 client of a service.
        variables: the function's own environment variables.
    """
    client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.11",
        Handler=f"{name}.handler",
        Role=f"arn:aws:iam::{ACCOUNT}:role/function",
        Code={"ZipFile": zip_path(HERE / "functions" / f"{name}.py")},
        Timeout=60,
        MemorySize=512,
        Environment={"Variables": dict(variables or {})},
    )
    supporting = client("s3control").create_access_point(
        AccountId=ACCOUNT, Name=f"{name}-supporting", Bucket=BUCKET
    )
    function = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}"
    transformation = {
        "Actions": ["GetObject"],
        "ContentTransformation": {"AwsLambda": {"FunctionArn": function}},
    }
    return client("s3control").create_access_point_for_object_lambda(
        AccountId=ACCOUNT,
        Name=name,
        Configuration={
            "SupportingAccessPoint": supporting["AccessPointArn"],
            "TransformationConfigurations": [transformation],
        },
    )


@contextmanager
def world(
    environment: Mapping[str, str] | None = None, *, under: Sequence[str] = (), data_dir: Path | None = None
) -> Iterator[World]:
    """A gateway on a new data directory for the length of a block.

    Args:
        under: see `onread.cli.spawn.spawn_gateway`.
        data_dir: where that directory is to be, when it is to stay.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        generator = build_generator(folder)
        where = data_dir or folder / "data"
        spawned = stack.enter_context(gateway(where, environment=environment, under=under))
        made = World(spawned, folder, generator)
        made.client("s3").create_bucket(Bucket=BUCKET)
        yield made


def build_generator(folder: Path) -> Path:
    """The load generator, compiled."""
    generator = folder / "loadgen"
    subprocess.run(["cc", "-O2", "-o", generator, HERE / "loadgen.c"], check=True)
    return generator


def send(
    generator: Path, folder: Path, port: int, request: bytes, lanes: int, count: int, size_bytes: int
) -> dict[str, float]:
    """What the generator says about ``count`` answers to one request.

    Raises:
        RuntimeError: one of them was not 200.
    """
    file = folder / "request"
    file.write_bytes(request)
    words = [str(word) for word in (generator, "send", port, lanes, count, size_bytes, file)]
    output = subprocess.run(words, check=True, capture_output=True, text=True, timeout=300)
    figures: dict[str, float] = json.loads(output.stdout)
    if figures["errors"]:
        raise RuntimeError(f"{figures['errors']} answers were errors: {output.stderr}")
    return figures


def cpu_seconds(gateway_pid: int) -> dict[str, float]:
    """CPU so far of the gateway and of the functions below it; every process carries its title."""
    kinds = {"gateway": of_process(gateway_pid), "functions": 0.0}
    for process in psutil.Process(gateway_pid).children(recursive=True):
        is_worker = " ".join(process.cmdline()).startswith("onread: gateway worker")
        kinds["gateway" if is_worker else "functions"] += of_process(process.pid)
    return kinds


def of_process(pid: int) -> float:
    """User and system seconds of one process, ended threads included."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def peak_mib(pid: int) -> float:
    """The most memory that a process has held resident."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
