"""The same running gateway that the tests with real clients use."""

from tests.compat.conftest import world

__all__ = ["world"]
