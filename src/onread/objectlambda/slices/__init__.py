"""Slices: one transformation, kept, answers HEAD, ranges, parts and conditions."""
