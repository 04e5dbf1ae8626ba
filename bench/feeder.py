"""The ceiling: feeds invocations to every runtime that asks, with nothing else to do.

Runtime API, object and WriteGetObjectResponse on one port, no signature looked at, no caller to serve.
What a gateway can reach with the same function on the same machine is a share of this.

    python -m bench.feeder OBJECT_BYTES     prints its port; then, for each line N, feeds N events and
                                            prints one line of JSON
"""

import asyncio
import contextlib
import json
import resource
import sys
import time
from base64 import urlsafe_b64encode
from collections import deque
from typing import cast

import httptools

from onread.server.loop import run

TOKEN = urlsafe_b64encode(b"t" * 320).decode()
SESSION = urlsafe_b64encode(b"s" * 480).decode()


def event(port: int) -> bytes:
    """An event as long as a real one."""
    query = f"X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Security-Token={SESSION}&X-Amz-Signature={'0' * 64}"
    return json.dumps(
        {
            "xAmzRequestId": "r" * 36,
            "getObjectContext": {
                "inputS3Url": f"http://127.0.0.1:{port}/object?{query}",
                "outputRoute": "io-00000000",
                "outputToken": TOKEN,
            },
            "configuration": {
                "accessPointArn": "arn:aws:s3-object-lambda:us-east-1:000000000000:accesspoint/once",
                "supportingAccessPointArn": "arn:aws:s3:us-east-1:000000000000:accesspoint/once-supporting",
                "payload": "",
            },
            "userRequest": {"url": "/photos/a.jpg", "headers": {"Host": "127.0.0.1"}},
            "userIdentity": {"type": "Root", "arn": "arn:aws:iam::000000000000:root"},
            "protocolVersion": "1.00",
        }
    ).encode()


def answer(status: bytes, headers: bytes, body: bytes) -> bytes:
    """One message, whole."""
    return b"HTTP/1.1 %b\r\n%bContent-Length: %d\r\n\r\n%b" % (status, headers, len(body), body)


class Feeder:
    """What is to be fed, and to whom."""

    def __init__(self, object_bytes: int) -> None:
        self.object = answer(b"200 OK", b"Content-Type: text/plain\r\n", b"a" * object_bytes)
        self.written = answer(b"200 OK", b"x-amz-request-id: 1\r\n", b"")
        self.accepted = answer(b"202 Accepted", b"Content-Type: application/json\r\n", b'{"status":"OK"}\n')
        self.next = b""
        self.wanted = 0
        self.running = 0
        self.waiting: deque[asyncio.Transport] = deque()
        self.done = asyncio.Event()

    def open(self, port: int) -> None:
        """The event names our own port."""
        headers = (
            b"Content-Type: application/json\r\n"
            b"Lambda-Runtime-Aws-Request-Id: %d\r\n"
            b"Lambda-Runtime-Deadline-Ms: 9999999999999\r\n"
            b"Lambda-Runtime-Invoked-Function-Arn: arn:aws:lambda:us-east-1:000000000000:function:once\r\n"
            b"Lambda-Runtime-Trace-Id: Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;"
            b"Parent=9a9197af755a6419;Sampled=0\r\n"
        )
        self.next = answer(b"200 OK", headers, event(port).replace(b"%", b"%%"))

    def asks(self, transport: asyncio.Transport) -> None:
        """A runtime wants its next event."""
        self.waiting.append(transport)
        self.feed()

    def feed(self) -> None:
        """Hand out what is wanted to whoever waits."""
        while self.wanted and self.waiting:
            self.wanted -= 1
            self.running += 1
            self.waiting.popleft().write(self.next % self.wanted)

    def returned(self) -> None:
        """A run is over."""
        self.running -= 1
        if not (self.wanted or self.running):
            self.done.set()


class Connection(asyncio.Protocol):
    """One connection of a function."""

    def __init__(self, feeder: Feeder) -> None:
        self.feeder = feeder
        self.url = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)
        self.parser = httptools.HttpRequestParser(self)

    def connection_lost(self, exc: Exception | None) -> None:
        with contextlib.suppress(ValueError):
            self.feeder.waiting.remove(self.transport)
        del self.parser

    def data_received(self, data: bytes) -> None:
        self.parser.feed_data(data)

    def on_url(self, url: bytes) -> None:
        self.url = url

    def on_header(self, name: bytes, value: bytes) -> None:
        if name.lower() == b"expect":
            self.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")

    def on_message_complete(self) -> None:
        if self.url.endswith(b"/next"):
            self.feeder.asks(self.transport)
        elif self.url.startswith(b"/object"):
            self.transport.write(self.feeder.object)
        elif self.url.endswith(b"WriteGetObjectResponse"):
            self.transport.write(self.feeder.written)
        else:
            self.transport.write(self.feeder.accepted)
            self.feeder.returned()


async def feed(feeder: Feeder, count: int) -> dict[str, float]:
    """Feed so many events; how fast that went."""
    feeder.done.clear()
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    feeder.wanted = count
    feeder.feed()
    await feeder.done.wait()
    after, seconds = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter() - began
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"per_second": count / seconds, "feeder_cpu_us": cpu / count * 1e6}


async def main() -> None:
    """Serve until the input ends."""
    loop = asyncio.get_running_loop()
    feeder = Feeder(int(sys.argv[1]))
    server = await loop.create_server(lambda: Connection(feeder), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    feeder.open(port)
    print(port, flush=True)
    while line := await asyncio.to_thread(sys.stdin.readline):
        print(json.dumps(await feed(feeder, int(line))), flush=True)


if __name__ == "__main__":
    run(main)
