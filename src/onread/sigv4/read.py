"""The two places where a signature stands: the Authorization header and a presigned URL's query.

Owns where to look. A request carries one signature or none.
"""

import re
from collections.abc import Sequence
from datetime import datetime

from onread.errors import (
    AccessDenied,
    AuthorizationHeaderMalformed,
    AuthorizationQueryParametersError,
    InvalidArgument,
    InvalidRequest,
    MissingAuthenticationToken,
)
from onread.sigv4.canonical import decode, split_query
from onread.sigv4.claim import (
    ALGORITHM,
    UNSIGNED_PAYLOAD,
    ClaimedSignature,
    read_credential,
    read_payload_hash,
    read_signature_text,
    read_signed_headers,
    read_single,
    unsupported_algorithm,
)
from onread.sigv4.scope import MAX_EXPIRES_SECONDS, TERMINATOR, signs_as_s3
from onread.wire.dates import parse_basic, parse_http_date
from onread.wire.message import Headers, Request
from onread.wire.remembered import remembered

_QUERY_MARKS = frozenset({"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature"})
_SIGV2_MARKS = frozenset({"AWSAccessKeyId", "Signature"})
_REQUIRED_PARAMETERS = frozenset(
    {
        "X-Amz-Algorithm",
        "X-Amz-Credential",
        "X-Amz-Date",
        "X-Amz-Expires",
        "X-Amz-SignedHeaders",
        "X-Amz-Signature",
    }
)
_SINGLE_PARAMETERS = _REQUIRED_PARAMETERS | {"X-Amz-Security-Token"}

_AUTHORIZATION = re.compile(r"AWS4-HMAC-SHA256\s++([^=,\s]+=[^,\s]*+(?:\s*+,\s*+[^=,\s]+=[^,\s]*+){2})\s*+")

_CREDENTIAL = re.compile(
    rb"(?:[?&]X-Amz-| )Credential=([0-9A-Za-z]++)(?:/|%2F)[0-9]++(?:/|%2F)[0-9a-z\-]++"
    rb"(?:/|%2F)([0-9a-z\-]++)(?:/|%2F)aws4_request[,& ]"
)
_BEFORE_CREDENTIAL, _LONGEST_CREDENTIAL = len("&X-Amz-"), 160

_USE_SIGV4 = (
    "Missing authentication token. Signature version 2 is not supported: sign with signature version 4 "
    "(boto3: Config(signature_version='s3v4'))."
)
_ONE_MECHANISM = (
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string "
    "parameter or the Authorization header should be specified"
)


def read_signature(request: Request) -> ClaimedSignature | None:
    """The one signature a request carries; None when it is unsigned.

    Raises:
        InvalidArgument: two signatures, or an Authorization header of another kind.
        MissingAuthenticationToken: signature version 2; the message says how to sign instead.
        UnsupportedSignature: another algorithm of version 4.
        AuthorizationHeaderMalformed, AuthorizationQueryParametersError: what stands there is unreadable.
        AccessDenied: a presigned URL with a streaming body (T-004), or no date at all.
        InvalidRequest: an S3 request signed by header without ``x-amz-content-sha256``.
    """
    authorizations = request.headers.get_all("authorization")
    query = request.query
    in_query, in_sigv2_query = _marks(query) if _may_be_signed(query) else (False, False)
    if len(authorizations) + in_query + in_sigv2_query > 1:
        raise InvalidArgument(_ONE_MECHANISM, ArgumentName="Authorization")
    if authorizations:
        return _read_header(authorizations[0], request.headers)
    if in_query:
        return _read_query(query, read_single(request.headers, "x-amz-content-sha256"))
    if in_sigv2_query:
        raise MissingAuthenticationToken(_USE_SIGV4)
    return None


def claimed_credential(request: Request) -> tuple[str, str] | tuple[None, None]:
    """The access key id and the service that a request seems to be signed with. Nothing is validated.

    Both are needed before anything is verified: admission asks who takes a turn, and in addressing the
    host of an Object Lambda access point and that of a standard one differ in nothing else.
    """
    authorization = request.headers.get("authorization")
    if authorization is not None:
        credential = authorization.partition("Credential=")[2].partition(",")[0]
    else:
        credential = request.query.partition("X-Amz-Credential=")[2].partition("&")[0]
    return _key_and_service(credential, authorization is None)


def glimpsed_credential(head: bytes) -> tuple[str, str] | tuple[None, None] | None:
    """What `claimed_credential` will say of an ordinary request with this head; odd ones may fool a glance.

    Returns:
        None where a glance does not tell.
    """
    at = head.find(b"Credential=")
    if at < 0:
        return None, None
    ends = head.find(b"aws4_request", at, at + _LONGEST_CREDENTIAL) + len(b"aws4_request,")
    return _glimpsed(head[max(0, at - _BEFORE_CREDENTIAL) : ends])


@remembered(512)
def _glimpsed(around: bytes) -> tuple[str, str] | None:
    found = _CREDENTIAL.search(around)
    return None if found is None else (found[1].decode(), found[2].decode())


@remembered(512)  # a client's are the same all day
def _key_and_service(credential: str, encoded: bool) -> tuple[str, str] | tuple[None, None]:
    parts = (decode(credential) if encoded else credential).strip().split("/")
    return (parts[0], parts[3]) if len(parts) == 5 and parts[4] == TERMINATOR else (None, None)


def _may_be_signed(query: str) -> bool:
    return "X-Amz-" in query or "AWSAccessKeyId" in query or "Signature" in query


