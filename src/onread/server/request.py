"""A request as the server hands it on: the shared form, and what its connection has to remember."""

from collections.abc import Iterable
from dataclasses import dataclass

from onread.server.body import NO_BODY, IncomingBody, NoBody
from onread.wire.message import Headers, Request

# Names come again with every request: each is decoded and lowered once. Bounded, for peers invent them.
KNOWN_NAMES: dict[bytes, tuple[str, str]] = {}
_KNOWN_NAMES_LIMIT = 1024


def learn_name(raw_name: bytes) -> tuple[str, str]:
    """A header's name as sent, and in lower case."""
    name = raw_name.decode("latin-1")
    known = (name, name.lower())
    if len(KNOWN_NAMES) < _KNOWN_NAMES_LIMIT:
        KNOWN_NAMES[raw_name] = known
    return known


@dataclass(slots=True, kw_only=True)
class ReceivedRequest(Request):
    """A request and what its connection needs to know to answer it."""

    body: IncomingBody | NoBody
    version: str
    keep_alive: bool


class ReceivedHeaders(Headers):
    """Headers whose index was made while they were read."""

    __slots__ = ("_first", "_repeated")

    def __init__(self, pairs: list[tuple[str, str]], first: dict[str, str]) -> None:
        self._pairs = tuple(pairs)
        self._index = None
        self._first = first
        self._repeated = len(first) != len(pairs)

    def get(self, name: str) -> str | None:
        """The value of the first line of this name (given in lower case), or None."""
        return self._first.get(name)

    def get_all(self, name: str) -> list[str]:
        """The values of every line of this name (given in lower case), in order."""
        if self._repeated:
            return super().get_all(name)
        value = self._first.get(name)
        return [] if value is None else [value]

    def names(self) -> Iterable[str]:
        """Every name once, in lower case."""
        return self._first.keys()

    def __contains__(self, name: str) -> bool:
        return name in self._first


def unreadable_request() -> ReceivedRequest:
    """What a refusal answers when there was no request to read."""
    return ReceivedRequest(
        method="", target="", host="", headers=Headers(), body=NO_BODY, version="1.1", keep_alive=False
    )
