"""`onread.sigv4.session_token`: tokens that carry their session."""

import base64
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import InvalidToken
from onread.sigv4.session_token import derive_key, open_sealed, seal, session_secret

MASTER = bytes(range(32))
KEY = derive_key(MASTER, "session tokens")
NONCE = b"twelve bytes"
DOCUMENT = {"kind": "function", "account": "111122223333", "until": 1767323045}
TOKEN = seal(DOCUMENT, key=KEY, nonce=NONCE)

documents = st.dictionaries(
    st.text(max_size=8), st.none() | st.booleans() | st.integers(0, 2**53) | st.text(), max_size=6
)


@given(documents, st.binary(min_size=12, max_size=12))
def test_what_was_sealed_is_opened(document, nonce):
    token = seal(document, key=KEY, nonce=nonce)
    assert set(token) <= set(string.ascii_letters + string.digits + "-_")
    assert open_sealed(token, key=KEY) == document


def test_a_token_tells_nothing():
    assert b"function" not in base64.urlsafe_b64decode(TOKEN + "==")


@pytest.mark.parametrize("position", range(len(TOKEN)))
def test_T013_a_token_with_another_character_is_invalid(position):
    other = "A" if TOKEN[position] != "A" else "B"
    with pytest.raises(InvalidToken):
        open_sealed(TOKEN[:position] + other + TOKEN[position + 1 :], key=KEY)


@given(st.text(max_size=60) | st.text(st.sampled_from("AB-_=+/"), max_size=60))
def test_T013_any_other_text_is_invalid(text):
    with pytest.raises(InvalidToken):
        open_sealed(text, key=KEY)


@pytest.mark.parametrize(
    "token",
    [TOKEN + "=", TOKEN + "\n", " " + TOKEN, TOKEN[:-1], TOKEN + "A", TOKEN + "AAAA", "A" * 4097, TOKEN[:20]],
)
def test_T013_a_token_has_one_spelling(token):
    with pytest.raises(InvalidToken):
        open_sealed(token, key=KEY)


def test_T013_unused_bits_of_the_last_character_are_not_another_spelling():
    alphabet = string.ascii_uppercase + string.ascii_lowercase + string.digits + "-_"
    token = next(
        token for length in range(3) if len(token := seal({"a": "b" * length}, key=KEY, nonce=NONCE)) % 4 == 3
    )
    twin = token[:-1] + alphabet[alphabet.index(token[-1]) + 1]
    assert base64.urlsafe_b64decode(twin + "=") == base64.urlsafe_b64decode(token + "=")
    with pytest.raises(InvalidToken):
        open_sealed(twin, key=KEY)


def test_a_token_of_another_key_or_purpose_is_invalid():
    with pytest.raises(InvalidToken):
        open_sealed(TOKEN, key=derive_key(MASTER, "output tokens"))
    with pytest.raises(InvalidToken):
        open_sealed(TOKEN, key=derive_key(bytes(32), "session tokens"))


def test_keys_are_derived_by_purpose():
    assert len(KEY) == 32
    assert derive_key(MASTER, "a") == derive_key(MASTER, "a")
    assert len({derive_key(MASTER, "a"), derive_key(MASTER, "b"), derive_key(bytes(32), "a"), MASTER}) == 4


def test_the_secret_of_a_token_is_forty_characters_and_its_own():
    secret = session_secret(TOKEN, key=KEY)
    assert len(secret) == 40
    assert secret == session_secret(TOKEN, key=KEY)
    assert secret != session_secret(TOKEN + "A", key=KEY)
    assert secret != session_secret(TOKEN, key=MASTER)
