"""A policy's JSON text becomes a compiled policy, or is refused saying where it is wrong.

Owns the grammar. What a well-formed statement means stands in ``statement`` and ``conditions``.

Source: IAM User Guide, "Grammar of the IAM JSON policy language".
"""

import json
import re
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import lru_cache
from typing import Any

from onread.errors import MalformedPolicy
from onread.policy.conditions import EXISTING_OBJECT_TAG, Condition, compile_condition
from onread.policy.patterns import ArnPattern, Glob, Variable, split_tokens, static_tokens, tokenize
from onread.policy.principals import Principals, read_principals
from onread.policy.statement import (
    ActionPattern,
    Actions,
    Policy,
    Resources,
    Statement,
)

MAX_POLICY_BYTES = 20 * 1024
"""The longest policy document of any kind (a bucket policy), in UTF-8."""

_VERSION_WITH_VARIABLES = "2012-10-17"
_VERSIONS = (_VERSION_WITH_VARIABLES, "2008-10-17")
_POLICY_ELEMENTS = frozenset({"Version", "Id", "Statement"})
_STATEMENT_ELEMENTS = frozenset(
    {
        "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction",
        "Resource", "NotResource", "Condition",
    }
)  # fmt: skip
_PRINCIPAL_KINDS = frozenset({"AWS", "Service", "Federated", "CanonicalUser"})
_ACTION = re.compile(r"(?P<service>[a-z0-9-]+):[a-z0-9*?]+|\*:\*|\*")
_IDENTITY_SID = re.compile(r"[A-Za-z0-9]*")


class Kind(Enum):
    """What a policy is attached to decides which elements it needs."""

    IDENTITY = "identity-based policy"
    RESOURCE = "resource-based policy"
    TRUST = "trust policy"


class _Number(str):
    """A JSON number, as it was written."""

    __slots__ = ()


def parse_policy(text: str, *, resource_policy: bool) -> Policy:
    """The compiled policy of a document.

    Args:
        text: the JSON as its owner gave it, at most 20 KiB.
        resource_policy: whether it is attached to a resource, and so names its principals.

    Raises:
        MalformedPolicy: the message names the statement and the element.
    """
    return _parse(text, Kind.RESOURCE if resource_policy else Kind.IDENTITY)


def parse_trust_policy(text: str) -> Policy:
    """The compiled policy of a role's trust: principals, but no resources.

    Raises:
        MalformedPolicy: the message names the statement and the element.
    """
    return _parse(text, Kind.TRUST)


@lru_cache(maxsize=1024)
def _parse(text: str, kind: Kind) -> Policy:
    document = _load(text)
    _check_elements(document, _POLICY_ELEMENTS, "The policy")
    version = document.get("Version", "2008-10-17")
    if version not in _VERSIONS or isinstance(version, _Number):
        raise MalformedPolicy(f"Version: must be {' or '.join(_VERSIONS)}.")
    if not _is_text(document.get("Id", "")):
        raise MalformedPolicy("Id: must be a string.")
    statements = document.get("Statement")
    if isinstance(statements, dict):
        statements = [statements]
    if not isinstance(statements, list) or not statements:
        raise MalformedPolicy("Statement: a policy has at least one statement.")
    if kind is Kind.IDENTITY:
        _check_sids(statements)
    variables = version == _VERSION_WITH_VARIABLES
    return Policy(
        [
            _statement(each, kind, number, variables=variables)
            for number, each in enumerate(statements, start=1)
        ]
    )


def _load(text: str) -> dict[str, Any]:
    try:
        if len(text.encode()) > MAX_POLICY_BYTES:
            raise MalformedPolicy(f"A policy has at most {MAX_POLICY_BYTES} bytes.")
        document = json.loads(
            text,
            object_pairs_hook=_unique,
            parse_constant=_refuse_constant,
            parse_int=_Number,
            parse_float=_Number,
        )
    except (ValueError, RecursionError) as error:
        raise MalformedPolicy(f"The policy is not valid JSON: {str(error)[:200]}.") from error
    if not isinstance(document, dict):
        raise MalformedPolicy("A policy is a JSON object.")
    return document


