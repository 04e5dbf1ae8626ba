"""Tests of onread.control."""
