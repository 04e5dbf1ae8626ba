"""A store that is hostile, broken, slow or gone (T-188, R-030): mapped, bounded, never a hang."""

import socket
import time

import pytest
from botocore.exceptions import ClientError

from onread.cli.spawn import gateway

from .conftest import World, wait_until
from .hostile_store import FAULTS, hostile_store
from .policy_documents import allow, document
from .seaweed import ACCESS_KEY_ID, SECRET_ACCESS_KEY

pytestmark = pytest.mark.compat

SETTINGS = f"""
[[stores]]
name = "hostile"
endpoint = "http://127.0.0.1:%d"
region = "us-east-1"
access_key_id = "{ACCESS_KEY_ID}"
secret_access_key = "{SECRET_ACCESS_KEY}"
buckets = ["hostile-bucket"]
connect_seconds = 0.5
first_byte_seconds = 0.4
stall_seconds = 0.4
"""
BUCKET = "hostile-bucket"


@pytest.fixture(scope="module")
def hostile():
    with hostile_store() as store:
        yield store


def serving(folder, port):
    config = folder / "onread.toml"
    config.write_text(SETTINGS % port)
    return gateway(folder / "data", "--config", str(config), environment={"ONREAD_LOG_LEVEL": "debug"})


@pytest.fixture(scope="module")
def over_hostile(hostile, tmp_path_factory):
    with serving(tmp_path_factory.mktemp("hostile"), hostile.port) as spawned:
        yield World(spawned)


def get_raw(world, key):
    """The bytes of the answer to one GET, to their end."""
    url = world.presigned(BUCKET, key)
    target = "/" + url.split("/", 3)[3]
    host = url.split("/", 3)[2]
    return world.raw(
        f"GET {target} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode(), timeout=5
    )


SLOW_DOWN, UNAVAILABLE = (503, "SlowDown"), (503, "ServiceUnavailable")
EXPECTED = {
    "closes-at-once": SLOW_DOWN,
    "says-nothing": SLOW_DOWN,
    "half-a-head-held": SLOW_DOWN,
    "endless-headers": UNAVAILABLE,
    "half-a-head": UNAVAILABLE,
    "garbage": UNAVAILABLE,
    "splits-a-header": UNAVAILABLE,
    "nul-in-a-header": UNAVAILABLE,
    "huge-header": UNAVAILABLE,
    "two-lengths": UNAVAILABLE,
    "redirects": UNAVAILABLE,
    "moved": UNAVAILABLE,
    "other-signature": UNAVAILABLE,
    "other-clock": UNAVAILABLE,
    "tells-the-key": UNAVAILABLE,
    "endless-error": UNAVAILABLE,
    "half-an-error": UNAVAILABLE,
    "storms": (500, "InternalError"),
    "slows-down": SLOW_DOWN,
    "forbids": (403, "AccessDenied"),
}
CUT = ("short-body", "paused-body", "broken-chunks", "unended-chunks")


@pytest.mark.parametrize("key", EXPECTED)
def test_R030_T188_what_goes_wrong_before_the_headers_is_an_error_in_time(over_hostile, hostile, key):
    began = time.monotonic()
    with pytest.raises(ClientError) as refused:
        over_hostile.client("s3").get_object(Bucket=BUCKET, Key=key)
    assert time.monotonic() - began < 4
    meta = refused.value.response["ResponseMetadata"]
    assert (meta["HTTPStatusCode"], refused.value.response["Error"]["Code"]) == EXPECTED[key]
    assert ACCESS_KEY_ID not in str(refused.value.response)
    assert "elsewhere" not in str(refused.value.response)
    assert hostile.asked_for(key) == 1
    good = over_hostile.client("s3").get_object(Bucket=BUCKET, Key="good")
    assert good["Body"].read() == b"good"


@pytest.mark.parametrize("key", CUT)
def test_R030_T188_a_body_that_goes_wrong_cuts_the_callers_connection(over_hostile, hostile, key):
    began = time.monotonic()
    try:
        answer = get_raw(over_hostile, key)
    except ConnectionError:
        answer = b""  # the reset overtook what was sent
    assert time.monotonic() - began < 4
    assert not answer.endswith(b"0\r\n\r\n")
    assert answer.count(b"HTTP/1.1") <= 1
    assert hostile.asked_for(key) == 1  # never again once a byte has gone to the caller


def test_T188_a_second_answer_is_nobodys(over_hostile):
    for _ in range(3):
        answer = over_hostile.client("s3").get_object(Bucket=BUCKET, Key="says-too-much")
        assert answer["Body"].read() == b"good"


def test_T188_every_fault_is_expected_to_do_something():
    assert {*EXPECTED, *CUT, "good", "says-too-much"} == set(FAULTS)


def test_R030_a_store_that_is_gone_is_told_at_once_and_found_again(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as reserved:
        port = reserved.getsockname()[1]
    with serving(tmp_path, port) as spawned:
        world = World(spawned)
        s3, codes, waits = world.client("s3"), [], []
        for _ in range(12):
            began = time.monotonic()
            with pytest.raises(ClientError) as refused:
                s3.get_object(Bucket=BUCKET, Key="good")
            waits.append(time.monotonic() - began)
            codes.append(refused.value.response["Error"]["Code"])
            assert "retry-after" in refused.value.response["ResponseMetadata"]["HTTPHeaders"]
        assert set(codes) == {"SlowDown"}
        assert max(waits) < 4
        assert "store.failed" in world.log()
        # The embedded store does not wait for it.
        world.client("s3").create_bucket(Bucket="embedded")
        world.client("s3").put_object(Bucket="embedded", Key="k", Body=b"v")
        with hostile_store(port):
            wait_until(lambda: answers(world), seconds=20)
            assert world.client("s3").get_object(Bucket=BUCKET, Key="good")["Body"].read() == b"good"


def answers(world):
    try:
        return world.client("s3").get_object(Bucket=BUCKET, Key="good")["Body"].read() == b"good"
    except ClientError:
        return False


def test_the_stores_credentials_are_in_no_log(over_hostile):
    assert SECRET_ACCESS_KEY not in over_hostile.log()


@pytest.mark.parametrize(
    ("key", "answer"),
    [
        ("forbids", (403, "AccessDenied")),
        ("says-nothing", SLOW_DOWN),
        ("storms", (500, "InternalError")),
        ("good", UNAVAILABLE),  # it knows no tags, and answers with the object
    ],
)
def test_what_a_store_does_not_tell_of_tags_lets_nobody_in(over_hostile, hostile, key, answer):
    condition = {"StringEquals": {"s3:ExistingObjectTag/class": "secret"}}
    policy = document(allow("*", "*"), allow("*", "*", condition, effect="Deny"))
    s3 = over_hostile.client_as("s3", *over_hostile.user(policy)[1:])
    before = len(hostile.heads)
    with pytest.raises(ClientError) as caught:
        s3.get_object(Bucket=BUCKET, Key=key)
    response = caught.value.response
    assert (response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"]) == answer
    assert all(b"?tagging " in head for head in hostile.heads[before:]), "nobody asked for the object"
    assert "tags.unknown" in over_hostile.log()
