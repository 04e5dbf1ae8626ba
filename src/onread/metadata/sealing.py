"""Values that the database file alone must not give away, encrypted under the master key.

Knows AES-256-GCM and nothing about rows. Each value is bound to its place by a context (the access
key id, the function's ARN), so that a sealed value copied to another row does not open there.
"""

import secrets

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from onread.sigv4.session_token import derive_key

NONCE_BYTES = 12


class WrongMasterKey(Exception):
    """A sealed value does not open: it was sealed under another master key, or changed."""


class Sealer:
    """Seals and opens small values under a key derived from the master key.

    Args:
        master_key: the installation's master key; gateways that share a database share it.
    """

    def __init__(self, master_key: bytes) -> None:
        self._cipher = AESGCM(derive_key(master_key, "metadata.sealing"))

    def seal(self, plain: bytes, context: str) -> bytes:
        """The value encrypted with a fresh nonce in front; only the same context opens it."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, plain, context.encode())

    def open(self, sealed: bytes, context: str) -> bytes:
        """The value that `seal` was given.

        Raises:
            WrongMasterKey: another master key, another context or changed bytes.
        """
        try:
            return self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], context.encode())
        except InvalidTag as error:
            raise WrongMasterKey(
                "A stored secret does not open with this master key. Start with the one under which the "
                "database was made (ONREAD_MASTER_KEY or ONREAD_MASTER_KEY_FILE): gateways share it."
            ) from error
