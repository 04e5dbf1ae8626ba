"""Aliases of access points: determined by (account, region, name, nonce), unguessable without the nonce.

Owns their shape. Source: Amazon S3 User Guide, "How to use a bucket-style alias for your Object Lambda
access point"; the widths are those of the aliases published there.
"""

import hashlib
import hmac

from onread.addressing.names import ACCESS_POINT_ALIAS_SUFFIX, OBJECT_LAMBDA_ALIAS_SUFFIX

_PREFIX_CHARACTERS = 20
_OBJECT_LAMBDA_CHARACTERS = 29
_ACCESS_POINT_CHARACTERS = 34
_LONGEST_REGION_CODE = 6
_ALPHABET = "0123456789abcdefghijklmnopqrstuvwxyz"
_COMPASS = {
    "north": "n",
    "south": "s",
    "east": "e",
    "west": "w",
    "northeast": "ne",
    "northwest": "nw",
    "southeast": "se",
    "southwest": "sw",
    "central": "c",
    "gov": "g",
}


def object_lambda_alias(name: str, *, account_id: str, region: str, nonce: bytes) -> str:
    """``PREFIX-METADATA--ol-s3``, at most 57 characters: a valid bucket name and DNS label.

    Args:
        name: the Object Lambda access point's name; its first 20 characters lead the alias.
        nonce: at least 16 random bytes, kept nowhere else: they make the alias unguessable.
    """
    metadata = _metadata(_OBJECT_LAMBDA_CHARACTERS, "s3-object-lambda", account_id, region, name, nonce=nonce)
    return f"{name[:_PREFIX_CHARACTERS]}-{metadata}{OBJECT_LAMBDA_ALIAS_SUFFIX}"


def access_point_alias(name: str, *, account_id: str, region: str, nonce: bytes) -> str:
    """``PREFIX-METADATA-s3alias``, at most 63 characters; arguments as `object_lambda_alias`."""
    metadata = _metadata(_ACCESS_POINT_CHARACTERS, "s3", account_id, region, name, nonce=nonce)
    return f"{name[:_PREFIX_CHARACTERS]}-{metadata}{ACCESS_POINT_ALIAS_SUFFIX}"


def _metadata(width: int, service: str, account_id: str, region: str, name: str, *, nonce: bytes) -> str:
    """Characters that look random, then a short code of the region and one letter (``use1a``)."""
    ending = region_code(region) + "a"
    message = "\0".join((service, account_id, region, name)).encode()
    number = int.from_bytes(hmac.digest(nonce, message, hashlib.sha256))
    characters = []
    for _ in range(width - len(ending)):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters) + ending


def region_code(region: str) -> str:
    """A region in a few letters and digits: ``us-east-1`` is ``use1``, ``ap-southeast-2`` is ``apse2``."""
    first, *others = region.lower().split("-")
    short = [_COMPASS.get(part, part if part.isdigit() else part[:1]) for part in others]
    code = "".join(character for character in first + "".join(short) if character in _ALPHABET)
    return code[:_LONGEST_REGION_CODE]
