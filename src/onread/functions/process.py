"""One operating system process that runs a function: started, watched, killed whole, reaped.

Owns pids, pipes and limits; knows nothing of Lambda. ``Launcher`` is the one place that makes a
process, so that a forked warm template or a sandbox can take its place.

Linux only: a pidfd tells the end, so that no thread waits and no recycled pid is ever signalled.
"""

import asyncio
import os
import resource
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

_READ_BYTES = 64 * 1024
_DRAIN_BYTES = 4 * 1024 * 1024
_PEAK_AGE_SECONDS = 0.25


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the kernel holds the process to.

    Attributes:
        data_bytes: private writable memory (RLIMIT_DATA). Not the address space: boto3 and threads
            reserve far more of that than they use. Shared and file-backed memory is not counted.
        open_files: descriptors; 1,024 as on Lambda.
        file_bytes: the largest file it may write.
    """

    data_bytes: int
    open_files: int
    file_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A process to be started. ``environment`` is all it gets."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    directory: Path
    limits: Limits


class Process(Protocol):
    """A started process and everything it starts."""

    pid: int
    exited: "asyncio.Future[int]"
    """The return code, negative for a signal; set once, when it has been reaped."""

    def kill(self) -> None:
        """SIGKILL to the process, its group and its descendants. Does nothing after the end."""

    def drain(self) -> None:
        """Hand over what has been written and not yet read, without waiting."""

    def peak_memory_mb(self) -> int:
        """The most memory it has held resident, in MiB, rounded up; at most a quarter of a second old."""


class Launcher(Protocol):
    """Makes processes."""

    def launch(self, command: Command, on_output: Callable[[bytes], None]) -> Process:
        """Start a process whose standard output and error arrive at ``on_output`` as they come.

        Raises:
            OSError: the machine refuses (no memory, no such file, no descriptors).
        """
        ...


class ProcessLauncher:
    """Starts a new interpreter for every environment."""

    def launch(self, command: Command, on_output: Callable[[bytes], None]) -> Process:
        """See `Launcher`. Called in the loop's thread: the process dies with the thread that starts it."""
        reading, writing = os.pipe()
        try:
            popen = subprocess.Popen(
                list(command.arguments),
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                env=dict(command.environment),
                cwd=command.directory,
                close_fds=True,
                start_new_session=True,
            )
        except BaseException:
            os.close(reading)
            raise
        finally:
            os.close(writing)
        try:
            # The interpreter has not reached the first line of Python yet, and hard limits only go down.
            _limit(popen.pid, command.limits)
            return _ChildProcess(popen, reading, os.pidfd_open(popen.pid), on_output)
        except BaseException:  # no descriptor left, say: a process that nobody watches must not stay
            popen.kill()
            popen.wait()
            os.close(reading)
            raise


def _limit(pid: int, limits: Limits) -> None:
    table = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_DATA: limits.data_bytes,
        resource.RLIMIT_NOFILE: limits.open_files,
        resource.RLIMIT_FSIZE: limits.file_bytes,
    }
    with suppress(ProcessLookupError):
        for kind, most in table.items():
            _soft, hard = resource.prlimit(pid, kind)
            bounded = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.prlimit(pid, kind, (bounded, bounded))


class _ChildProcess:
    def __init__(
        self, popen: "subprocess.Popen[bytes]", output: int, pidfd: int, on_output: Callable[[bytes], None]
    ) -> None:
        self.pid = popen.pid
        self._loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = self._loop.create_future()
        self._popen = popen
        self._output = output
        self._on_output = on_output
        self._peak_memory_mb = 0
        self._peak_read_at = float("-inf")
        self._pidfd = pidfd
        os.set_blocking(output, False)
        self._loop.add_reader(output, self._read)
        self._loop.add_reader(self._pidfd, self._ended)

    def kill(self) -> None:
        if self._popen.returncode is not None:
            return
        escaped = _descendants(self.pid)  # those that left the group; before the tree falls apart
        _kill_group(self.pid)
        for pid in escaped:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def drain(self) -> None:
        read_bytes = 0
        while self._output >= 0 and read_bytes < _DRAIN_BYTES:
            got = self._read()
            if not got:
                return
            read_bytes += got

    def peak_memory_mb(self) -> int:
        now = time.monotonic()
        if now - self._peak_read_at >= _PEAK_AGE_SECONDS:  # reading it costs a third of an empty run
            self._peak_read_at = now
            self._peak_memory_mb = max(self._peak_memory_mb, _peak_memory_mb(self.pid))
        return self._peak_memory_mb

    def _read(self) -> int:
        """Read once; the number of bytes."""
        try:
            data = os.read(self._output, _READ_BYTES)
        except BlockingIOError:
            return 0
        if not data:
            self._close_output()
            return 0
        self._on_output(data)
        return len(data)

    def _ended(self) -> None:
        """The leader is a zombie: its group cannot be recycled yet, so the rest of it is safe to kill."""
        self._loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        _kill_group(self.pid)
        self.drain()
        self._close_output()
        return_code = self._popen.wait()
        if not self.exited.done():
            self.exited.set_result(return_code)

    def _close_output(self) -> None:
        if self._output >= 0:
            self._loop.remove_reader(self._output)
            os.close(self._output)
            self._output = -1


def _peak_memory_mb(pid: int) -> int:
    try:
        status = Path(f"/proc/{pid}/status").read_bytes()
    except OSError:
        return 0
    _before, found, after = status.partition(b"VmHWM:")
    return -(-int(after.split(None, 1)[0]) // 1024) if found else 0


def _kill_group(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)


def _descendants(pid: int) -> list[int]:
    """Every living descendant (the process is its own subreaper, so none is adopted away)."""
    found: list[int] = []
    pending = [pid]
    while pending and len(found) < 10_000:
        children = _children(pending.pop())
        found += children
        pending += children
    return found


def _children(pid: int) -> list[int]:
    children: list[int] = []
    with suppress(OSError):
        for thread in os.listdir(f"/proc/{pid}/task"):
            children += map(int, Path(f"/proc/{pid}/task/{thread}/children").read_text().split())
    return children
