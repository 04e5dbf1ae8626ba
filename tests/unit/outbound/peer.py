"""A server that says exactly what a test tells it to, and what it was told."""

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager

from onread.outbound.client import Client
from onread.outbound.message import Limits, Origin, Outgoing
from onread.wire.message import Body, IteratorBody

QUICK = Limits(connect_seconds=0.5, first_byte_seconds=0.15, stall_seconds=0.15)
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Peer:
    """One connection as its server sees it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def head(self) -> bytes:
        return await self.reader.readuntil(b"\r\n\r\n")

    async def request(self) -> tuple[bytes, bytes]:
        """The head and the body of the next request; what came of the body when it was cut."""
        head = await self.head()
        length = re.search(rb"content-length: (\d+)", head, re.IGNORECASE)
        if length:
            try:
                return head, await self.reader.readexactly(int(length[1]))
            except asyncio.IncompleteReadError as cut:
                return head, cut.partial
        if b"transfer-encoding: chunked" in head.lower():
            return head, await self.reader.readuntil(b"0\r\n\r\n")
        return head, b""

    async def say(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    def cut(self) -> None:
        self.writer.transport.abort()


@asynccontextmanager
async def peer_serving(script, limits: Limits = QUICK, **of_client):
    """A client of a server that runs ``script(peer)`` for each connection, the first failing it."""
    failures, ended = [], asyncio.Event()

    async def serve(reader, writer):
        try:
            await script(Peer(reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client has gone
        except BaseException as failure:
            failures.append(failure)
            raise
        finally:
            writer.close()
            ended.set()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    client = Client(Origin(host="127.0.0.1", port=port), limits, **of_client)
    try:
        yield client
    finally:
        await client.close()
        server.close()
        assert not failures


def get(target: str = "/", method: str = "GET", body: Body | bytes = b"", **more) -> Outgoing:
    return Outgoing(
        method=method, target=target, headers=more.pop("headers", [("Host", "h")]), body=body, **more
    )


async def answer(client: Client, outgoing: Outgoing, limit_bytes: int = 1 << 20):
    """Status, headers and body of one exchange."""
    async with AsyncExitStack() as scope:
        response = await client.send(outgoing, scope)
        return response.status, response.headers, await response.body.read(limit_bytes)


def streamed(*chunks: bytes, length: int | None = None, then: BaseException | None = None) -> Body:
    async def generate():
        for chunk in chunks:
            yield chunk
        if then is not None:
            raise then

    return IteratorBody(generate(), length)


def generated(chunks) -> Body:
    """A body of what a generator function gives, its length unknown."""
    return IteratorBody(chunks(), None)
