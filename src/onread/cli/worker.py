"""One of several gateway processes on one port: what differs from a gateway of one process.

It is started, watched and told by the supervisor, over a socket of their own; when that closes, the
supervisor is gone and the worker goes too.
"""

import asyncio
import contextlib
import json
import os
import socket
from collections.abc import Callable, Coroutine, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

import orjson
import structlog
from setproctitle import setproctitle

from onread.app.elsewhere import (
    GATHER_SECONDS,
    LONGEST_LINE_BYTES,
    Elsewhere,
    Questions,
    pack_lines,
    to_line,
)
from onread.app.foundation import Share
from onread.app.gateway import Gateway, open_gateway
from onread.cli.life import Life
from onread.config import Settings
from onread.server.loop import run
from onread.server.service_manager import GivenSockets, Notifier
from onread.telemetry.logging import configure_logging

SEAT = "ONREAD_WORKER_SEAT"
"""The variable in which the supervisor tells a process that it is a worker, and which."""

_LOOK_SECONDS = 0.5
_log = structlog.get_logger("onread.worker")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """A worker's place.

    Attributes:
        front, control: descriptors of the listening sockets, and of the socket to the supervisor.
    """

    share: Share
    front: Sequence[int]
    control: int

    def __str__(self) -> str:
        return json.dumps(asdict(self))


def _read_seat(text: str) -> Seat:
    told = json.loads(text)
    return Seat(share=Share(**told["share"]), front=told["front"], control=told["control"])


def run_worker(read_settings: Callable[[], Settings], seat_text: str) -> None:
    """Serve until told to end.

    Raises:
        ConfigurationError: the settings cannot be used.
        CannotStart: with the reason.
    """
    seat = _read_seat(seat_text)
    settings = read_settings()
    configure_logging(settings.log_level)
    setproctitle(f"onread: gateway worker {seat.share.index}")
    life = WorkerLife(settings, read_settings, seat)
    run(partial(life.live, GivenSockets(front=[_socket(each) for each in seat.front])), loop=settings.loop)


def _socket(descriptor: int) -> socket.socket:
    os.set_inheritable(descriptor, False)
    given = socket.socket(fileno=descriptor)
    given.setblocking(False)
    return given


class WorkerLife(Life):
    """A worker between its start and its end."""

    def __init__(self, settings: Settings, read_settings: Callable[[], Settings], seat: Seat) -> None:
        super().__init__(settings, read_settings, Notifier({}))
        self._share = seat.share
        self._control = _socket(seat.control)
        self._to_supervisor: asyncio.StreamWriter | None = None
        self._questions = Questions(self._send)

    def _open(self, given: GivenSockets) -> contextlib.AbstractAsyncContextManager[Gateway]:
        return open_gateway(self._settings, given, self._share, Elsewhere(self._ask_others))

    @contextlib.contextmanager
    def _offered(self, gateway: Gateway) -> Iterator[None]:
        yield

    def _announce(self, gateway: Gateway) -> None:
        """The supervisor is told as soon as it can hear us."""

    def _watches(self, gateway: Gateway) -> Iterator[Coroutine[None, None, None]]:
        yield self._watch_certificates(gateway)
        yield self._watch_records(gateway)

    async def _watch_records(self, gateway: Gateway) -> None:
        """The supervisor answers for us: it is told when we begin to refuse requests, and when we end."""
        told = True
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            if gateway.records.current != told:
                told = gateway.records.current
                self._tell({"event": "current" if told else "stale"})

    def _on_signal(self) -> None:
        """However often it is told: ending at once is for the supervisor to decide."""
        self._told.set()

    async def _serve(self, gateway: Gateway) -> None:
        reader, self._to_supervisor = await asyncio.open_unix_connection(
            sock=self._control, limit=LONGEST_LINE_BYTES
        )
        async with asyncio.TaskGroup() as tasks:
            listening = tasks.create_task(self._listen(reader, gateway), name="onread.worker.control")
            self._tell({"event": "ready"})
            await super()._serve(gateway)
            listening.cancel()

    async def _drain(self, gateway: Gateway) -> None:
        self._tell({"event": "draining"})
        await super()._drain(gateway)

    async def _listen(self, reader: asyncio.StreamReader, gateway: Gateway) -> None:
        while line := await reader.readline():
            told = orjson.loads(line)
            match told.get("ask"):
                case "metrics":
                    self._answer(told["number"], gateway.exposition().decode())
                case "logs":
                    self._answer(
                        told["number"], pack_lines(gateway.pool.logs_of(told["account"], told["name"]))
                    )
                case None:
                    self._questions.answer(told["number"], told["answers"])
        _log.error("worker.supervisor_gone")
        os._exit(1)

    async def _ask_others(self, question: dict[str, Any]) -> Iterable[Any]:
        answers = await self._questions.ask({"event": "gather", "question": question}, 2 * GATHER_SECONDS)
        return answers or ()

    def _answer(self, number: int, content: Any) -> None:
        self._tell({"event": "answer", "number": number, "content": content})

    def _tell(self, event: dict[str, Any]) -> None:
        self._send(to_line(event))

    def _send(self, line: bytes) -> None:
        assert self._to_supervisor is not None
        self._to_supervisor.write(line)
