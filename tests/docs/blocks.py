"""The fenced blocks of a page: what a reader copies, and what the page says it prints."""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
_FENCE = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Block:
    """One ``sh`` block; ``printed`` holds the lines of the ``text`` block behind it."""

    commands: str
    printed: str | None


def shell_blocks(page):
    """Every block that can be run, in order."""
    found = _FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    following = [*found[1:], ("", "")]
    return [
        Block(text, after if kind_after == "text" else None)
        for (kind, text), (kind_after, after) in zip(found, following, strict=True)
        if kind == "sh"
    ]


def console_blocks(page):
    """What is shown and not run here."""
    found = _FENCE.findall((ROOT / page).read_text(encoding="utf-8"))
    return [text for kind, text in found if kind == "console"]
