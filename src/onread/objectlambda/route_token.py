"""The address at which a function answers: ``outputRoute`` and ``outputToken``.

The route is a constant DNS label of a gateway; all uniqueness is in the token, a sealed record of what it
is good for. Whether a token was used is not written in it: the rendezvous knows.
"""

import re
from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from onread.errors import InvalidToken, ValidationError
from onread.sigv4.session_token import open_sealed, seal
from onread.wire.frozen import frozen

TOKEN_PURPOSE = "output-token"
"""The purpose for which the key of the tokens is derived from the master key."""

RANDOM_BYTES = 28
"""What `mint` needs: 12 for the nonce of the seal, 16 (128 bits) inside the token."""

_NONCE_BYTES = 12
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

UNKNOWN = "The request token or route is not valid. Pass both on as they came in getObjectContext."
"""One wording for every token that is not ours, so that a stranger learns nothing from it."""


@frozen(kw_only=True)
class OutputTicket:
    """What a token is good for: one answer to one request, for one account.

    Attributes:
        expires_at: Unix seconds after which no answer is taken.
    """

    route: str
    request_id: str
    account_id: str
    access_point_arn: str
    function_arn: str
    expires_at: float


def output_route(node_id: str) -> str:
    """The route of a gateway: ``io-`` and its id, a valid DNS label, for SDKs put it into the host name."""
    route = f"io-{node_id}"
    if _LABEL.fullmatch(route) is None:
        raise ValueError(
            f"{node_id!r} does not make a DNS label: use lower-case letters, digits and hyphens."
        )
    return route


def mint(ticket: OutputTicket, *, key: bytes, randomness: bytes) -> str:
    """Seal a ticket into an opaque, URL-safe token.

    Args:
        randomness: `RANDOM_BYTES` fresh bytes from the system's source.
    """
    nonce, salt = randomness[:_NONCE_BYTES], randomness[_NONCE_BYTES:RANDOM_BYTES]
    document = {
        "route": ticket.route,
        "request_id": ticket.request_id,
        "account_id": ticket.account_id,
        "access_point_arn": ticket.access_point_arn,
        "function_arn": ticket.function_arn,
        "expires_at": ticket.expires_at,
        "salt": b64encode(salt).decode(),
    }
    return seal(document, key=key, nonce=nonce)


def open_ticket(token: str, *, key: bytes) -> OutputTicket:
    """What a token is good for.

    Raises:
        ValidationError: we never minted it.
    """
    try:
        document: Mapping[str, Any] = open_sealed(token, key=key)
    except InvalidToken as error:
        raise ValidationError(UNKNOWN) from error
    return OutputTicket(
        route=document["route"],
        request_id=document["request_id"],
        account_id=document["account_id"],
        access_point_arn=document["access_point_arn"],
        function_arn=document["function_arn"],
        expires_at=document["expires_at"],
    )
