"""Credentials of our own making: of an ``inputS3Url``, of a function's environment, and those of STS.

A session token is a sealed document, opaque to whoever carries it; the secret that signs with it derives
from the token, so nothing is stored and every gateway with the master key can open it. Owns what the
document says. Refuses to read a clock, and to decide what a session may do: that is the policies', with the
facts given here.
"""

from base64 import b64decode, b64encode
from datetime import datetime
from functools import lru_cache

from onread.errors import AccessDenied, ExpiredToken, InvalidToken
from onread.objectlambda.principal_facts import principal_from_facts, principal_to_facts
from onread.policy.principal import InputGrant, Principal
from onread.sigv4.session_token import open_sealed, seal, session_secret
from onread.wire.frozen import changed, frozen

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


@frozen()
class _Session:
    """What a token says. ``ends_at``: Unix seconds, for an ``inputS3Url``'s."""

    access_key_id: str
    principal: Principal
    ends_at: float | None = None


def open_session(token: str, *, key: bytes, access_key_id: str, now: datetime) -> Principal:
    """The principal of a session, with its ``input_grant`` or ``session`` set.

    Args:
        access_key_id: the one in the credential beside the token; it must be the sealed one.

    Raises:
        InvalidToken: we never sealed it, or it belongs to another access key.
        ExpiredToken: its time is over.
        AccessDenied: it was an ``inputS3Url``'s and its time is over.
    """
    session = _opened(token, key)
    if session.access_key_id != access_key_id:
        raise InvalidToken
    if session.ends_at is not None and now.timestamp() >= session.ends_at:
        raise AccessDenied("Request has expired")
    refuse_expired(session.principal, now)
    return session.principal


@lru_cache(maxsize=256)  # a function brings the same one with every write
def acting_in(token: str, chain: tuple[str, ...], *, key: bytes) -> Principal:
    """The principal of an environment's session, inside the runs that it acts in."""
    return changed(_opened(token, key).principal, chain=chain)


def input_secret(access_key_id: str, *, key: bytes) -> str:
    """What signs the ``inputS3Url`` of a caller: it never leaves the gateway, so one does for all of them."""
    return session_secret(f"{_INPUT}/{access_key_id}", key=key)  # no token has a slash


def narrowed(principal: Principal, grant: InputGrant) -> Principal:
    """The caller, as whoever reads by an ``inputS3Url``."""
    return changed(principal, called_via=(CALLED_VIA,), input_grant=grant)


def refuse_expired(principal: Principal, now: datetime) -> None:
    """Return unless temporary credentials have ended.

    Raises:
        ExpiredToken: they have.
    """
    session = principal.session
    if session is not None and session.expires_at is not None and now >= session.expires_at:
        raise ExpiredToken


@lru_cache(maxsize=256)  # a refusal is not kept
def _opened(token: str, key: bytes) -> _Session:
    document = open_sealed(token, key=key)
    access_key_id = document.get("access_key_id")
    if not isinstance(access_key_id, str):
        raise InvalidToken
    match document.get("use"):
        case "input":
            principal = principal_from_facts(document["principal"], access_key_id=access_key_id)
            grant = InputGrant(**{**document["grant"], "key": _key_from_text(document["grant"]["key"])})
            return _Session(access_key_id, narrowed(principal, grant), document["expires_at"])
        case "direct":
            return _Session(
                access_key_id, principal_from_facts(document["principal"], access_key_id=access_key_id)
            )
        case _:
            raise InvalidToken


def _key_to_text(key: str | None) -> str | None:
    """A key may hold control characters, which JSON would write six times as long: tokens have a limit."""
    return b64encode(key.encode()).decode() if key is not None else None


def _key_from_text(text: str | None) -> str | None:
    return b64decode(text).decode() if text is not None else None
