"""What the gateway logs of hostile requests: one record a line, and who was refused."""

import json
from urllib.parse import quote

import pytest
from tests.compat.conftest import wait_until
from tests.compat.wire import (
    Key,
    send,
    send_signed,
)

pytestmark = [pytest.mark.compat, pytest.mark.slow]
HOSTILE = '\r\n{"event": "forged"}\x1b[31m\x00\u2028{"event": "forged"}\x85\x9b\u202e'


def test_T291_what_callers_and_functions_say_stays_inside_its_record(own_world):
    world = own_world(ONREAD_LOG_LEVEL="debug")
    bucket = world.bucket()
    _, alias = world.olap_over(world.access_point(bucket), world.function("tells_all"))
    encoded = quote(HOSTILE)
    world.client("s3").put_object(Bucket=bucket, Key=HOSTILE, Body=b"x")
    paths = [
        f"/{bucket}/{encoded}",
        f"/{bucket}/%0a%0d%ff",
        f"/{bucket}/%c0%80",
        f"/{encoded}/k",
        f"/{alias}/{encoded}",
    ]
    for path in paths:
        send_signed(world, "GET", path)
        send(world, "GET", path)
    hostile_headers = [
        ("user-agent", "\u2028\x1b[2J\xff"),
        ("referer", '"} {"event": "forged"}'),
        ("x-a", "\x85"),
    ]
    send(world, "GET", f"/{bucket}/k", hostile_headers)
    raw = b"GET /\x1b[2J HTTP/1.1\r\nHost: \x0b\xff\r\nUser-Agent: a\rb\r\n\r\n"
    world.raw(raw)
    wait_until(lambda: world.log().count("request.done") >= 2 * len(paths))
    log = world.gateway.log_file.read_bytes()
    lines = log.decode().split("\n")
    assert lines == [*log.decode().splitlines(), ""], "somebody would read one record as two"
    for line in lines[:-1]:
        assert json.loads(line)["event"] != "forged"
        assert line.isprintable(), line


def test_T296_the_request_id_is_ours_and_a_refusal_says_who(world):
    bucket = world.bucket()
    name, access_key_id, secret = world.user()
    chosen = [("x-amz-request-id", "chosen-by-caller"), ("x-amz-id-2", "chosen-by-caller")]
    answer = send_signed(world, "GET", f"/{bucket}/k", key=Key(access_key_id, secret), headers=chosen)
    assert answer.refusal == ("AccessDenied", 403)
    request_id = answer.headers["x-amz-request-id"]

    def records():
        return [json.loads(line) for line in world.log().splitlines() if request_id in line]

    wait_until(lambda: any(each["event"] == "request.done" for each in records()))
    (done,) = [each for each in records() if each["event"] == "request.done"]
    assert done["caller"].endswith(f":user/{name}")
    assert (done["operation"], done["status"], done["error_code"]) == ("GetObject", 403, "AccessDenied")
    assert done["peer"] == "127.0.0.1"
    assert "chosen-by-caller" not in world.log()
