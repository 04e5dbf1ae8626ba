"""The order of things on one connection, over real sockets."""

import asyncio
import fcntl
import logging
import socket
import struct
import sys
import weakref
from contextlib import asynccontextmanager

import pytest

from onread.errors import IncompleteBody, NoSuchKey, RequestTimeout
from onread.server.limits import Limits
from onread.wire.message import IteratorBody, Response

from .peer import Echo, connected, served

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"
SIOCOUTQNSD = 0x894B  # of linux/sockios.h: the bytes in a socket's queue that were not sent once
QUICK = Limits(head_seconds=0.05, idle_seconds=0.05, stall_seconds=0.05, linger_seconds=0.05)


def post(body: bytes, lines: bytes = b"", path: bytes = b"/a") -> bytes:
    return b"POST %b HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n%b\r\n%b" % (path, len(body), lines, body)


class Scope:
    """A handler whose scope tells when it opened and how it closed."""

    def __init__(self, response=None):
        self.response = response
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.reason = None
        self.release = asyncio.Event()

    @asynccontextmanager
    async def __call__(self, request):
        self.opened.set()
        try:
            if self.response is None:
                await self.release.wait()
                yield Response(status=200, body=b"late")
            else:
                yield self.response(request)
        except BaseException as reason:
            self.reason = reason
            raise
        finally:
            self.closed.set()


async def forever(first: bytes):
    yield first
    await asyncio.Event().wait()


async def endless():
    while True:
        yield b"x" * 65536


# Order


def test_T046_pipelined_answers_come_in_order(run):
    async def main():
        first = asyncio.Event()

        @asynccontextmanager
        async def handler(request):
            if request.target == "/1":
                await first.wait()
            body = await request.body.read(100)
            yield Response(status=200, body=request.target.encode() + body)
            if request.target == "/2":
                raise AssertionError("the second must not be asked first")

        async with served(handler) as (_, peer):
            peer.send(post(b"one", path=b"/1") + post(b"two", path=b"/3"))
            peer.send(post(b"three", path=b"/4"))
            first.set()
            bodies = [(await peer.answer()).body for _ in range(3)]
        assert bodies == [b"/1one", b"/3two", b"/4three"]

    run(main())


def test_requests_sent_ahead_are_bounded_and_answered(run):
    async def main():
        limits = Limits(drain_body_bytes=1000)
        scope = Scope()
        async with served(scope, limits) as (listener, peer):
            peer.send(GET)
            await scope.opened.wait()
            (connection,) = listener._connections
            peer.send(GET * 20_000)
            scope.release.set()
            for _ in range(50):
                assert (await peer.answer()).body == b"late"
                assert len(connection._reader.received) <= limits.pipelined_requests
                assert connection._held_bytes <= 256_000 + limits.drain_body_bytes

    run(main())


# Bodies in


def test_a_body_passes_whole_whatever_its_size(run):
    async def main():
        async with served(Echo()) as (_, peer):
            for size in (0, 1, 70_000, 3_000_000):
                peer.send(post(b"x" * size))
                answer = await peer.answer()
                assert len(answer.body) == len(b"POST /a:") + size

    run(main())


def test_bytes_behind_a_large_body_are_the_next_request(run):
    async def main():
        async with served(Echo()) as (_, peer):
            peer.send(post(b"x" * 1_000_000) + GET + post(b"y" * 500_000) + GET)
            sizes = [len((await peer.answer()).body) for _ in range(4)]
        assert sizes == [1_000_008, 7, 500_008, 7]

    run(main())


def test_the_client_is_told_to_continue_at_the_first_read_and_once(run):
    async def main():
        read = asyncio.Event()

        @asynccontextmanager
        async def handler(request):
            await read.wait()
            yield Response(status=200, body=await request.body.read(100))

        async with served(handler) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-Continue\r\n\r\n")
            read.set()
            assert await peer.exactly(25) == b"HTTP/1.1 100 Continue\r\n\r\n"
            peer.send(b"ab")
            peer.send(b"cd" + GET)
            assert (await peer.answer()).body == b"abcd"
            assert (await peer.answer()).body == b""

    run(main())


def test_T037_a_body_that_was_not_asked_for_is_never_read(run):
    async def main():
        async with served(Scope(lambda request: Response(status=403))) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n")
            answer = await peer.answer()
            assert answer.status == 403
            assert answer.headers["connection"] == "close"
            assert await peer.rest() == b""

    run(main())


