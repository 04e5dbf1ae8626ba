"""Measurements: every figure is a ratio inside one interleaved run."""
