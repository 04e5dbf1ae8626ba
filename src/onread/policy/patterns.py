"""Wildcards and policy variables in the texts of a policy.

Owns ``*``, ``?`` and ``${...}``. ``[``, ``.``, ``+`` and ``{`` are themselves; matching takes time
linear in the text for any number of ``*``.

Source: IAM User Guide, "IAM JSON policy elements: Resource" and "Variables and tags".
"""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache, partial
from typing import Any, Final, TypeVar

from onread.errors import MalformedPolicy
from onread.wire.frozen import frozen

Context = Mapping[str, tuple[str, ...]]
"""The condition keys of one request, by their names in lower case."""


FindLate = Callable[[str], tuple[str, ...] | None]
"""The name of a condition key in lower case -> its values; None when the request has none."""


class NotYetKnown(Exception):
    """A policy names a condition key whose values must be fetched first: do that, and ask again.

    `onread.policy.statement.Unknown` says what else may become of the question.
    """


class LateContext(dict[str, tuple[str, ...]]):
    """A context in which some keys are looked for only when a policy names them: they cost a look-up.

    Args:
        known: those that are known, names in lower case.
        find: asked for every other one; may raise `NotYetKnown`.
    """

    def __init__(self, known: Context, find: FindLate) -> None:
        super().__init__(known)
        self._find = find

    def get(self, key: str, default: Any = None) -> Any:
        """As of any mapping; what is not known is looked for."""
        values = super().get(key)
        if values is None:
            values = self._find(key)
        return default if values is None else values


class Wildcard(Enum):
    """``*`` stands for any number of characters, ``?`` for one."""

    ANY = "*"
    ONE = "?"


@dataclass(frozen=True, slots=True)
class Variable:
    """``${key}`` or ``${key, 'default'}``; the key in lower case."""

    key: str
    default: str | None


Token = str | Wildcard | Variable
StaticToken = str | Wildcard
AnyToken = TypeVar("AnyToken", Token, StaticToken)

_SPECIAL = re.compile(r"\$\{(?P<inside>[^}]*)\}|[*?]")
_WILDCARD_ONLY = re.compile(r"[*?]")
_VARIABLE = re.compile(r"\s*(?P<key>[^\s,']+:[^,']*?)\s*(?:,\s*'(?P<default>[^']*)'\s*)?")
_ARN_PARTS: Final = 6


def tokenize(text: str, *, variables: bool, wildcards: bool = True) -> tuple[Token, ...]:
    """Take a text apart into literals, wildcards and variables.

    Args:
        variables: whether ``${...}`` means something (only since version 2012-10-17).
        wildcards: whether ``*`` and ``?`` do.

    Raises:
        MalformedPolicy: ``${`` without its end, or something between that is no variable.
    """
    tokens: list[Token] = []
    start = 0
    for found in (_SPECIAL if variables else _WILDCARD_ONLY).finditer(text):
        tokens.append(_literal(text[start : found.start()], variables=variables))
        start = found.end()
        inside = found["inside"] if variables else None
        if inside is not None:
            tokens.append(_variable(inside))
        else:
            tokens.append(Wildcard(found[0]) if wildcards else found[0])
    tokens.append(_literal(text[start:], variables=variables))
    return _merged(tokens)


def static_tokens(text: str) -> tuple[StaticToken, ...]:
    """Take a text without variables apart."""
    return Template(tokenize(text, variables=False)).fill(())


def _literal(text: str, *, variables: bool) -> str:
    if variables and "${" in text:
        raise MalformedPolicy(f"A policy variable ends with a brace: {text[:100]!r}.")
    return text


def _variable(inside: str) -> Token:
    if inside in ("*", "?", "$"):
        return inside
    found = _VARIABLE.fullmatch(inside)
    if found is None:
        raise MalformedPolicy(f"${{{inside[:100]}}} is no policy variable.")
    return Variable(found["key"].lower(), found["default"])


def _merged(tokens: Sequence[AnyToken]) -> tuple[AnyToken, ...]:
    """The same with neighbouring literals joined and empty ones left out."""
    merged: list[AnyToken] = []
    for token in tokens:
        if token == "":
            continue
        if merged and isinstance(token, str) and isinstance(merged[-1], str):
            merged[-1] += token
        else:
            merged.append(token)
    return tuple(merged)


class Template:
    """Tokens whose variables wait for a request's values."""

    __slots__ = ("_tokens", "_variables")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._variables = tuple(token for token in tokens if isinstance(token, Variable))

    @property
    def is_static(self) -> bool:
        """Whether there is no variable to fill in."""
        return not self._variables

    def values(self, context: Context) -> tuple[str, ...] | None:
        """The request's value for each variable; None when one has none, or several."""
        found = []
        for variable in self._variables:
            values = context.get(variable.key)
            if not values and variable.default is not None:
                values = (variable.default,)
            if not values or len(values) != 1:
                return None
            found.append(values[0])
        return tuple(found)

    def fill(self, values: tuple[str, ...]) -> tuple[StaticToken, ...]:
        """The tokens with the values in place of the variables, as literals whatever they contain."""
        waiting = iter(values)
        filled = [next(waiting) if isinstance(token, Variable) else token for token in self._tokens]
        return _merged(filled)


