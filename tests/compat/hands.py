"""The same request by two unmodified clients: the AWS CLI as a process, and boto3."""

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, Protocol, Self

from botocore import xform_name
from botocore.exceptions import ClientError
from tests.compat.conftest import ACCOUNT, REGION, World
from tests.compat.terraforming import private_hosts

from onread.cli.client import make_client

AWS = Path(sys.executable).with_name("aws")
Keys = Mapping[str, str]
"""AccessKeyId, SecretAccessKey and, of a session, SessionToken: as IAM and STS answer them."""


class Refused(Exception):
    """The gateway said no; the text is AWS's code."""


class Hands(Protocol):
    """Somebody with keys, at a gateway. What is refused raises `Refused`."""

    def of(self, keys: Keys) -> Self:
        """The same client at the same gateway with other keys."""
        ...

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        """One operation by AWS's names; a file as parameter stands for its bytes."""
        ...

    def create_function(self, name: str, package: Path, **settings: Any) -> dict[str, Any]:
        """CreateFunction from a zip."""
        ...

    def put(self, bucket: str, key: str, file: Path) -> None:
        """PutObject from a file."""
        ...

    def get(self, bucket: str, key: str) -> bytes:
        """GetObject."""
        ...

    def copy(self, bucket: str, key: str) -> bytes:
        """What the client's own transfer brings: `aws s3 cp`, boto3's `download_file`."""
        ...


@dataclass(frozen=True)
class Cli:
    """The AWS CLI, told where the gateway is by its environment alone."""

    world: World
    folder: Path
    keys: Keys

    def of(self, keys: Keys) -> "Cli":
        return Cli(self.world, self.folder, keys)

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        arguments = []
        for name, value in params.items():
            arguments += [f"--{xform_name(name, '-')}", _written(value)]
        told = self._run(service, xform_name(operation, "-"), *arguments)
        return json.loads(told) if told.strip() else {}

    def create_function(self, name: str, package: Path, **settings: Any) -> dict[str, Any]:
        return self.call("lambda", "CreateFunction", FunctionName=name, ZipFile=package, **settings)

    def put(self, bucket: str, key: str, file: Path) -> None:
        self._run("s3api", "put-object", "--bucket", bucket, "--key", key, "--body", str(file))

    def get(self, bucket: str, key: str) -> bytes:
        got = self.folder / "got"
        self._run("s3api", "get-object", "--bucket", bucket, "--key", key, str(got))
        return got.read_bytes()

    def copy(self, bucket: str, key: str) -> bytes:
        return self._run("s3", "cp", f"s3://{bucket}/{key}", "-")

    def _run(self, *arguments: str) -> bytes:
        command = [*_beginning(self.folder), str(AWS), *arguments]
        done = subprocess.run(command, env=self._environment(), capture_output=True, timeout=120, check=False)
        if done.returncode == 0:
            return done.stdout
        told = done.stderr.decode()
        code = re.search(r"An error occurred \((\w+)\)", told)
        assert code is not None, f"aws {' '.join(arguments)}: {told}"
        raise Refused(code[1])

    def _environment(self) -> dict[str, str]:
        # s3control puts the account before the host, which an address cannot bear: it is given a name.
        named = self.world.endpoint.replace("127.0.0.1", "localhost")
        session = {"AWS_SESSION_TOKEN": self.keys["SessionToken"]} if "SessionToken" in self.keys else {}
        return {
            "PATH": os.environ["PATH"],
            "HOME": str(self.folder),
            "AWS_ACCESS_KEY_ID": self.keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": self.keys["SecretAccessKey"],
            "AWS_DEFAULT_REGION": REGION,
            "AWS_ENDPOINT_URL": self.world.endpoint,
            "AWS_ENDPOINT_URL_S3_CONTROL": named,
            **session,
        }


def _written(value: Any) -> str:
    if isinstance(value, Path):
        return f"fileb://{value}"
    return value if isinstance(value, str) else json.dumps(value)


@cache
def resolves(name: str) -> bool:
    """Whether this machine knows an address of the name."""
    try:
        return bool(socket.getaddrinfo(name, None))
    except socket.gaierror:
        return False


@cache
def _beginning(folder: Path) -> tuple[str, ...]:
    """Nothing where ``ACCOUNT.localhost`` resolves, else a command that sees a hosts file with it."""
    if resolves(f"{ACCOUNT}.localhost"):
        return ()
    hosts = folder / "hosts"
    hosts.write_text(f"127.0.0.1 localhost {ACCOUNT}.localhost\n")
    prefix = private_hosts(hosts)
    assert prefix is not None, "asked before: can_name_accounts"
    return tuple(prefix)


def can_name_accounts(folder: Path) -> bool:
    """Whether the CLI's s3control can be led to this machine."""
    return resolves(f"{ACCOUNT}.localhost") or private_hosts(folder / "hosts") is not None


@dataclass(frozen=True)
class Boto3:
    """boto3 in this process."""

    world: World
    folder: Path
    keys: Keys
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def of(self, keys: Keys) -> "Boto3":
        return replace(self, keys=keys)  # the clients are shared: to make one costs a third of a second

    def call(self, service: str, operation: str, **params: Any) -> dict[str, Any]:
        sent = {name: _read(value) for name, value in params.items()}
        try:
            told: dict[str, Any] = getattr(self._client(service), xform_name(operation))(**sent)
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"]) from error
        return told

    def create_function(self, name: str, package: Path, **settings: Any) -> dict[str, Any]:
        code = {"ZipFile": package.read_bytes()}
        return self.call("lambda", "CreateFunction", FunctionName=name, Code=code, **settings)

    def put(self, bucket: str, key: str, file: Path) -> None:
        self.call("s3api", "PutObject", Bucket=bucket, Key=key, Body=file)

    def get(self, bucket: str, key: str) -> bytes:
        body: bytes = self.call("s3api", "GetObject", Bucket=bucket, Key=key)["Body"].read()
        return body

    def copy(self, bucket: str, key: str) -> bytes:
        got = self.folder / "got"
        try:
            self._client("s3api").download_file(bucket, key, str(got))
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"]) from error
        return got.read_bytes()

    def _client(self, service: str) -> Any:
        known = (self.keys["AccessKeyId"], service)
        if known not in self._clients:
            self._clients[known] = make_client(
                {"s3api": "s3"}.get(service, service),
                endpoint_url=self.world.endpoint,
                access_key_id=self.keys["AccessKeyId"],
                secret_access_key=self.keys["SecretAccessKey"],
                session_token=self.keys.get("SessionToken"),
            )
        return self._clients[known]


def _read(value: Any) -> Any:
    return value.read_bytes() if isinstance(value, Path) else value
