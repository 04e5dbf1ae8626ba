"""Servers over TLS: their certificate and their name are always checked (T-185)."""

import asyncio
import datetime as dt
import ssl

import pytest
from tests.fakes.authority import Authority

from onread.outbound.client import Client
from onread.outbound.failures import Unreachable
from onread.outbound.message import Origin, tls_terms

from .peer import OK, Peer, answer, get


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("tls"))


def exchange(run, files, ca_file, host="127.0.0.1", content=OK):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(files.certificate, files.key)

    async def serve(reader, writer):
        try:
            peer = Peer(reader, writer)
            await peer.head()
            await peer.say(content)
        except (asyncio.IncompleteReadError, OSError):
            pass  # the client has gone
        finally:
            writer.close()

    async def main():
        server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
        origin = Origin(host=host, port=server.sockets[0].getsockname()[1], tls=tls_terms(ca_file))
        client = Client(origin, lookup=lambda host, port: ["127.0.0.1"])
        try:
            return await answer(client, get(), 4_000_000)
        finally:
            await client.close()
            server.close()

    return run(main())


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_server_whose_certificate_is_trusted_answers(run, authority, host):
    content = b"HTTP/1.1 200 OK\r\nContent-Length: 3000000\r\n\r\n" + b"x" * 3_000_000
    _, _, body = exchange(run, authority.sign("a"), authority.ca_file, host, content)
    assert len(body) == 3_000_000


def test_T185_a_server_that_is_somebody_else_hears_nothing(run, authority, tmp_path):
    with pytest.raises(Unreachable):
        exchange(run, authority.sign("a"), authority.ca_file, "store.example")
    with pytest.raises(Unreachable):
        exchange(run, authority.sign("a"), Authority(tmp_path, "others").ca_file)
    ended = authority.sign("b", ends=dt.datetime(2021, 1, 1, tzinfo=dt.UTC))
    with pytest.raises(Unreachable):
        exchange(run, ended, authority.ca_file)
