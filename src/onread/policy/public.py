"""Whether a policy lets everyone do something.

Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", The meaning of "public".
"""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from ipaddress import ip_network
from typing import Any

import orjson

# A statement for everyone is not public when one of these keys pins it to a fixed value.
_PINNING_KEYS = frozenset(
    (
        "aws:sourcearn",
        "aws:sourcevpc",
        "aws:sourcevpce",
        "aws:sourceaccount",
        "aws:sourceowner",
        "aws:sourceip",
        "aws:userid",
        "aws:principalorgid",
        "aws:principalorgpaths",
        "aws:principalarn",
        "aws:principalaccount",
        "s3:x-amz-server-side-encryption-aws-kms-key-id",
        "s3:dataaccesspointarn",
        "s3:dataaccesspointaccount",
    )
)


@lru_cache(maxsize=1024)  # asked about a stored policy with each request of a stranger
def is_public(text: str) -> bool:
    """Whether a stored policy lets everyone do something."""
    statements = orjson.loads(text).get("Statement", [])
    each = statements if isinstance(statements, list) else [statements]
    return any(_is_public_statement(statement) for statement in each)


def _is_public_statement(statement: Mapping[str, Any]) -> bool:
    if statement.get("Effect") != "Allow":
        return False
    for_everyone = "NotPrincipal" in statement or "*" in _principals(statement.get("Principal"))
    return for_everyone and not _is_pinned(statement.get("Condition") or {})


def _principals(principal: Any) -> list[str]:
    if isinstance(principal, Mapping):
        return _texts(principal.get("AWS", ()))
    return _texts(principal or ())


def _is_pinned(condition: Mapping[str, Mapping[str, Any]]) -> bool:
    """Only positive operators pin, and only those that a missing key does not fulfil."""
    return any(
        key.lower() in _PINNING_KEYS and all(_is_fixed(key.lower(), value) for value in _texts(values))
        for operator, tests in condition.items()
        if "Not" not in operator
        and operator != "Null"
        and not operator.startswith("ForAllValues:")
        and not operator.endswith("IfExists")
        for key, values in tests.items()
    )


def _is_fixed(key: str, value: str) -> bool:
    """Not with a wildcard or variable; nor are addresses "broader than /8 for IPv4 and /32 for IPv6"."""
    if key != "aws:sourceip":
        return not any(sign in value for sign in "*?$")
    try:
        network = ip_network(value, strict=False)
    except ValueError:
        return False
    return network.prefixlen >= (8 if network.version == 4 else 32)


def _texts(values: Any) -> list[str]:
    if isinstance(values, str):
        return [values]
    return [str(value) for value in values] if isinstance(values, Iterable) else [str(values)]
