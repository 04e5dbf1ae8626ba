"""The event a function receives, exactly as AWS writes it.

Owns the document and what of the caller's request may be in it. Refuses to hand a function anything that
would let it act as its caller: no signature, no session token, no customer key.

Source: Amazon S3 User Guide, "Event context format and usage".
"""

from functools import lru_cache
from typing import Any
from urllib.parse import unquote

import orjson

from onread.errors import InvalidRequest, RequestTooLargeException
from onread.policy.principal import Principal, PrincipalKind
from onread.wire.dates import format_java_date
from onread.wire.message import Headers, Request
from onread.wire.remembered import remembered

MAXIMUM_EVENT_BYTES = 6 * 1024 * 1024
"""Lambda's limit for the payload of a synchronous Invoke."""

PROTOCOL_VERSION = "1.00"

_CONTEXT_KEYS = {
    "GetObject": "getObjectContext",
    "HeadObject": "headObjectContext",
    "ListObjects": "listObjectsContext",
    "ListObjectsV2": "listObjectsV2Context",
}

# AWS: "excluding any authorization-related headers", without a list. Its example keeps Host,
# Accept-Encoding and X-Amz-Content-SHA256 and lacks X-Amz-Date, which every signed request has. Cookies
# are the caller's data and stay; what a proxy says of a client certificate is a credential.
_CREDENTIAL_HEADERS = frozenset(
    {
        "authorization",
        "proxy-authorization",
        "x-amz-date",
        "x-amz-s3session-token",
        "x-amz-security-token",
        "x-client-cert",
        "x-forwarded-client-cert",
        "x-ssl-client-cert",
    }
)
_CUSTOMER_KEY_PREFIXES = (
    "x-amz-server-side-encryption-customer-",
    "x-amz-copy-source-server-side-encryption-customer-",
)
# AWS: "without ... any authorization-related query parameters".
_CREDENTIAL_PARAMETERS = frozenset(
    {
        "x-amz-algorithm",
        "x-amz-credential",
        "x-amz-date",
        "x-amz-expires",
        "x-amz-s3session-token",
        "x-amz-security-token",
        "x-amz-signature",
        "x-amz-signedheaders",
    }
)
# Signature Version 2, told apart by case: a caller's own "expires" is an argument for the function.
_VERSION_2_PARAMETERS = frozenset({"AWSAccessKeyId", "Expires", "Signature"})


def get_object_context(*, input_url: str, output_route: str, output_token: str) -> dict[str, str]:
    """What a function needs to answer a GetObject."""
    return {"inputS3Url": input_url, "outputRoute": output_route, "outputToken": output_token}


def build_event(
    *,
    request_id: str,
    operation: str,
    context: dict[str, str],
    access_point_arn: str,
    supporting_access_point_arn: str,
    payload: str,
    request: Request,
    host: str,
    principal: Principal,
) -> bytes:
    """The event as UTF-8 JSON, with the one context that belongs to the operation.

    Args:
        operation: GetObject, HeadObject, ListObjects or ListObjectsV2.
        context: `get_object_context`, or ``{"inputS3Url": ...}`` for the others.
        payload: ``FunctionPayload`` word for word; empty when there is none.
        host: stands in for the Host of a request that names none.

    Raises:
        RequestTooLargeException: it is longer than `MAXIMUM_EVENT_BYTES`.
    """
    event = orjson.dumps(
        {
            "xAmzRequestId": request_id,
            _CONTEXT_KEYS[operation]: context,
            "configuration": {
                "accessPointArn": access_point_arn,
                "supportingAccessPointArn": supporting_access_point_arn,
                "payload": payload,
            },
            "userRequest": {"url": user_url(request, host), "headers": user_headers(request.headers)},
            "userIdentity": user_identity(principal),
            "protocolVersion": PROTOCOL_VERSION,
        }
    )
    if len(event) > MAXIMUM_EVENT_BYTES:
        raise RequestTooLargeException
    return event


