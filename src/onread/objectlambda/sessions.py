"""Short-lived credentials of our own making: of an ``inputS3Url`` and of a function's environment.

A session token is a sealed document, opaque to whoever carries it; the secret that signs with it derives
from the token, so nothing is stored. Owns what the document says. Refuses to read a clock, and to decide
what a session may do: that is the policy's, with the facts given here.
"""

from base64 import b64decode, b64encode
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from onread.errors import AccessDenied, InvalidToken
from onread.policy.principal import FunctionSession, InputGrant, Principal, PrincipalKind
from onread.sigv4.session_token import open_sealed, seal

SESSION_PURPOSE = "session"
"""The purpose for which the key of the sessions is derived from the master key."""

CALLED_VIA = "s3-object-lambda.amazonaws.com"
"""What ``aws:CalledVia`` holds when Object Lambda acts for its caller."""

_INPUT = "input"
_FUNCTION = "function"


def seal_input_session(
    principal: Principal, grant: InputGrant, *, key: bytes, nonce: bytes, expires_at: datetime
) -> str:
    """The session in which an ``inputS3Url`` carries its caller's rights, narrowed to one grant.

    Only facts about the caller are sealed, no rights: these are looked up anew when the URL is used.
    """
    document = {
        "use": _INPUT,
        "expires_at": expires_at.timestamp(),
        "access_key_id": principal.access_key_id,
        "principal": {
            "kind": principal.kind.value,
            "account_id": principal.account_id,
            "arn": principal.arn,
            "principal_id": principal.principal_id,
            "user_name": principal.user_name,
            "role_arn": principal.role_arn,
            "issued_at": principal.issued_at.timestamp() if principal.issued_at else None,
        },
        "grant": {
            "request_id": grant.request_id,
            "method": grant.method,
            "access_point_arn": grant.access_point_arn,
            "key": _key_to_text(grant.key),
            "version_id": grant.version_id,
        },
    }
    return seal(document, key=key, nonce=nonce)


def seal_function_session(
    session: FunctionSession, *, role_arn: str, access_key_id: str, key: bytes, nonce: bytes
) -> str:
    """The session that a function finds in its environment.

    It has no time limit of its own: whoever opens it asks whether the environment still lives.
    """
    document = {
        "use": _FUNCTION,
        "access_key_id": access_key_id,
        "role_arn": role_arn,
        "session": asdict(session),
    }
    return seal(document, key=key, nonce=nonce)


def open_session(token: str, *, key: bytes, access_key_id: str, now: datetime) -> Principal:
    """The principal of a session, with its ``input_grant`` or ``function_session`` set.

    Args:
        access_key_id: the one in the credential beside the token; it must be the sealed one.

    Raises:
        InvalidToken: we never sealed it, or it belongs to another access key.
        AccessDenied: it was an ``inputS3Url``'s and its time is over.
    """
    document = open_sealed(token, key=key)
    if document.get("access_key_id") != access_key_id:
        raise InvalidToken
    match document.get("use"):
        case "input":
            return _input_principal(document, now)
        case "function":
            return _function_principal(document)
        case _:
            raise InvalidToken


def _input_principal(document: dict[str, Any], now: datetime) -> Principal:
    if now.timestamp() >= document["expires_at"]:
        raise AccessDenied("Request has expired")
    facts = document["principal"]
    issued_at = facts["issued_at"]
    grant = InputGrant(**{**document["grant"], "key": _key_from_text(document["grant"]["key"])})
    return Principal(
        kind=PrincipalKind(facts["kind"]),
        account_id=facts["account_id"],
        arn=facts["arn"],
        principal_id=facts["principal_id"],
        access_key_id=document["access_key_id"],
        user_name=facts["user_name"],
        role_arn=facts["role_arn"],
        issued_at=datetime.fromtimestamp(issued_at, UTC) if issued_at is not None else None,
        called_via=(CALLED_VIA,),
        input_grant=grant,
    )


def _key_to_text(key: str | None) -> str | None:
    """A key may hold control characters, which JSON would write six times as long: tokens have a limit."""
    return b64encode(key.encode()).decode() if key is not None else None


def _key_from_text(text: str | None) -> str | None:
    return b64decode(text).decode() if text is not None else None


def _function_principal(document: dict[str, Any]) -> Principal:
    session = FunctionSession(**document["session"])
    role_arn: str = document["role_arn"]
    _, _, _, _, account_id, _, function_name = session.function_arn.split(":")[:7]
    role_name = role_arn.rpartition("/")[2]
    return Principal(
        kind=PrincipalKind.ASSUMED_ROLE,
        account_id=account_id,
        arn=f"arn:aws:sts::{account_id}:assumed-role/{role_name}/{function_name}",
        principal_id=f"{role_name}:{function_name}",
        access_key_id=document["access_key_id"],
        role_arn=role_arn,
        function_session=session,
    )
