"""Callers without SDK, in a process of their own (`callers.c`): a steady rate, or as fast as answers come."""

import json
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
# How much longer than it asks the program may wait for answers.
_PATIENCE_SECONDS = 30.0


@dataclass(frozen=True)
class Tally:
    """What callers got.

    Attributes:
        good, refused, other, broken: answers of 200, of 503 and of anything else, and broken connections.
        unanswered: requests that were not answered within ten seconds.
        unsent: requests for which no connection was left.
        hinted: how many of the refused were told when to come back.
        good_ms, refused_ms: from a request's moment to its whole answer: ``p50``, ``p99`` and ``max``.
    """

    lasted: float
    good: int
    refused: int
    other: int
    broken: int
    unanswered: int
    unsent: int
    hinted: int
    good_ms: Mapping[str, float]
    refused_ms: Mapping[str, float]

    @property
    def asked(self) -> int:
        """How many requests there were."""
        return self.good + self.refused + self.other + self.broken + self.unanswered + self.unsent

    @property
    def per_second(self) -> float:
        """Good answers a second."""
        return self.good / self.lasted


@dataclass(frozen=True)
class Running:
    """Callers at work."""

    process: "subprocess.Popen[str]"
    seconds: float

    def tally(self) -> Tally:
        """What they got, when they are done.

        Raises:
            RuntimeError: they could not go on.
        """
        try:
            output, complaint = self.process.communicate(timeout=self.seconds + _PATIENCE_SECONDS)
        finally:
            self.process.kill()
        if self.process.returncode:
            raise RuntimeError(complaint)
        return Tally(**json.loads(output))


class Callers:
    """Callers of one request.

    Args:
        folder: for the program and the request.
    """

    def __init__(self, folder: Path, port: int, request: bytes, name: str = "callers") -> None:
        self._program = folder / "callers"
        if not self._program.exists():
            command = ["cc", "-O2", "-o", self._program, HERE / "callers.c", "-lm"]
            subprocess.run(command, check=True)
        self._request = folder / f"{name}.request"
        self._request.write_bytes(request)
        self._port = port

    def flat_out(self, lanes: int, seconds: float) -> Tally:
        """So many callers, each asking again as soon as it is answered."""
        return self._start("lanes", lanes, seconds).tally()

    def steady(self, per_second: float, seconds: float) -> Tally:
        """A rate, whatever the answers."""
        return self.begin_steady(per_second, seconds).tally()

    def begin_steady(self, per_second: float, seconds: float) -> Running:
        """As `steady`, while the caller does something else."""
        return self._start("rate", per_second, seconds)

    def _start(self, how: str, amount: float, seconds: float) -> Running:
        words = [self._program, str(self._port), self._request, how, f"{amount:.3f}", str(seconds)]
        process = subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        return Running(process, seconds)
