"""The forms of IAM's names, ids and secrets. Pure but for the randomness of new ones.

Source: IAM API Reference; IAM User Guide, "IAM identifiers".
"""

import base64
import re
import secrets
import string

from onread.errors import ValidationError

_UNIQUE = string.ascii_uppercase + string.digits
_NAME = re.compile(r"[\w+=,.@-]+", re.ASCII)
_PATH = re.compile(r"/|/[!-~]{1,510}/")
_SECRET_BYTES = 30  # forty characters of base64


def make_user_id() -> str:
    """``AIDA`` and seventeen characters; never used again."""
    return "AIDA" + _random(17)


def make_role_id() -> str:
    """``AROA`` and seventeen characters; never used again."""
    return "AROA" + _random(17)


def make_policy_id() -> str:
    """``ANPA`` and seventeen characters; never used again."""
    return "ANPA" + _random(17)


def make_access_key_id() -> str:
    """``AKIA`` and sixteen characters."""
    return "AKIA" + _random(16)


def make_temporary_key_id() -> str:
    """``ASIA`` and sixteen characters."""
    return "ASIA" + _random(16)


def make_secret() -> str:
    """Forty characters of base64: 240 bits."""
    return base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()


def _random(length: int) -> str:
    return "".join(secrets.choice(_UNIQUE) for _ in range(length))


def check_name(name: object, *, member: str, longest: int) -> str:
    """The name of a user or policy.

    Raises:
        ValidationError: absent, too long or with other characters.
    """
    if not isinstance(name, str) or len(name) > longest or _NAME.fullmatch(name) is None:
        raise ValidationError(
            f"{member} must have 1 to {longest} characters, each a letter, a digit or one of _+=,.@-"
        )
    return name


def check_path(path: str) -> str:
    """The path of a user, ``/`` or ``/a/b/``.

    Raises:
        ValidationError: it has another form.
    """
    if _PATH.fullmatch(path) is None:
        raise ValidationError("Path must begin and end with / and have at most 512 characters.")
    return path
