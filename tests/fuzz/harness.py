"""What every fuzz target is, and the two ways to run it: coverage-guided by atheris, seeded by pytest.

A target is a module ``fuzz_NAME.py`` with one ``TARGET``. Its check takes any bytes and returns; whatever
it raises is a find, and so is an input that keeps the processor busy for more than a second.
"""

import importlib
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from tests.processor import least_seconds

HERE = Path(__file__).parent
CORPUS = HERE / "corpus"
LONGEST_SECONDS = 1.0

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Target:
    """One thing that takes bytes from strangers.

    Args:
        case: its number in the list of promises (``R-060``).
        seeds: inputs that reach deep; the saved corpus is added to them.
        words: what the inputs are made of, for mutation.
        rounds: how many mutants an ordinary test run tries.
    """

    case: str
    check: Callable[[bytes], None]
    seeds: Sequence[bytes]
    words: Sequence[bytes] = ()
    longest_bytes: int = 4096
    rounds: int = 2000

    def run(self, content: bytes) -> None:
        """Check one input, within its time."""
        check = partial(self.check, content)
        if least_seconds(check, times=1) >= LONGEST_SECONDS:
            spent = least_seconds(check)
            assert spent < LONGEST_SECONDS, f"{spent:.1f} s of processor time for {content[:200]!r}"


def names() -> list[str]:
    return sorted(path.stem.removeprefix("fuzz_") for path in HERE.glob("fuzz_*.py"))


def load(name: str) -> Target:
    target: Target = importlib.import_module(f"tests.fuzz.fuzz_{name}").TARGET
    return target


def saved(name: str) -> list[bytes]:
    """The inputs that once found something, or that reach what seeds do not."""
    return [path.read_bytes() for path in sorted((CORPUS / name).glob("*"))]


def mutants(inputs: Sequence[bytes], target: Target, count: int, seed: str) -> Iterator[bytes]:
    """The same mutants for the same seed, each a few steps from an input."""
    rng = random.Random(seed)
    for _ in range(count):
        content = bytearray(rng.choice(inputs))
        for _ in range(rng.choice((1, 1, 2, 3, 5))):
            rng.choice(_STEPS)(rng, content, target.words, inputs)
        yield bytes(content[: target.longest_bytes])


def _place(rng: random.Random, content: bytearray) -> int:
    return rng.randrange(len(content) + 1)


def _overwrite(rng: random.Random, content: bytearray, words: object, inputs: object) -> None:
    if content:
        content[rng.randrange(len(content))] = rng.choice(
            (0, 9, 10, 11, 13, 32, 127, 255, rng.randrange(256))
        )


def _delete(rng: random.Random, content: bytearray, words: object, inputs: object) -> None:
    start = _place(rng, content)
    del content[start : start + rng.choice((1, 1, 2, 8))]


def _insert_byte(rng: random.Random, content: bytearray, words: object, inputs: object) -> None:
    content.insert(_place(rng, content), rng.choice(b"\0\t\n\v\r \x7f\x80\xff%:;,\"'<>{}[]=&?/+-.0a"))


def _insert_word(rng: random.Random, content: bytearray, words: Sequence[bytes], inputs: object) -> None:
    if words:
        place = _place(rng, content)
        content[place:place] = rng.choice(words)


def _repeat(rng: random.Random, content: bytearray, words: object, inputs: object) -> None:
    start = _place(rng, content)
    piece = content[start : start + rng.randrange(1, 40)]
    content[start:start] = piece * rng.choice((1, 1, 2, 30))


def _splice(rng: random.Random, content: bytearray, words: object, inputs: Sequence[bytes]) -> None:
    other = rng.choice(inputs)
    start = rng.randrange(len(other) + 1)
    place = _place(rng, content)
    content[place : place + rng.randrange(8)] = other[start : start + rng.randrange(1, 60)]


_STEPS = (_overwrite, _delete, _insert_byte, _insert_word, _insert_word, _repeat, _splice)


class Draw:
    """Choices read off the bytes of an input, so that a fuzzer's small step is a small change.

    When the bytes have run out, every choice is the first one.
    """

    def __init__(self, content: bytes) -> None:
        self._content = content
        self._place = 0

    def byte(self) -> int:
        self._place += 1
        return self._content[self._place - 1] if self._place <= len(self._content) else 0

    def below(self, limit: int) -> int:
        return (self.byte() << 8 | self.byte()) % limit if limit > 256 else self.byte() % limit

    def pick(self, choices: Sequence[T]) -> T:
        return choices[self.below(len(choices))]

    def take(self, most: int) -> bytes:
        size = self.below(most + 1)
        taken = self._content[self._place : self._place + size]
        self._place += size
        return taken

    def text(self, most: int) -> str:
        """Characters that stand for bytes."""
        return self.take(most).decode("latin-1")

    def rest(self) -> bytes:
        taken, self._place = self._content[self._place :], len(self._content)
        return taken

    @property
    def empty(self) -> bool:
        return self._place >= len(self._content)


def pieces(content: bytes, seed: bytes) -> Iterator[bytes]:
    """The content cut at places that its own bytes decide."""
    rng = random.Random(seed)
    start = 0
    while start < len(content):
        stop = start + rng.choice((1, 1, 2, 3, 7, 20, 200))
        yield content[start:stop]
        start = stop