def test_other_expectations_are_refused(run):
    async def main():
        async with served(Echo()) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\nExpect: 200-ok\r\n\r\n")
            assert (await peer.answer()).status == 417

    run(main())


def test_T056_a_small_unread_body_is_drained_and_the_connection_lives(run):
    async def main():
        async with served(Scope(lambda request: Response(status=403))) as (_, peer):
            peer.send(post(b"GET /evil HTTP/1.1\r\nHost: h\r\n\r\n")[:-9])
            assert (await peer.answer()).status == 403
            peer.send(b"Host: h\r\n\r\n"[-9:] + GET)
            answer = await peer.answer()
            assert (answer.status, "connection" in answer.headers) == (403, False)

    run(main())


@pytest.mark.parametrize("framing", [b"Content-Length: 9000000\r\n", b"Transfer-Encoding: chunked\r\n"])
def test_T056_a_large_or_unknown_unread_body_closes_the_connection(run, framing):
    async def main():
        scope = Scope(lambda request: Response(status=403))
        async with served(scope) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\n" + framing + b"\r\n" + b"5\r\nabcde\r\n" + GET)
            answer = await peer.answer()
            assert (answer.status, answer.headers["connection"]) == (403, "close")
            assert await peer.rest() == b""

    run(main())


def test_T056_a_small_body_that_never_comes_does_not_hold_the_connection(run):
    async def main():
        async with served(Scope(lambda request: Response(status=403)), QUICK) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n")
            assert (await peer.answer()).status == 403
            assert await peer.rest() == b""

    run(main())


def test_T056_the_answer_survives_a_client_that_goes_on_sending(run):
    async def main():
        async with served(Scope(lambda request: Response(status=403))) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 4_000_000)
            assert (await peer.answer()).status == 403

    run(main())


@pytest.mark.parametrize(
    "content", [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc"]
)
def test_T034_a_body_that_ends_early_fails_and_is_answered(run, content):
    async def main():
        echo = Echo()
        async with served(echo) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\n" + content)
            peer.writer.write_eof()
            answer = await peer.answer()
            assert answer.status == 400
            assert b"<Code>IncompleteBody</Code>" in answer.body
            assert await peer.rest() == b""
        assert echo.bodies == []

    run(main())


def test_an_uploader_that_stalls_gets_request_timeout(run):
    async def main():
        async with served(Echo(), QUICK) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc")
            answer = await peer.answer()
            assert answer.status == 400
            assert b"<Code>RequestTimeout</Code>" in answer.body
            assert await peer.rest() == b""

    run(main())


def test_the_stall_limit_of_a_body_can_be_lifted(run):
    async def main():
        waited = asyncio.Event()

        @asynccontextmanager
        async def handler(request):
            request.body.let_sender_pause()
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(0.3):
                    await anext(request.body)
            waited.set()
            yield Response(status=200, body=await request.body.read(10))

        async with served(handler, QUICK) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\n")
            await waited.wait()
            peer.send(b"abc")
            assert (await peer.answer()).body == b"abc"

    run(main())


# Back-pressure


def test_memory_is_bounded_while_nobody_reads_the_body(run):
    async def main():
        scope = Scope()
        async with served(scope) as (listener, peer):
            peer.writer.transport.set_write_buffer_limits(high=0)
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 67108864\r\n\r\n")
            await scope.opened.wait()
            (connection,) = listener._connections
            peer.send(b"x" * (64 << 20))
            await until(lambda: not connection._reading)
            assert connection._reader.body._buffered_bytes <= 512 << 10
            scope.release.set()
            assert (await peer.answer()).body == b"late"

    run(main())


@asynccontextmanager
async def serving_one_who_takes_nothing():
    """The connection of a caller who reads nothing of an endless answer, once no more can be sent."""
    scope = Scope(lambda request: Response(status=200, body=IteratorBody(endless())))
    async with served(scope) as (listener, peer):
        peer.reader._transport.pause_reading()
        peer.send(GET)
        await scope.opened.wait()
        (connection,) = listener._connections
        await until(lambda: connection._sender.paused)
        yield connection


def test_memory_is_bounded_while_the_caller_takes_nothing(run):
    async def main():
        async with serving_one_who_takes_nothing() as connection:
            assert connection._transport.get_write_buffer_size() <= (256 + 65) << 10

    run(main())


@pytest.mark.skipif(not hasattr(socket, "TCP_NOTSENT_LOWAT"), reason="nothing to tell this system's kernel")
def test_the_kernel_holds_little_for_a_caller_that_takes_nothing(run):
    async def main():
        async with serving_one_who_takes_nothing() as connection:
            descriptor = connection._transport.get_extra_info("socket").fileno()
            unsent = fcntl.ioctl(descriptor, SIOCOUTQNSD, bytes(4))
            # What is more was let in with the last write, which the kernel takes whole.
            assert int.from_bytes(unsent, sys.byteorder) <= 2 * Limits().buffer_bytes

    run(main())


def test_a_caller_that_takes_no_byte_is_cut(run):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(endless())))
        async with served(scope, QUICK) as (_, peer):
            peer.reader._transport.pause_reading()
            peer.send(GET)
            async with asyncio.timeout(10):
                await scope.closed.wait()
        assert isinstance(scope.reason, asyncio.CancelledError)

    run(main())


