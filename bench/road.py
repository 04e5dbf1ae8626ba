"""The road of one GET in one process: the gateway's own code, with fakes for sockets and function.

Caller, function and their connections are played in the same thread, so nothing else is in the figures: no
kernel, no other process, no loop's IO. What is left can be compared between two versions of the code on a
busy machine: by the CPU of the thread, hot (one after the other) and cold (the caches emptied before each,
as another process does), and by the bytecodes and calls of each stage, which no neighbour changes. What time
alone makes happen (watches, the writing of waiting lines) is not counted, for counting takes its time.

    python -m bench.road [FOLDER]     FOLDER keeps the data directory between runs
"""

import asyncio
import os
import socket
import statistics
import sys
import tempfile
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType, MethodType
from typing import Any, cast
from urllib.parse import urlsplit

import orjson

from bench.gateway import BUCKET, World, world
from bench.sampled import SOURCE, stage_of
from bench.table import Row, main
from onread.app.gateway import open_gateway
from onread.config import load_settings
from onread.functions.process import Command
from onread.gateway.pipeline import Pipeline
from onread.outbound.connection import Connection as OutboundConnection
from onread.outbound.message import Limits as OutboundLimits
from onread.server.connection import Connection
from onread.server.limits import DEFAULT_LIMITS
from onread.server.listener import Listener
from onread.server.loop import run as run_loop
from onread.sigv4.sign import sign_request
from onread.telemetry.logging import configure_logging, write_waiting_lines
from onread.wire.message import Handler

OBJECT_BYTES = 1024
UPSTREAM_BUCKET = "upstream-bucket"
STORE = f"""
[[stores]]
name = "played"
type = "s3"
endpoint = "http://127.0.0.1:9"
region = "us-east-1"
access_key_id = "played"
secret_access_key = "played"
buckets = ["{UPSTREAM_BUCKET}"]
"""
# What a GET of SeaweedFS is answered with.
STORED = (
    b"HTTP/1.1 200 OK\r\nAccept-Ranges: bytes\r\nContent-Length: %d\r\nContent-Type: binary/octet-stream\r\n"
    b'Etag: "0f343b0931126a20f133d67c2b018a3b"\r\nLast-Modified: Thu, 01 Jan 2026 00:00:00 GMT\r\n'
    b"Server: SeaweedFS 30GB 4.00\r\nX-Amz-Request-Id: 18A0F2B1C2D3E4F5\r\n"
    b"Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n%b"
) % (OBJECT_BYTES, bytes(OBJECT_BYTES))
# Tasks and timers of the gateway's that no request starts.
_BY_TIME = frozenset(
    {"Listener._watch", "_watch", "Spool._tidy", "_Lines._flush_planned", "Following.follow"}
)
HOT, COLD, COUNTED = 1000, 200, 20
_EVICTED = bytes(24 << 20)


class FakeTransport(asyncio.Transport):
    """The connection's side of a socket; what is written goes to whoever plays the peer."""

    def __init__(self, heard: Callable[[bytes], None]) -> None:
        super().__init__()
        self._heard = heard
        self._socket = socket.socket()

    def write(self, data: Any) -> None:
        self._heard(data)

    def writelines(self, list_of_data: Any) -> None:
        self._heard(b"".join(list_of_data))

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        return {"peername": ("127.0.0.1", 1), "socket": self._socket}.get(name, default)

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        return

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def pause_reading(self) -> None:
        return

    def resume_reading(self) -> None:
        return

    def close(self) -> None:
        self._socket.close()

    abort = close


