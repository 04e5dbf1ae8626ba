"""A principal as a document that can be sealed, and back. Facts about the caller, no rights.

What a caller may do is looked up anew whenever sealed credentials are used.
"""

import zlib
from base64 import b64decode, b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from onread.policy.principal import FunctionSession, Principal, PrincipalKind, TemporarySession


def principal_to_facts(principal: Principal) -> dict[str, Any]:
    """What is known of a principal, as JSON can say it; absent facts are absent.

    Its access key stands beside it in every sealed document, and grants have forms of their own.
    """
    session, function = principal.session, principal.function_session
    facts = {
        "kind": principal.kind.value,
        "account_id": principal.account_id,
        "arn": principal.arn,
        "principal_id": principal.principal_id,
        "user_name": principal.user_name,
        "role_arn": principal.role_arn,
        "role_id": principal.role_id,
        "issued_at": _seconds(principal.issued_at),
        "chain": list(principal.chain),
        "function": [function.function_arn, function.environment_id] if function else None,
        "session": _session_to_facts(session) if session else None,
    }
    return {name: value for name, value in facts.items() if value not in (None, [])}


def principal_from_facts(facts: dict[str, Any], *, access_key_id: str) -> Principal:
    """The principal that `principal_to_facts` was given, with the key it signs with."""
    function, session = facts.get("function"), facts.get("session")
    return Principal(
        kind=PrincipalKind(facts["kind"]),
        account_id=facts["account_id"],
        arn=facts["arn"],
        principal_id=facts["principal_id"],
        access_key_id=access_key_id,
        user_name=facts.get("user_name"),
        role_arn=facts.get("role_arn"),
        role_id=facts.get("role_id"),
        issued_at=_moment(facts.get("issued_at")),
        chain=tuple(facts.get("chain", ())),
        function_session=FunctionSession(function_arn=function[0], environment_id=function[1])
        if function
        else None,
        session=_session_from_facts(session) if session is not None else None,
    )


def _session_to_facts(session: TemporarySession) -> dict[str, Any]:
    facts = {
        "expires_at": _seconds(session.expires_at),
        "parent_key_id": session.parent_key_id,
        "policies": _pack(session.policies) if session.policies else None,
        "policy_arns": list(session.policy_arns),
        "tags": dict(session.tags),
        "source_identity": session.source_identity,
    }
    return {name: value for name, value in facts.items() if value not in (None, [], {})}


def _session_from_facts(facts: dict[str, Any]) -> TemporarySession:
    packed = facts.get("policies")
    return TemporarySession(
        expires_at=_moment(facts.get("expires_at")),
        parent_key_id=facts.get("parent_key_id"),
        policies=_unpack(packed) if packed is not None else (),
        policy_arns=tuple(facts.get("policy_arns", ())),
        tags=facts.get("tags", {}),
        source_identity=facts.get("source_identity"),
    )


def _pack(texts: Sequence[str]) -> str:
    """Policies repeat themselves, and a token has a limit."""
    return b64encode(zlib.compress("\0".join(texts).encode(), 9)).decode()


def _unpack(packed: str) -> tuple[str, ...]:
    return tuple(zlib.decompress(b64decode(packed)).decode().split("\0"))


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


def _moment(seconds: float | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
