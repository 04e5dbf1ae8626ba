"""What may be set of who reaches a bucket: its policy, its public access block, its CORS rules. Does no IO.

Source: Amazon S3 API Reference, PutBucketPolicy, PutPublicAccessBlock, PutBucketCors and their "Errors".
"""

from collections.abc import Mapping, Sequence
from typing import Any

from onread.errors import AccessDenied, InvalidRequest, MalformedXML
from onread.policy.bucket_policy import check_bucket_policy
from onread.policy.public import is_public
from onread.stores.bucket_settings import PUBLIC_ACCESS_BLOCK
from onread.wire.cors import METHODS

MOST_CORS_RULES = 100
_LONGEST_ID = 255


def read_bucket_policy(params: Mapping[str, Any], bucket: str) -> str:
    """The policy that PutBucketPolicy gives.

    Raises:
        MalformedPolicy: it is none, or not about this bucket.
    """
    text: str = params.get("Policy") or ""
    check_bucket_policy(text, bucket)
    return text


def refuse_public(policy: str, blocks: Mapping[str, bool]) -> None:
    """Return when the bucket's public access block lets it have the policy.

    Raises:
        AccessDenied: it is public and ``BlockPublicPolicy`` is on.
    """
    if blocks.get("BlockPublicPolicy") and is_public(policy):
        raise AccessDenied(
            "This policy is public, and BlockPublicPolicy is on for the bucket: name principals, or "
            "change its public access block first."
        )


def read_public_access_block(params: Mapping[str, Any]) -> dict[str, bool]:
    """The four switches; what is not named is off."""
    given = params.get("PublicAccessBlockConfiguration") or {}
    return {name: bool(given.get(name)) for name in PUBLIC_ACCESS_BLOCK}


def read_cors_rules(params: Mapping[str, Any]) -> Sequence[Mapping[str, Any]]:
    """The rules that PutBucketCors gives.

    Raises:
        MalformedXML: no rule, or more than 100.
        InvalidRequest: a rule holds what S3 does not take; the message names it.
    """
    rules: Sequence[Mapping[str, Any]] = (params.get("CORSConfiguration") or {}).get("CORSRules") or ()
    if not 1 <= len(rules) <= MOST_CORS_RULES:
        raise MalformedXML
    for rule in rules:
        _check_cors_rule(rule)
    return rules


def _check_cors_rule(rule: Mapping[str, Any]) -> None:
    if (
        len(rule.get("ID", "")) > _LONGEST_ID
        or not rule.get("AllowedOrigins")
        or not rule.get("AllowedMethods")
    ):
        raise MalformedXML
    for method in rule["AllowedMethods"]:
        if method not in METHODS:
            raise InvalidRequest(
                f"Found unsupported HTTP method in CORS config. Unsupported method is {method[:40]}"
            )
    for element in ("AllowedOrigins", "AllowedHeaders", "ExposeHeaders"):
        for value in rule.get(element, ()):
            _check_cors_value(element.removesuffix("s"), value)
    if rule.get("MaxAgeSeconds", 0) < 0:
        raise InvalidRequest("MaxAgeSeconds cannot be negative.")


def _check_cors_value(element: str, value: str) -> None:
    """Every value may become a header of an answer, whole."""
    if not value or not value.isascii() or not value.isprintable():
        raise InvalidRequest(f"{element} must hold printable ASCII characters.")
    if element == "ExposeHeader" and "*" in value:
        raise InvalidRequest(
            f'ExposeHeader "{value}" contains wildcard. We currently do not support wildcard for '
            "ExposeHeader."
        )
    if value.count("*") > 1:
        raise InvalidRequest(f'{element} "{value}" can not have more than one wildcard.')
