"""Every store behind a gateway of its own, and what the clients did, gathered for the table."""

import gzip
import json
import posixpath
import random
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from tests.compat.conftest import World
from tests.matrix.all_clients import SAMPLE
from tests.matrix.clients import DRIVERS
from tests.matrix.environments import FOLDER, python_environment
from tests.matrix.stores import SAMPLED, STORES, Stand
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
# What a client may take for a path of files; the name of each as the page has it.
ODD_PATHS = {
    "//": "paths/a//b",
    "leading /": "/paths/leading",
    "..": "paths/../up",
    ".": "paths/./here",
    "trailing /": "paths/folder/",
    "1,024 bytes": "paths" + ("/" + "x" * 200) * 5 + "/" + "y" * 13,
}
SYNCED = {"sync/one.txt": TEXT, "sync/sub/two.txt": TEXT[:100]}


@dataclass(frozen=True)
class Place:
    """One store, read through an Object Lambda access point that inflates what is kept compressed.

    Attributes:
        bucket: the bucket itself, for what is really kept.
        plain: the alias of an access point that transforms nothing.
        contents: what readers must get, by key.
        odd_paths: those of `ODD_PATHS` that this store keeps.
    """

    store: str
    world: World
    upstream: Upstream | None
    bucket: str
    alias: str
    plain_name: str
    plain: str
    contents: dict[str, bytes]
    odd_paths: dict[str, str]

    def kept(self, key: str) -> bytes:
        """The object as the store has it."""
        return self.world.client("s3").get_object(Bucket=self.bucket, Key=key)["Body"].read()


@pytest.fixture(scope="session", params=STORES)
def stand(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stand]:
    """A gateway over a store."""
    with STORES[request.param](tmp_path_factory.mktemp(request.param)) as opened:
        yield replace(opened, store=request.param)


@pytest.fixture(scope="session")
def place(stand: Stand) -> Place:
    """A gateway over a store, with objects in it."""
    world = stand.world
    bucket = world.bucket()
    supporting = world.access_point(bucket)
    name, alias = world.olap_over(supporting, world.function(FUNCTIONS / "inflates.py"))
    world.client("onread").configure_object_lambda_access_point(
        Name=name, Range="slice", ListSizes="transformed"
    )
    contents = _contents()
    for key, content in contents.items():
        _keep(world, bucket, key, content)
    _let_every_origin_read(world, bucket)
    return Place(
        stand.store,
        world,
        stand.upstream,
        bucket,
        alias=alias,
        plain_name=f"{name}.olap",
        plain=supporting["Alias"],
        contents=contents,
        odd_paths={told: key for told, key in ODD_PATHS.items() if _is_kept(world, bucket, key)},
    )


def _keep(world: World, bucket: str, key: str, content: bytes) -> None:
    world.client("s3").put_object(Bucket=bucket, Key=key, Body=gzip.compress(content, compresslevel=1))


def _is_kept(world: World, bucket: str, key: str) -> bool:
    """Whether the store keeps a key as it is, and what is in it: some take it for a path of files."""
    s3 = world.client("s3")
    try:
        _keep(world, bucket, key, TEXT)
        content = s3.get_object(Bucket=bucket, Key=key)["Body"].read()
    except ClientError:
        return False
    keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=bucket, Prefix=key).get("Contents", [])]
    as_path = posixpath.normpath(key).lstrip("/")
    return content != b"" and key in keys and (as_path == key or not _is_there(world, bucket, as_path))


def _is_there(world: World, bucket: str, key: str) -> bool:
    try:
        world.client("s3").head_object(Bucket=bucket, Key=key)
    except ClientError:
        return False
    return True


def _let_every_origin_read(world: World, bucket: str) -> None:
    rule = {"AllowedOrigins": ["*"], "AllowedMethods": ["GET", "HEAD"], "AllowedHeaders": ["range"]}
    rules = {"CORSRules": [{**rule, "ExposeHeaders": ["Content-Length"]}]}
    world.client("s3").put_bucket_cors(Bucket=bucket, CORSConfiguration=rules)


def _contents() -> dict[str, bytes]:
    whole = {"dir/letter.txt": TEXT, "dir/big": random.Random(1).randbytes(BIG_BYTES)}
    return whole | SYNCED | dict.fromkeys(NASTY_KEYS, TEXT)


@pytest.fixture(scope="session")
def parquet(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A table of 100,000 rows."""
    target = tmp_path_factory.mktemp("table") / "table.parquet"
    python = python_environment("pyarrow") / "python"
    command = [python, DRIVERS / "with_pyarrow.py", "make", str(ROWS), target]
    subprocess.run(command, check=True, timeout=60, env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"})
    return target.read_bytes()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Some stores are read by a few clients only; what is at one store, one process does."""
    for item in items:
        if store := _params(item).get("stand"):
            is_suite = item.get_closest_marker("suite") is not None
            item.add_marker(pytest.mark.xdist_group(f"suites at {store}" if is_suite else store))
    unwanted = [item for item in items if _is_unwanted(_params(item))]
    if unwanted:
        config.hook.pytest_deselected(items=unwanted)
        items[:] = [item for item in items if item not in unwanted]


def _params(item: pytest.Item) -> dict[str, Any]:
    callspec = getattr(item, "callspec", None)
    return {} if callspec is None else callspec.params


def _is_unwanted(params: dict[str, Any]) -> bool:
    """Whether what asks this could find, another would, too."""
    if "suite" in params:
        return params["stand"] in params["suite"].not_at
    return params.get("stand") in SAMPLED and params.get("kind", SAMPLE[0]) not in SAMPLE


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    report = yield
    cell = next((value for name, value in item.user_properties if name == "cell"), None)
    ended = report.when == "call" or (report.when == "setup" and report.outcome != "passed")
    if cell is not None and ended:
        reason = _reason(report) if report.outcome == "skipped" else ""
        tell([*cell, report.outcome, reason])
    return report


def tell(row: list[str]) -> None:
    """Write down a row of `table.Outcome`."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps(row) + "\n")


def _reason(report: pytest.TestReport) -> str:
    """Why it did not pass: what was known before (xfail), or what is not there (skip)."""
    known = getattr(report, "wasxfail", None)
    return str(known if known is not None else report.longrepr[2])  # type: ignore[index]
