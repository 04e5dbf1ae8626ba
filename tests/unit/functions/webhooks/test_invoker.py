"""Runs of webhooks among each other: what one of them breaks, and what is left when they are over."""

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from hashlib import sha256
from ipaddress import ip_network

import pytest

from onread.functions.invoker import Failed, Invocation, Returned
from onread.functions.webhooks import clients
from onread.functions.webhooks.address import WebhookRules
from onread.functions.webhooks.invoker import WebhookInvoker
from onread.metadata.function_records import AWS, MINIO, Webhook
from onread.metadata.records import Function

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ntrue"


class Nobody:
    def ran(self, function, outcome, seconds):
        pass


async def deliver(invocation, response):
    raise AssertionError("no answer here bears a token")


def invoker(port):
    rules = WebhookRules(networks=(ip_network("127.0.0.0/8"),), ports=(port,))
    return WebhookInvoker(rules, own_ports=set(), deliver=deliver, observer=Nobody(), clock=lambda: NOW)


def function(port, *, version="$LATEST", dialect=AWS, path=""):
    return Function(
        account_id="123456789012", region="us-east-1", name="hook", runtime="provided.al2023",
        handler="webhook", role="arn:aws:iam::123456789012:role/r", code_sha256=sha256(b"").hexdigest(),
        code_size_bytes=0, modified_at=NOW, revision_id="1", version=version, timeout_seconds=10,
        webhook=Webhook(
            url=f"http://127.0.0.1:{port}/{path}", dialect=dialect, authorization=None, certificate=None,
            private_key=None,
        ),
    )  # fmt: skip


async def run(hooks, called, event=b"{}"):
    deadline = asyncio.get_running_loop().time() + 10
    running = await hooks.start(Invocation(request_id="r", function=called, event=event, deadline=deadline))
    return await running.finished


class Server:
    """Webhooks that agree; ``opened`` are the connections to it, ``emptied`` is set while there are none."""

    def __init__(self):
        self.opened = set()
        self.emptied = asyncio.Event()

    async def serve(self, reader, writer):
        self.opened.add(writer)
        self.emptied.clear()
        try:
            while await reader.readline():
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
                await reader.readexactly(length)
                writer.write(ANSWER)
        finally:
            self.opened.discard(writer)
            writer.close()
            if not self.opened:
                self.emptied.set()


@asynccontextmanager
async def serving():
    server = Server()
    async with await asyncio.start_server(server.serve, "127.0.0.1", 0) as listening:
        yield server, listening.sockets[0].getsockname()[1]


@pytest.mark.slow
def test_an_event_that_cannot_be_written_ends_no_other_run():
    deep = b'{"userRequest":{"headers":{}},"x":' + b"[" * 400 + b"]" * 400 + b"}"

    async def main():
        async with serving() as (_, port), invoker(port) as hooks:
            assert isinstance(await run(hooks, function(port, dialect=MINIO), deep), Failed)
            assert await run(hooks, function(port)) == Returned(b"true")

    asyncio.run(main())


def test_connections_of_versions_that_nobody_calls_are_closed(monkeypatch):
    monkeypatch.setattr(clients, "IDLE_SECONDS", 0.0)

    async def main():
        async with serving() as (server, port), invoker(port) as hooks:
            for version in ("1", "2", "3"):
                assert await run(hooks, function(port, version=version)) == Returned(b"true")
            await asyncio.wait_for(server.emptied.wait(), 5)
            assert len(hooks._clients) == 0

    asyncio.run(main())


def test_another_endpoint_leaves_no_pool_of_the_former():
    async def main():
        async with serving() as (server, port):
            async with invoker(port) as hooks:
                for path in ("a", "b", "c"):
                    assert await run(hooks, function(port, path=path)) == Returned(b"true")
                assert len(hooks._clients) == 1
            await asyncio.wait_for(server.emptied.wait(), 5)

    asyncio.run(main())
