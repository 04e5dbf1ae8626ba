"""Credentials of our own making: of an ``inputS3Url``, of a function's environment, and those of STS.

A session token is a sealed document, opaque to whoever carries it; the secret that signs with it derives
from the token, so nothing is stored and every gateway with the master key can open it. Owns what the
document says. Refuses to read a clock, and to decide what a session may do: that is the policies', with the
facts given here.
"""

from base64 import b64decode, b64encode
from dataclasses import replace
from datetime import datetime
from typing import Any

from onread.errors import AccessDenied, ExpiredToken, InvalidToken
from onread.objectlambda.principal_facts import principal_from_facts, principal_to_facts
from onread.policy.principal import InputGrant, Principal
from onread.sigv4.session_token import open_sealed, seal

SESSION_PURPOSE = "session"
"""The purpose for which the key of the sessions is derived from the master key."""

CALLED_VIA = "s3-object-lambda.amazonaws.com"
"""What ``aws:CalledVia`` holds when Object Lambda acts for its caller."""

_INPUT = "input"
_DIRECT = "direct"


def seal_session(principal: Principal, *, key: bytes, nonce: bytes) -> str:
    """The token of temporary credentials: whoever signs with them is this principal.

    Args:
        principal: with its ``access_key_id``; its ``session`` says when it ends. One without an end is an
            execution environment's: whoever opens it asks whether that still lives.
    """
    document = {
        "use": _DIRECT,
        "access_key_id": principal.access_key_id,
        "principal": principal_to_facts(principal),
    }
    return seal(document, key=key, nonce=nonce)


def seal_input_session(
    principal: Principal, grant: InputGrant, *, key: bytes, nonce: bytes, expires_at: datetime
) -> str:
    """The session in which an ``inputS3Url`` carries its caller's rights, narrowed to one grant."""
    document = {
        "use": _INPUT,
        "expires_at": expires_at.timestamp(),
        "access_key_id": principal.access_key_id,
        "principal": principal_to_facts(principal),
        "grant": {
            "request_id": grant.request_id,
            "method": grant.method,
            "access_point_arn": grant.access_point_arn,
            "key": _key_to_text(grant.key),
            "version_id": grant.version_id,
        },
    }
    return seal(document, key=key, nonce=nonce)


def open_session(token: str, *, key: bytes, access_key_id: str, now: datetime) -> Principal:
    """The principal of a session, with its ``input_grant`` or ``session`` set.

    Args:
        access_key_id: the one in the credential beside the token; it must be the sealed one.

    Raises:
        InvalidToken: we never sealed it, or it belongs to another access key.
        ExpiredToken: its time is over.
        AccessDenied: it was an ``inputS3Url``'s and its time is over.
    """
    document = open_sealed(token, key=key)
    if document.get("access_key_id") != access_key_id:
        raise InvalidToken
    match document.get("use"):
        case "input":
            return _input_principal(document, access_key_id, now)
        case "direct":
            return _direct_principal(document, access_key_id, now)
        case _:
            raise InvalidToken


def _direct_principal(document: dict[str, Any], access_key_id: str, now: datetime) -> Principal:
    principal = principal_from_facts(document["principal"], access_key_id=access_key_id)
    _refuse_expired(principal, now)
    return principal


def _input_principal(document: dict[str, Any], access_key_id: str, now: datetime) -> Principal:
    if now.timestamp() >= document["expires_at"]:
        raise AccessDenied("Request has expired")
    principal = principal_from_facts(document["principal"], access_key_id=access_key_id)
    _refuse_expired(principal, now)
    grant = InputGrant(**{**document["grant"], "key": _key_from_text(document["grant"]["key"])})
    return replace(principal, called_via=(CALLED_VIA,), input_grant=grant)


def _refuse_expired(principal: Principal, now: datetime) -> None:
    session = principal.session
    if session is not None and session.expires_at is not None and now >= session.expires_at:
        raise ExpiredToken


def _key_to_text(key: str | None) -> str | None:
    """A key may hold control characters, which JSON would write six times as long: tokens have a limit."""
    return b64encode(key.encode()).decode() if key is not None else None


def _key_from_text(text: str | None) -> str | None:
    return b64decode(text).decode() if text is not None else None
