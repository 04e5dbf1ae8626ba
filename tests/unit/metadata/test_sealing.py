"""Sealed values: only the same key in the same place opens them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.metadata.sealing import Sealer, WrongMasterKey

SEALER = Sealer(b"m" * 32)


@given(st.binary(max_size=64), st.text(max_size=16))
def test_a_sealed_value_opens_to_what_it_was(plain: bytes, context: str) -> None:
    sealed = SEALER.seal(plain, context)
    assert SEALER.open(sealed, context) == plain
    assert len(plain) < 4 or plain not in sealed


def test_T293_a_sealed_value_does_not_open_elsewhere() -> None:
    sealed = SEALER.seal(b"secret", "AKIA1")
    changed = bytes([sealed[0] ^ 1]) + sealed[1:]
    for sealer, value, context in (
        (SEALER, sealed, "AKIA2"),
        (Sealer(b"x" * 32), sealed, "AKIA1"),
        (SEALER, changed, "AKIA1"),
        (SEALER, sealed[:-1], "AKIA1"),
    ):
        with pytest.raises(WrongMasterKey, match="master key"):
            sealer.open(value, context)


def test_the_same_value_is_never_sealed_alike() -> None:
    assert SEALER.seal(b"secret", "a") != SEALER.seal(b"secret", "a")
