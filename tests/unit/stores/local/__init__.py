"""Tests of onread.stores.local."""
