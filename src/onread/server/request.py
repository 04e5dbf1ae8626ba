"""A request as the server hands it on: the shared form, and what its connection has to remember."""

from collections.abc import Callable, Iterable, KeysView, Sequence
from dataclasses import dataclass

from onread.server.body import NO_BODY, IncomingBody, NoBody
from onread.server.refusal import bad_request
from onread.wire.head_names import HeadNames, read_names, read_values
from onread.wire.message import Headers, Request

# A second one of these would leave open which counts.
_ONCE = frozenset({"host", "content-length", "transfer-encoding", "expect"})


def read_headers(raw_names: Sequence[bytes], raw_values: Sequence[bytes]) -> "ReceivedHeaders":
    """The headers of a head.

    Raises:
        Refusal: one that may be there once is there twice, or ends in a space.
    """
    names = read_names(raw_names)
    if names.repeated and not names.repeated.isdisjoint(_ONCE):
        raise bad_request(f"The {min(names.repeated & _ONCE)} header may be sent once.")
    values, end_in_space = read_values(raw_values)
    if end_in_space:
        values = _trimmed(names, values)
    return ReceivedHeaders(names, values)


def _trimmed(names: HeadNames, values: Iterable[str]) -> list[str]:
    trimmed = [value.rstrip(" \t") for value in values]
    for key, value, kept in zip(names.keys, values, trimmed, strict=True):
        if key in _ONCE and value != kept:
            raise bad_request(f"The {key} header must not end in a space.")
    return trimmed


@dataclass(slots=True, kw_only=True)
class ReceivedRequest(Request):
    """A request and what its connection needs to know to answer it."""

    body: IncomingBody | NoBody
    version: str
    keep_alive: bool


class ReceivedHeaders(Headers):
    """Headers whose index was made while they were read."""

    __slots__ = ("_first", "_repeated", "get", "names")

    # A dictionary's own methods: they are asked two dozen times a request.
    get: Callable[[str], str | None]  # type: ignore[assignment]
    names: Callable[[], KeysView[str]]

    def __init__(self, names: HeadNames, values: Sequence[str]) -> None:
        self._pairs = tuple(zip(names.sent, values, strict=True))
        self._index = None
        self._first = dict(zip(names.keys, values, strict=True))
        if names.repeated:  # the first line of a name counts: the last that a dictionary is told stays
            self._first = dict(zip(reversed(names.keys), reversed(values), strict=True))
        self._repeated = bool(names.repeated)
        self.get = self._first.get
        self.names = self._first.keys

    def get_all(self, name: str) -> list[str]:
        """The values of every line of this name (given in lower case), in order."""
        if self._repeated:
            return super().get_all(name)
        value = self._first.get(name)
        return [] if value is None else [value]

    def __contains__(self, name: str) -> bool:
        return name in self._first


def unreadable_request() -> ReceivedRequest:
    """What a refusal answers when there was no request to read."""
    return ReceivedRequest(
        method="", target="", host="", headers=Headers(), body=NO_BODY, version="1.1", keep_alive=False
    )
