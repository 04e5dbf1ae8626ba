"""Which names may be given to buckets and access points.

Owns the rules; refuses to know which names are taken. Names that would collide with another way of
addressing on the one port cannot be created at all.

Source: Amazon S3 User Guide, "General purpose bucket naming rules", "Rules for naming access points"
and "Object Lambda access points".
"""

import re
from ipaddress import AddressValueError, IPv4Address

from onread.errors import InvalidBucketName, InvalidRequest

OBJECT_LAMBDA_ALIAS_SUFFIX = "--ol-s3"
ACCESS_POINT_ALIAS_SUFFIX = "-s3alias"
OBJECT_LAMBDA_PLAIN_SUFFIX = ".olap"
"""``NAME.olap``: the plain form of an alias, for clients that refuse names ending in ``--ol-s3``."""

CONTROL_PREFIX = "v20180820"
"""The first path segment of every s3control operation."""

_ALIAS_SUFFIXES = (OBJECT_LAMBDA_ALIAS_SUFFIX, ACCESS_POINT_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX)
_RESERVED_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_RESERVED_SUFFIXES = (*_ALIAS_SUFFIXES, ".mrap", "--x-s3", "--table-s3")
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ACCESS_POINT = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?")
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_ENDS_IN_ACCOUNT_ID = re.compile(r".*-[0-9]{12}", re.DOTALL)


def is_account_id(text: str) -> bool:
    """Whether the text is twelve digits."""
    return _ACCOUNT_ID.fullmatch(text) is not None


def is_alias(name: str) -> bool:
    """Whether the name has the form of an access point's alias, ``NAME.olap`` included."""
    return name.endswith(_ALIAS_SUFFIXES)


def validate_bucket_name(name: str) -> None:
    """Nothing, when a bucket may be created under this name.

    Raises:
        InvalidBucketName: it breaks a rule of S3 or is reserved; the message says which.
    """
    problem = _bucket_name_problem(name)
    if problem is not None:
        raise InvalidBucketName(f"The specified bucket is not valid: {problem}.", BucketName=name[:255])


def _bucket_name_problem(name: str) -> str | None:
    if _BUCKET.fullmatch(name) is None:
        return (
            "a name has 3 to 63 characters, lower-case letters, digits, dots and hyphens, "
            "and begins and ends with a letter or digit"
        )
    if ".." in name:
        return "two dots may not stand side by side"
    if _is_ipv4(name):
        return "a name may not look like an IP address"
    if name.startswith(_RESERVED_PREFIXES):
        return f"names that begin with {', '.join(_RESERVED_PREFIXES)} are reserved"
    if name.endswith(_RESERVED_SUFFIXES):
        return f"names that end with {', '.join(_RESERVED_SUFFIXES)} are reserved"
    if is_account_id(name) or _ENDS_IN_ACCOUNT_ID.fullmatch(name):
        return "twelve digits, alone or behind a hyphen, name an account or an access point"
    if name == CONTROL_PREFIX:
        return f"{CONTROL_PREFIX} is where access points are managed"
    return None


def _is_ipv4(name: str) -> bool:
    try:
        IPv4Address(name)
    except AddressValueError:
        return False
    return True


def validate_access_point_name(name: str) -> None:
    """Nothing, when a standard access point may be created under this name (3 to 50 characters).

    Raises:
        InvalidRequest: it may not; the message says why.
    """
    _validate_access_point(name, kind="an access point", longest=50)


def validate_object_lambda_access_point_name(name: str) -> None:
    """Nothing, when an Object Lambda access point may be created under this name (3 to 45 characters).

    Raises:
        InvalidRequest: it may not; the message says why.
    """
    _validate_access_point(name, kind="an Object Lambda access point", longest=45)


def _validate_access_point(name: str, *, kind: str, longest: int) -> None:
    if not 3 <= len(name) <= longest or _ACCESS_POINT.fullmatch(name) is None:
        raise InvalidRequest(
            f"The name of {kind} has 3 to {longest} characters, lower-case letters, digits and hyphens, "
            "and begins and ends with a letter or digit."
        )
    if name.endswith((OBJECT_LAMBDA_ALIAS_SUFFIX, ACCESS_POINT_ALIAS_SUFFIX)):
        suffixes = f"{ACCESS_POINT_ALIAS_SUFFIX} or {OBJECT_LAMBDA_ALIAS_SUFFIX}"
        raise InvalidRequest(f"The name of {kind} may not end with {suffixes}.")
