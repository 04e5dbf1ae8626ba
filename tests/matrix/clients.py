"""Other people's clients, each as the same few words: get, size, range, keys, put, presigned, sync, table.

A client offers a word by having the method. What it cannot say (minio-py refuses names that end in
``--ol-s3``) stands in `Client.plain_name`, the keys that it takes for others in `Client.rewrites`.
"""

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar
from urllib.parse import quote

from tests.matrix.environments import javascript_environment, program, python_environment

DRIVERS = Path(__file__).parent / "drivers"
PATIENCE_SECONDS = 300


@dataclass
class Client:
    """One client, pointed at one gateway.

    Attributes:
        endpoint: the gateway's URL.
        credentials: what AWS clients read from the environment.
        folder: a scratch folder of its own; its HOME.
        plain_name: whether it needs ``NAME.olap`` instead of the alias.
        rewrites: names of `conftest.ODD_PATHS` that never leave it as they are.
    """

    name: ClassVar[str]
    plain_name: ClassVar[bool] = False
    rewrites: ClassVar[frozenset[str]] = frozenset()

    endpoint: str
    credentials: Mapping[str, str]
    folder: Path
    counter: int = field(default=0)

    def run(self, *command: object, **more: str) -> bytes:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.folder), **self.credentials, **more}
        done = subprocess.run(
            [str(word) for word in command],
            env=environment,
            cwd=self.folder,
            capture_output=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
        assert done.returncode == 0, (command, done.stderr.decode()[-2000:], done.stdout.decode()[-500:])
        return done.stdout

    def file(self) -> Path:
        self.counter += 1
        return self.folder / f"file{self.counter}"

    def get_all(self, bucket: str, keys: Sequence[str]) -> list[bytes]:
        return [self.get(bucket, key) for key in keys]  # type: ignore[attr-defined]

    @property
    def address(self) -> str:
        return self.endpoint.removeprefix("http://")


class Driven(Client):
    """A library, driven by a script that runs in its own environment."""

    environment: ClassVar[str]
    driver: ClassVar[str]

    def interpreter(self) -> Path:
        return python_environment(self.environment) / "python"

    def say(self, *words: object) -> bytes:
        return self.run(self.interpreter(), DRIVERS / self.driver, *words)

    def get(self, bucket: str, key: str) -> bytes:
        self.say("get", bucket, key, target := self.file())
        return target.read_bytes()

    def get_all(self, bucket: str, keys: Sequence[str]) -> list[bytes]:
        """In one process: to start one takes longer than all the rest."""
        targets = [self.file() for _ in keys]
        words = [
            word
            for key, target in zip(keys, targets, strict=True)
            for word in ("--then", "get", bucket, key, target)
        ]
        self.say(*words[1:])
        return [target.read_bytes() for target in targets]

    def size(self, bucket: str, key: str) -> int:
        return int(self.say("size", bucket, key))

    def range(self, bucket: str, key: str, first: int, last: int) -> bytes:
        self.say("range", bucket, key, first, last, target := self.file())
        return target.read_bytes()

    def keys(self, bucket: str, prefix: str) -> list[str]:
        return json.loads(self.say("keys", bucket, prefix))

    def put(self, bucket: str, key: str, source: Path) -> None:
        self.say("put", bucket, key, source)


class Signing(Driven):
    """A library that signs URLs for others."""

    def presigned(self, bucket: str, key: str) -> str:
        return self.say("presigned", bucket, key).decode().strip()


class Boto3(Signing):
    name, driver = "boto3", "with_boto3.py"

    def interpreter(self) -> Path:
        return Path(sys.executable)


class Minio(Signing):
    name, environment, driver = "minio-py", "minio", "with_minio.py"
    rewrites = frozenset({".", ".."})
    plain_name = True


class Obstore(Signing):
    name, environment, driver = "obstore", "obstore", "with_obstore.py"
    rewrites = frozenset({"//", "leading /", ".", "..", "trailing /"})


class S3fs(Signing):
    name, environment, driver = "s3fs", "s3fs", "with_s3fs.py"


class Pyarrow(Driven):
    name, environment, driver = "pyarrow", "pyarrow", "with_pyarrow.py"
    rewrites = frozenset({"//", "leading /", ".", "..", "trailing /"})

    def table(self, bucket: str, key: str) -> list[int]:
        return json.loads(self.say("table", bucket, key))

    def tables(self, bucket: str, prefix: str) -> list[int]:
        return self.table(bucket, prefix.rstrip("/"))


class Tables(Driven):
    """Clients that only read tables."""

    get = size = range = keys = put = None  # type: ignore[assignment]

    def table(self, bucket: str, key: str) -> list[int]:
        return json.loads(self.say("table", bucket, key))

    def tables(self, bucket: str, prefix: str) -> list[int]:
        return self.table(bucket, f"{prefix}*.parquet")


class Duckdb(Tables):
    name, environment, driver = "DuckDB", "duckdb", "with_duckdb.py"


class Polars(Tables):
    name, environment, driver = "polars", "polars", "with_polars.py"


class Javascript(Signing):
    name, driver = "AWS SDK for JavaScript", "with_javascript.mjs"

    def interpreter(self) -> Path:
        return program("node")

    def say(self, *words: object) -> bytes:
        return self.run(
            self.interpreter(), DRIVERS / self.driver, javascript_environment() / "node_modules", *words
        )


class AwsCli(Client):
    name = "AWS CLI"
    aws = Path(sys.executable).with_name("aws")

    def get(self, bucket: str, key: str) -> bytes:
        self.run(self.aws, "s3", "cp", "--only-show-errors", f"s3://{bucket}/{key}", target := self.file())
        return target.read_bytes()

    def size(self, bucket: str, key: str) -> int:
        answer = self.run(self.aws, "s3api", "head-object", "--bucket", bucket, "--key", key)
        return json.loads(answer)["ContentLength"]

    def range(self, bucket: str, key: str, first: int, last: int) -> bytes:
        asked = ("--bucket", bucket, "--key", key, "--range", f"bytes={first}-{last}")
        self.run(self.aws, "s3api", "get-object", *asked, target := self.file())
        return target.read_bytes()

    def keys(self, bucket: str, prefix: str) -> list[str]:
        answer = self.run(self.aws, "s3api", "list-objects-v2", "--bucket", bucket, "--prefix", prefix)
        return [each["Key"] for each in json.loads(answer)["Contents"]]

    def put(self, bucket: str, key: str, source: Path) -> None:
        self.run(self.aws, "s3", "cp", "--only-show-errors", source, f"s3://{bucket}/{key}")

    def presigned(self, bucket: str, key: str) -> str:
        # Else it signs URLs as AWS did long ago.
        self.run(self.aws, "configure", "set", "default.s3.signature_version", "s3v4")
        return self.run(self.aws, "s3", "presign", f"s3://{bucket}/{key}").decode().strip()

    def sync_down(self, bucket: str, prefix: str, folder: Path) -> int:
        return self._synced(f"s3://{bucket}/{prefix}", folder)

    def sync_up(self, folder: Path, bucket: str, prefix: str) -> int:
        return self._synced(folder, f"s3://{bucket}/{prefix}")

    def _synced(self, source: object, target: object) -> int:
        return self.run(self.aws, "s3", "sync", "--no-progress", source, target).count(b"load: ")


class Curl(Client):
    name = "curl"

    def asked(self, bucket: str, key: str, *more: object) -> Path:
        keys = f"{self.credentials['AWS_ACCESS_KEY_ID']}:{self.credentials['AWS_SECRET_ACCESS_KEY']}"
        self.run(
            program("curl"), "--path-as-is", "--silent", "--show-error", "--fail", "--user", keys,
            "--aws-sigv4", "aws:amz:us-east-1:s3", "--header", "x-amz-content-sha256: UNSIGNED-PAYLOAD",
            "--output", target := self.file(), *more, f"{self.endpoint}/{bucket}/{quote(key)}",
        )  # fmt: skip
        return target

    def get(self, bucket: str, key: str) -> bytes:
        return self.asked(bucket, key).read_bytes()

    def size(self, bucket: str, key: str) -> int:
        head = self.asked(bucket, key, "--head").read_text()
        return next(int(line.split(":")[1]) for line in head.splitlines() if "content-length" in line.lower())

    def range(self, bucket: str, key: str, first: int, last: int) -> bytes:
        return self.asked(bucket, key, "--range", f"{first}-{last}").read_bytes()

    def put(self, bucket: str, key: str, source: Path) -> None:
        self.asked(bucket, key, "--upload-file", source)


class S3cmd(Client):
    name = "s3cmd"
    rewrites = frozenset({"trailing /"})

    def say(self, *words: object) -> bytes:
        return self.run(
            program("s3cmd"), "--config", os.devnull, "--host", self.address, "--host-bucket", self.address,
            "--no-ssl", "--no-progress", *words,
        )  # fmt: skip

    def get(self, bucket: str, key: str) -> bytes:
        self.say("get", f"s3://{bucket}/{key}", target := self.file())
        return target.read_bytes()

    def size(self, bucket: str, key: str) -> int:
        told = self.say("info", f"s3://{bucket}/{key}").decode()
        return next(int(line.split(":")[1]) for line in told.splitlines() if "File size" in line)

    def keys(self, bucket: str, prefix: str) -> list[str]:
        told = self.say("ls", "--recursive", f"s3://{bucket}/{prefix}").decode()
        return [line.partition(f"s3://{bucket}/")[2] for line in told.splitlines()]

    def put(self, bucket: str, key: str, source: Path) -> None:
        self.say("put", source, f"s3://{bucket}/{key}")

    def sync_down(self, bucket: str, prefix: str, folder: Path) -> int:
        return self._synced(f"s3://{bucket}/{prefix}", f"{folder}/")

    def sync_up(self, folder: Path, bucket: str, prefix: str) -> int:
        return self._synced(f"{folder}/", f"s3://{bucket}/{prefix}")

    def _synced(self, source: str, target: str) -> int:
        return self.say("sync", source, target).count(b"load: ")


class Rclone(Client):
    name = "rclone"
    rewrites = frozenset({"//", ".", "..", "trailing /"})

    def say(self, *words: object) -> bytes:
        return self.run(
            python_environment("rclone") / "rclone", "--config", os.devnull, "--retries", "1", *words,
            RCLONE_CONFIG_STORE_TYPE="s3", RCLONE_CONFIG_STORE_PROVIDER="Other",
            RCLONE_CONFIG_STORE_ENV_AUTH="true", RCLONE_CONFIG_STORE_ENDPOINT=self.endpoint,
            RCLONE_CONFIG_STORE_FORCE_PATH_STYLE="true",
        )  # fmt: skip

    def get(self, bucket: str, key: str) -> bytes:
        self.say("copyto", f"store:{bucket}/{key}", target := self.file())
        return target.read_bytes()

    def size(self, bucket: str, key: str) -> int:
        return json.loads(self.say("lsjson", "--stat", f"store:{bucket}/{key}"))["Size"]

    def range(self, bucket: str, key: str, first: int, last: int) -> bytes:
        return self.say("cat", "--offset", first, "--count", last - first + 1, f"store:{bucket}/{key}")

    def keys(self, bucket: str, prefix: str) -> list[str]:
        told = self.say("lsf", "--recursive", "--files-only", f"store:{bucket}/{prefix}")
        return [prefix + line for line in told.decode().splitlines()]

    def put(self, bucket: str, key: str, source: Path) -> None:
        # It would compare what it wrote with what a HEAD says, which is what readers get.
        self.say("copyto", "--s3-no-check-bucket", "--s3-no-head", source, f"store:{bucket}/{key}")

    def presigned(self, bucket: str, key: str) -> str:
        return self.say("link", "--expire", "1h", f"store:{bucket}/{key}").decode().strip()

    def sync_down(self, bucket: str, prefix: str, folder: Path) -> int:
        return self._synced(f"store:{bucket}/{prefix}", folder)

    def sync_up(self, folder: Path, bucket: str, prefix: str) -> int:
        return self._synced(folder, f"store:{bucket}/{prefix}")

    def _synced(self, source: object, target: object) -> int:
        told = self.file()
        self.say("sync", "--s3-no-check-bucket", "--log-level", "INFO", "--log-file", told, source, target)
        return told.read_text().count(": Copied")


class S5cmd(Client):
    name = "s5cmd"
    rewrites = frozenset({"trailing /"})

    def say(self, *words: object) -> bytes:
        return self.run(
            python_environment("s5cmd") / "s5cmd",
            "--endpoint-url",
            self.endpoint,
            "--retry-count",
            "1",
            *words,
        )

    def get(self, bucket: str, key: str) -> bytes:
        self.say("cp", "--raw", f"s3://{bucket}/{key}", target := self.file())
        return target.read_bytes()

    def size(self, bucket: str, key: str) -> int:
        return json.loads(self.say("--json", "head", f"s3://{bucket}/{key}"))["size"]

    def keys(self, bucket: str, prefix: str) -> list[str]:
        told = self.say("--json", "ls", f"s3://{bucket}/{prefix}*").decode().splitlines()
        return [json.loads(line)["key"].partition(f"s3://{bucket}/")[2] for line in told]

    def put(self, bucket: str, key: str, source: Path) -> None:
        self.say("cp", "--raw", source, f"s3://{bucket}/{key}")

    def presigned(self, bucket: str, key: str) -> str:
        return self.say("presign", f"s3://{bucket}/{key}").decode().strip()

    def sync_down(self, bucket: str, prefix: str, folder: Path) -> int:
        return self._synced(f"s3://{bucket}/{prefix}*", f"{folder}/")

    def sync_up(self, folder: Path, bucket: str, prefix: str) -> int:
        return self._synced(f"{folder}/", f"s3://{bucket}/{prefix}")

    def _synced(self, source: str, target: str) -> int:
        return self.say("sync", source, target).count(b"cp ")