def test_a_relay_passes_everything_between_two_connections(run):
    """A POST's body is the answer to a held GET; a pause left over must not hang the next one."""

    async def main():
        loop = asyncio.get_running_loop()
        delivered, sent = {}, {}

        @asynccontextmanager
        async def handler(request):
            if request.method == "GET":
                body = await delivered[request.target]
                yield Response(status=200, body=body)
                sent[request.target].set_result(None)
            else:
                delivered[request.target].set_result(request.body)
                await sent[request.target]
                yield Response(status=200)

        async with served(handler) as (listener, reader), connected(listener) as writer:
            for turn, size in enumerate([1, 5_000_000, 10, 3_000_000, 0]):
                target = f"/{turn}"
                delivered[target], sent[target] = loop.create_future(), loop.create_future()
                reader.send(b"GET %b HTTP/1.1\r\nHost: h\r\n\r\n" % target.encode())
                writer.send(post(b"x" * size, path=target.encode()))
                assert len((await reader.answer()).body) == size
                assert (await writer.answer()).status == 200

    run(main())


async def until(condition) -> None:
    """Let the loop turn until the condition holds."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - what is watched has no event
            await asyncio.sleep(0)


def test_what_a_lost_connection_had_buffered_is_let_go_at_once(run, no_collector):
    """Not when the collector of cycles comes by: that may be many uploads later."""

    async def main():
        bodies = []

        @asynccontextmanager
        async def handler(request):
            bodies.append(weakref.ref(request.body))
            yield Response(status=200, body=await request.body.read(1 << 30))

        async with served(handler) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9000000\r\n\r\n" + b"x" * 100_000)
            await until(lambda: bodies)
            peer.writer.transport.abort()
            await until(lambda: bodies[0]() is None)

    run(main())


@pytest.mark.parametrize(
    "said",
    [
        b"",
        GET,
        GET[:-4],
        GET + GET[:9],
        post(b"abc"),
        b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
        b"nonsense\r\n\r\n",
    ],
)
def test_a_lost_connection_is_let_go_at_once_and_leaves_the_collector_nothing(run, no_collector, said):
    """A search for cycles stops everything, for as long as there are many of them."""

    async def main():
        @asynccontextmanager
        async def handler(request):
            yield Response(status=200, body=await request.body.read(1 << 30))

        async with served(handler) as (listener, peer):
            peer.send(said)
            await until(lambda: listener.connection_count)
            if said:
                await until(lambda: any(c._reader.in_head or not c._fresh for c in listener._connections))
            [lost] = [weakref.ref(connection) for connection in listener._connections]
            peer.writer.transport.abort()
            await until(lambda: lost() is None)

    run(main())


# Leaving


def test_T114_a_caller_that_leaves_before_the_answer_cancels_it(run):
    async def main():
        scope = Scope()
        async with served(scope) as (_, peer):
            peer.send(GET)
            await scope.opened.wait()
            await peer.close()
            async with asyncio.timeout(10):
                await scope.closed.wait()
        assert isinstance(scope.reason, asyncio.CancelledError)

    run(main())


@pytest.mark.parametrize("how", ["fin", "reset", "half close"])
def test_T114_a_caller_that_leaves_after_the_first_byte_cancels_the_answer(run, how):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(forever(b"first"))))
        async with served(scope) as (listener, peer):
            peer.send(GET)
            await peer.reader.readuntil(b"first\r\n")
            if how == "half close":
                peer.writer.write_eof()
            elif how == "reset":
                linger = struct.pack("ii", 1, 0)
                peer.writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
                peer.writer.transport.abort()
            else:
                await peer.close()
            async with asyncio.timeout(10):
                await scope.closed.wait()
            await until(lambda: listener.connection_count == 0)
        assert isinstance(scope.reason, asyncio.CancelledError)

    run(main())


def test_T114_a_writer_that_leaves_in_the_middle_cuts_the_caller(run):
    async def main():
        loop = asyncio.get_running_loop()
        delivered = loop.create_future()
        outcome = loop.create_future()

        @asynccontextmanager
        async def handler(request):
            if request.method == "POST":
                delivered.set_result(request.body)
                await asyncio.Event().wait()
            try:
                yield Response(status=200, body=await delivered)
            except IncompleteBody as reason:
                outcome.set_result(reason)
                raise

        async with served(handler) as (listener, caller), connected(listener) as writer:
            caller.send(GET)
            writer.send(b"POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
            await caller.reader.readuntil(b"half")
            await writer.close()
            async with asyncio.timeout(10):
                await outcome
            assert b"0\r\n\r\n" not in (await _what_came(caller))

    run(main())


async def _what_came(peer) -> bytes:
    try:
        return await peer.rest()
    except ConnectionResetError:
        return b""


# Answers that break


@pytest.mark.parametrize("declared", [10, None])
def test_T107_a_body_that_breaks_off_is_never_a_clean_end(run, declared):
    async def broken():
        yield b"12345"
        raise IncompleteBody

    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(broken(), declared)))
        async with served(scope) as (_, peer):
            peer.send(GET)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError, ValueError)):
                await peer.answer()
        assert isinstance(scope.reason, IncompleteBody)

    run(main())


class Liar(IteratorBody):
    """Declares one length and gives another, unlike any body of ours."""

    def __init__(self, chunks, length_bytes):
        super().__init__(chunks)
        self.length_bytes = None
        self.declared = length_bytes

    def __getattribute__(self, name):
        if name == "length_bytes" and "declared" in super().__getattribute__("__dict__"):
            return super().__getattribute__("declared")
        return super().__getattribute__(name)

    async def __anext__(self):
        return await anext(self._chunks)


async def chunks(*parts):
    for part in parts:
        yield part


def test_T107_a_body_shorter_than_declared_is_cut(run):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=Liar(chunks(b"12345"), 10)))
        async with served(scope) as (_, peer):
            peer.send(GET)
            with pytest.raises((asyncio.IncompleteReadError, ConnectionResetError)):
                await peer.answer()

    run(main())


def test_T107_an_answer_that_only_closing_would_end_is_reset(run):
    async def broken():
        yield b"12345"
        raise IncompleteBody

    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(broken())))
        async with served(scope) as (_, peer):
            peer.send(b"GET /a HTTP/1.0\r\n\r\n")
            with pytest.raises(ConnectionResetError):
                await peer.rest()

    run(main())


def test_T108_a_body_longer_than_declared_never_spills_into_the_next_answer(run):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=Liar(chunks(b"12345", b"HTTP/1.1"), 5)))
        async with served(scope) as (_, peer):
            peer.send(GET + GET)
            assert b"HTTP/1.1" not in (await _what_came(peer))[1:]

    run(main())


def test_T057_head_204_and_304_never_carry_a_body(run):
    async def main():
        @asynccontextmanager
        async def handler(request):
            status = int(request.target[1:])
            yield Response(status=status, headers=[("Content-Length", "7")], body=b"content")

        async with served(handler) as (_, peer):
            for method, status, length in [
                (b"HEAD", 200, "7"),
                (b"GET", 204, None),
                (b"GET", 304, "7"),
                (b"HEAD", 404, "7"),
            ]:
                peer.send(b"%b /%d HTTP/1.1\r\nHost: h\r\n\r\n" % (method, status))
                answer = await peer.answer(bodiless=True)
                assert (answer.status, answer.headers.get("content-length")) == (status, length)
            peer.send(b"GET /200 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            assert (await peer.answer()).body == b"content"
            assert await peer.rest() == b""

    run(main())


def test_an_unknown_length_is_chunked_or_ends_with_the_connection(run):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(chunks(b"ab", b"c" * 70_000))))
        async with served(scope) as (listener, peer):
            peer.send(GET)
            answer = await peer.answer()
            assert answer.headers["transfer-encoding"] == "chunked"
            assert answer.body == b"ab" + b"c" * 70_000
            async with connected(listener) as old:
                old.send(b"GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
                answer = await old.answer()
                assert answer.headers["connection"] == "close"
                assert "transfer-encoding" not in answer.headers
                assert answer.body == b"ab" + b"c" * 70_000

    run(main())


def test_the_head_does_not_wait_for_a_body_that_thinks(run):
    async def silent():
        await asyncio.Event().wait()
        yield b""

    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(silent())))
        async with served(scope) as (_, peer):
            peer.send(GET)
            async with asyncio.timeout(10):
                assert (await peer.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 200 OK\r\n")

    run(main())


# Handlers that fail


def test_a_service_error_that_escapes_is_a_document(run):
    async def main():
        @asynccontextmanager
        async def handler(request):
            raise NoSuchKey("No <such> key.")
            yield

        async with served(handler) as (_, peer):
            peer.send(GET)
            answer = await peer.answer()
            assert answer.status == 404
            assert b"<Code>NoSuchKey</Code><Message>No &lt;such&gt; key.</Message>" in answer.body
            assert answer.headers["x-amz-request-id"].encode() in answer.body

    run(main())


def test_a_handler_that_raises_is_a_bare_internal_error_and_a_log_line(run, caplog):
    async def main():
        @asynccontextmanager
        async def handler(request):
            raise RuntimeError("secret")
            yield

        async with served(handler) as (listener, peer):
            peer.send(GET)
            answer = await peer.answer()
            assert answer.status == 500
            assert b"secret" not in answer.body
            assert await peer.rest() == b""
            async with connected(listener) as other:
                other.send(GET)
                assert (await other.answer()).status == 500

    with caplog.at_level(logging.ERROR, "onread.server"):
        run(main())
    assert "handler failed" in caplog.text


@pytest.mark.parametrize("name", ["X\r\nY", "X:", "X Y", "", "\xe9", "X\0"])
def test_T060_a_name_that_is_no_token_is_never_sent(run, name, caplog):
    check_unsafe(run, (name, "value"))


@pytest.mark.parametrize("byte", [*range(9), *range(10, 32), 127, 0x100, 0x2028, 0x1F600])
def test_T060_a_control_byte_or_wide_character_is_never_sent(run, byte, caplog):
    check_unsafe(run, ("X-A", f"a{chr(byte)}b"))


def check_unsafe(run, header):
    async def main():
        async with served(Scope(lambda request: Response(status=200, headers=[header]))) as (_, peer):
            peer.send(GET)
            answer = await peer.answer()
            assert answer.status == 500
            assert header[0].lower() not in answer.headers
            assert await peer.rest() == b""

    run(main())


# Deadlines


def test_a_head_that_takes_too_long_is_408(run):
    async def main():
        async with served(Echo(), QUICK) as (_, peer):
            peer.send(b"GET /a HTTP/1.1\r\nHo")
            assert (await peer.answer()).status == 408
            assert await peer.rest() == b""

    run(main())


def test_a_second_head_that_takes_too_long_is_408(run):
    async def main():
        async with served(Echo(), Limits(head_seconds=0.05)) as (_, peer):
            peer.send(GET + b"GET /a HT")
            assert (await peer.answer()).status == 200
            assert (await peer.answer()).status == 408

    run(main())


def test_a_silent_or_idle_connection_is_closed_without_a_word(run):
    async def main():
        async with served(Echo(), QUICK) as (listener, peer):
            assert await peer.rest() == b""
            async with connected(listener) as other:
                other.send(GET)
                assert (await other.answer()).status == 200
                assert await other.rest() == b""

    run(main())


def test_a_body_read_twice_after_a_failure_fails_again(run):
    async def main():
        @asynccontextmanager
        async def handler(request):
            for _ in range(2):
                with pytest.raises(RequestTimeout):
                    await request.body.read(100)
            yield Response(status=200)

        async with served(handler, QUICK) as (_, peer):
            peer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\n")
            assert (await peer.answer()).status == 200

    run(main())
