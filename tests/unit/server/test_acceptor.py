import asyncio
import socket

from tests.unit.server.peer import Echo, connected

from onread.server.listener import serve

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
CROWD = 40


async def taken_in(listener):
    """In how many turns of the loop everybody was."""
    for turns in range(10 * CROWD):
        if listener.connection_count == CROWD:
            return turns
        await asyncio.sleep(0)
    raise AssertionError("not everybody was taken in")


def test_R042_everybody_who_waits_at_the_door_is_taken_in_within_a_few_turns(run):
    """libuv by itself takes one a turn, so that who comes new to a busy loop would wait for seconds."""

    async def main():
        async with serve(Echo()) as listener:
            crowd = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(CROWD)]
            assert await taken_in(listener) < CROWD / 2
            loop = asyncio.get_running_loop()
            for sock in crowd:
                sock.sendall(GET)
                sock.setblocking(False)
                async with asyncio.timeout(10):
                    assert (await loop.sock_recv(sock, 100)).startswith(b"HTTP/1.1 200")
                sock.close()

    run(main())


def test_those_taken_in_that_way_send_at_once_too(run):
    async def main():
        async with serve(Echo()) as listener:
            crowd = [socket.create_connection(("127.0.0.1", listener.port)) for _ in range(CROWD)]
            await taken_in(listener)
            for connection in listener._connections:
                sock = connection._transport.get_extra_info("socket")
                assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
            for sock in crowd:
                sock.close()

    run(main())


def test_after_a_drain_nobody_is_taken_in(run):
    async def main():
        async with serve(Echo()) as listener:
            async with connected(listener) as peer:
                peer.send(GET)
                assert (await peer.answer()).status == 200
                await listener.drain(1)
            with socket.socket() as late:
                late.settimeout(1)
                assert late.connect_ex(("127.0.0.1", listener.port)) != 0

    run(main())
