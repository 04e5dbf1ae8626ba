"""Every store behind a gateway of its own, and what the clients did, gathered for the table."""

import gzip
import itertools
import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.compat.conftest import World
from tests.matrix.clients import DRIVERS
from tests.matrix.environments import FOLDER, python_environment
from tests.matrix.stores import STORES

FUNCTIONS = Path(__file__).parent / "functions"
RESULTS = FOLDER / "results.jsonl"
TEXT = b"".join(b"line %d of a letter\n" % number for number in range(200))
ROWS = 100_000
BIG_BYTES = 24 << 20
# Spaces, plus, equals, a double slash, percent, an emoji, umlauts: what S3 allows and clients get wrong.
NASTY_KEYS = (
    "nasty/a b", "nasty/a+b", "nasty/k=v&w", "nasty/100%", "nasty/a%2Fb", "nasty/ü/é", "nasty/\N{ROCKET}",
    "nasty/(a)'b'!*", "nasty/" + "long" * 250,
)  # fmt: skip


@dataclass(frozen=True)
class Place:
    """One store, read through an Object Lambda access point that inflates what is kept compressed.

    Attributes:
        bucket: the bucket itself, for what is really kept.
        contents: what readers must get, by key.
    """

    store: str
    world: World
    bucket: str
    alias: str
    plain_name: str
    contents: dict[str, bytes]

    def kept(self, key: str) -> bytes:
        """The object as the store has it."""
        return self.world.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()


@pytest.fixture(scope="session", params=STORES)
def place(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A gateway over a store, with objects in it."""
    with ExitStack() as stack:
        folder = tmp_path_factory.mktemp(request.param)
        world = stack.enter_context(STORES[request.param](folder))
        bucket = world.bucket()
        supporting = world.access_point(bucket)
        name, alias = world.olap_over(supporting, world.function(FUNCTIONS / "inflates.py"))
        pass  # slice
        contents = _contents()
        for key, content in contents.items():
            packed = gzip.compress(content, compresslevel=1)
            world.client("s3").put_object(Bucket=bucket, Key=key, Body=packed)
        yield Place(request.param, world, bucket, alias, f"{name}.olap", contents)


def _contents() -> dict[str, bytes]:
    whole = {"dir/letter.txt": TEXT, "dir/big": random.Random(1).randbytes(BIG_BYTES)}
    return whole | dict.fromkeys(NASTY_KEYS, TEXT)


@pytest.fixture(scope="session")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A table of 100,000 rows."""
    target = tmp_path_factory.mktemp("table") / "table.parquet"
    python = python_environment("pyarrow") / "python"
    command = [python, DRIVERS / "with_pyarrow.py", "make", str(ROWS), target]
    subprocess.run(command, check=True, timeout=60, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    return target.read_bytes()


@pytest.fixture(scope="session")
def numbers() -> "itertools.count[int]":
    return itertools.count()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    cell = next((value for name, value in item.user_properties if name == "cell"), None)
    if cell is not None and (report.when == "call" or report.outcome != "passed"):
        if report.when != "teardown":
            FOLDER.mkdir(parents=True, exist_ok=True)
            with RESULTS.open("a") as file:
                file.write(json.dumps([*cell, report.outcome]) + "\n")
    return report
