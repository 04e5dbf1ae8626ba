"""A store that does what a key is named after: the faults of T-188 and R-030, over a raw socket."""

import asyncio
import contextlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field

ERROR = b"<?xml version='1.0'?><Error><Code>%s</Code><Message>m</Message>%s</Error>"


def _answer(status: bytes, body: bytes = b"", *headers: bytes, length: int | None = None) -> bytes:
    lines = [
        b"HTTP/1.1 " + status,
        *headers,
        b"Content-Length: %d" % (len(body) if length is None else length),
    ]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


def _refusal(status: bytes, code: bytes, more: bytes = b"") -> bytes:
    return _answer(status, ERROR % (code, more))


GOOD = _answer(b"200 OK", b"good", b'ETag: "e"')

# What is said, then what happens: the connection is closed, held, or fed for ever.
CLOSE, HOLD, FLOOD = "close", "hold", "flood"
FAULTS: dict[str, tuple[bytes, str]] = {
    # before the headers
    "closes-at-once": (b"", CLOSE),
    "says-nothing": (b"", HOLD),
    "half-a-head": (b"HTTP/1.1 200 OK\r\nContent-", CLOSE),
    "half-a-head-held": (b"HTTP/1.1 200 OK\r\nContent-", HOLD),
    "garbage": (b"\x00\x01SSH-2.0-x\r\n\r\n", CLOSE),
    "splits-a-header": (
        b"HTTP/1.1 200 OK\r\nx-amz-meta-a: b\rSet-Cookie: c\r\nContent-Length: 0\r\n\r\n",
        CLOSE,
    ),
    "nul-in-a-header": (b"HTTP/1.1 200 OK\r\nx-amz-meta-a: b\x00\r\nContent-Length: 0\r\n\r\n", CLOSE),
    "huge-header": (b"HTTP/1.1 200 OK\r\nx-a: " + b"a" * (1 << 20) + b"\r\nContent-Length: 0\r\n\r\n", CLOSE),
    "endless-headers": (b"HTTP/1.1 200 OK\r\n", FLOOD),
    "two-lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", CLOSE),
    "redirects": (_answer(b"307 Temporary Redirect", b"", b"Location: http://127.0.0.1:1/elsewhere"), HOLD),
    "moved": (
        _answer(b"301 Moved", ERROR % (b"PermanentRedirect", b""), b"Location: http://127.0.0.1:1/"),
        HOLD,
    ),
    "other-signature": (
        _refusal(b"403 Forbidden", b"SignatureDoesNotMatch", b"<StringToSign>s</StringToSign>"),
        HOLD,
    ),
    "other-clock": (_refusal(b"403 Forbidden", b"RequestTimeTooSkewed"), HOLD),
    "tells-the-key": (_refusal(b"400 Bad", b"Whatever", b"<K>STOREKEYSTOREKEY</K>"), HOLD),
    "endless-error": (b"HTTP/1.1 500 No\r\nTransfer-Encoding: chunked\r\n\r\n", FLOOD),
    "half-an-error": (_answer(b"500 No", b"<Error>", length=1000), CLOSE),
    # its own answers
    "storms": (_refusal(b"500 Internal Server Error", b"InternalError"), HOLD),
    "slows-down": (_refusal(b"503 Slow Down", b"SlowDown"), HOLD),
    "forbids": (_refusal(b"403 Forbidden", b"AccessDenied"), HOLD),
    "good": (GOOD, HOLD),
    # in the middle of the body
    "short-body": (_answer(b"200 OK", b"abc", length=1000), CLOSE),
    "paused-body": (_answer(b"200 OK", b"abc", length=1000), HOLD),
    "broken-chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nZZ\r\n", CLOSE),
    "unended-chunks": (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n", CLOSE),
    # behind it
    "says-too-much": (GOOD + GOOD, HOLD),
}


@dataclass
class HostileStore:
    """Where it listens, and what it was told: one head a request."""

    port: int = 0
    heads: list[bytes] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def asked_for(self, key: str) -> int:
        return sum(f"/{key} ".encode() in head.splitlines()[0] for head in self.heads)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                said, then = FAULTS.get(_key(head), (GOOD, HOLD))
                writer.write(said)
                await writer.drain()
                while then == FLOOD:
                    writer.write(b"400\r\n" + b"x" * 1024 + b"\r\n")
                    await writer.drain()
                if then == CLOSE:
                    break


def _key(head: bytes) -> str:
    return head.split()[1].decode().partition("?")[0].rpartition("/")[2]


@contextlib.contextmanager
def hostile_store(port: int = 0, host: str = "127.0.0.1") -> Iterator[HostileStore]:
    """It serves in a thread of its own; port 0 takes a free one."""
    store, ready, loop = HostileStore(), threading.Event(), asyncio.new_event_loop()

    async def main(ended: asyncio.Event) -> None:
        server = await asyncio.start_server(store._serve, host, port)
        store.port = server.sockets[0].getsockname()[1]
        ready.set()
        await ended.wait()
        server.close()
        serving = asyncio.all_tasks() - {asyncio.current_task()}
        for task in serving:
            task.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        await asyncio.sleep(0)  # transports that were closed say so in the loop's next turn

    ended = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(main(ended),))
    thread.start()
    assert ready.wait(5)
    try:
        yield store
    finally:
        loop.call_soon_threadsafe(ended.set)
        thread.join(10)
        loop.close()
