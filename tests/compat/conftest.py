"""A real gateway as a process, real clients, and the promise that nothing stays behind."""

import contextlib
import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil
import pytest
from tests.compat.seaweed import Seaweed, running_seaweed

from onread.cli.client import make_client
from onread.cli.spawn import SpawnedGateway, gateway
from onread.functions.packaging import zip_path

ACCOUNT = "000000000000"
REGION = "us-east-1"
FUNCTIONS = Path(__file__).parent / "functions"


@dataclass
class World:
    """A running gateway and short words for what every test does with it."""

    gateway: SpawnedGateway
    counter: "itertools.count[int]" = field(default_factory=itertools.count)
    clients: dict[str, Any] = field(default_factory=dict)
    ca_file: Path | None = None

    @property
    def endpoint(self) -> str:
        return self.gateway.endpoint

    @property
    def address(self) -> tuple[str, int]:
        host, _, port = self.endpoint.partition("://")[2].partition(":")
        return host, int(port)

    def client(self, service: str) -> Any:
        """boto3 as root."""
        if service not in self.clients:
            self.clients[service] = self.client_as(
                service, self.gateway.access_key_id, self.gateway.secret_access_key
            )
        return self.clients[service]

    def client_as(self, service: str, access_key_id: str, secret_access_key: str) -> Any:
        """boto3 with somebody's keys."""
        return make_client(
            service,
            endpoint_url=self.endpoint,
            access_key_id=access_key_id,
            secret_access_key=secret_access_key,
            ca_file=self.ca_file,
        )

    def unique(self, prefix: str) -> str:
        return f"{prefix}-{next(self.counter)}"

    def bucket(self) -> str:
        name = self.unique("bucket")
        self.client("s3").create_bucket(Bucket=name)
        return name

    def access_point(self, bucket: str, **settings: Any) -> dict[str, Any]:
        name = self.unique("ap")
        made = self.client("s3control").create_access_point(
            AccountId=ACCOUNT, Name=name, Bucket=bucket, **settings
        )
        return {**made, "Name": name}

    def function(self, code: str | Path, **settings: Any) -> str:
        """A function from a file below ``functions/`` (a name) or from a path; its name."""
        name = self.unique("function")
        path = code if isinstance(code, Path) else FUNCTIONS / f"{code}.py"
        self.client("lambda").create_function(
            FunctionName=name,
            Runtime="python3.11",
            Handler=settings.pop("Handler", f"{path.stem}.handler"),
            Role=f"arn:aws:iam::{ACCOUNT}:role/function",
            Code={"ZipFile": zip_path(path)},
            Timeout=settings.pop("Timeout", 20),
            MemorySize=settings.pop("MemorySize", 256),
            **settings,
        )
        return name

    def olap(
        self, bucket: str, function: str, *, actions: tuple[str, ...] = ("GetObject",), **settings: Any
    ) -> str:
        """An Object Lambda access point over a bucket; its alias."""
        return self.olap_over(self.access_point(bucket), function, actions=actions, **settings)[1]

    def olap_over(
        self,
        supporting: dict[str, Any],
        function: str,
        *,
        actions: tuple[str, ...] = ("GetObject",),
        payload: str | None = None,
        allow: tuple[str, ...] = (),
    ) -> tuple[str, str]:
        """An Object Lambda access point over an access point; its name and alias."""
        name = self.unique("olap")
        arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
        aws_lambda = {"FunctionArn": arn, **({} if payload is None else {"FunctionPayload": payload})}
        made = self.client("s3control").create_access_point_for_object_lambda(
            AccountId=ACCOUNT,
            Name=name,
            Configuration={
                "SupportingAccessPoint": supporting["AccessPointArn"],
                "AllowedFeatures": list(allow),
                "TransformationConfigurations": [
                    {"Actions": list(actions), "ContentTransformation": {"AwsLambda": aws_lambda}}
                ],
            },
        )
        return name, made["Alias"]["Value"]

    def user(self, policy: str | None = None) -> tuple[str, str, str]:
        """A user with an inline policy: name, access key id, secret access key."""
        name = self.unique("user")
        iam = self.client("iam")
        iam.create_user(UserName=name)
        if policy is not None:
            iam.put_user_policy(UserName=name, PolicyName="test", PolicyDocument=policy)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        return name, key["AccessKeyId"], key["SecretAccessKey"]

    def presigned(self, bucket: str, key: str, **params: Any) -> str:
        """A URL that reads an object."""
        return str(
            self.client("s3").generate_presigned_url(
                "get_object", Params={"Bucket": bucket, "Key": key, **params}
            )
        )

    def raw(self, request: bytes, *, timeout: float = 20) -> bytes:
        """Send bytes, read until the other side closes; for what no HTTP client would send."""
        with socket.create_connection(self.address, timeout=timeout) as connection:
            connection.sendall(request)
            chunks = []
            while chunk := connection.recv(65536):
                chunks.append(chunk)
        return b"".join(chunks)

    def log(self) -> str:
        """Everything the gateway has logged so far."""
        return self.gateway.log_file.read_text(encoding="utf-8", errors="replace")

    # What may stay behind

    def process(self) -> psutil.Process:
        return psutil.Process(self.gateway.process.pid)

    def open_descriptors(self) -> int:
        return self.process().num_fds()

    def function_processes(self) -> list[psutil.Process]:
        return [p for p in self.process().children(recursive=True) if p.status() != psutil.STATUS_ZOMBIE]


def wait_until(holds: Callable[[], Any], *, seconds: float = 10) -> None:
    """Poll a fact about another process until it holds; fails when it never does.

    That process needs the processor more than who only looks: between two looks it is left to it.
    """
    deadline = time.monotonic() + seconds
    never = threading.Event()
    while not holds():
        assert time.monotonic() < deadline, "it did not come true in time"
        never.wait(0.01)


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One gateway for all tests that do not harm it."""
    with gateway(
        tmp_path_factory.mktemp("world") / "data", environment={"ONREAD_LOG_LEVEL": "debug"}
    ) as spawned:
        yield World(spawned)


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Seaweed]:
    """A store that is not ours."""
    with running_seaweed(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture(scope="session")
def over_store(store: Seaweed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A gateway whose buckets are that store's."""
    folder = tmp_path_factory.mktemp("over-store")
    config = folder / "onread.toml"
    config.write_text(store.settings())
    environment = {"ONREAD_LOG_LEVEL": "debug"}
    with gateway(folder / "data", "--config", str(config), environment=environment) as spawned:
        yield World(spawned)


@pytest.fixture
def own_world(tmp_path: Path) -> Iterator[Callable[..., World]]:
    """Gateways of a test's own, with settings of its own."""
    with contextlib.ExitStack() as stack:
        numbers = itertools.count()

        def start(data: Path | None = None, **environment: str) -> World:
            folder = data or tmp_path / f"world{next(numbers)}" / "data"
            return World(stack.enter_context(gateway(folder, environment=environment)))

        yield start


@pytest.fixture
def no_residue(world: World) -> Iterator[None]:
    """After the test the gateway holds no more descriptors, processes or work folders than before.

    Warm environments are no residue: only processes that are no environment of a function are.
    """
    before = world.open_descriptors() - 8 * len(world.function_processes())
    yield
    wait_until(lambda: world.open_descriptors() - 8 * len(world.function_processes()) <= before + 4)