class Glob:
    """A pattern over a whole text, letter case included. ``*`` crosses every character, ``/`` too.

    Attributes:
        literal: the one text that fits, where there is no wildcard.
        matches: whether the whole text fits; chosen once, for it is asked more than anything else.
    """

    __slots__ = ("literal", "matches")

    def __init__(self, tokens: tuple[StaticToken, ...]) -> None:
        self.literal: str | None = None
        self.matches: Callable[[str], bool]
        match tokens:
            case () | (str(),):
                self.literal = str(tokens[0]) if tokens else ""
                self.matches = self.literal.__eq__
            case (Wildcard.ANY,):
                self.matches = _fits_everything
            case (str() as prefix, Wildcard.ANY):
                self.matches = partial(_begins, prefix)
            case _:
                self.matches = partial(_fits_whole, _expression(tokens).fullmatch)


def _fits_everything(_text: str) -> bool:
    return True


def _begins(prefix: str, text: str) -> bool:
    return text.startswith(prefix)


def _fits_whole(fullmatch: Callable[[str], re.Match[str] | None], text: str) -> bool:
    return fullmatch(text) is not None


def _expression(tokens: tuple[StaticToken, ...]) -> re.Pattern[str]:
    """Each ``*`` takes the first place where what follows fits, and never tries another.

    The atomic group ``(?>...)`` makes that so. It loses nothing, since the earliest place leaves the
    most room, and so no pattern can make the machine go back over the text.
    """
    segments = [""]
    for token in tokens:
        if token is Wildcard.ANY:
            segments.append("")
        else:
            segments[-1] += "." if token is Wildcard.ONE else re.escape(str(token))
    first, *middle = segments
    last = middle.pop() if middle else None
    source = first + "".join(f"(?>.*?{segment})" for segment in middle)
    return re.compile(source if last is None else f"{source}.*{last}", re.DOTALL)


@frozen()
class SplitArn:
    """An ARN as policies compare it: its first five parts, and the resource with its colons."""

    head: tuple[str, ...]
    tail: str


def split_arn(text: str) -> SplitArn | None:
    """Take an ARN apart; None when it has fewer than six parts."""
    parts = text.split(":", _ARN_PARTS - 1)
    if len(parts) != _ARN_PARTS or parts[0] != "arn":
        return None
    return SplitArn(tuple(parts[:-1]), parts[-1])


class ArnGlob:
    """A pattern over an ARN, part by part: no wildcard reaches from one of the first five into the next.

    Attributes:
        head: the first five parts, where none of them has a wildcard.
        fits_tail: whether a resource fits the last part.
    """

    __slots__ = ("_globs", "fits_tail", "head")

    def __init__(self, parts: tuple[tuple[StaticToken, ...], ...]) -> None:
        globs = tuple(Glob(part) for part in parts[:-1])
        literals = tuple(each.literal for each in globs if each.literal is not None)
        self.head = literals if len(literals) == len(globs) else None
        self.fits_tail = Glob(parts[-1]).matches
        self._globs = globs

    def matches(self, arn: SplitArn) -> bool:
        """Whether every part fits its pattern."""
        if self.head is None:
            for pattern, part in zip(self._globs, arn.head, strict=True):
                if not pattern.matches(part):
                    return False
        elif self.head != arn.head:
            return False
        return self.fits_tail(arn.tail)


def split_tokens(tokens: tuple[StaticToken, ...]) -> tuple[tuple[StaticToken, ...], ...] | None:
    """Cut tokens at the first five colons of their literals; None when there are fewer."""
    parts: list[list[StaticToken]] = [[]]
    for token in tokens:
        if not isinstance(token, str):
            parts[-1].append(token)
            continue
        first, *others = token.split(":", _ARN_PARTS - len(parts))
        parts[-1].append(first)
        parts.extend([other] for other in others)
    if len(parts) != _ARN_PARTS:
        return None
    return tuple(tuple(token for token in part if token != "") for part in parts)


class TextPattern:
    """A pattern over a text, compiled once for each set of values that its variables took."""

    __slots__ = ("_static", "_template")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._template = Template(tokens)
        self._static = _filled_glob(self._template, ()) if self._template.is_static else None

    def matches(self, text: str, context: Context) -> bool | None:
        """Whether the whole text fits; None when a variable has no value."""
        pattern = self._static
        if pattern is None:
            values = self._template.values(context)
            if values is None:
                return None
            pattern = _filled_glob(self._template, values)
        return pattern.matches(text)


class ArnPattern:
    """A pattern over an ARN, compiled once for each set of values that its variables took."""

    __slots__ = ("_fits_tail", "_head", "_static", "_template")

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._template = Template(tokens)
        self._static = _filled_arn_glob(self._template, ()) if self._template.is_static else None
        # Most patterns have wildcards in the resource alone: those are asked without a detour.
        self._head = self._static.head if self._static is not None else None
        self._fits_tail = self._static.fits_tail if self._static is not None else None

    def matches(self, arn: SplitArn | None, context: Context) -> bool | None:
        """Whether every part fits; None when a variable has no value."""
        if self._head is not None and self._fits_tail is not None:
            return arn is not None and self._head == arn.head and self._fits_tail(arn.tail)
        pattern = self._static
        if pattern is None:
            values = self._template.values(context)
            if values is None:
                return None
            pattern = _filled_arn_glob(self._template, values)
        return pattern is not None and arn is not None and pattern.matches(arn)


# Bounded, and keyed by the template itself: what one caller sends cannot grow them.
@lru_cache(maxsize=4096)
def _filled_glob(template: Template, values: tuple[str, ...]) -> Glob:
    return Glob(template.fill(values))


@lru_cache(maxsize=4096)
def _filled_arn_glob(template: Template, values: tuple[str, ...]) -> ArnGlob | None:
    parts = split_tokens(template.fill(values))
    return ArnGlob(parts) if parts is not None else None
