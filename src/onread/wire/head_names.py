"""The names and the values of a head's headers, read together.

A peer sends the same names all day: what is known of a set of names is found out once.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from onread.wire.remembered import remembered


class HeadNames(NamedTuple):
    """The names of one head in order, as sent and in lower case; ``repeated``: those that stand twice."""

    sent: tuple[str, ...]
    keys: tuple[str, ...]
    repeated: frozenset[str]


def read_names(raw_names: Iterable[bytes]) -> HeadNames:
    """The names as they came, none of which has a line end."""
    return _read(b"\n".join(raw_names))


@remembered(512, longest=2048)  # a MiB: peers invent names
def _read(joined: bytes) -> HeadNames:
    sent = tuple(joined.decode("latin-1").split("\n")) if joined else ()
    keys = tuple(name.lower() for name in sent)
    return HeadNames(sent, keys, frozenset(name for name in keys if keys.count(name) > 1))


def read_values(raw_values: Sequence[bytes]) -> tuple[list[str], bool]:
    """The values as they came, none of which has a line end, and whether one of them ends in a space."""
    if not raw_values:
        return [], False
    text = b"\n".join(raw_values).decode("latin-1")
    return text.split("\n"), " \n" in text or "\t\n" in text or text.endswith((" ", "\t"))
