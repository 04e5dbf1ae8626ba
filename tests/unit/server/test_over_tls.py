"""What holds for a connection holds over TLS: the same tests again, and those of the handshake."""

import asyncio
import socket
import ssl
import warnings
from contextlib import asynccontextmanager

import pytest
import uvloop
from tests.fakes.authority import Authority

from onread.errors import IncompleteBody
from onread.server.limits import Limits
from onread.server.listener import serve
from onread.server.tls import Certificates, TlsFiles
from onread.wire.message import IteratorBody, Response

from . import peer, test_connection, test_listener
from .peer import Echo, connected, served
from .test_connection import GET, QUICK, Scope, endless, until
from .tls_peer import TlsPeer


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def certificates(authority):
    return Certificates(authority.sign("server"))


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request, authority, certificates):
    """Runs a coroutine on either loop, its listeners and peers speaking TLS."""
    token = peer.TLS.set((certificates, authority.client_context()))
    yield request.param
    peer.TLS.reset(token)


# What their peers cannot do over TLS: asyncio's clients close no single side, and wait for a goodbye.
# The tests below say the same with a peer that can.
_NOT_OVER_TLS = {
    "test_T034_a_body_that_ends_early_fails_and_is_answered",
    "test_T114_a_caller_that_leaves_after_the_first_byte_cancels_the_answer",
    "test_T114_a_writer_that_leaves_in_the_middle_cuts_the_caller",
    "test_T255_a_flood_holds_no_more_connections_than_the_limit_and_those_being_refused",
    "test_a_caller_that_takes_no_byte_is_cut",
    "test_a_socket_may_be_handed_in",
    "test_the_kernel_holds_little_for_a_caller_that_takes_nothing",
    "test_memory_is_bounded_while_the_caller_takes_nothing",
}
globals().update(
    (name, test)
    for module in (test_connection, test_listener)
    for name, test in vars(module).items()
    if name.startswith("test_") and name not in _NOT_OVER_TLS
)


@asynccontextmanager
async def spoken_to(listener):
    """A peer that can do all that TLS can."""
    made = await TlsPeer.connect(listener.port, peer.TLS.get()[1])
    try:
        yield made
    finally:
        made.close()


@pytest.mark.parametrize(
    "content", [b"Content-Length: 9\r\n\r\nabc", b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc"]
)
def test_T034_a_body_that_ends_early_is_answered_over_tls(run, content):
    async def main():
        async with served(Echo()) as (listener, _), spoken_to(listener) as caller:
            await caller.send(b"PUT /a HTTP/1.1\r\nHost: h\r\n" + content)
            await caller.say_goodbye()
            came, whole = await caller.rest()
        assert came.startswith(b"HTTP/1.1 400")
        assert b"IncompleteBody" in came
        assert whole

    run(main())


def test_T114_a_caller_that_says_goodbye_cancels_its_answer(run):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(endless())))
        async with served(scope) as (listener, _), spoken_to(listener) as caller:
            await caller.send(GET)
            await caller.some()
            await caller.say_goodbye()
            async with asyncio.timeout(10):
                await scope.closed.wait()
        assert isinstance(scope.reason, asyncio.CancelledError)

    run(main())


@pytest.mark.parametrize("polite", [True, False])
def test_T114_a_writer_that_leaves_in_the_middle_fails_its_body(run, polite):
    async def main():
        async with served(read_all) as (listener, _), spoken_to(listener) as writer:
            await writer.send(b"PUT /a HTTP/1.1\r\nHost: h\r\nContent-Length: 100\r\n\r\nhalf")
            if polite:
                await writer.say_goodbye()
            else:
                writer.plain.shutdown(socket.SHUT_WR)
            async with asyncio.timeout(10):
                assert isinstance(await failure, IncompleteBody)

    @asynccontextmanager
    async def read_all(request):
        try:
            await request.body.read(1 << 20)
        except IncompleteBody as reason:
            failure.set_result(reason)
            raise
        yield Response(status=200)

    async def begin():
        nonlocal failure
        failure = asyncio.get_running_loop().create_future()
        await main()

    failure = None
    run(begin())


