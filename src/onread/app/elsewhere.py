"""What one worker asks of the others, by way of the supervisor that started them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

import orjson

from onread.functions.logs import LogLine
from onread.metadata.records import Function

LONGEST_LINE_BYTES = 8 << 20
"""Of what workers and supervisor tell each other: one JSON document a line.

The kept log of a function, 1 MiB of characters, has four bytes for each at most.
"""

GATHER_SECONDS = 2.0
"""How long the others' answers are waited for: who is too busy or frozen is left out."""

Ask = Callable[[dict[str, Any]], Awaitable[Iterable[Any]]]
"""Asks every other worker one question; the answers of those that answered in time."""


def pack_lines(lines: Iterable[LogLine]) -> list[tuple[str, str | None, str]]:
    """Lines as an answer."""
    return [(line.at.isoformat(), line.request_id, line.text) for line in lines]


def unpack_lines(packed: Iterable[tuple[str, str | None, str]]) -> Iterator[LogLine]:
    """The lines of an answer."""
    for at, request_id, text in packed:
        yield LogLine(datetime.fromisoformat(at), request_id, text)


class Elsewhere:
    """The other workers."""

    def __init__(self, ask: Ask) -> None:
        self._ask = ask

    async def logs(self, function: Function) -> list[LogLine]:
        """The lines of a function that the others keep, each worker's in its order."""
        answers = await self._ask({"ask": "logs", "account": function.account_id, "name": function.name})
        return [line for packed in answers for line in unpack_lines(packed)]


class Questions:
    """Questions that are open at one end of a line: numbered, each answered once or given up.

    Args:
        send: sends one document.
    """

    def __init__(self, send: Callable[[bytes], None]) -> None:
        self._send = send
        self._number = 0
        self._open: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, question: dict[str, Any], timeout_seconds: float) -> Any:
        """The answer to a question; None when there is none in time."""
        self._number += 1
        number = self._number
        answer = self._open[number] = asyncio.get_running_loop().create_future()
        try:
            self._send(to_line({**question, "number": number}))
            async with asyncio.timeout(timeout_seconds):
                return await answer
        except TimeoutError:
            return None
        finally:
            del self._open[number]

    def answer(self, number: int, content: Any) -> None:
        """What has come as the answer to a question; nothing when it is open no more."""
        waiting = self._open.get(number)
        if waiting is not None and not waiting.done():
            waiting.set_result(content)

    def give_up(self) -> None:
        """No answer will come any more."""
        for number in self._open:
            self.answer(number, None)


def to_line(told: dict[str, Any]) -> bytes:
    """One document as it is sent."""
    return orjson.dumps(told) + b"\n"
