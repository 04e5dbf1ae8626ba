"""The rolling signatures of a body that is signed chunk by chunk.

Owns the chain: each signature covers the one before it, the first covers the request's own. Refuses
to know the framing (`onread.wire.aws_chunked`).

Source: Amazon S3 API Reference, "Signature Calculations for the Authorization Header: Transferring
Payload in Multiple Chunks" and "... Including Trailing Headers".
"""

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

from onread.errors import SignatureDoesNotMatch
from onread.sigv4.signature import is_equal, sign_text
from onread.wire.dates import format_basic

_NOTHING = sha256().hexdigest()


class ChunkSignatures:
    """The chain of one body: `start_chunk`, `update`, `end_chunk` for each chunk, then `check_trailers`.

    Args:
        signing_key: of the request, from `VerifiedSignature`.
        scope: ``date/region/service/aws4_request`` of the request.
        timestamp: of the request.
        seed: the request's own signature.
    """

    def __init__(self, *, signing_key: bytes, scope: str, timestamp: datetime, seed: str) -> None:
        self._key = signing_key
        self._preamble = f"{format_basic(timestamp)}\n{scope}\n"
        self._previous = seed
        self._given = ""
        self._hash = sha256()

    def start_chunk(self, signature: str) -> None:
        """A chunk begins that claims this signature."""
        self._given = signature
        self._hash = sha256()

    def update(self, data: bytes) -> None:
        """The next bytes of the current chunk."""
        self._hash.update(data)

    def end_chunk(self) -> None:
        """The current chunk is complete.

        Raises:
            SignatureDoesNotMatch: its signature is not true. The body must be discarded.
        """
        expected = self.sign_chunk(self._hash.hexdigest())
        if not is_equal(expected, self._given):
            raise SignatureDoesNotMatch(Reason="The signature of a chunk is another one.")
        self._previous = expected

    def check_trailers(self, fields: Iterable[tuple[str, str]], signature: str) -> None:
        """Return when the signature over the trailers, after the last chunk's, is true.

        Raises:
            SignatureDoesNotMatch: it is not.
        """
        if not is_equal(self.sign_trailers(fields), signature):
            raise SignatureDoesNotMatch(Reason="The signature of the trailers is another one.")

    def sign_chunk(self, content_hash: str) -> str:
        """The signature of the next chunk, from the SHA-256 of its data in hex."""
        return sign_text(
            self._key,
            f"AWS4-HMAC-SHA256-PAYLOAD\n{self._preamble}{self._previous}\n{_NOTHING}\n{content_hash}",
        )

    def sign_trailers(self, fields: Iterable[tuple[str, str]]) -> str:
        """The signature of the trailers, names in lower case."""
        lines = "".join(sorted(f"{name}:{value}\n" for name, value in fields))
        content_hash = sha256(lines.encode("latin-1")).hexdigest()
        return sign_text(
            self._key, f"AWS4-HMAC-SHA256-TRAILER\n{self._preamble}{self._previous}\n{content_hash}"
        )
