"""``inputS3Url``: the presigned way to the one original that a function was invoked for.

Owns what the URL names, what it signs and what it is good for. It carries the caller's rights and no more
than one method, one object (or one list) through the supporting access point.

Source: Amazon S3 User Guide, "Writing Lambda functions", "Forwarding headers".
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Protocol
from urllib.parse import quote, urlsplit

from onread.errors import AccessDenied, MissingAuthenticationToken
from onread.objectlambda.event import is_credential, parameters
from onread.objectlambda.sessions import input_secret, narrowed, seal_input_session
from onread.policy.principal import InputGrant, Principal
from onread.sigv4.sign import Presigned, presign
from onread.wire.frozen import frozen
from onread.wire.message import Headers, Request


class InputSource(Protocol):
    """What an ``inputS3Url`` reads from: an access point, or a bucket itself."""

    @property
    def arn(self) -> str:
        """What the URL is good for."""
        ...

    @property
    def alias(self) -> str:
        """The first part of its path."""
        ...

    @property
    def bucket(self) -> str:
        """Where the bytes are."""
        ...

    @property
    def region(self) -> str:
        """Where it lies."""
        ...

    @property
    def created_at(self) -> datetime:
        """Tells one from another of the same name."""
        ...


METHODS = {"GetObject": "GET", "HeadObject": "HEAD", "ListObjects": "GET", "ListObjectsV2": "GET"}
"""The transformable operations, each with the method its ``inputS3Url`` is signed for."""

_LISTS = ("ListObjects", "ListObjectsV2")

# AWS signs these when the caller sent them, so that a function cannot drop them.
_SIGNED_WHEN_SENT = ("x-amz-expected-bucket-owner", "x-amz-request-payer")
# AWS signs this one too, and since SDKs send it by default, every function that does a plain GET of the URL
# fails with 403 there. Only a strict gateway reproduces that.
_SIGNED_WHEN_STRICT = "x-amz-checksum-mode"


@frozen()
class InputUrl:
    """An ``inputS3Url``, and the principal that whoever uses it has: what its session holds, sealed."""

    presigned: Presigned
    principal: Principal


def build_input_url(
    *,
    operation: str,
    params: Mapping[str, Any],
    request: Request,
    request_id: str,
    principal: Principal,
    source: InputSource,
    endpoint: str,
    session_key: bytes,
    nonce: bytes,
    now: datetime,
    expires_seconds: int,
    strict: bool,
) -> InputUrl:
    """A URL that reads what the caller asked for, as the caller, until it expires.

    It is path style, by the access point's alias, so that an endpoint without DNS will do. ``Range`` and
    ``partNumber`` are never part of it: they are applied after the transformation.

    Args:
        access_point: the supporting one.
        endpoint: scheme and host of the functions' own listener; never the caller's Host.
        nonce: 12 fresh random bytes.

    Raises:
        MissingAuthenticationToken: the caller has no access key as whom the URL could be signed.
    """
    if principal.access_key_id is None:
        raise MissingAuthenticationToken
    grant = _grant(operation, params, request_id, source)
    session = seal_input_session(
        principal,
        grant,
        key=session_key,
        nonce=nonce,
        expires_at=now + timedelta(seconds=expires_seconds),
    )
    split = urlsplit(endpoint)
    presigned = presign(
        method=grant.method,
        scheme=split.scheme,
        host=split.netloc,
        path=_path(source.alias, grant.key),
        query=_query(operation, grant, request),
        headers=signed_headers(request.headers, strict=strict),
        access_key_id=principal.access_key_id,
        secret=input_secret(principal.access_key_id, key=session_key),
        session_token=session,
        region=source.region,
        service="s3",
        now=now,
        expires_seconds=expires_seconds,
    )
    return InputUrl(presigned, narrowed(principal, grant))


def signed_headers(headers: Headers, *, strict: bool) -> list[tuple[str, str]]:
    """The caller's headers that the URL signs besides ``host``: the function must resend them.

    Repeated lines collapse to the one value that stands in the event.
    """
    names = (_SIGNED_WHEN_STRICT, *_SIGNED_WHEN_SENT) if strict else _SIGNED_WHEN_SENT
    return [(name, ",".join(headers.get_all(name))) for name in names if name in headers]


def check_input_grant(
    principal: Principal,
    *,
    method: str,
    access_point_arn: str,
    key: str | None,
    version_id: str | None,
    parameters: Iterable[str],
) -> None:
    """An ``inputS3Url`` reads what it was made for, and nothing else. Other principals pass.

    The signature says so already; this holds even for somebody who derived a signature from the session.

    Args:
        key: the object, None for a list.
        parameters: the names of the request's, decoded.

    Raises:
        AccessDenied: another method, access point, object or version, or a sub-resource.
    """
    grant = principal.input_grant
    if grant is None:
        return
    asked = (method, access_point_arn, key or None, version_id)
    if asked != (grant.method, grant.access_point_arn, grant.key, grant.version_id):
        raise AccessDenied("This URL reads only the object that it was made for.")
    if grant.key is not None and not all(map(_belongs_to_object, parameters)):
        raise AccessDenied("This URL reads only the object that it was made for.")


def _grant(operation: str, params: Mapping[str, Any], request_id: str, source: InputSource) -> InputGrant:
    return InputGrant(
        request_id=request_id,
        method=METHODS[operation],
        access_point_arn=source.arn,
        key=None if operation in _LISTS else params["Key"],
        version_id=params.get("VersionId"),
    )


def _path(alias: str, key: str | None) -> str:
    return f"/{alias}" if key is None else f"/{alias}/{quote(key, safe='/-_.~')}"


def _query(operation: str, grant: InputGrant, request: Request) -> list[tuple[str, str]]:
    """AWS: for lists "all query parameters" of the caller; for objects the version."""
    if operation in _LISTS:
        return [pair for pair in parameters(request.query) if not is_credential(pair[0])]
    return [("versionId", grant.version_id)] if grant.version_id is not None else []


@lru_cache(maxsize=256)
def _belongs_to_object(name: str) -> bool:
    return name == "versionId" or is_credential(name)
