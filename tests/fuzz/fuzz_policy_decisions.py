"""R-064: generated policies and requests: the evaluator decides as the naive one does.

The bytes are the choices of the generators, so that the engine steers them by coverage.
"""

import sys
from pathlib import Path

from tests.fuzz.harness import Target

# The naive evaluator's package imports itself by its own name.
sys.path.append(str(Path(__file__).parents[1] / "unit"))

from policy.test_oracle import (
    test_T200_to_T208_the_evaluator_agrees_with_a_naive_one as oracle,
)


def check(content: bytes) -> None:
    oracle.hypothesis.fuzz_one_input(content)


TARGET = Target(
    case="R-064",
    check=check,
    seeds=[bytes(64), bytes(range(256)), bytes(range(255, -1, -1)) * 2, b"\1\2\3" * 100, b"\xff" * 300],
    rounds=300,
)
