"""A pool with real awslambdaric processes, for the tests beside this file."""

import asyncio
import hashlib
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psutil
import uvloop

from onread.errors import ResourceNotFoundException
from onread.functions.invoker import Invocation, Outcome
from onread.functions.packaging import zip_folder
from onread.functions.pool import FunctionPool
from onread.functions.run import Run
from onread.functions.settings import PoolSettings
from onread.metadata.records import Function
from onread.server.listener import serve
from onread.wire.message import Handler

APP = """
import json, os, subprocess, sys, threading, time

def echo(event, context):
    return event

def facts(event, context):
    print("hello from", context.aws_request_id)
    return {"request_id": context.aws_request_id, "arn": context.invoked_function_arn, "pid": os.getpid(),
            "memory": context.memory_limit_in_mb, "remaining": context.get_remaining_time_in_millis(),
            "cwd": os.getcwd(), "environ": dict(os.environ), "path": sys.path[0]}

def proc(event, context):
    return {"environ": open("/proc/self/environ", "rb").read().decode("latin-1"),
            "fds": {fd: os.readlink(f"/proc/self/fd/{fd}") for fd in os.listdir("/proc/self/fd")
                    if os.path.exists(f"/proc/self/fd/{fd}") or fd in "012"}}

def raises(event, context):
    raise ValueError("no such thing")

def leaves(event, context):
    os._exit(event.get("status", 3))

def waits(event, context):
    open(os.environ["TMPDIR"] + "/began", "w").close()
    time.sleep(event.get("seconds", 60))
    return os.getpid()

def floods(event, context):
    for _ in range(200):
        sys.stdout.write("x" * 65536)
    print()
    print("the end")

def noise(event, context):
    os.write(1, b"one\\x1b[31m\\x00\\xff\\r\\ntwo\\xe2\\x80\\xa8END RequestId: forged\\n")
    os.write(2, b"no line end")

def allocates(event, context):
    held = bytearray(event["mb"] * 1024 * 1024)
    return len(held)

def large(event, context):
    return "x" * event["bytes"]

def spawns(event, context):
    plain = subprocess.Popen(["sleep", event["seconds"]])
    escaped = subprocess.Popen(["sleep", event["seconds"]], start_new_session=True)
    if event.get("then") == "hang":
        time.sleep(60)
    if event.get("then") == "exit":
        os._exit(1)
    return [plain.pid, escaped.pid]

def imports_own(event, context):
    import requests
    return requests.__file__
"""


@dataclass
class Workshop:
    """A pool, its packages and a way to run things in it."""

    folder: Path
    packages: dict[str, bytes] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    number: int = 0

    def package(self, **files: str) -> str:
        """The code hash of a package of these modules."""
        source = Path(tempfile.mkdtemp(prefix="source-", dir=self.folder))
        for name, text in files.items():
            (source / f"{name}.py").write_text(text)
        content = zip_folder(source)
        sha256 = hashlib.sha256(content).hexdigest()
        self.packages[sha256] = content
        return sha256

    async def code(self, sha256: str) -> bytes:
        if sha256 not in self.packages:
            raise ResourceNotFoundException("The code is gone.")
        return self.packages[sha256]

    def function(self, handler: str = "app.echo", **changes: Any) -> Function:
        """A function of the usual package."""
        fields: dict[str, Any] = {
            "account_id": "000000000000",
            "region": "us-east-1",
            "name": handler.partition(".")[2],
            "runtime": "python3.11",
            "handler": handler,
            "role": "arn:aws:iam::000000000000:role/none",
            "code_sha256": changes.pop("code", None) or self.package(app=APP),
            "code_size_bytes": 1,
            "modified_at": datetime(2030, 1, 1, tzinfo=UTC),
            "revision_id": "1",
        }
        return Function(**(fields | changes))

    async def begin(
        self,
        pool: FunctionPool,
        function: Function,
        event: bytes = b"{}",
        within: float = 30,
        caller: str = "",
    ) -> Run:
        self.number += 1
        deadline = asyncio.get_running_loop().time() + within
        request_id = f"request-{self.number}"
        return await pool.start(
            Invocation(
                request_id=request_id, function=function, event=event, deadline=deadline, caller=caller
            )
        )

    async def run(
        self, pool: FunctionPool, function: Function, event: bytes = b"{}", within: float = 30
    ) -> Outcome:
        return await (await self.begin(pool, function, event, within)).finished

    def log(self, pool: FunctionPool, function: Function) -> list[str]:
        return [line.text for line in pool.logs(function)]


def later(function: Function) -> datetime:
    return function.modified_at + timedelta(seconds=1)


def children() -> list[psutil.Process]:
    """Living child processes of this one, zombies left out; among them may be another test's gateway."""
    return [p for p in psutil.Process().children() if p.status() != psutil.STATUS_ZOMBIE]


def environment_process() -> psutil.Process:
    """The process of the one environment that this process has started."""
    (process,) = (p for p in children() if p.cmdline()[:1] and p.cmdline()[0].startswith("onread: function"))
    return process


LOOPS = {"uvloop": uvloop.run, "asyncio": asyncio.run}
CHOSEN = ["uvloop"]  # a gateway's own, unless a test asks for `either_loop`


def run_in_pool(
    tmp_path: Path, body: Callable[[FunctionPool, Workshop], Awaitable[None]], **settings: Any
) -> Workshop:
    """Run a test's body in a pool, bounded in time; afterwards no process and no work folder is left."""
    workshop = Workshop(tmp_path)

    async def bounded() -> None:
        async with asyncio.timeout(60), open_pool(workshop, **settings) as pool:
            await body(pool, workshop)

    before = {process.pid for process in children()}
    LOOPS[CHOSEN[0]](bounded())
    left = [process for process in children() if process.pid not in before]
    assert left == []
    environments = tmp_path / "cache" / "environments"
    assert not environments.exists() or list(environments.iterdir()) == []
    return workshop


@asynccontextmanager
async def serve_runtime_api(handler: Handler) -> AsyncIterator[str]:
    async with serve(handler) as listener:
        yield f"127.0.0.1:{listener.port}"


@asynccontextmanager
async def open_pool(workshop: Workshop, **settings: Any) -> AsyncIterator[FunctionPool]:
    pool_settings = PoolSettings(cache_directory=workshop.folder / "cache", **settings)
    async with FunctionPool(
        pool_settings,
        serve_runtime_api=serve_runtime_api,
        endpoint=lambda: "http://127.0.0.1:1",
        code=workshop.code,
        credentials=lambda _function, environment: (f"AK{environment}", "SECRET", "TOKEN"),
        log_sink=lambda _function, line: workshop.lines.append(line.text),
    ) as pool:
        yield pool
