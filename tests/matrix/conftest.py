"""Every store behind a gateway of its own, and what the clients did, gathered for the table."""

import gzip
import json
import random
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.compat.conftest import World
from tests.matrix.clients import DRIVERS, SAMPLE
from tests.matrix.environments import FOLDER, python_environment
from tests.matrix.stores import SAMPLED, STORES
from tests.matrix.upstream import Upstream

FUNCTIONS = Path(__file__).parent / "functions"
RESULTS = FOLDER / "results.jsonl"
TEXT = b"".join(b"line %d of a letter\n" % number for number in range(200))
ROWS = 100_000
BIG_BYTES = 24 << 20
# What S3 allows and clients get wrong.
NASTY_KEYS = (
    "nasty/a b+c", "nasty/k=v&w/100%", "nasty/a%2Fb%20", "nasty/ü/\N{ROCKET}", "nasty/(a)'b'!*~",
    "nasty/" + "/".join(["long" * 25] * 10),
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
    upstream: Upstream | None
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
        stand = stack.enter_context(STORES[request.param](folder))
        world = stand.world
        bucket = world.bucket()
        supporting = world.access_point(bucket)
        name, alias = world.olap_over(supporting, world.function(FUNCTIONS / "inflates.py"))
        world.client("onread").configure_object_lambda_access_point(Name=name, Range="slice")
        contents = _contents()
        for key, content in contents.items():
            packed = gzip.compress(content, compresslevel=1)
            world.client("s3").put_object(Bucket=bucket, Key=key, Body=packed)
        yield Place(request.param, world, stand.upstream, bucket, alias, f"{name}.olap", contents)


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


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Some stores are read by a few clients only."""
    unwanted = [item for item in items if _is_unwanted(getattr(item, "callspec", None))]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]


def _is_unwanted(callspec: Any) -> bool:
    params = callspec.params if callspec is not None else {}
    return params.get("place") in SAMPLED and params.get("kind", SAMPLE[0]) not in SAMPLE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    cell = next((value for name, value in item.user_properties if name == "cell"), None)
    ended = report.when == "call" or (report.when == "setup" and report.outcome != "passed")
    if cell is not None and ended:
        reason = _reason(report) if report.outcome == "skipped" else ""
        FOLDER.mkdir(parents=True, exist_ok=True)
        with RESULTS.open("a") as file:
            file.write(json.dumps([*cell, report.outcome, reason]) + "\n")
    return report


def _reason(report: pytest.TestReport) -> str:
    """Why it did not pass: what was known before (xfail), or what is not there (skip)."""
    known = getattr(report, "wasxfail", None)
    return str(known if known is not None else report.longrepr[2])  # type: ignore[index]
