"""What ``onread doctor`` finds."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

State = Literal["ok", "warning", "problem"]

# SigV4 accepts fifteen minutes; at five there is still time to mend the clock.
_SKEW_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at; ``advice`` says what to do when it is not ok."""

    state: State
    subject: str
    detail: str
    advice: str = ""


def compare_clocks(theirs: datetime, ours: datetime, *, whose: str = "the gateway") -> Finding:
    """How far another clock is from ours: signatures name the time."""
    skew = abs((ours - theirs).total_seconds())
    if skew > _SKEW_SECONDS:
        return Finding(
            "problem", "clock", f"differs from that of {whose} by {skew:.0f} s", "synchronise both clocks"
        )
    return Finding("ok", "clock", f"agrees with that of {whose}")
