"""What is set for a bucket and decides about requests: policy, public access block, CORS rules."""

from collections.abc import Callable
from dataclasses import dataclass

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
