"""Policy documents as owners give them: checked before they are stored, judged public or not.

Used for access points of both kinds and for users' inline policies. Knows no records.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from onread.errors import MalformedPolicy, NoSuchAccessPointPolicy
from onread.policy.document import parse_policy

MOST_BYTES = 20 * 1024

# A statement for everyone is not public when one of these keys pins it to a fixed value.
# Source: Amazon S3 User Guide, "Blocking public access to your Amazon S3 storage", The meaning of "public".
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


def check_policy(text: object, *, resource_policy: bool = True) -> str:
    """The document itself, when it may be stored.

    Raises:
        MalformedPolicy: absent, over 20 KiB or no policy; the message says where.
    """
    if not isinstance(text, str) or not text.strip():
        raise MalformedPolicy("The request needs a policy document.")
    if len(text.encode()) > MOST_BYTES:
        raise MalformedPolicy(f"A policy document may hold at most {MOST_BYTES} bytes.")
    parse_policy(text, resource_policy=resource_policy)
    return text


def require_policy(text: str | None) -> str:
    """The document of an access point that has one.

    Raises:
        NoSuchAccessPointPolicy: it has none.
    """
    if text is None:
        raise NoSuchAccessPointPolicy
    return text


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
    """Only positive operators pin; a value with a wildcard, or every address, is not fixed."""
    return any(
        key.lower() in _PINNING_KEYS and all(_is_fixed(value) for value in _texts(values))
        for operator, tests in condition.items()
        if "Not" not in operator and operator != "Null" and not operator.endswith("IfExists")
        for key, values in tests.items()
    )


def _is_fixed(value: str) -> bool:
    return not any(sign in value for sign in "*?$") and not value.endswith("/0")


def _texts(values: Any) -> list[str]:
    if isinstance(values, str):
        return [values]
    return [str(value) for value in values] if isinstance(values, Iterable) else [str(values)]
