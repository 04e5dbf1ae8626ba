"""Session tokens that carry their own session, sealed so that nobody reads or makes one.

Owns the seal (AES-256-GCM) and what is derived from a token. What a session says, and when it ends,
is the business of whoever seals. Randomness is an argument.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import orjson
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from onread.errors import InvalidToken

KEY_BYTES = 32
NONCE_BYTES = 12

LONGEST_TOKEN = 4096
"""Characters of a token that clients are given: AWS advises to expect up to 4,096 bytes."""

_LONGEST_OPENED = 10_240  # an input URL carries its caller's session beside its own grant
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_FORMAT = b"onread/session/1"  # authenticated with the token: a later format is never read as this one


def derive_key(master: bytes, purpose: str) -> bytes:
    """32 bytes for one purpose. Keys of different purposes tell nothing about each other or the master.

    Source: RFC 5869, without salt: the master is uniformly random.
    """
    return HKDF(algorithm=SHA256(), length=KEY_BYTES, salt=None, info=purpose.encode()).derive(master)


def seal(document: Mapping[str, Any], *, key: bytes, nonce: bytes) -> str:
    """The document as a token of ``A-Za-z0-9-_``.

    Args:
        document: what JSON can say.
        nonce: 12 random bytes, never twice with one key.
    """
    sealed = _cipher(key).encrypt(nonce, orjson.dumps(document), _FORMAT)
    return _encoded(nonce + sealed)


def open_sealed(token: str, *, key: bytes) -> dict[str, Any]:
    """The document of a token that was sealed with this key. The same token always gives the same one.

    Raises:
        InvalidToken: it was not. There is one spelling of a token: none that decodes alike is taken.
    """
    sealed = _decoded(token)
    try:
        opened = _cipher(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], _FORMAT)
    except (InvalidTag, ValueError) as error:
        raise InvalidToken from error
    document: dict[str, Any] = orjson.loads(opened)
    return document


@lru_cache(maxsize=256)  # made to sign with, asked for again to verify
def session_secret(token: str, *, key: bytes) -> str:
    """The secret access key that belongs to a session token: 40 characters, as AWS's are."""
    return base64.b64encode(hmac.digest(key, token.encode(), "sha512")[:30]).decode("ascii")


@lru_cache(maxsize=16)  # one for each purpose; making one costs more than using it
def _cipher(key: bytes) -> AESGCM:
    return AESGCM(key)


def _decoded(token: str) -> bytes:
    if len(token) > _LONGEST_OPENED:
        raise InvalidToken
    try:
        sealed = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidToken from error
    if _encoded(sealed) != token:
        raise InvalidToken
    return sealed


def _encoded(sealed: bytes) -> str:
    return binascii.b2a_base64(sealed, newline=False).translate(_URL_SAFE).decode("ascii").rstrip("=")
