"""What nobody known may cause: headers of an answer, lines in the log, files of the admin listener, forms."""

import asyncio
import json
from dataclasses import replace

import pytest
from tests.fakes.road import ACCOUNT, HOST, open_road, request

from onread.gateway.line_limit import LINES_PER_SECOND
from onread.server.listener import serve
from onread.telemetry.health import admin_handler
from onread.wire.message import BytesBody, IteratorBody

ROOT = f"arn:aws:iam::{ACCOUNT}:root"
FORM = "multipart/form-data; boundary=%s"


def run(tmp_path, story, **options):
    async def told():
        async with asyncio.timeout(60), open_road(tmp_path / "data", **options) as road:
            await road.call("PUT", "/bucket")
            await road.call("PUT", "/bucket/key", b"content")
            return await story(road)

    return asyncio.run(told())


def unsigned(method, target, body=None, headers=()):
    return request(method, target, body or BytesBody(b""), [("Host", HOST), *headers])


@pytest.mark.parametrize("name", ["content-type", "content-disposition", "cache-control", "expires"])
def test_T065_an_answers_headers_are_chosen_in_signed_requests_alone(tmp_path, name):
    value = "Thu%2C%2001%20Jan%202026%2000%3A00%3A00%20GMT" if name == "expires" else "text%2Fhtml"
    target = f"/bucket/key?response-{name}={value}"

    async def story(road):
        stranger = await road.send(unsigned("GET", target))
        return stranger, await road.call("GET", target), road.store.calls[-1].params

    stranger, root, params = run(tmp_path, story)
    assert (stranger.status, stranger.code) == (400, "InvalidRequest")
    assert b"cannot be used for anonymous GET requests" in stranger.body
    assert root.status == 200
    assert any(member.startswith("Response") for member in params)


class CountingLog:
    def __init__(self):
        self.lines = []

    def info(self, event, **fields):
        self.lines.append((event, fields))

    warning = info


def test_T258_a_storm_of_bad_requests_writes_a_bounded_number_of_lines_and_known_callers_all(tmp_path):
    async def storm(road):
        log, loop = CountingLog(), asyncio.get_running_loop()
        road.pipeline = replace(road.pipeline, log=log)
        began = loop.time()
        for number in range(3000):
            await road.send(unsigned("GET", f"/bucket/{number}"))
        seconds = loop.time() - began
        for _ in range(200):
            await road.call("GET", "/bucket/none")
        return log.lines, seconds

    lines, seconds = run(tmp_path, storm)
    strangers = [fields for event, fields in lines if event == "request.done" and fields["caller"] != ROOT]
    known = [fields for event, fields in lines if event == "request.done" and fields["caller"] == ROOT]
    assert len(strangers) <= LINES_PER_SECOND * (int(seconds) + 2)
    assert len(known) == 200


async def endless(piece):
    sent = 0
    while True:
        sent += len(piece)
        assert sent < 1 << 20, "a form that nobody asked for is being read"
        yield piece


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize(
    ("boundary", "piece"),
    [
        ("b", b"--b\r\nContent-Disposition: form-data; name=a\r\n\r\nv\r\n" * 1000),
        ("b", b"x" * 65536),
        ("b", b"--b\r\nContent-Disposition: form-data; name=file; filename=../../etc/passwd\r\n\r\n" * 500),
        ("b", b"--b\r\n" + b"X-Header: y\r\n" * 5000),
        ("b" * 10_000, b"--" + b"b" * 10_000),
    ],
    ids=["many fields", "preamble", "file names", "part headers", "boundary"],
)
def test_T252_a_form_is_refused_unread(tmp_path, signed, boundary, piece):
    async def story(road):
        headers = (("Content-Type", FORM % boundary),)
        body = IteratorBody(endless(piece), None)
        if signed:
            answer = await road.call(
                "POST", "/bucket", payload=body, headers=headers, payload_hash="UNSIGNED-PAYLOAD"
            )
        else:
            answer = await road.send(unsigned("POST", "/bucket", body, headers))
        return answer, [call.operation for call in road.store.calls]

    answer, calls = run(tmp_path, story)
    assert answer.status in (403, 405, 501)
    assert set(calls) <= {"CreateBucket", "PutObject"}


# The admin listener

OUTSIDE = [
    "/",
    "/index.html",
    "/static/../../../../etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "//etc/passwd",
    "/C:/windows/win.ini",
    "/static/%00",
    "/health/../metrics",
    "/health/ready/",
    "/METRICS",
]


def test_T055_the_admin_listener_gives_no_file_and_the_same_answer_to_every_other_path():
    async def ask(port, path):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n".encode())
        answer = await reader.read()
        writer.close()
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.split(b" ")[1], body

    async def main():
        async with serve(admin_handler(lambda: b"metrics", lambda: True)) as listener:
            assert await ask(listener.port, "/metrics") == (b"200", b"metrics")
            return {await ask(listener.port, path) for path in OUTSIDE}

    ((status, body),) = asyncio.run(main())
    assert status == b"404"
    assert b"passwd" not in body


@pytest.mark.parametrize("prefix", ["%2Fsecret%2F", "secret%2F%2F", "%2F%2Fsecret%2F", "%5Csecret%2F", "%2F"])
def test_a_prefix_is_asked_about_as_its_store_may_read_it(tmp_path, prefix):
    """SeaweedFS lists ``secret/`` when it is asked for ``/secret/``, and everything for ``/``."""
    listing = {"Action": "s3:ListBucket", "Resource": "*"}
    condition = {"StringLike": {"s3:prefix": ["secret/*", ""]}}
    policy = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [
                {"Effect": "Allow", **listing},
                {"Effect": "Deny", **listing, "Condition": condition},
            ],
        }
    )

    async def story(road):
        key = await road.user("lister", policy)
        embedded = await road.call("GET", f"/bucket?list-type=2&prefix={prefix}", key=key)
        authorizer = replace(road.pipeline.authorize, forwards=lambda _bucket: True)
        road.pipeline = replace(road.pipeline, authorize=authorizer)
        forwarded = await road.call("GET", f"/bucket?list-type=2&prefix={prefix}", key=key)
        plain = await road.call("GET", "/bucket?list-type=2&prefix=open%2F", key=key)
        return embedded.status, forwarded.status, plain.status

    is_plain_secret = prefix.startswith("secret")
    assert run(tmp_path, story) == (403 if is_plain_secret else 200, 403, 200)
