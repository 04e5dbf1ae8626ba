"""Tests of onread.metadata."""
