"""Builds everything once, in order, and takes it down in the reverse order."""
