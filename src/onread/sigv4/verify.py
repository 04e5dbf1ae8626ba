"""Whether a claimed signature is true: for this place, at this time, over this request.

The order is `read_signature`, `check_scope`, a look-up of the secret by whoever holds secrets, and
`verify` (or `refuse_unknown_access_key`, which takes as long).
"""

from collections.abc import Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import field
from datetime import datetime
from functools import lru_cache
from typing import NoReturn

from onread.errors import AccessDenied, InvalidAccessKeyId, SignatureDoesNotMatch
from onread.sigv4.canonical import canonical_requests, header_forms, path_forms, query_forms, string_to_sign
from onread.sigv4.claim import UNSIGNED_PAYLOAD, ClaimedSignature
from onread.sigv4.read import claimed_credential, glimpsed_credential, read_signature
from onread.sigv4.scope import check_life, check_skew, malformed, signs_as_s3
from onread.sigv4.signature import is_equal, sign_text, signing_key
from onread.wire.dates import format_basic
from onread.wire.frozen import frozen
from onread.wire.message import Request

__all__ = [
    "ClaimedSignature",
    "VerifiedSignature",
    "check_age",
    "check_scope",
    "claimed_credential",
    "glimpsed_credential",
    "read_signature",
    "refuse_unknown_access_key",
    "verify",
]

# Given back in CanonicalRequest, so that people can compare; these lines hold secrets.
_SECRET_HEADERS = (
    b"x-amz-security-token:",
    b"x-amz-request-token:",
    b"x-amz-server-side-encryption-customer-key:",
    b"x-amz-copy-source-server-side-encryption-customer-key:",
)
_DUMMY_SECRET = "no access key has this secret"


@frozen(kw_only=True)
class VerifiedSignature:
    """A signature that is true, and what the signatures of its chunks need.

    Attributes:
        scope: ``date/region/service/aws4_request``.
        signature: the seed of a signed streaming body.
    """

    signing_key: bytes = field(repr=False)
    signature: str = field(repr=False)
    scope: str
    timestamp: datetime


def check_scope(
    claim: ClaimedSignature, *, now: datetime, region: str | None, services: AbstractSet[str]
) -> None:
    """Return when the claimed scope is for this place and the signature is good at this time.

    Args:
        now: aware; the server's clock.
        region: the one region that is accepted; None accepts any.
        services: the names that are accepted. A signature for one service is never good at another.

    Raises:
        AuthorizationHeaderMalformed, AuthorizationQueryParametersError: another service, region or date.
        RequestTimeTooSkewed: a request signed more than 15 minutes from now.
        AccessDenied: a presigned URL that has expired or is not yet valid.
    """
    if claim.service not in services:
        expected = '" or "'.join(sorted(services))
        raise malformed(
            claim.form, f'incorrect service "{claim.service}". This endpoint belongs to "{expected}".'
        )
    if region is not None and claim.region != region:
        refusal = malformed(claim.form, f"the region '{claim.region}' is wrong; expecting '{region}'")
        refusal.fields["Region"] = region
        raise refusal
    signed_on = format_basic(claim.timestamp)[:8]
    if claim.date != signed_on:
        raise malformed(
            claim.form,
            f'Invalid credential date "{claim.date}". '
            f'This date is not the same as X-Amz-Date: "{signed_on}".',
        )
    check_age(claim, now)


def check_age(claim: ClaimedSignature, now: datetime) -> None:
    """Return when the signature is good at this time.

    Raises:
        RequestTimeTooSkewed, AccessDenied: as `check_scope`.
    """
    if claim.expires_seconds is None:
        check_skew(claim.timestamp, now)
    else:
        check_life(claim.timestamp, claim.expires_seconds, now)


def verify(
    claim: ClaimedSignature,
    request: Request,
    secret: str,
    *,
    body_hash: str | None = None,
    tolerated: AbstractSet[str] = frozenset(),
) -> VerifiedSignature:
    """The signature, when the holder of ``secret`` signed this request.

    Args:
        claim: what `read_signature` found in this request.
        body_hash: SHA-256 of the body in hex, when that was read; needed when ``claim.payload_hash`` is
            None, and beats what the request says of it otherwise.
        tolerated: names of ``x-amz-*`` headers, in lower case, that need not be signed.

    Raises:
        SignatureDoesNotMatch: with the fields that AWS sends; the comparison takes constant time.
        AccessDenied: ``host`` or an ``x-amz-*`` header is not signed (field HeadersNotSigned).
    """
    unsigned, absent = _compare(claim.signed_headers, tuple(request.headers.names()))
    if unsigned:
        _refuse_unsigned_headers(claim, unsigned, tolerated)
    lines = tuple(header_forms(claim.signed_headers, request.headers, request.host))
    # A body that was read already is hashed, never believed: else a signed IAM form could be exchanged.
    payload_hash = body_hash if body_hash is not None else claim.payload_hash
    prove = _prove_again if claim.form == "query" else _prove
    verified = prove(claim, secret, request.method, request.target, lines, payload_hash)
    if verified is None or absent:
        raise _mismatch(claim, request, lines, payload_hash, absent)
    return verified