@remembered(256)
def _marks(query: str) -> tuple[bool, bool]:
    """Whether a query is signed by version 4, and by version 2."""
    names = [name for name, _ in split_query(query)]
    return not _QUERY_MARKS.isdisjoint(names), not _SIGV2_MARKS.isdisjoint(names)


def _read_header(authorization: str, headers: Headers) -> ClaimedSignature:
    found = _AUTHORIZATION.fullmatch(authorization)
    if found is None:
        raise _refused_header(authorization)
    parts = dict([part.strip().split("=", 1) for part in found[1].split(",")])
    if parts.keys() != {"Credential", "SignedHeaders", "Signature"}:
        raise _three_components()
    access_key_id, date, region, service = read_credential("header", parts["Credential"])
    return ClaimedSignature(
        form="header",
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        timestamp=_header_timestamp(headers),
        expires_seconds=None,
        signed_headers=read_signed_headers("header", parts["SignedHeaders"]),
        signature=read_signature_text("header", parts["Signature"]),
        session_token=read_single(headers, "x-amz-security-token"),
        payload_hash=_header_payload_hash(headers, service),
    )


def _refused_header(authorization: str) -> Exception:
    scheme = authorization.split(None, 1)[0] if authorization.strip() else ""
    if scheme == ALGORITHM:
        return _three_components()
    if scheme == "AWS":
        return MissingAuthenticationToken(_USE_SIGV4)
    if scheme.upper().startswith("AWS4-"):
        return unsupported_algorithm()
    # AWS repeats the value here; it may be somebody's password.
    return InvalidArgument("Unsupported Authorization Type", ArgumentName="Authorization")


def _three_components() -> AuthorizationHeaderMalformed:
    return AuthorizationHeaderMalformed(
        "The authorization header is malformed; the authorization header requires three components: "
        "Credential, SignedHeaders, and Signature."
    )


def _header_timestamp(headers: Headers) -> datetime:
    """``x-amz-date``, or ``Date`` when it is absent."""
    amz_date = read_single(headers, "x-amz-date")
    text = amz_date if amz_date is not None else read_single(headers, "date")
    if text is None:
        raise AccessDenied("AWS authentication requires a valid Date or x-amz-date header")
    try:
        return parse_basic(text.strip(" \t"))
    except ValueError as not_basic:
        if amz_date is not None:
            raise AccessDenied("AWS authentication requires a valid Date or x-amz-date header") from not_basic
    try:
        return parse_http_date(text)
    except ValueError as error:
        raise AccessDenied("AWS authentication requires a valid Date or x-amz-date header") from error


def _header_payload_hash(headers: Headers, service: str) -> str | None:
    value = read_single(headers, "x-amz-content-sha256")
    if value is None:
        if signs_as_s3(service):
            raise InvalidRequest("Missing required header for this request: x-amz-content-sha256")
        return None
    return read_payload_hash(value)


@remembered(256)  # a URL is used again, for the next range or when it is tried once more
def _read_query(query: str, content_sha256: str | None) -> ClaimedSignature:
    _refuse_streaming(content_sha256)
    pairs = split_query(query)
    found = _query_parameters(pairs)
    if found["X-Amz-Algorithm"] != ALGORITHM:
        raise unsupported_algorithm()
    access_key_id, date, region, service = read_credential("query", found["X-Amz-Credential"])
    return ClaimedSignature(
        form="query",
        access_key_id=access_key_id,
        date=date,
        region=region,
        service=service,
        timestamp=_query_timestamp(found["X-Amz-Date"]),
        expires_seconds=_expires_seconds(found["X-Amz-Expires"]),
        signed_headers=read_signed_headers("query", found["X-Amz-SignedHeaders"]),
        signature=read_signature_text("query", found["X-Amz-Signature"]),
        session_token=found.get("X-Amz-Security-Token"),
        payload_hash=_query_payload_hash(pairs, content_sha256, service),
    )


def _refuse_streaming(payload_hash: str | None) -> None:
    """T-004: the framing of such a body is proved by a signature that a URL does not have."""
    if payload_hash is not None and payload_hash.startswith("STREAMING-"):
        raise AccessDenied("A streaming payload must be signed by the Authorization header.")


def _query_parameters(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in pairs:
        if name in _SINGLE_PARAMETERS:
            if name in found:
                raise AuthorizationQueryParametersError(f"The query parameter {name} must be given once.")
            found[name] = decode(value)
    if not found.keys() >= _REQUIRED_PARAMETERS:
        raise AuthorizationQueryParametersError(
            "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
            "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."
        )
    return found


def _query_timestamp(text: str) -> datetime:
    try:
        return parse_basic(text)
    except ValueError as error:
        raise AuthorizationQueryParametersError(
            "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\""
        ) from error


def _expires_seconds(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise AuthorizationQueryParametersError("X-Amz-Expires should be a positive number of seconds")
    if len(text) > 6 or int(text) > MAX_EXPIRES_SECONDS:
        raise AuthorizationQueryParametersError(
            "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must "
            f"be at most {MAX_EXPIRES_SECONDS} seconds"
        )
    if int(text) == 0:
        raise AuthorizationQueryParametersError("X-Amz-Expires should be a positive number of seconds")
    return int(text)


def _query_payload_hash(
    pairs: Sequence[tuple[str, str]], content_sha256: str | None, service: str
) -> str | None:
    if content_sha256 is not None:
        return read_payload_hash(content_sha256)
    for name, encoded in pairs:
        if name.lower() == "x-amz-content-sha256":  # where AWS's JavaScript SDK puts it
            payload_hash = read_payload_hash(decode(encoded))
            _refuse_streaming(payload_hash)
            return payload_hash
    return UNSIGNED_PAYLOAD if signs_as_s3(service) else None