def refuse_customer_keys(request: Request) -> None:
    """A key of the caller's own must never reach a function, a log or an event.

    Raises:
        InvalidRequest: the request brings SSE-C headers or parameters.

    Source: Amazon S3 User Guide, "SSE-C ... not supported"; AWS's sample tests expect 400.
    """
    if _names_customer_key(tuple(request.headers.names())) or _asks_with_customer_key(request.query):
        raise InvalidRequest(
            "Server-side encryption with customer-provided keys is not supported by Object Lambda "
            "access points. Read the object through its bucket or access point."
        )


@lru_cache(maxsize=256)  # a client sends the same names all day
def _names_customer_key(names: tuple[str, ...]) -> bool:
    return any(name.startswith(_CUSTOMER_KEY_PREFIXES) for name in names)


@remembered(256)
def _asks_with_customer_key(query: str) -> bool:
    return _names_customer_key(tuple(name.lower() for name, _ in parameters(query)))


@remembered(128)  # asked for three times in the life of one request
def parameters(query: str) -> tuple[tuple[str, str], ...]:
    """The query's parameters in order, decoded; one without ``=`` has an empty value."""
    pairs = [parameter.partition("=") for parameter in query.split("&") if parameter]
    return tuple([(_decoded(name), _decoded(value)) for name, _, value in pairs])


def _decoded(text: str) -> str:
    return unquote(text) if "%" in text else text


def is_credential(name: str) -> bool:
    """Whether a (decoded) query parameter belongs to a signature."""
    return name in _VERSION_2_PARAMETERS or name.lower() in _CREDENTIAL_PARAMETERS


def user_url(request: Request, host: str) -> str:
    """The URL as received: absolute, decoded, without what belongs to a signature."""
    query = _without_credentials(request.query)
    return f"{request.scheme}://{request.host or host}{_decoded(request.path)}{query}"


@remembered(256)
def _without_credentials(query: str) -> str:
    """The rest of a query, decoded, with its question mark where there is any."""
    kept = [
        _decoded(parameter)
        for parameter in query.split("&")
        if parameter and not is_credential(_decoded(parameter.partition("=")[0]))
    ]
    return "?" + "&".join(kept) if kept else ""


def user_headers(headers: Headers) -> dict[str, str]:
    """The caller's headers in their own letter case, repeated ones joined with commas."""
    kept: dict[str, str] = {}
    seen: set[str] = set()
    for name, _ in headers:
        lowered = name.lower()
        if lowered not in seen and not _is_credential_header(lowered):
            seen.add(lowered)
            kept[name] = ",".join(headers.get_all(lowered))
    return kept


def _is_credential_header(lowered: str) -> bool:
    return lowered in _CREDENTIAL_HEADERS or lowered.startswith(_CUSTOMER_KEY_PREFIXES)


def user_identity(principal: Principal) -> dict[str, Any]:
    """``userIdentity``, modelled on CloudTrail's element; absent members are absent."""
    if principal.kind is PrincipalKind.ANONYMOUS:
        # Source: AWS CloudTrail User Guide, the example of an anonymous request to a bucket.
        return {"type": "AWSAccount", "principalId": "", "accountId": "ANONYMOUS_PRINCIPAL"}
    identity: dict[str, Any] = {
        "type": principal.kind.value,
        "principalId": principal.principal_id,
        "arn": principal.arn,
        "accountId": principal.account_id,
    }
    if principal.access_key_id is not None:
        identity["accessKeyId"] = principal.access_key_id
    if principal.user_name is not None:
        identity["userName"] = principal.user_name
    session = _session_context(principal)
    if session:
        identity["sessionContext"] = session
    return identity


def _session_context(principal: Principal) -> dict[str, Any]:
    """Who issued temporary credentials and when; empty for permanent ones."""
    session: dict[str, Any] = {}
    if principal.issued_at is not None:
        session["attributes"] = {
            "mfaAuthenticated": "false",
            # Unlike CloudTrail's own ISO form.
            "creationDate": format_java_date(principal.issued_at),
        }
    if principal.role_arn is not None:
        session["sessionIssuer"] = {
            "type": "Role",
            "principalId": principal.principal_id.partition(":")[0],
            "arn": principal.role_arn,
            "accountId": principal.account_id,
            "userName": principal.role_arn.rpartition("/")[2],
        }
    return session
