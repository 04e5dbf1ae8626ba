"""A client that sends exactly the bytes it is given, and handlers that note what they saw."""

import asyncio
import ssl
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field

from onread.server.limits import DEFAULT_LIMITS
from onread.server.listener import serve
from onread.server.tls import Certificates
from onread.wire.message import Request, Response

PATIENCE_SECONDS = 10

# What listeners show and what peers trust, where the tests of a module run over TLS.
TLS: ContextVar[tuple[Certificates, ssl.SSLContext] | None] = ContextVar("TLS", default=None)


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


class Peer:
    """One raw connection; every wait is bounded."""

    def __init__(self, reader, writer):
        self.reader = reader
        self.writer = writer

    def send(self, content: bytes) -> None:
        self.writer.write(content)

    async def answer(self, *, bodiless: bool = False) -> Answer:
        async with asyncio.timeout(PATIENCE_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            status_line, *lines = head[:-4].decode("latin-1").split("\r\n")
            headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
            body = b"" if bodiless else await self._body(headers)
        return Answer(int(status_line.split(" ")[1]), headers, body)

    async def _body(self, headers) -> bytes:
        if headers.get("transfer-encoding") == "chunked":
            return b"".join([chunk async for chunk in self._chunks()])
        if "content-length" in headers:
            return await self.reader.readexactly(int(headers["content-length"]))
        return await self.reader.read()

    async def _chunks(self):
        while True:
            size = int(await self.reader.readline(), 16)
            chunk = await self.reader.readexactly(size + 2)
            if not size:
                return
            yield chunk[:-2]

    async def exactly(self, size: int) -> bytes:
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.readexactly(size)

    async def rest(self) -> bytes:
        """Everything up to the end of the connection."""
        async with asyncio.timeout(PATIENCE_SECONDS):
            return await self.reader.read()

    async def is_reset(self) -> bool:
        """Whether the connection ends; True when by a reset."""
        try:
            await self.rest()
        except ConnectionResetError:
            return True
        return False

    async def close(self) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return


@asynccontextmanager
async def connected(listener):
    """A raw connection to a listener."""
    tls = TLS.get()
    trusted = tls[1] if tls else None
    peer = Peer(*await asyncio.open_connection("127.0.0.1", listener.port, limit=1 << 20, ssl=trusted))
    try:
        yield peer
    finally:
        await peer.close()


@dataclass
class Echo:
    """Answers with what it was asked and the body it read; notes every request."""

    seen: list[Request] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @asynccontextmanager
    async def __call__(self, request: Request):
        self.seen.append(request)
        body = await request.body.read(64 << 20)
        self.bodies.append(body)
        yield Response(
            status=200, body=b"%b %b:%b" % (request.method.encode(), request.target.encode(), body)
        )


@asynccontextmanager
async def served(handler, limits=DEFAULT_LIMITS):
    """A listener and one connection to it."""
    tls = TLS.get()
    shown = tls[0] if tls else None
    async with serve(handler, limits=limits, certificates=shown) as listener, connected(listener) as peer:
        yield listener, peer
