"""How a store is addressed, and a gateway over it: buckets before the host, IPv6."""

import boto3
import pytest
from botocore.config import Config

from onread.cli.spawn import gateway

from .conftest import World
from .hostile_store import hostile_store
from .seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY

pytestmark = pytest.mark.compat

SETTINGS = f"""
[[stores]]
name = "other"
endpoint = "%s"
region = "eu-west-1"
access_key_id = "{ACCESS_KEY_ID}"
secret_access_key = "{SECRET_ACCESS_KEY}"
buckets = ["hostile-bucket"]
"""


def serving(folder, settings, *arguments, **environment):
    config = folder / "onread.toml"
    config.write_text(settings)
    return gateway(folder / "data", "--config", str(config), *arguments, environment=environment)


def test_a_bucket_may_stand_before_the_stores_host(tmp_path):
    with hostile_store() as store:
        settings = SETTINGS % f"http://localhost:{store.port}" + "path_style = false\n"
        with serving(tmp_path, settings) as spawned:
            answer = World(spawned).client("s3").get_object(Bucket="hostile-bucket", Key="a b/good")
            assert answer["Body"].read() == b"good"
    (head,) = store.heads
    assert head.startswith(b"GET /a%20b/good HTTP/1.1\r\n")
    assert b"\r\nHost: hostile-bucket.localhost:%d\r\n" % store.port in head
    assert b"/eu-west-1/s3/aws4_request" in head


def test_gateway_and_store_on_ipv6(tmp_path):
    with hostile_store(host="::1") as store:
        settings = SETTINGS % f"http://[::1]:{store.port}"
        with serving(tmp_path, settings, "--listen", "[::1]:0", "--workers", "2") as spawned:
            s3 = boto3.client(
                "s3",
                endpoint_url=spawned.endpoint,
                aws_access_key_id=spawned.access_key_id,
                aws_secret_access_key=spawned.secret_access_key,
                region_name="us-east-1",
                config=Config(retries={"total_max_attempts": 1}),
            )
            assert "[::1]" in spawned.endpoint
            assert s3.get_object(Bucket="hostile-bucket", Key="good")["Body"].read() == b"good"
    assert b"\r\nHost: [::1]:%d\r\n" % store.port in store.heads[0]


def test_T186_no_proxy_of_the_environment_stands_before_a_store(tmp_path):
    names = ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")
    with hostile_store() as store, hostile_store() as proxy:
        environment = dict.fromkeys(names, f"http://127.0.0.1:{proxy.port}")
        with serving(tmp_path, SETTINGS % f"http://127.0.0.1:{store.port}", **environment) as spawned:
            answer = World(spawned).client("s3").get_object(Bucket="hostile-bucket", Key="good")
            assert answer["Body"].read() == b"good"
        assert (len(store.heads), len(proxy.heads)) == (1, 0)