class Line:
    """One connection to a listener, its peer played by ``answered``: called with each whole answer."""

    def __init__(self, listener: Listener, played: "Played", answered: Callable[[bytes], None]) -> None:
        self._played = played
        self._answered = answered
        self._got = b""
        self.connection = Connection(listener)
        self.connection.connection_made(FakeTransport(self._heard))

    def send(self, data: bytes) -> None:
        """In the coming turn of the loop, as bytes from a socket come."""
        asyncio.get_running_loop().call_soon(self.connection.data_received, data)

    def _heard(self, data: bytes) -> None:
        with self._played.by_us():
            self._got += data
            head, end, body = self._got.partition(b"\r\n\r\n")
            if end and len(body) >= int(head.partition(b"Content-Length: ")[2].partition(b"\r\n")[0] or 0):
                got, self._got = self._got, b""
                self._answered(got)

    def close(self) -> None:
        self.connection.connection_lost(None)


class FakeStore(FakeTransport):
    """The store's side of a connection: the same answer to every request, in the coming turn of the loop."""

    def __init__(self, connection: asyncio.Protocol) -> None:
        super().__init__(self._answer)
        self._connection = connection

    def _answer(self, _request: bytes) -> None:
        asyncio.get_running_loop().call_soon(self._connection.data_received, STORED)


class Played:
    """The time that caller and function take here, which is none of the gateway's."""

    def __init__(self) -> None:
        self.seconds = 0.0

    @contextmanager
    def by_us(self) -> Any:
        began = time.thread_time()
        try:
            yield
        finally:
            self.seconds += time.thread_time() - began


@dataclass
class FakeProcess:
    """What a launcher gives."""

    exited: "asyncio.Future[int]"
    pid: int = 0

    def kill(self) -> None:
        if not self.exited.done():
            self.exited.set_result(-9)

    def drain(self) -> None:
        return

    def peak_memory_mb(self) -> int:
        return 1


class Function:
    """A function that is a state machine over two connections: runtime API, and the functions' listener."""

    def __init__(self, stage: "Stage", command: Command) -> None:
        self._environment = command.environment
        self._host = urlsplit(command.environment["AWS_ENDPOINT_URL_S3"]).netloc
        self._of_event: dict[str, str] = {}
        self._request_id = ""
        self._runtime = Line(stage.runtime, stage.played, self._told)
        self._data = Line(stage.functions, stage.played, self._fetched)
        self._done = stage.done
        self._runtime.send(self._next())

    def close(self) -> None:
        self._runtime.close()
        self._data.close()

    def _next(self) -> bytes:
        return b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: r\r\n\r\n"

    def _told(self, answer: bytes) -> None:
        if answer.startswith(b"HTTP/1.1 202"):
            self._runtime.send(self._next())
            self._done()
            return
        head, _, event = answer.partition(b"\r\n\r\n")
        self._request_id = head.partition(b"Request-Id: ")[2].partition(b"\r\n")[0].decode()
        self._of_event = orjson.loads(event)["getObjectContext"]
        target = self._of_event["inputS3Url"].partition(self._host)[2]
        self._data.send(
            f"GET {target} HTTP/1.1\r\nHost: {self._host}\r\nAccept-Encoding: identity\r\n\r\n".encode()
        )

    def _fetched(self, answer: bytes) -> None:
        head, _, body = answer.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer[:2000].decode())
        if body:
            self._data.send(self._write(body))
            return
        path = f"/2018-06-01/runtime/invocation/{self._request_id}/response"
        self._runtime.send(f"POST {path} HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{{}}".encode())

    def _write(self, body: bytes) -> bytes:
        given = self._of_event
        headers = sign_request(
            method="POST",
            host=self._host,
            path="/WriteGetObjectResponse",
            query="",
            headers=[
                ("x-amz-request-route", given["outputRoute"]),
                ("x-amz-request-token", given["outputToken"]),
            ],
            payload_hash="UNSIGNED-PAYLOAD",
            access_key_id=self._environment["AWS_ACCESS_KEY_ID"],
            secret=self._environment["AWS_SECRET_ACCESS_KEY"],
            session_token=self._environment["AWS_SESSION_TOKEN"],
            region="us-east-1",
            service="s3-object-lambda",
            now=datetime.now(UTC),
        )
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers)
        head = f"POST /WriteGetObjectResponse HTTP/1.1\r\nHost: {self._host}\r\n{lines}"
        return f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body


