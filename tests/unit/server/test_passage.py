"""A connection whose request another process answers goes there, plain or under TLS, on either loop."""

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager

import pytest
from tests.fakes.authority import Authority

from onread.server.listener import serve
from onread.server.passage import Passage
from onread.server.tls import Certificates
from onread.wire.message import Response

from .peer import Peer


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(params=["plain", "tls"])
def terms(request, authority):
    """What listeners show, and what peers trust."""
    if request.param == "plain":
        return None, None
    return Certificates(authority.sign("server")), authority.client_context()


class Process:
    """What stands for a process: a listener with a door, and a handler that says who it is."""

    def __init__(self, name):
        self.name = name
        self.bodies = []
        self.began = asyncio.Event()
        self.go_on = asyncio.Event()
        self.go_on.set()

    @asynccontextmanager
    async def handle(self, request):
        self.began.set()
        await self.go_on.wait()
        body = b"".join([chunk async for chunk in request.body])
        self.bodies.append(body)
        about = f"{self.name} {request.target} {request.scheme} {request.peer} {len(body)}"
        yield Response(status=200, body=about.encode())


@asynccontextmanager
async def two(folder, terms):
    """Processes ``a`` and ``b``; a request goes where its header ``To`` says."""
    async with AsyncExitStack() as stack:
        made = []
        for name in ("a", "b"):
            process = Process(name)

            def destination(request, name=name):
                to = request.headers.get("to")
                return to if to != name else None

            passage = Passage(folder, name, destination)
            process.listener = await stack.enter_async_context(
                serve(process.handle, certificates=terms[0], passage=passage)
            )
            passage.open(process.listener)
            stack.callback(passage.close)
            made.append(process)
        yield made


@asynccontextmanager
async def connected(process, terms):
    name = "localhost" if terms[1] else None
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", process.listener.port, ssl=terms[1], server_hostname=name
    )
    peer = Peer(reader, writer)
    try:
        yield peer
    finally:
        await peer.close()


def request(to, body=b"", *, more=b"", target="/x"):
    head = f"POST {target} HTTP/1.1\r\nHost: localhost\r\n" + (f"To: {to}\r\n" if to else "")
    return head.encode() + more + b"Content-Length: %d\r\n\r\n" % len(body) + body


def scheme(terms):
    return b"https" if terms[0] else b"http"


def test_R049_a_request_is_answered_where_it_belongs_whatever_of_it_had_come(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, _):
            for size in (0, 1, 1000, 100_000, 3_000_000):
                async with connected(a, terms) as peer:
                    peer.send(request("b", b"m" * size))
                    answer = await peer.answer()
                    assert answer.body == b"b /x %b 127.0.0.1 %d" % (scheme(terms), size)
            assert not a.bodies

    run(main())


def test_a_connection_goes_there_and_back_as_its_requests_demand(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, b), connected(a, terms) as peer:
            for turn, to in enumerate(("a", "b", "b", None, "a", "b")):
                peer.send(request(to, b"m" * turn, target=f"/{turn}"))
                answer = await peer.answer()
                assert answer.body.startswith(b"%b /%d " % ((to or "b").encode(), turn))
            assert a.listener.connection_count <= 2
            assert len(a.bodies) + len(b.bodies) == 6

    run(main())


def test_the_body_that_a_client_holds_back_is_asked_for_by_who_reads_it(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, _), connected(a, terms) as peer:
            head = request("b", b"12345", more=b"Expect: 100-continue\r\n")
            peer.send(head[:-5])
            assert await peer.exactly(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            peer.send(head[-5:])
            assert (await peer.answer()).body.startswith(b"b ")

    run(main())


def test_a_chunked_body_cut_anywhere_arrives_whole(run, tmp_path, terms):
    whole = request("b")[:-21] + b"Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"
    assert b"Content-Length" not in whole

    async def main():
        async with two(tmp_path, terms) as (a, b):
            for cut in range(1, len(whole), 7):
                async with connected(a, terms) as peer:
                    peer.send(whole[:cut])
                    await peer.writer.drain()
                    await asyncio.sleep(0)
                    peer.send(whole[cut:])
                    assert (await peer.answer()).status == 200
            assert set(b.bodies) == {b"hello world"}

    run(main())


def test_a_request_sent_ahead_in_one_piece_with_another_one_is_to_be_sent_again(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, b), connected(a, terms) as peer:
            peer.send(request("a", b"one") + request("b", b"two"))
            assert (await peer.answer()).body.startswith(b"a ")
            assert (await peer.answer()).status == 503
            assert await peer.rest() == b""
            assert not b.bodies

    run(main())


def test_R021_a_request_for_a_process_that_has_ended_is_answered_here(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, _), connected(a, terms) as peer:
            peer.send(request("gone", b"12345"))
            assert (await peer.answer()).body.startswith(b"a ")
            peer.send(request("b", b"12345"))
            assert (await peer.answer()).body.startswith(b"b ")

    run(main())


def test_a_sender_is_held_back_when_the_other_process_does_not_read(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, b), connected(a, terms) as peer:
            b.go_on.clear()
            body = b"m" * (24 << 20)
            peer.send(request("b", body))
            await b.began.wait()
            if terms[0] is None:  # asyncio's own TLS hides from its user that it is held back
                with pytest.raises(TimeoutError):
                    async with asyncio.timeout(0.2):
                        await peer.writer.drain()
                assert peer.writer.transport.get_write_buffer_size() > 10 << 20
            b.go_on.set()
            assert (await peer.answer()).body.endswith(b" %d" % len(body))

    run(main())


def test_a_peer_that_leaves_in_the_middle_leaves_no_connection_behind(run, tmp_path, terms):
    async def main():
        async with two(tmp_path, terms) as (a, b):
            async with connected(a, terms) as peer:
                peer.send(request("b", b"m" * 1000)[:-500])
                await b.began.wait()
                peer.writer.transport.abort()
            for process in (a, b):
                await process.listener.drain(5)
                assert process.listener.connection_count == 0

    run(main())