def _prove(
    claim: ClaimedSignature,
    secret: str,
    method: str,
    target: str,
    lines: tuple[bytes, ...],
    payload_hash: str | None,
) -> VerifiedSignature | None:
    """The signature, when the holder of the secret made it; None: it is somebody else's."""
    key = signing_key(secret, claim.date, claim.region, claim.service)
    scope, timestamp = claim.scope, format_basic(claim.timestamp)
    for canonical_request in _canonical_requests(claim, method, target, lines, payload_hash):
        text = string_to_sign(timestamp, scope, canonical_request)
        if is_equal(sign_text(key, text), claim.signature):
            return VerifiedSignature(
                signing_key=key, signature=claim.signature, scope=scope, timestamp=claim.timestamp
            )
    return None


# A presigned URL is used again, for the next range or when it is tried once more. What is remembered is found
# by everything that was signed and the secret, each whole; whether it has expired is asked each time.
_prove_again = lru_cache(maxsize=256)(_prove)


def refuse_unknown_access_key(
    claim: ClaimedSignature,
    request: Request,
    *,
    body_hash: str | None = None,
    tolerated: AbstractSet[str] = frozenset(),
) -> NoReturn:
    """Refuse a request whose access key nobody has, by the same way and in the same time as `verify`.

    Raises:
        InvalidAccessKeyId: always, unless `verify` would have raised AccessDenied.
    """
    try:
        verify(claim, request, _DUMMY_SECRET, body_hash=body_hash, tolerated=tolerated)
    except SignatureDoesNotMatch as mismatch:
        raise InvalidAccessKeyId(AWSAccessKeyId=claim.access_key_id) from mismatch
    # Somebody signed with our dummy: nobody has that key either.
    raise InvalidAccessKeyId(AWSAccessKeyId=claim.access_key_id)


@lru_cache(maxsize=512)  # a client signs the same few sets of names
def _compare(signed: tuple[str, ...], sent: tuple[str, ...]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What must be signed and is not, and what is signed and was not sent."""
    unsigned = [name for name in sent if name.startswith("x-amz-") and name not in signed]
    if "host" not in signed:
        unsigned.append("host")
    return tuple(unsigned), tuple(name for name in signed if name not in sent and name != "host")


def _refuse_unsigned_headers(
    claim: ClaimedSignature, unsigned: Iterable[str], tolerated: AbstractSet[str]
) -> None:
    unsigned = [name for name in unsigned if name not in tolerated and not _says_nothing(name, claim)]
    if unsigned:
        raise AccessDenied(
            "There were headers present in the request which were not signed",
            HeadersNotSigned=", ".join(sorted(unsigned)),
        )


def _says_nothing(name: str, claim: ClaimedSignature) -> bool:
    # A presigned URL is canonicalised with this very value, whether a client repeats it or not.
    return name == "x-amz-content-sha256" and claim.form == "query" and claim.payload_hash == UNSIGNED_PAYLOAD


def _canonical_requests(
    claim: ClaimedSignature, method: str, target: str, lines: tuple[bytes, ...], payload_hash: str | None
) -> Iterator[bytes]:
    if payload_hash is None:
        raise ValueError("this request can be verified only with the hash of its body")
    path, _, query = target.partition("?")
    return canonical_requests(
        method=method,
        paths=path_forms(path, as_s3=signs_as_s3(claim.service)),
        queries=query_forms(query, without="X-Amz-Signature" if claim.form == "query" else None),
        headers=lines,
        signed_headers=claim.signed_headers,
        payload_hash=payload_hash,
    )


def _mismatch(
    claim: ClaimedSignature,
    request: Request,
    lines: tuple[bytes, ...],
    payload_hash: str | None,
    absent: Sequence[str],
) -> SignatureDoesNotMatch:
    canonical_request = next(_canonical_requests(claim, request.method, request.target, lines, payload_hash))
    shown = _showable(canonical_request)
    text = string_to_sign(format_basic(claim.timestamp), claim.scope, canonical_request)
    message = None
    if absent:
        message = f"{SignatureDoesNotMatch.message} Signed and not in the request: {', '.join(absent)}."
    return SignatureDoesNotMatch(
        message,
        AWSAccessKeyId=claim.access_key_id,
        StringToSign=text,
        # Its beginning is enough to compare: a good URL sent with a wrong method is still a permission.
        SignatureProvided=f"{claim.signature[:8]}...",
        StringToSignBytes=text.encode().hex(" "),
        CanonicalRequest=shown,
        CanonicalRequestBytes=shown.encode().hex(" "),
    )


def _showable(canonical_request: bytes) -> str:
    """The canonical request as text, without the values of headers and parameters that are secrets."""
    method, path, query, *lines = canonical_request.split(b"\n")
    parameters = [
        b"X-Amz-Security-Token=..." if parameter.startswith(b"X-Amz-Security-Token=") else parameter
        for parameter in query.split(b"&")
    ]
    shown = [
        line.partition(b":")[0] + b":..." if line.startswith(_SECRET_HEADERS) else line for line in lines
    ]
    return b"\n".join([method, path, b"&".join(parameters), *shown]).decode("utf-8", "replace")
