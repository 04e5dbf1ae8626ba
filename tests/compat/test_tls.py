"""HTTPS at the front door, and client certificates at the admin's (front door: TLS)."""

import itertools
import json
import signal
import ssl
import subprocess
import threading
import urllib.error
import urllib.request
from urllib.parse import urlsplit

import pytest
from tests.compat.conftest import World, wait_until
from tests.fakes.authority import Authority

from onread.cli.spawn import DidNotStart

pytestmark = [pytest.mark.compat, pytest.mark.slow]
SECURE_ONLY = """{"Version": "2012-10-17", "Statement": [{
    "Effect": "Allow", "Action": "s3:*", "Resource": "*",
    "Condition": {"Bool": {"aws:SecureTransport": "%s"}}
}]}"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture
def secure_world(own_world, authority):
    """Gateways that speak TLS, and clients that trust the authority."""

    def start(name="server", **environment: str) -> World:
        files = authority.sign(name)
        pair = {"ONREAD_TLS_CERT": str(files.certificate), "ONREAD_TLS_KEY": str(files.key)}
        world = own_world(**pair, **environment)
        world.ca_file = authority.ca_file
        return world

    return start


def shown_certificate(world):
    host, port = urlsplit(world.endpoint).netloc.split(":")
    return ssl.get_server_certificate((host, int(port)))


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
def test_a_reader_gets_what_the_function_made_over_https(secure_world, loop):
    world = secure_world(ONREAD_LOOP=loop)
    assert world.endpoint.startswith("https://")
    s3, bucket = world.client("s3"), world.bucket()
    large = bytes(range(256)) * (16 << 10)
    s3.put_object(Bucket=bucket, Key="large", Body=large)
    assert s3.get_object(Bucket=bucket, Key="large")["Body"].read() == large
    s3.put_object(Bucket=bucket, Key="a", Body=b"dear reader")
    alias = world.olap(bucket, world.function("uppercase"))
    assert s3.get_object(Bucket=alias, Key="a")["Body"].read() == b"DEAR READER"


def test_curl_reads_a_presigned_url_over_https(secure_world, authority):
    world = secure_world()
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="a", Body=b"dear reader")
    command = ["curl", "--silent", "--show-error", "--fail", "--max-time", "20"]
    url = world.presigned(bucket, "a")
    read = subprocess.run([*command, "--cacert", authority.ca_file, url], capture_output=True, check=True)
    assert read.stdout == b"dear reader"
    stranger = subprocess.run([*command, url], capture_output=True, check=False)
    assert stranger.returncode == 60  # the certificate is nobody's that curl knows


def test_T206_secure_transport_is_what_the_socket_says(secure_world, world):
    secure = secure_world()
    for place, is_secure in ((secure, "true"), (world, "false")):
        bucket = place.bucket()
        place.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
        for demanded in ("true", "false"):
            _, key_id, secret = place.user(SECURE_ONLY % demanded)
            s3 = place.client_as("s3", key_id, secret)
            if demanded == is_secure:
                assert s3.get_object(Bucket=bucket, Key="a")["Body"].read() == b"x"
            else:
                with pytest.raises(s3.exceptions.ClientError, match="AccessDenied"):
                    s3.get_object(Bucket=bucket, Key="a")


@pytest.mark.parametrize("told_by", ["SIGHUP", "the files"])
def test_R055_a_certificate_is_rotated_under_load_and_nobody_notices(secure_world, authority, told_by):
    world = secure_world(f"rotated-{told_by.replace(' ', '-')}")
    s3, bucket = world.client("s3"), world.bucket()
    s3.put_object(Bucket=bucket, Key="a", Body=b"x" * 100_000)
    url, context = world.presigned(bucket, "a"), authority.client_context()
    stop, failures, read = threading.Event(), [], itertools.count()

    def load():
        while not stop.is_set():
            try:
                with urllib.request.urlopen(url, timeout=20, context=context) as answer:
                    assert len(answer.read()) == 100_000
                next(read)
            except (OSError, AssertionError) as error:
                failures.append(error)

    before = shown_certificate(world)
    threads = [threading.Thread(target=load) for _ in range(2)]
    for thread in threads:
        thread.start()
    try:
        authority.sign(f"rotated-{told_by.replace(' ', '-')}")
        if told_by == "SIGHUP":
            world.gateway.process.send_signal(signal.SIGHUP)
        wait_until(lambda: shown_certificate(world) != before, seconds=20)
    finally:
        stop.set()
        for thread in threads:
            thread.join()
    assert failures == []
    assert next(read) > 0


def test_R055_a_broken_newer_pair_is_told_and_the_older_one_stays(secure_world):
    world = secure_world("broken")
    before = shown_certificate(world)
    key = world.ca_file.parent / "broken-key.pem"
    key.write_bytes(b"half a ke")
    world.gateway.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "tls.refused" in world.log())
    assert shown_certificate(world) == before


def test_the_admin_listener_lets_in_who_shows_a_certificate(secure_world, authority, tmp_path):
    world = secure_world(ONREAD_ADMIN_CLIENT_CA=str(authority.ca_file))
    url = f"{world.gateway.admin_endpoint}/health/ready"
    assert url.startswith("https://")
    known = authority.client_context(authority.sign("operator"))
    with urllib.request.urlopen(url, timeout=20, context=known) as answer:
        assert answer.status == 200
    unknown = authority.client_context(Authority(tmp_path, "strangers").sign("stranger"))
    for context in (authority.client_context(), unknown):
        with pytest.raises(OSError):
            urllib.request.urlopen(url, timeout=20, context=context)
    world.bucket()  # callers need none


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"ONREAD_TLS_CERT": "missing.pem", "ONREAD_TLS_KEY": "missing.pem"}, "No such file or directory"),
        ({"ONREAD_TLS_CERT": "missing.pem"}, "give both or neither"),
        ({"ONREAD_TRUSTED_PROXIES": "proxy"}, "write addresses or networks"),
        ({"ONREAD_LOOP": "libev"}, "write auto, asyncio or uvloop"),
    ],
)
def test_R052_settings_that_cannot_serve_end_the_start_in_one_line(own_world, settings, why):
    with pytest.raises(DidNotStart) as caught:
        own_world(**settings)
    (line,) = str(caught.value).strip().splitlines()
    assert line.startswith("onread: ")
    assert why in line


def test_T206_a_trusted_proxy_tells_who_the_caller_is_and_nobody_else_does(own_world):
    condition = {"IpAddress": {"aws:SourceIp": "192.0.2.7"}, "Bool": {"aws:SecureTransport": "true"}}
    allowed = {"Effect": "Allow", "Action": "s3:*", "Resource": "*", "Condition": condition}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    told = {"X-Forwarded-For": "198.51.100.1, 192.0.2.7, 127.0.0.1", "X-Forwarded-Proto": "https"}
    for trusted, expected in (({"ONREAD_TRUSTED_PROXIES": "127.0.0.0/8"}, 200), ({}, 403)):
        world = own_world(**trusted)
        bucket = world.bucket()
        world.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
        _, key_id, secret = world.user(policy)
        url = world.client_as("s3", key_id, secret).generate_presigned_url(
            "get_object", Params={"Bucket": bucket, "Key": "a"}
        )
        try:
            with urllib.request.urlopen(urllib.request.Request(url, headers=told), timeout=20) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        assert status == expected


def test_a_public_url_is_what_access_points_tell(own_world):
    world = own_world(ONREAD_PUBLIC_URL="https://s3.example.com:8443")
    made = world.access_point(world.bucket())
    told = world.client("s3control").get_access_point(AccountId="000000000000", Name=made["Name"])
    assert told["Endpoints"] == {"ipv4": "s3.example.com:8443"}
