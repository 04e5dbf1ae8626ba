"""What is set for a bucket and decides about requests: policy, public access block, CORS rules."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onread.wire.cors import CorsRule

PUBLIC_ACCESS_BLOCK = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


@dataclass(frozen=True, slots=True, kw_only=True)
class BucketSettings:
    """One bucket's, as of one moment.

    Attributes:
        account_id: who owns the bucket.
        policy: the document as its owner gave it; None when there is none.
        blocks: which of `PUBLIC_ACCESS_BLOCK` are on.
    """

    account_id: str
    policy: str | None = None
    blocks: frozenset[str] = frozenset()
    cors: tuple[CorsRule, ...] = ()


FindBucketSettings = Callable[[str], BucketSettings | None]
"""The settings of the bucket of this name as they are now; None when it is not known here."""


def read_bucket_settings(account_id: str, found: Mapping[str, Any]) -> BucketSettings:
    """The settings as they are kept; ``policy``, ``public_access_block`` or ``cors`` may be left out."""
    blocks = found.get("public_access_block") or {}
    return BucketSettings(
        account_id=account_id,
        policy=found.get("policy"),
        blocks=frozenset(name for name in PUBLIC_ACCESS_BLOCK if blocks.get(name)),
        cors=tuple(_rule(rule) for rule in found.get("cors") or ()),
    )


def _rule(rule: Mapping[str, Any]) -> CorsRule:
    return CorsRule(
        origins=tuple(rule["AllowedOrigins"]),
        methods=tuple(rule["AllowedMethods"]),
        headers=tuple(name.lower() for name in rule.get("AllowedHeaders", ())),
        exposed=tuple(rule.get("ExposeHeaders", ())),
        max_age_seconds=rule.get("MaxAgeSeconds"),
    )
