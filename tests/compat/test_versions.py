"""Versions and aliases through a real gateway: immutable, switched at once, wholly old or wholly new."""

import json
import threading
import zipfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from io import BytesIO

import pytest
from tests.compat.callers import fetch, presign
from tests.compat.conftest import ACCOUNT, FUNCTIONS, REGION

pytestmark = [pytest.mark.compat, pytest.mark.slow]
CODE = (FUNCTIONS / "version_a.py").read_text()


def zipped(letter):
    content = BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        archive.writestr("version_a.py", CODE.replace('LETTER = "a"', f'LETTER = "{letter}"'))
    return content.getvalue()


@pytest.fixture
def function(world):
    """A function whose version 1 is letter a in mode one, and version 2 letter b in mode two."""
    api = world.client("lambda")
    name = world.function("version_a", Environment={"Variables": {"MODE": "one"}}, Publish=True)
    api.update_function_code(FunctionName=name, ZipFile=zipped("b"))
    api.update_function_configuration(FunctionName=name, Environment={"Variables": {"MODE": "two"}})
    api.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert api.publish_version(FunctionName=name)["Version"] == "2"
    api.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="2")
    return name


def invoke(world, name, **more):
    answer = world.client("lambda").invoke(FunctionName=name, **more)
    return answer["ExecutedVersion"], json.loads(answer["Payload"].read()).rsplit("|", 1)[0]


def read(world, alias, key="key"):
    answer = fetch(presign(world, alias, key))
    return answer.body.decode() if answer.status == 200 else answer.code


def reader_of(world, function, qualifier):
    """The alias of an access point whose configuration names a version, and how to name another."""
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="key", Body=b"original")
    return world.olap(bucket, f"{function}:{qualifier}")


def test_T164_every_version_runs_its_own_code_under_its_own_name(world, function):
    arn = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{function}"
    world.client("lambda").create_alias(FunctionName=function, Name="PROD", FunctionVersion="1")
    assert invoke(world, function) == ("$LATEST", f"b|two|$LATEST|$LATEST|{function}")
    assert invoke(world, f"{function}:1") == ("1", f"a|one|1|1|{function}:1")
    assert invoke(world, arn, Qualifier="2") == ("2", f"b|two|2|2|{function}:2")
    assert invoke(world, f"{arn}:PROD") == ("1", f"a|one|1|1|{function}:PROD")
    assert invoke(world, function, Qualifier="$LATEST") == (
        "$LATEST",
        f"b|two|$LATEST|$LATEST|{function}:$LATEST",
    )
    pids = {
        json.loads(
            world.client("lambda").invoke(FunctionName=function, Qualifier=qualifier)["Payload"].read()
        ).rpartition("|")[2]
        for qualifier in ("$LATEST", "1", "2")
    }
    assert len(pids) == 3


def test_a_reader_follows_the_alias_at_once(world, function):
    api = world.client("lambda")
    api.create_alias(FunctionName=function, Name="PROD", FunctionVersion="1")
    alias = reader_of(world, function, "PROD")
    assert read(world, alias).startswith(f"a|one|1|1|{function}:PROD")
    api.update_alias(FunctionName=function, Name="PROD", FunctionVersion="2")
    assert read(world, alias).startswith(f"b|two|2|2|{function}:PROD")
    fixed = reader_of(world, function, "1")
    assert read(world, fixed).startswith("a|one|1|1|")
    api.delete_alias(FunctionName=function, Name="PROD")
    assert read(world, alias) == "LambdaNotFound"
    api.delete_function(FunctionName=function, Qualifier="1")
    assert read(world, fixed) == "LambdaNotFound"
    assert read(world, reader_of(world, function, "$LATEST")).startswith("b|two|$LATEST|")


def test_weights_divide_the_readers(world, function):
    api = world.client("lambda")
    api.create_alias(
        FunctionName=function,
        Name="CANARY",
        FunctionVersion="1",
        RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}},
    )
    alias = reader_of(world, function, "CANARY")
    seen = Counter(read(world, alias).split("|")[2] for _ in range(80))
    assert set(seen) == {"1", "2"}  # one of them alone: once in 10^24
    assert invoke(world, f"{function}:CANARY")[0] in ("1", "2")


def test_R027_each_run_is_wholly_old_or_wholly_new(world, function):
    """Code and configuration of $LATEST change together while readers read; the alias moves, too."""
    api = world.client("lambda")
    api.create_alias(FunctionName=function, Name="PROD", FunctionVersion="1")
    aliases = [reader_of(world, function, "PROD"), reader_of(world, function, "$LATEST")]
    stop = threading.Event()

    def reads(alias):
        seen = Counter()
        while not stop.is_set():
            seen[read(world, alias).rsplit("|", 1)[0]] += 1
        return seen

    with ThreadPoolExecutor(4) as readers:
        running = [readers.submit(reads, alias) for alias in aliases * 2]
        try:
            for turn in range(4):
                api.update_alias(FunctionName=function, Name="PROD", FunctionVersion=str(turn % 2 + 1))
                api.update_function_code(FunctionName=function, ZipFile=zipped("ab"[turn % 2]))
                assert read(world, aliases[0]).split("|")[2] == str(turn % 2 + 1)
                assert read(world, aliases[1])[0] == "ab"[turn % 2]
        finally:
            stop.set()
        seen = sum((each.result(60) for each in running), Counter())
    allowed = {
        f"a|one|1|1|{function}:PROD",
        f"b|two|2|2|{function}:PROD",
        f"a|two|$LATEST|$LATEST|{function}:$LATEST",
        f"b|two|$LATEST|$LATEST|{function}:$LATEST",
    }
    assert set(seen) <= allowed
    assert sum(seen.values()) > 8
