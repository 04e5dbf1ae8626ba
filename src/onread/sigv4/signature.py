"""The keyed half of signature version 4: the signing key, the HMAC, the comparison.

Every comparison of a signature in this project is `is_equal`, which takes the same time wherever two
texts of one length differ.
"""

import hmac
from functools import lru_cache

from onread.sigv4.scope import TERMINATOR


@lru_cache(maxsize=4096)  # a key is good for a day, region and service: four HMACs saved a request
def signing_key(secret: str, date: str, region: str, service: str) -> bytes:
    """The key that signs one day's requests to one service in one region.

    Source: IAM User Guide, "Create a signed AWS API request", step 4.
    """
    key = hmac.digest(b"AWS4" + secret.encode(), date.encode(), "sha256")
    for part in (region, service, TERMINATOR):
        key = hmac.digest(key, part.encode(), "sha256")
    return key


def sign_text(key: bytes, string_to_sign: str) -> str:
    """The signature of a string to sign, 64 hex digits."""
    return hmac.digest(key, string_to_sign.encode(), "sha256").hex()


def is_equal(expected: str, given: str) -> bool:
    """Whether two signatures are the same, in constant time."""
    return hmac.compare_digest(expected.encode(), given.encode())
