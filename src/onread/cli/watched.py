"""A worker as its supervisor sees it: a process, and what it says of itself."""

import asyncio
import os
import shutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import orjson

from onread.app.elsewhere import LONGEST_LINE_BYTES, Questions, to_line
from onread.app.foundation import Share
from onread.app.road import worker_folder
from onread.cli.worker import SEAT, Seat
from onread.config import Settings

Gather = Callable[["WatchedWorker", dict[str, Any]], None]
"""Told that a worker wants the others asked; answered with `WatchedWorker.tell`."""


class WatchedWorker:
    """A started worker. Made by `start`; its owner awaits `wait` once, which also tidies up.

    Attributes:
        ready: set when it serves, or has ended.
        leaving: set when its place is free: it drains, or has ended.
        was_ready: whether it ever served.
        drains: whether it has said that it takes nothing new.
    """

    def __init__(
        self, settings: Settings, share: Share, process: asyncio.subprocess.Process, gather: Gather
    ) -> None:
        self.index = share.index
        self.ready = asyncio.Event()
        self.leaving = asyncio.Event()
        self.was_ready = False
        self.drains = False
        self._stale = False
        self._folder = worker_folder(settings, share)
        self._process = process
        self._writer: asyncio.StreamWriter | None = None
        self._reader: asyncio.StreamReader | None = None
        self._gather = gather
        self._questions = Questions(self._send)

    @classmethod
    async def start(
        cls, settings: Settings, share: Share, front: Sequence[socket.socket], gather: Gather
    ) -> "WatchedWorker":
        """A new worker that accepts from ``front``; it reads its settings as we did."""
        ours, theirs = socket.socketpair()
        with theirs:
            seat = Seat(share=share, front=[each.fileno() for each in front], control=theirs.fileno())
            process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "onread", *sys.argv[1:]),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                env={**os.environ, SEAT: str(seat)},
                pass_fds=(*seat.front, seat.control),
                start_new_session=True,  # a terminal's Ctrl-C is for us alone
            )
        worker = cls(settings, share, process, gather)
        worker._reader, worker._writer = await asyncio.open_unix_connection(
            sock=ours, limit=LONGEST_LINE_BYTES
        )
        return worker

    @property
    def serves(self) -> bool:
        """Whether it takes requests."""
        return self.was_ready and not self.leaving.is_set() and not self._stale

    async def wait(self) -> int:
        """Its exit status; it is heard until then."""
        assert self._reader is not None
        assert self._writer is not None
        try:
            while line := await self._reader.readline():
                self._hear(orjson.loads(line))
        except (OSError, ValueError):
            self.kill()
        status = await self._process.wait()
        self.leaving.set()
        self.ready.set()
        self._questions.give_up()
        self._writer.close()
        await asyncio.to_thread(shutil.rmtree, self._folder, ignore_errors=True)
        return status

    def _hear(self, told: dict[str, Any]) -> None:
        match told["event"]:
            case "ready":
                self.was_ready = True
                self.ready.set()
            case "draining":
                self.drains = True
                self.leaving.set()
            case "answer":
                self._questions.answer(told["number"], told["content"])
            case "gather":
                self._gather(self, told)
            case "stale" | "current" as event:
                self._stale = event == "stale"

    async def ask(self, question: dict[str, Any], timeout_seconds: float) -> Any:
        """Its answer to a question; None when there is none in time."""
        if not self.was_ready or self._writer is None or self._writer.is_closing():
            return None
        return await self._questions.ask(question, timeout_seconds)

    def tell(self, told: dict[str, Any]) -> None:
        """Send it one document."""
        self._send(to_line(told))

    def _send(self, line: bytes) -> None:
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(line)

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
