"""Bytes out and how they end, on a real socket."""

import asyncio
import socket
import struct
from contextlib import asynccontextmanager

from onread.server.sender import Sender

RESET_AT_CLOSE = struct.pack("ii", 1, 0)


@asynccontextmanager
async def a_sender_and_its_peer():
    """A sender on an accepted connection, and the plain socket at the other end."""
    loop = asyncio.get_running_loop()
    accepted = loop.create_future()

    class Accepting(asyncio.Protocol):
        def connection_made(self, transport):
            accepted.set_result(transport)

    server = await loop.create_server(Accepting, "127.0.0.1", 0)
    with socket.create_connection(server.sockets[0].getsockname()) as peer:
        transport = await accepted
        try:
            yield Sender(transport, loop, 1 << 16), peer
        finally:
            transport.abort()
            server.close()


def test_an_end_towards_a_peer_that_has_reset_ends_quietly(run):
    async def main():
        async with a_sender_and_its_peer() as (sender, peer):
            peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_AT_CLOSE)
            peer.close()
            sender.finish()

    run(main())
