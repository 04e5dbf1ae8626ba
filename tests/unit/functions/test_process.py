"""Processes: limits, output, and that killing one kills all of it."""

import asyncio
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from onread.functions.process import Command, Limits, Process, ProcessLauncher

LIMITS = Limits(data_bytes=300 * 1024 * 1024, open_files=64, file_bytes=4096)


def launch(source: str, on_output: Callable[[bytes], None], **environment: str) -> Process:
    arguments = [sys.executable, "-I", "-c", source]
    command = Command(arguments=arguments, environment=environment, directory=Path("/"), limits=LIMITS)
    return ProcessLauncher().launch(command, on_output)


def run(source: str, **environment: str) -> tuple[int, str]:
    output: list[bytes] = []

    async def bounded() -> int:
        async with asyncio.timeout(20):
            return await launch(source, output.append, **environment).exited

    return asyncio.run(bounded()), b"".join(output).decode()


def test_the_process_gets_exactly_its_environment_and_its_whole_output_arrives():
    code, output = run(
        "import os; print(dict(os.environ), flush=True); os.write(2, b'last'); os._exit(7)",
        A="1",
        LC_ALL="C.UTF-8",
    )
    assert code == 7
    assert output == "{'A': '1', 'LC_ALL': 'C.UTF-8'}\nlast"


def test_limits_hold_in_the_process():
    _code, output = run("import resource as r; print(*(r.getrlimit(n) for n in (4, 2, 7, 1)))")
    assert output == "(0, 0) (314572800, 314572800) (64, 64) (4096, 4096)\n"


def test_a_program_that_is_not_there_is_an_error_and_leaves_no_descriptor():
    async def body() -> None:
        command = Command(arguments=["/nonexistent"], environment={}, directory=Path("/"), limits=LIMITS)
        before = psutil.Process().num_fds()
        with pytest.raises(FileNotFoundError):
            ProcessLauncher().launch(command, lambda _data: None)
        assert psutil.Process().num_fds() == before

    asyncio.run(body())


def test_a_process_that_cannot_be_limited_is_ended_and_leaves_no_descriptor():
    async def body() -> None:
        arguments = [sys.executable, "-I", "-c", "import time; time.sleep(60)"]
        command = Command(
            arguments=arguments,
            environment={},
            directory=Path("/"),
            limits=replace(LIMITS, file_bytes=1 << 80),
        )
        this = psutil.Process()
        before = this.num_fds(), this.children()
        with pytest.raises(OverflowError):
            ProcessLauncher().launch(command, lambda _data: None)
        assert (this.num_fds(), this.children()) == before

    asyncio.run(body())


def test_a_kill_ends_the_process_its_group_and_those_who_left_the_group():
    source = (
        "import subprocess, time\n"
        "a = subprocess.Popen(['sleep', '60'])\n"
        "b = subprocess.Popen(['sleep', '60'], start_new_session=True)\n"
        "print(a.pid, b.pid, flush=True); time.sleep(60)"
    )

    async def body() -> list[int]:
        loop = asyncio.get_running_loop()
        told: asyncio.Future[bytes] = loop.create_future()
        async with asyncio.timeout(20):
            process = launch(source, told.set_result, PATH="/usr/bin:/bin")
            pids = [int(word) for word in (await told).split()]
            assert process.peak_memory_mb() > 3
            process.kill()
            process.kill()
            assert await process.exited == -9
            process.kill()
        return pids

    pids = asyncio.run(body())
    killed = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    _gone, left = psutil.wait_procs(killed, timeout=2)  # the kernel takes its moment
    assert [process for process in left if process.status() != psutil.STATUS_ZOMBIE] == []
