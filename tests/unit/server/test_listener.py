"""Accepting, bounding, draining and ending."""

import asyncio
import socket
from contextlib import asynccontextmanager

import pytest

from onread.server.limits import Limits
from onread.server.listener import serve
from onread.wire.message import Response

from .peer import Echo, connected, served
from .test_connection import until

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


@asynccontextmanager
async def held():
    """A handler that answers when it is let, and tells that it was asked."""
    asked, let = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def handler(request):
        if request.method != "OPTIONS":
            asked.set()
            await let.wait()
        yield Response(status=200, body=b"done")

    yield handler, asked, let


def test_a_drain_closes_idle_connections_at_once_and_lets_busy_ones_end(run):
    async def main():
        async with held() as (handler, asked, let), served(handler) as (listener, busy):
            async with connected(listener) as idle:
                idle.send(b"OPTIONS" + GET[3:])
                assert (await idle.answer()).status == 200
                busy.send(GET)
                await asked.wait()
                async with asyncio.TaskGroup() as tasks:
                    tasks.create_task(listener.drain(10))
                    assert await idle.rest() == b""
                    let.set()
                    answer = await busy.answer()
                    assert (answer.body, answer.headers["connection"]) == (b"done", "close")
                    assert await busy.rest() == b""
            assert listener.connection_count == 0
            with pytest.raises(ConnectionRefusedError):
                await asyncio.open_connection("127.0.0.1", listener.port)

    run(main())


def test_a_drain_waits_for_a_head_that_has_begun(run):
    async def main():
        async with served(Echo()) as (listener, peer):
            peer.send(GET + GET[:-2])
            assert (await peer.answer()).status == 200
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(listener.drain(10))
                await asyncio.sleep(0)
                peer.send(GET[-2:])
                assert (await peer.answer()).headers["connection"] == "close"

    run(main())


def test_a_drain_lets_a_connection_just_made_send_its_first_request(run):
    async def main():
        async with served(Echo()) as (listener, _), connected(listener) as new, asyncio.TaskGroup() as tasks:
            tasks.create_task(listener.drain(10))
            await until(lambda: listener.connection_count == 2)
            new.send(GET)
            answer = await new.answer()
            assert (answer.status, answer.headers["connection"]) == (200, "close")

    run(main())


def test_a_drain_does_not_wait_for_a_connection_that_never_speaks(run):
    async def main():
        async with served(Echo(), Limits(linger_seconds=0.05)) as (listener, peer):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(listener.drain(10))
                assert await peer.rest() == b""
            assert listener.connection_count == 0

    run(main())


def test_a_drain_cuts_what_has_not_ended_in_time(run):
    async def main():
        async with held() as (handler, asked, _), served(handler) as (listener, peer):
            peer.send(GET)
            await asked.wait()
            await listener.drain(0.01)
            assert listener.connection_count == 0
            assert await peer.is_reset()

    run(main())


def test_leaving_the_scope_cancels_what_is_in_progress(run):
    async def main():
        closed = []

        @asynccontextmanager
        async def handler(request):
            asked.set()
            try:
                await asyncio.Event().wait()
                yield Response(status=200)
            finally:
                closed.append(request.target)

        asked = asyncio.Event()
        async with served(handler) as (_, peer):
            peer.send(GET)
            await asked.wait()
        assert closed == ["/a"]
        assert len(asyncio.all_tasks()) == 1

    run(main())


def test_an_error_inside_the_scope_comes_out_as_itself(run):
    async def main():
        with pytest.raises(KeyError):
            async with serve(Echo()):
                raise KeyError("mine")

    run(main())


def test_one_connection_too_many_is_told_to_slow_down(run):
    async def main():
        async with served(Echo(), Limits(connections=1)) as (listener, peer):
            peer.send(GET)
            assert (await peer.answer()).status == 200
            async with connected(listener) as other:
                answer = await other.answer()
                assert answer.status == 503
                assert answer.headers["retry-after"] == "1"
                assert b"<Code>SlowDown</Code>" in answer.body
                assert await other.rest() == b""
            peer.send(GET)
            assert (await peer.answer()).status == 200

    run(main())


def test_T255_a_flood_holds_no_more_connections_than_the_limit_and_those_being_refused(run):
    async def main():
        async with served(Echo(), Limits(connections=1, refused_connections=2)) as (listener, peer):
            peer.send(GET)
            assert (await peer.answer()).status == 200
            async with connected(listener) as one, connected(listener) as two, connected(listener) as three:
                assert [(await other.answer()).status for other in (one, two)] == [503, 503]
                assert await three.is_reset()
                assert listener.connection_count <= 3
            peer.send(GET)
            assert (await peer.answer()).status == 200

    run(main())


def test_a_socket_may_be_handed_in(run):
    async def main():
        sock = socket.create_server(("127.0.0.1", 0))
        port = sock.getsockname()[1]
        async with serve(Echo(), sock=sock) as listener, connected(listener) as peer:
            assert listener.port == port
            peer.send(GET)
            assert (await peer.answer()).status == 200

    run(main())


def test_every_answer_says_when_and_by_whom(run):
    async def main():
        @asynccontextmanager
        async def handler(request):
            yield Response(status=200, headers=[("Date", "x"), ("Connection", "y"), ("Content-Length", "9")])

        async with served(handler) as (_, peer):
            peer.send(GET)
            answer = await peer.answer()
        assert answer.headers["date"].endswith(" GMT")
        assert answer.headers["server"] == "onread"
        assert answer.headers["content-length"] == "0"
        assert "connection" not in answer.headers

    run(main())


def test_small_answers_are_sent_at_once(run):
    async def main():
        async with served(Echo()) as (listener, peer):
            peer.send(GET)
            await peer.answer()
            (connection,) = listener._connections
            sock = connection._transport.get_extra_info("socket")
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)

    run(main())
