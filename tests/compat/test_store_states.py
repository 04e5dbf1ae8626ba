"""What is seen of stores from outside: a list for people and scripts, and metrics by store."""

import json
import subprocess
import sys

import pytest
from tests.compat.callers import fetch
from tests.compat.conftest import World
from tests.compat.seaweed import SECRET_ACCESS_KEY
from tests.compat.store_probe import outcome

from onread.cli.spawn import gateway

pytestmark = pytest.mark.compat


@pytest.fixture(scope="module")
def world(store, tmp_path_factory):
    """A gateway with a store that is there, one that is not, and one that refuses us."""
    folder = tmp_path_factory.mktemp("states")
    store.client().create_bucket(Bucket="seen")
    config = folder / "onread.toml"
    config.write_text(
        store.settings('["seen", "other"]')
        + store.settings('["x-y"]', name="gone", endpoint="http://127.0.0.1:1")
        + store.settings('"*"', name="wrong").replace(SECRET_ACCESS_KEY, "not-the-secret")
    )
    with gateway(folder / "data", "--config", str(config)) as spawned:
        yield World(spawned)


def listed(world, *options):
    command = [sys.executable, "-m", "onread", "store", "list", *options]
    done = subprocess.run(
        command, env=world.gateway.environment(), capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_list_tells_which_store_holds_what_and_answers(world, store):
    found = {each["Name"]: each for each in json.loads(listed(world, "--json"))}
    assert {name: each["State"] for name, each in found.items()} == {
        "local": "reachable", "weed": "reachable", "gone": "unreachable", "wrong": "failing",
    }  # fmt: skip
    assert (found["weed"]["Endpoint"], found["weed"]["Buckets"]) == (store.endpoint, ["other", "seen"])
    assert found["wrong"]["Buckets"] == ["*"]
    assert [each["Type"] for each in found.values()] == ["embedded", "s3", "s3", "s3"]
    shown = listed(world)
    assert store.endpoint in shown
    assert "not-the-secret" not in shown


def test_only_who_may_is_told(world):
    _, *keys = world.user()
    assert outcome(world.client_as("onread", *keys).list_stores)[1] == 403


def test_metrics_tell_of_each_store(world):
    s3 = world.client("s3")
    s3.put_object(Bucket="seen", Key="k", Body=b"x")
    outcome(lambda: s3.head_object(Bucket="seen", Key="none"))
    outcome(lambda: s3.head_object(Bucket="x-y", Key="k"))
    text = fetch(f"{world.gateway.admin_endpoint}/metrics").body.decode()
    samples = dict(line.rpartition(" ")[::2] for line in text.splitlines() if not line.startswith("#"))
    assert float(samples['onread_store_requests_total{outcome="2xx",store="weed"}']) >= 1
    assert float(samples['onread_store_requests_total{outcome="4xx",store="weed"}']) >= 1
    assert float(samples['onread_store_requests_total{outcome="unreachable",store="gone"}']) >= 1
    assert float(samples['onread_store_seconds_count{store="weed"}']) >= 2
    assert float(samples['onread_store_connections{store="weed"}']) >= 1
    assert float(samples['onread_store_left_alone{store="weed"}']) == 0
