"""Policy documents as owners give them: checked before they are stored.

Used for access points of both kinds and for users' inline policies. Knows no records.
"""

from onread.errors import MalformedPolicy, NoSuchAccessPointPolicy
from onread.policy.document import parse_policy

MOST_BYTES = 20 * 1024


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
