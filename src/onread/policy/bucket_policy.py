"""What a bucket's policy must say besides being a policy: it is about this bucket and S3's actions.

Source: Amazon S3 API Reference, PutBucketPolicy; the messages are AWS's.
"""

from collections.abc import Iterator
from typing import Any

import orjson

from onread.errors import MalformedPolicy
from onread.policy.document import parse_policy
from onread.policy.patterns import Glob, static_tokens

_BUCKETS = "arn:aws:s3:::"


def check_bucket_policy(text: str, bucket: str) -> None:
    """Return when this bucket may have the policy.

    Raises:
        MalformedPolicy: it is no policy, or speaks of something else; the message names it.
    """
    parse_policy(text, resource_policy=True)
    statements = orjson.loads(text)["Statement"]
    for statement in statements if isinstance(statements, list) else [statements]:
        for resource in _texts(statement, "Resource", "NotResource"):
            if not _is_of_bucket(resource, bucket):
                raise MalformedPolicy(
                    f"Policy has invalid resource: {resource[:200]!r} is not {_BUCKETS}{bucket}."
                )
        for action in _texts(statement, "Action", "NotAction"):
            if action != "*" and action.lower().partition(":")[0] not in ("s3", "*"):
                raise MalformedPolicy(f"Policy has invalid action: {action[:200]!r} is not one of s3.")


def _texts(statement: dict[str, Any], *elements: str) -> Iterator[str]:
    for element in elements:
        value = statement.get(element, ())
        yield from (value,) if isinstance(value, str) else value


def _is_of_bucket(resource: str, bucket: str) -> bool:
    if resource == "*":
        return True
    name = resource.removeprefix(_BUCKETS).partition("/")[0]
    return resource.startswith(_BUCKETS) and Glob(static_tokens(name)).matches(bucket)
