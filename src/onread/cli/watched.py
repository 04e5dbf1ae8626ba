"""A worker as its supervisor sees it: a process, and what it says of itself."""

import asyncio
import json
import os
import shutil
import signal
import socket
import sys
from contextlib import suppress

from onread.app.foundation import Share
from onread.app.road import worker_folder
from onread.cli.worker import SEAT, Seat
from onread.config import Settings

# A worker's metrics are one line.
_LONGEST_LINE_BYTES = 4 << 20


class WatchedWorker:
    """A started worker. Made by `start`; its owner awaits `wait` once, which also tidies up.

    Attributes:
        ready: set when it serves, or has ended.
        leaving: set when its place is free: it drains, or has ended.
        was_ready: whether it ever served.
        drains: whether it has said that it takes nothing new.
    """

    def __init__(self, settings: Settings, share: Share, process: asyncio.subprocess.Process) -> None:
        self.index = share.index
        self.ready = asyncio.Event()
        self.leaving = asyncio.Event()
        self.was_ready = False
        self.drains = False
        self._folder = worker_folder(settings, share)
        self._process = process
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._asking = asyncio.Lock()
        self._answer: asyncio.Future[bytes] | None = None

    @classmethod
    async def start(
        cls, settings: Settings, index: int, generation: int, gateway_id: str, front: socket.socket
    ) -> "WatchedWorker":
        """A new worker that accepts from ``front``; it reads its settings as we did."""
        share = Share(index=index, count=settings.workers, generation=generation, gateway_id=gateway_id)
        ours, theirs = socket.socketpair()
        with theirs:
            seat = Seat(share=share, front=front.fileno(), control=theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "onread", *sys.argv[1:]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env={**os.environ, SEAT: str(seat)},
                pass_fds=(seat.front, seat.control),
                start_new_session=True,  # a terminal's Ctrl-C is for us alone
            )
        worker = cls(settings, share, process)
        worker._reader, worker._writer = await asyncio.open_unix_connection(
            sock=ours, limit=_LONGEST_LINE_BYTES
        )
        return worker

    @property
    def serves(self) -> bool:
        """Whether it takes requests."""
        return self.was_ready and not self.leaving.is_set()

    async def wait(self) -> int:
        """Its exit status; it is heard until then."""
        assert self._reader is not None
        assert self._writer is not None
        try:
            while line := await self._reader.readline():
                self._hear(json.loads(line))
        except (OSError, ValueError):
            self.kill()
        status = await self._process.wait()
        self.leaving.set()
        self.ready.set()
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(b"")
        self._writer.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return status

    def _hear(self, told: dict[str, str]) -> None:
        match told["event"]:
            case "ready":
                self.was_ready = True
                self.ready.set()
            case "draining":
                self.drains = True
                self.leaving.set()
            case "metrics":
                if self._answer is not None and not self._answer.done():
                    self._answer.set_result(told["text"].encode())

    async def metrics(self, timeout_seconds: float) -> bytes:
        """Its exposition; empty when it does not answer in time."""
        if not self.was_ready or self._writer is None or self._writer.is_closing():
            return b""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_seconds), self._asking:
                self._answer = asyncio.get_running_loop().create_future()
                self._writer.write(b"metrics\n")
                return await self._answer
        return b""

    def end(self) -> None:
        """Let it drain."""
        self._signal(signal.SIGTERM)

    def reload(self) -> None:
        """Let it read its settings again."""
        if self.was_ready:
            self._signal(signal.SIGHUP)

    def kill(self) -> None:
        """End it at once."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        with suppress(ProcessLookupError):
            self._process.send_signal(number)
