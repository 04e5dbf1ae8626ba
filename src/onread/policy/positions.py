"""Where each statement stands in a policy's text, for people who look for the one that decided."""

import json
import re
from dataclasses import dataclass

_SPACE = re.compile(r"[ \t\r\n]*")
_DECODER = json.JSONDecoder()


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a text; lines and columns count from one."""

    line: int
    column: int


@dataclass(frozen=True, slots=True)
class Span:
    """From the first character to behind the last."""

    start: Position
    end: Position


def statement_spans(text: str) -> list[Span]:
    """The spans of the statements, in order.

    Args:
        text: a policy that `onread.policy.document` has taken.
    """
    at = _skip(text, text.index("{") + 1)
    while text[at] != "}":
        name, at = _DECODER.raw_decode(text, at)
        at = _skip(text, _skip(text, at) + 1)  # behind the colon
        if name == "Statement":
            return _spans(text, at)
        _, at = _DECODER.raw_decode(text, at)
        at = _skip_comma(text, at)
    return []


def _spans(text: str, at: int) -> list[Span]:
    if text[at] != "[":
        _, end = _DECODER.raw_decode(text, at)
        return [_span(text, at, end)]
    spans = []
    at = _skip(text, at + 1)
    while text[at] != "]":
        _, end = _DECODER.raw_decode(text, at)
        spans.append(_span(text, at, end))
        at = _skip_comma(text, end)
    return spans


def _skip(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _skip_comma(text: str, at: int) -> int:
    at = _skip(text, at)
    return _skip(text, at + 1) if text[at] == "," else at


def _span(text: str, start: int, end: int) -> Span:
    return Span(_position(text, start), _position(text, end))


def _position(text: str, offset: int) -> Position:
    line_start = text.rfind("\n", 0, offset) + 1
    return Position(text.count("\n", 0, offset) + 1, offset - line_start + 1)