def _unique(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    unique = dict(pairs)
    if len(unique) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedPolicy(f"The element {twice[:100]!r} stands twice in one object.")
    return unique


def _refuse_constant(name: str) -> None:
    raise MalformedPolicy(f"The policy is not valid JSON: {name} is no JSON value.")


def _check_elements(given: Mapping[str, Any], known: frozenset[str], where: str) -> None:
    unknown = sorted(given.keys() - known)
    if unknown:
        raise MalformedPolicy(f"{where}: unknown element {unknown[0][:100]!r}.")


def _check_sids(statements: Sequence[Any]) -> None:
    sids = [each.get("Sid") for each in statements if isinstance(each, dict) and each.get("Sid")]
    for place, sid in enumerate(sids):
        if sid in sids[:place]:
            raise MalformedPolicy(f"Sid: {str(sid)[:100]!r} names two statements.")


def _is_text(value: object) -> bool:
    return isinstance(value, str) and not isinstance(value, _Number)


def _statement(given: Any, kind: Kind, number: int, *, variables: bool) -> Statement:
    where = f"Statement {number}"
    if not isinstance(given, dict):
        raise MalformedPolicy(f"{where}: must be an object.")
    _check_elements(given, _STATEMENT_ELEMENTS, where)
    effect = given.get("Effect")
    if effect not in ("Allow", "Deny"):
        raise MalformedPolicy(f"{where}, Effect: must be Allow or Deny.")
    sid = given.get("Sid", "")
    if not _is_text(sid) or (kind is Kind.IDENTITY and not _IDENTITY_SID.fullmatch(sid)):
        raise MalformedPolicy(f"{where}, Sid: must be letters and digits.")
    try:
        return Statement(
            label=f'"{sid}"' if sid else f"statement {number}",
            allows=effect == "Allow",
            principals=_principals(given, kind, allows=effect == "Allow"),
            not_principals="NotPrincipal" in given,
            actions=_actions(given),
            resources=_resources(given, kind, variables=variables),
            conditions=_conditions(given.get("Condition", {}), variables=variables),
        )
    except MalformedPolicy as error:
        raise MalformedPolicy(f"{where}, {error.text}") from error


def _either(given: Mapping[str, Any], name: str) -> tuple[bool, Any]:
    """Whether the element is negated (``Not...``), and its value."""
    if name in given and f"Not{name}" in given:
        raise MalformedPolicy(f"{name}: stands beside Not{name}; only one may.")
    if name in given:
        return False, given[name]
    if f"Not{name}" in given:
        return True, given[f"Not{name}"]
    raise MalformedPolicy(f"{name}: is missing.")


def _texts(value: Any, where: str) -> list[str]:
    texts = value if isinstance(value, list) else [value]
    if not texts or not all(_is_text(text) and text for text in texts):
        raise MalformedPolicy(f"{where}: must be a string or a list of strings.")
    return texts


def _principals(given: Mapping[str, Any], kind: Kind, *, allows: bool) -> Principals | None:
    if kind is Kind.IDENTITY:
        if "Principal" in given or "NotPrincipal" in given:
            raise MalformedPolicy("Principal: an identity-based policy names no principal.")
        return None
    negated, value = _either(given, "Principal")
    if negated and allows:
        raise MalformedPolicy("NotPrincipal: only a Deny may have it; an Allow would reach everybody else.")
    if value == "*":
        return Principals(everyone=True)
    if not isinstance(value, dict) or not value:
        raise MalformedPolicy('Principal: must be "*" or an object.')
    _check_elements(value, _PRINCIPAL_KINDS, "Principal")
    listed = {name: _texts(texts, f"Principal, {name}") for name, texts in value.items()}
    return read_principals(listed.get("AWS", ()), services=listed.get("Service", ()))


def _actions(given: Mapping[str, Any]) -> Actions:
    negated, value = _either(given, "Action")
    names, patterns = set(), []
    for text in _texts(value, "Action"):
        action = text.lower()
        found = _ACTION.fullmatch(action) if text.isascii() else None
        if found is None:
            raise MalformedPolicy(f"Action: {text[:100]!r} has not the form service:Name.")
        if "*" in action or "?" in action:
            patterns.append(ActionPattern(found["service"] or "*", Glob(static_tokens(action))))
        else:
            names.add(action)
    return Actions(negated, frozenset(names), tuple(patterns))


def _resources(given: Mapping[str, Any], kind: Kind, *, variables: bool) -> Resources | None:
    if kind is Kind.TRUST:
        if "Resource" in given or "NotResource" in given:
            raise MalformedPolicy("Resource: a trust policy names no resource.")
        return None
    negated, value = _either(given, "Resource")
    texts = _texts(value, "Resource")
    return Resources(
        negated,
        everything="*" in texts,
        patterns=tuple(_resource(text, variables=variables) for text in texts if text != "*"),
    )


def _resource(text: str, *, variables: bool) -> ArnPattern:
    tokens = tokenize(text, variables=variables)
    shape = tuple("" if isinstance(token, Variable) else token for token in tokens)
    parts = split_tokens(shape)
    if parts is None or parts[0] != ("arn",):
        raise MalformedPolicy(f'Resource: {text[:200]!r} is neither an ARN nor "*".')
    return ArnPattern(tokens)


def _conditions(given: Any, *, variables: bool) -> tuple[Condition, ...]:
    if not isinstance(given, dict):
        raise MalformedPolicy("Condition: must be an object of operators.")
    conditions = []
    for name, keys in given.items():
        if not isinstance(keys, dict):
            raise MalformedPolicy(f"Condition, {name[:100]}: must be an object of condition keys.")
        for key, value in keys.items():
            where = f"Condition, {name[:100]}, {key[:100]}"
            if ":" not in key:
                raise MalformedPolicy(f"{where}: a condition key has the form service:name.")
            conditions.append(_condition(name, key, _values(value, where), where, variables=variables))
    # What costs a look at the object comes last: most often the others have decided before.
    return tuple(sorted(conditions, key=lambda condition: condition.key.startswith(EXISTING_OBJECT_TAG)))


def _condition(name: str, key: str, values: list[str], where: str, *, variables: bool) -> Condition:
    try:
        return compile_condition(name, key, values, variables=variables)
    except MalformedPolicy as error:
        raise MalformedPolicy(f"{where}: {error.text}") from error


def _values(value: Any, where: str) -> list[str]:
    """Strings, numbers and booleans, as AWS accepts them, in the form of strings."""
    values = value if isinstance(value, list) else [value]
    if not values or not all(isinstance(each, str | bool) for each in values):
        raise MalformedPolicy(f"{where}: must be a string, number or boolean, or a list of them.")
    return [str(each).lower() if isinstance(each, bool) else str(each) for each in values]
