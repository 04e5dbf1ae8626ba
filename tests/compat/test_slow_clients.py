"""Attackers that take their time and floods of connections: good clients hardly notice."""

import json
import resource
import sys
from datetime import UTC, datetime

import psutil
import pytest
from tests.compat.conftest import World, wait_until
from tests.compat.scale import scaled
from tests.compat.slow_clients import Attack, answers, attacked, flooded, good_reads, within

from onread.cli.spawn import gateway
from onread.server.descriptors import raise_descriptor_limit

pytestmark = [pytest.mark.compat, pytest.mark.slow]

ATTACKERS = 1000
GOOD_REQUESTS = 2000
ACTIVE, ACTIVE_REQUESTS = scaled("ACTIVE", 16), scaled("ACTIVE_REQUESTS", 500)
DESCRIPTORS = 400
EVERYTHING = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
)
# A gateway that the kernel allows few descriptors; it could not allow itself more.
CONFINED = (
    sys.executable,
    "-c",
    f"import os, resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, ({DESCRIPTORS},) * 2); "
    "os.execv(sys.argv[1], sys.argv[1:])",
)


@pytest.fixture(autouse=True, scope="module")
def many_descriptors():
    """The attackers are this process."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if raise_descriptor_limit() < ATTACKERS + 500:
        pytest.skip("this process may not open a thousand sockets")
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def head(world, method, target, *lines):
    """The bytes of a head without its end."""
    host = f"Host: {world.endpoint.removeprefix('http://')}"
    return "".join(f"{line}\r\n" for line in (f"{method} {target} HTTP/1.1", host, *lines)).encode()


def target_of(world, url):
    return url.removeprefix(world.endpoint)


def slow_attacks(world, bucket):
    """Heads, bodies and reads; bodies of a good upload and of a document that nobody has signed."""
    large = target_of(world, world.presigned(bucket, "large"))
    key = {"Bucket": bucket, "Key": "slow"}
    upload = target_of(world, world.client("s3").generate_presigned_url("put_object", Params=key))
    now = datetime.now(UTC)
    authorization = (
        f"Authorization: AWS4-HMAC-SHA256 Credential=AKIAINVENTED/{now:%Y%m%d}/us-east-1/lambda/aws4_request"
        f", SignedHeaders=host;x-amz-date, Signature={'0' * 64}"
    )
    document = (authorization, f"x-amz-date: {now:%Y%m%dT%H%M%SZ}", "Content-Length: 200000")
    return [
        Attack(head(world, "GET", "/"), b"x-slow: 1\r\n"),
        Attack(head(world, "PUT", upload, "Content-Length: 1000000") + b"\r\n", b"x"),
        Attack(head(world, "POST", "/2015-03-31/functions", *document) + b"\r\n", b"x"),
        Attack(head(world, "GET", large) + b"\r\n", bytes_read=16),
    ]


def world_to_attack(own_world):
    world = own_world()
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="good", Body=b"g" * 1024)
    world.client("s3").put_object(Bucket=bucket, Key="large", Body=bytes(8 << 20))
    _, *pair = world.user(EVERYTHING)  # the attackers have the root's
    key = {"Bucket": bucket, "Key": "good"}
    return world, bucket, [world.client_as("s3", *pair).generate_presigned_url("get_object", Params=key)]


def test_T254_a_thousand_slow_clients_leave_good_ones_alone(own_world):
    world, bucket, urls = world_to_attack(own_world)
    quiet = good_reads(urls, count=GOOD_REQUESTS // 4)
    before = world.open_descriptors()
    with attacked(world.address, slow_attacks(world, bucket), ATTACKERS) as attackers:
        wait_until(lambda: world.open_descriptors() >= before + ATTACKERS * 0.95)
        good = good_reads(urls, count=GOOD_REQUESTS)
        health = answers(f"{world.gateway.admin_endpoint}/health/ready")
        assert world.open_descriptors() >= before + ATTACKERS * 0.95
    assert good.share >= 0.999, good.outcomes
    assert health
    print(f"p99 {quiet.p99_ms:.1f} ms quiet, {good.p99_ms:.1f} ms among {attackers.most_at_once} attackers")
    wait_until(lambda: world.open_descriptors() <= before + 4)


def is_told_to_slow_down(world):
    """Who comes while others are being told is closed without a word."""
    try:
        return b"<Code>SlowDown</Code>" in world.raw(b"")
    except ConnectionResetError:
        return False


def test_T255_a_flood_of_connections_leaves_health_alone_and_is_over_when_it_is_over(tmp_path):
    with gateway(tmp_path / "data", under=CONFINED) as spawned:
        world = World(spawned)
        bucket = world.bucket()
        world.client("s3").put_object(Bucket=bucket, Key="good", Body=b"good")
        url = world.presigned(bucket, "good")
        health = f"{spawned.admin_endpoint}/health/ready"
        before = world.open_descriptors()
        with flooded(world.address, 3 * DESCRIPTORS) as flood:
            assert len(flood.held) + flood.refused == 3 * DESCRIPTORS
            assert answers(health)
            assert answers(health)
            assert world.open_descriptors() < DESCRIPTORS - 32
            wait_until(lambda: is_told_to_slow_down(world))
        assert within(5, lambda: answers(url)) < 5
        wait_until(lambda: world.open_descriptors() <= before + 4)


def test_T255_without_a_single_descriptor_left_the_gateway_goes_on_accepting(own_world):
    """EMFILE itself: beyond every limit of ours, because something else took the descriptors."""
    world, _, urls = world_to_attack(own_world)
    process = psutil.Process(world.gateway.process.pid)
    allowed = process.rlimit(psutil.RLIMIT_NOFILE)
    process.rlimit(psutil.RLIMIT_NOFILE, (world.open_descriptors(), allowed[1]))
    try:
        with flooded(world.address, 50):
            assert not answers(urls[0])
    finally:
        process.rlimit(psutil.RLIMIT_NOFILE, allowed)
    assert within(5, lambda: answers(urls[0])) < 5
    assert good_reads(urls, count=40).share == 1


def test_R043_a_thousand_idle_connections_and_many_active_ones_cost_no_error(own_world):
    world, _, urls = world_to_attack(own_world)
    before = world.open_descriptors()
    with flooded(world.address, ATTACKERS) as idle:
        assert len(idle.held) == ATTACKERS
        found = good_reads(urls, count=ACTIVE_REQUESTS, lanes=ACTIVE)
        assert found.outcomes == {"200": found.outcomes.total()}
    wait_until(lambda: world.open_descriptors() <= before + 4)
