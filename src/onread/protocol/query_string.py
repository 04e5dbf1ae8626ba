"""Percent-encoding and query strings: decoded exactly once, here.

Text on the wire is ``str`` in which each character stands for one byte; decoded text is what the bytes
say in UTF-8. What is not UTF-8, or not percent-encoding, is refused and never repaired: two readers
that repair differently see two different names.
"""

import re
from collections.abc import KeysView
from functools import lru_cache
from urllib.parse import unquote_to_bytes

from onread.errors import InvalidURI
from onread.wire.remembered import remembered

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode_text(encoded: str) -> str:
    """The text that a percent-encoded path or label stands for; ``+`` is a plus sign.

    Raises:
        InvalidURI: an escape is broken, or the bytes are not UTF-8.
    """
    if "%" not in encoded and encoded.isascii():
        return encoded
    if _BROKEN_ESCAPE.search(encoded):
        raise InvalidURI("A percent sign in the URI must be followed by two hexadecimal digits.")
    try:
        return unquote_to_bytes(encoded.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise InvalidURI("The URI is not UTF-8 after percent-decoding.") from error


def decode_query_text(encoded: str) -> str:
    """As `decode_text`, for a name or value of a query string or form: ``+`` is a space."""
    return decode_text(encoded.replace("+", " "))


@remembered(128)  # routing and parsing read the same one, and a presigned URL comes again
def read_query(text: str) -> "Query":
    """The parameters of a query string."""
    return Query(text)


class Query:
    """The parameters of a query string, by decoded name; values are decoded when they are asked for.

    A parameter that no operation knows may hold anything: callers pass arguments to functions so.
    """

    __slots__ = ("_values",)

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[str]] = {}
        for pair in text.split("&") if text else ():
            if pair:
                name, _, value = pair.partition("=")
                self._values.setdefault(_decoded_name(name), []).append(value)

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def names(self) -> KeysView[str]:
        """Every name once, in the order of their first appearance."""
        return self._values.keys()

    def get_all(self, name: str) -> list[str]:
        """Every value of this name, decoded.

        Raises:
            InvalidURI: a value is not percent-encoded UTF-8.
        """
        return [decode_query_text(value) for value in self._values.get(name, ())]


@lru_cache(maxsize=1024)  # the same few names again and again; what strangers invent pushes each other out
def _decoded_name(encoded: str) -> str:
    try:
        return decode_query_text(encoded)
    except InvalidURI:
        return encoded  # no parameter that we know