class Stage:
    """A gateway without ports. A `Launcher` of fake functions, too."""

    def __init__(self) -> None:
        self.played = Played()
        self.runtime: Listener
        self.functions: Listener
        self.front: Listener
        self._function: Function | None = None
        self._caller: Line
        self._finished = asyncio.Event()
        self._parts = 0

    def launch(self, command: Command, _on_output: Callable[[bytes], None]) -> FakeProcess:
        self._function = Function(self, command)
        return FakeProcess(asyncio.get_running_loop().create_future())

    def done(self) -> None:
        """The caller has its answer, or the run is over: both make a transformed GET."""
        self._parts += 1
        self._finished.set()

    def call(self) -> None:
        self._caller = Line(self.front, self.played, self._answered)

    def _answered(self, answer: bytes) -> None:
        if not answer.startswith(b"HTTP/1.1 200"):
            raise RuntimeError(answer[:2000].decode())
        self.done()

    async def get(self, request: bytes, parts: int) -> float:
        """The gateway's seconds for one GET; ``parts``: 2 when a function has a part in it."""
        self._parts, self.played.seconds = 0, 0.0
        began = time.thread_time()
        self._caller.connection.data_received(request)
        while self._parts < parts:
            self._finished.clear()
            await self._finished.wait()
        for _ in range(4):  # what is left to do behind the answers
            await asyncio.sleep(0)
        return time.thread_time() - began - self.played.seconds

    def close(self) -> None:
        self._caller.close()
        if self._function is not None:
            self._function.close()


@asynccontextmanager
async def open_stage(data_dir: Path) -> AsyncIterator[Stage]:
    """The gateway over a data directory that another has filled."""
    flags = {"data_dir": str(data_dir), "listen": "127.0.0.1:0", "admin_listen": "127.0.0.1:0"}
    config = data_dir.parent / "onread.toml"
    config.write_text(STORE)
    async with AsyncExitStack() as scope:
        stage = Stage()
        gateway = await scope.enter_async_context(open_gateway(load_settings(flags, {}, config)))
        tasks = await scope.enter_async_context(asyncio.TaskGroup())

        def listener(handler: Handler) -> Listener:
            made = Listener(handler, limits=DEFAULT_LIMITS, tasks=tasks)
            made._renew_standing_lines()
            return made

        @asynccontextmanager
        async def serve(handler: Handler) -> AsyncIterator[str]:
            stage.runtime = listener(handler)
            yield "127.0.0.1:8"

        gateway.pool.launcher, gateway.pool.serve = stage, serve
        scope.callback(stage.close)
        pipeline = cast(Pipeline, cast(MethodType, gateway.front.handler).__self__)
        for store in pipeline.dispatch.stores._upstreams:
            store._client._connect_to = _connect  # type: ignore[method-assign, assignment]
        stage.front = listener(pipeline.handle)
        stage.functions = listener(replace(pipeline, admission=None, cors=None).handle)
        stage.call()
        yield stage


async def _connect(_address: str, loop: asyncio.AbstractEventLoop) -> OutboundConnection:
    connection = OutboundConnection(OutboundLimits(), loop)
    connection.connection_made(FakeStore(connection))
    return connection


