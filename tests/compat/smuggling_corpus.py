"""Raw requests that two readers might take for something different, by the case they belong to.

Each is sent as it stands with an innocent request behind it. Where a body is ambiguous it holds a request
of its own, so that a reader that ends the message too early shows it.
"""

import random
from dataclasses import dataclass

from tests.compat import smuggling_framing, smuggling_heads
from tests.compat.smuggling_messages import SMUGGLED


@dataclass(frozen=True)
class Case:
    """One raw request. ``threat`` is its number in the list of cases."""

    threat: str
    raw: bytes


FAMILIES = {
    "T-040": smuggling_framing.two_framings,
    "T-041": smuggling_framing.lengths,
    "T-042": smuggling_framing.encodings,
    "T-043": smuggling_framing.chunk_ends,
    "T-044": smuggling_framing.trailers,
    "T-045": smuggling_framing.header_lines,
    "T-046": smuggling_framing.pipelines,
    "T-047": smuggling_heads.targets,
    "T-048": smuggling_heads.hosts,
    "T-050": smuggling_heads.odd_starts,
    "T-051": smuggling_heads.upgrades,
    "T-052": smuggling_heads.overrides,
    "T-054": smuggling_heads.paths,
    "T-056": smuggling_heads.early_answers,
    "T-057": smuggling_heads.bodiless,
}


def corpus() -> list[Case]:
    """Every case, each raw request once."""
    cases = {}
    for threat, family in FAMILIES.items():
        for raw in family():
            cases.setdefault(raw, Case(threat, raw))
    return list(cases.values())


_WORDS = (
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"\t",
    b"\x00",
    b"\x0b",
    b"0\r\n\r\n",
    b"Content-Length: 5\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"chunked",
    b":",
    b",",
    b";",
    b"5",
    b"\r\n\r\n",
    SMUGGLED,
    b"\xff",
    b"Connection: close\r\n",
    b"HTTP/1.0",
    b"Host: i\r\n",
)


def mutants(count: int, seed: int) -> list[Case]:
    """Cases one to three small steps away from the corpus; the same ones for the same seed."""
    rng = random.Random(seed)
    origins = [case for case in corpus() if len(case.raw) < 2000]
    return [_mutant(rng, rng.choice(origins)) for _ in range(count)]


def _mutant(rng: random.Random, origin: Case) -> Case:
    raw = bytearray(origin.raw)
    for _ in range(rng.choice((1, 1, 2, 3))):
        place = rng.randrange(len(raw) + 1)
        match rng.randrange(4):
            case 0:
                raw[place:place] = rng.choice(_WORDS)
            case 1:
                del raw[place : place + rng.choice((1, 1, 2, 4))]
            case 2:
                raw[place : place + 1] = bytes([rng.choice(b"\r\n\t \0:;,05aA\xff")])
            case _:
                raw[place:place] = raw[max(0, place - rng.randrange(1, 30)) : place]
    return Case(origin.threat, bytes(raw))
