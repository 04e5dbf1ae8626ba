"""Tests of onread.stores."""