async def count(stage: Stage, request: bytes, parts: int) -> dict[str, float]:
    """Bytecodes of a GET by stage, and ``calls``: of Python's functions and of those in C, all stages."""
    counted: Counter[str] = Counter()

    def stage_here(frame: FrameType | None) -> str:
        """The stage of a frame; ``played`` for what caller and function do, and for this file itself."""
        caller, is_ours = frame, True
        while caller is not None:
            name = caller.f_code.co_filename
            if name == __file__ and (is_ours or caller.f_code.co_name == "_heard"):
                return "played"
            if caller.f_code.co_qualname in _BY_TIME:
                return "played"
            is_ours = is_ours and not name.startswith(SOURCE)
            caller = caller.f_back
        return stage_of(frame)

    def trace(frame: FrameType, event: str, _argument: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        if event == "opcode":
            counted[stage_here(frame)] += 1
        return trace

    def profile(frame: FrameType, event: str, _argument: Any) -> None:
        if event in ("call", "c_call") and stage_here(frame) != "played":
            counted["calls"] += 1

    for watch, watcher in ((sys.settrace, trace), (sys.setprofile, profile)):
        watch(watcher)
        for _ in range(COUNTED):
            await stage.get(request, parts)
        watch(None)
    del counted["played"]
    return {what: number / COUNTED for what, number in counted.items()}


async def measure(data_dir: Path, requests: dict[str, bytes]) -> dict[str, dict[str, float]]:
    """Microseconds a GET by kind, hot and cold: the middle of so many, and the quickest tenth."""
    figures: dict[str, dict[str, float]] = {}
    async with open_stage(data_dir) as stage:
        for kind, request in requests.items():
            parts = 2 if kind == "transformed" else 1
            for _ in range(100):
                await stage.get(request, parts)
            hot = [await stage.get(request, parts) for _ in range(HOT)]
            cold = []
            for _ in range(COLD):
                _EVICTED.find(b"x")
                cold.append(await stage.get(request, parts))
            figures[kind] = await count(stage, request, parts)
            figures[kind] |= {
                f"{name}{of}": figure * 1e6
                for name, times in (("hot", hot), ("cold", cold))
                for of, figure in (
                    ("", statistics.median(times)),
                    (" at best", statistics.quantiles(times, n=10)[0]),
                )
            }
    return figures


def prepare(gateway: World) -> dict[str, bytes]:
    """Fill the data directory; the requests that will be made."""
    gateway.put("small", OBJECT_BYTES)
    return {
        "plain": gateway.request(BUCKET, "small"),
        "upstream": gateway.request(UPSTREAM_BUCKET, "small"),
        "transformed": gateway.request(gateway.transformed_by("once"), "small"),
    }


def run() -> list[Row]:
    """Plain, of an upstream store, and transformed."""
    with tempfile.TemporaryDirectory() as folder:
        return _measured(Path(folder))


def _measured(folder: Path) -> list[Row]:
    kept = folder / "requests.json"
    if not kept.exists():
        with world(data_dir=folder / "data") as gateway:
            requests = prepare(gateway)
        kept.write_bytes(orjson.dumps({kind: request.decode() for kind, request in requests.items()}))
    requests = {kind: text.encode() for kind, text in orjson.loads(kept.read_bytes()).items()}
    with open(os.devnull, "w") as nothing:
        configure_logging("info", nothing)
        figures = run_loop(lambda: measure(folder / "data", requests))
        write_waiting_lines()
    return [row for kind, of in figures.items() for row in _rows(kind, of)]


def _rows(kind: str, of: dict[str, float]) -> list[Row]:
    rows = [
        Row(
            f"gateway's own code of a {kind} GET, {how}, us",
            f"{HOT if how == 'hot' else COLD}, median",
            f"at best {of[f'{how} at best']:.0f}",
            of[how],
        )
        for how in ("hot", "cold")
    ]
    stages = {what: number for what, number in of.items() if not what.startswith(("hot", "cold", "calls"))}
    values = ", ".join(f"{stage} {number:.0f}" for stage, number in Counter(stages).most_common())
    how = f"{COUNTED} counted; {of['calls']:.0f} calls"
    return [*rows, Row(f"bytecodes of a {kind} GET", how, values, sum(stages.values()))]


if __name__ == "__main__":
    if len(sys.argv) > 1:
        main(lambda: _measured(Path(sys.argv[1])))
    else:
        main(run)