def test_memory_is_bounded_while_a_caller_over_tls_takes_nothing(run):
    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(endless())))
        async with served(scope, QUICK) as (listener, _), spoken_to(listener) as caller:
            await caller.send(GET)
            await scope.opened.wait()
            await until(lambda: any(c._sender.paused for c in listener._connections))
            sizes = [c._transport.get_write_buffer_size() for c in listener._connections]
            assert max(sizes) <= (256 + 70) << 10
            async with asyncio.timeout(10):
                await scope.closed.wait()
        assert isinstance(scope.reason, asyncio.CancelledError)

    run(main())


def test_an_answer_that_breaks_off_ends_without_a_goodbye(run):
    async def broken():
        yield b"half"
        raise IncompleteBody

    async def main():
        scope = Scope(lambda request: Response(status=200, body=IteratorBody(broken())))
        async with served(scope) as (listener, _), spoken_to(listener) as caller:
            await caller.send(GET)
            _, whole = await caller.rest()
            assert not whole

    run(main())


def test_a_whole_answer_ends_with_a_goodbye(run):
    async def main():
        async with served(Echo()) as (listener, _), spoken_to(listener) as caller:
            await caller.send(GET.replace(b"Host", b"Connection: close\r\nHost"))
            came, whole = await caller.rest()
            assert came.startswith(b"HTTP/1.1 200")
            assert whole

    run(main())


def test_connections_are_bounded_over_tls(run):
    async def main():
        async with served(Echo(), Limits(connections=1, refused_connections=1)) as (listener, first):
            first.send(GET)
            assert (await first.answer()).status == 200
            async with spoken_to(listener) as one, spoken_to(listener) as two:
                came, whole = await one.rest()
                assert came.startswith(b"HTTP/1.1 503")
                assert whole
                assert await two.rest() == (b"", False)
            first.send(GET)
            assert (await first.answer()).status == 200

    run(main())


# The handshake


@asynccontextmanager
async def silent(listener):
    """A peer that connects and says nothing."""
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
    try:
        yield reader
    finally:
        writer.close()


def test_a_handshake_that_does_not_end_is_cut(run):
    async def main():
        async with (
            served(Echo(), Limits(handshake_seconds=0.05)) as (listener, _),
            silent(listener) as reader,
        ):
            async with asyncio.timeout(10):
                assert await reader.read() == b""
            assert not listener._handshakes

    run(main())


def test_handshakes_in_progress_are_bounded(run):
    async def main():
        async with served(Echo(), Limits(handshakes=1)) as (listener, good), silent(listener):
            await until(lambda: listener._handshakes)
            async with silent(listener) as reader, asyncio.timeout(10):
                assert await reader.read() == b""
            good.send(GET)
            assert (await good.answer()).status == 200

    run(main())


def test_leaving_the_scope_ends_handshakes(run):
    async def main():
        async with served(Echo()) as (listener, _), silent(listener) as reader:
            await until(lambda: listener._handshakes)
            await listener.close()
            async with asyncio.timeout(10):
                assert await reader.read() == b""

    run(main())


def test_a_drain_lets_a_handshake_end_and_its_first_request_be_answered(run):
    async def main():
        async with served(Echo()) as (listener, first):
            first.send(GET)
            await first.answer()
            plain = socket.create_connection(("127.0.0.1", listener.port))
            await until(lambda: listener._handshakes)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(listener.drain(10))
                caller = await TlsPeer.over(plain, peer.TLS.get()[1])
                await caller.send(GET)
                came, whole = await caller.rest()
                assert came.startswith(b"HTTP/1.1 200")
                assert whole
            caller.close()

    run(main())


def test_plain_http_is_told_to_speak_https(run):
    async def main():
        async with served(Echo()) as (listener, _):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(GET)
            async with asyncio.timeout(10):
                came = await reader.read()
            writer.close()
            assert came.startswith(b"HTTP/1.1 400")
            assert b"https://" in came

    run(main())


