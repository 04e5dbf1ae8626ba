"""A store that is not ours behind the gateway: SeaweedFS, real clients, a real function."""

import pytest

from onread.cli.spawn import gateway

from .conftest import World
from .seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY, running_seaweed
from .store_probe import REAL, ask_everything

pytestmark = pytest.mark.compat


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with running_seaweed(tmp_path_factory.mktemp("weed")) as running:
        yield running


@pytest.fixture(scope="module")
def over_store(store, tmp_path_factory):
    """A gateway whose buckets are the store's."""
    folder = tmp_path_factory.mktemp("over")
    config = folder / "onread.toml"
    config.write_text(store.settings())
    environment = {"ONREAD_LOG_LEVEL": "debug"}
    with gateway(folder / "data", "--config", str(config), environment=environment) as spawned:
        yield World(spawned)


def test_the_main_job_over_a_store_that_is_not_ours(over_store, store):
    bucket = over_store.bucket()
    store.client().put_object(Bucket=bucket, Key="a", Body=b"hello")
    olap = over_store.olap(bucket, over_store.function("uppercase"))
    assert over_store.client("s3").get_object(Bucket=olap, Key="a")["Body"].read() == b"HELLO"
    over_store.client("s3").put_object(Bucket=olap, Key="b", Body=b"through")
    assert store.client().get_object(Bucket=bucket, Key="b")["Body"].read() == b"through"


def test_the_answers_are_the_stores_own(over_store, store):
    """Asked of the store itself, through the gateway's bucket, and through an access point."""
    direct = ask_everything(store.client(), store_bucket(store))
    bucket = over_store.bucket()
    by_bucket = ask_everything(over_store.client("s3"), bucket)
    behind = over_store.bucket()
    alias = over_store.access_point(behind)["Alias"]
    REAL[alias] = behind
    by_access_point = ask_everything(over_store.client("s3"), alias)
    for name, answer in direct.items():
        assert by_bucket[name] == answer, name
        assert by_access_point[name] == answer, name
    assert len(direct) > 25


def store_bucket(store):
    name = f"direct-{store.port}"
    store.client().create_bucket(Bucket=name)
    return name


def test_the_stores_credentials_never_show(over_store):
    for secret in (ACCESS_KEY_ID, SECRET_ACCESS_KEY):
        assert secret not in over_store.log()
