"""Sizes that an ordinary test run keeps small, and that a run by hand may raise (docs/benchmarks.md)."""

import os


def scaled(name: str, small: int) -> int:
    """The number in the environment variable ``SCALE_NAME``; ``small`` without it."""
    return int(os.environ.get(f"SCALE_{name}", small))