@pytest.mark.parametrize("junk", [b"\x16\x03\x01\xff\xff" + b"a" * 70000, b"\x80" * 100, b"\x00" * 100])
def test_junk_instead_of_a_handshake_ends_the_connection_and_nothing_else(run, junk):
    async def main():
        async with served(Echo()) as (listener, good):
            reader, writer = await asyncio.open_connection("127.0.0.1", listener.port)
            writer.write(junk)
            try:
                async with asyncio.timeout(10):
                    await reader.read()
            except ConnectionResetError:
                pass
            writer.close()
            await until(lambda: not listener._handshakes)
            good.send(GET)
            assert (await good.answer()).status == 200

    run(main())


def test_junk_inside_a_session_ends_the_connection_and_nothing_else(run, caplog):
    async def main():
        async with served(Echo()) as (listener, good):
            async with spoken_to(listener) as caller:
                await caller.send_raw(b"\x17\x03\x03\x00\x20" + b"a" * 32)
                came, _ = await caller.rest()
                assert came == b""
            good.send(GET)
            assert (await good.answer()).status == 200

    run(main())
    assert not caplog.records


def test_an_old_version_of_tls_is_refused(run, authority):
    old = authority.client_context()
    old.set_ciphers("ALL:@SECLEVEL=0")
    with warnings.catch_warnings(action="ignore"):
        old.minimum_version = ssl.TLSVersion.TLSv1
        old.maximum_version = ssl.TLSVersion.TLSv1_1

    async def main():
        async with served(Echo()) as (listener, _):
            with pytest.raises(ssl.SSLError):
                await TlsPeer.connect(listener.port, old)

    run(main())


def test_http_1_1_is_what_is_spoken(run, authority):
    offering = authority.client_context()
    offering.set_alpn_protocols(["h2", "http/1.1"])

    async def main():
        async with served(Echo()) as (listener, _):
            caller = await TlsPeer.connect(listener.port, offering)
            assert caller.tls.selected_alpn_protocol() == "http/1.1"
            assert caller.tls.compression() is None
            caller.close()

    run(main())


def test_a_request_over_tls_says_so(run):
    async def main():
        echo = Echo()
        async with served(echo) as (_, caller):
            caller.send(GET)
            await caller.answer()
        assert [request.scheme for request in echo.seen] == ["https"]

    run(main())


def test_T255_a_peer_that_must_show_a_certificate_is_let_in_with_one_and_not_without(
    run, authority, tmp_path
):
    server, friend = authority.sign("admin"), authority.sign("friend")
    stranger = Authority(tmp_path, "strangers").sign("stranger")
    demanding = Certificates(
        TlsFiles(certificate=server.certificate, key=server.key, client_ca=authority.ca_file)
    )

    async def answer(listener, shown):
        caller = await TlsPeer.connect(listener.port, authority.client_context(shown))
        await caller.send(GET)
        came, _ = await caller.rest()
        caller.close()
        return came

    async def main():
        async with serve(Echo(), certificates=demanding, limits=Limits(idle_seconds=0.05)) as listener:
            assert (await answer(listener, friend)).startswith(b"HTTP/1.1 200")
            for shown in (None, stranger):
                assert await answer(listener, shown) == b""

    run(main())


def test_R055_a_newer_certificate_is_shown_to_the_next_peer_and_nobody_is_cut(run, authority):
    files = authority.sign("rotated")
    shown = Certificates(files)

    async def main():
        async with serve(Echo(), certificates=shown) as listener, connected(listener) as early:
            before = early.writer.get_extra_info("ssl_object").getpeercert(True)
            authority.sign("rotated")
            shown.renew()
            async with connected(listener) as late:
                assert late.writer.get_extra_info("ssl_object").getpeercert(True) != before
                for caller in (early, late):
                    caller.send(GET)
                    assert (await caller.answer()).status == 200

    run(main())
