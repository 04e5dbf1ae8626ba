"""Signing what we send: presigned URLs and requests by header.

Owns the other direction of `onread.sigv4.verify`. The clock is an argument; nothing is sent.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import lru_cache
from hashlib import sha256

from onread.sigv4.canonical import (
    Pair,
    canonical_headers,
    canonical_requests,
    encode,
    join_query,
    path_forms,
    query_forms,
    string_to_sign,
)
from onread.sigv4.claim import ALGORITHM, UNSIGNED_PAYLOAD, ClaimedSignature
from onread.sigv4.scope import MAX_EXPIRES_SECONDS, TERMINATOR, signs_as_s3
from onread.sigv4.signature import sign_text, signing_key
from onread.sigv4.verify import VerifiedSignature
from onread.wire.dates import format_basic
from onread.wire.frozen import frozen

_EMPTY_SHA256 = sha256(b"").hexdigest()


@frozen(kw_only=True)
class Presigned:
    """A URL that is a permission until it expires, and what `read_signature` and `verify` make of its use.

    Attributes:
        target: path and query, as a client sends them.
    """

    url: str
    method: str
    host: str
    target: str
    claim: ClaimedSignature
    verified: VerifiedSignature


def presign(
    *,
    method: str,
    scheme: str,
    host: str,
    path: str,
    query: Iterable[Pair],
    headers: Iterable[Pair],
    access_key_id: str,
    secret: str,
    session_token: str | None,
    region: str,
    service: str,
    now: datetime,
    expires_seconds: int,
) -> Presigned:
    """A URL that is a permission until it expires.

    Args:
        host: with the port, as the client will send it.
        path: percent-encoded.
        query: names and values, decoded.
        headers: what the client must send besides ``host``, with these values.
        service: of S3's family, where the body is not signed, or another: then there may be none.
        expires_seconds: 1 to 604800.

    Raises:
        ValueError: ``expires_seconds`` is out of range.
    """
    if not 0 < expires_seconds <= MAX_EXPIRES_SECONDS:
        raise ValueError(f"a presigned URL lives 1 to {MAX_EXPIRES_SECONDS} seconds")
    timestamp = format_basic(now)
    scope = f"{timestamp[:8]}/{region}/{service}/{TERMINATOR}"
    names, lines = canonical_headers([("host", host), *headers])
    pairs = [(encode(name.encode()), encode(value.encode())) for name, value in query]
    pairs += _signature_parameters(access_key_id, scope, timestamp, expires_seconds, names, session_token)
    as_s3 = signs_as_s3(service)
    payload_hash = UNSIGNED_PAYLOAD if as_s3 else _EMPTY_SHA256
    canonical_request = _canonical_request(
        method, path, join_query(pairs), names, lines, payload_hash, as_s3=as_s3
    )
    key = signing_key(secret, timestamp[:8], region, service)
    signature = sign_text(key, string_to_sign(timestamp, scope, canonical_request))
    target = f"{path}?{'&'.join([f'{name}={value}' for name, value in pairs])}&X-Amz-Signature={signature}"
    signed_at = now.replace(microsecond=0)
    return Presigned(
        url=f"{scheme}://{host}{target}",
        method=method,
        host=host,
        target=target,
        claim=ClaimedSignature(
            form="query",
            access_key_id=access_key_id,
            date=timestamp[:8],
            region=region,
            service=service,
            timestamp=signed_at,
            expires_seconds=expires_seconds,
            signed_headers=names,
            signature=signature,
            session_token=session_token,
            payload_hash=UNSIGNED_PAYLOAD if as_s3 else None,
        ),
        verified=VerifiedSignature(signing_key=key, signature=signature, scope=scope, timestamp=signed_at),
    )


def sign_request(
    *,
    method: str,
    host: str,
    path: str,
    query: str,
    headers: Iterable[Pair],
    payload_hash: str,
    access_key_id: str,
    secret: str,
    session_token: str | None,
    region: str,
    service: str,
    now: datetime,
) -> list[Pair]:
    """The headers to send: those given, all signed, and the ones that signing adds; ``Host`` is not one.

    Args:
        host: with the port, as it will be sent.
        path: percent-encoded.
        query: encoded, without the question mark.
        headers: to be sent and signed; none that a hop on the way may change.
        payload_hash: SHA-256 of the body in hex, ``UNSIGNED-PAYLOAD`` or ``STREAMING-...``.
    """
    timestamp = format_basic(now)
    scope = f"{timestamp[:8]}/{region}/{service}/{TERMINATOR}"
    sent = [*headers, ("x-amz-date", timestamp), ("x-amz-content-sha256", payload_hash)]
    if session_token is not None:
        sent.append(("x-amz-security-token", session_token))
    names, lines = canonical_headers([("host", host), *sent])
    canonical_request = _canonical_request(
        method, path, query_forms(query)[0], names, lines, payload_hash, as_s3=signs_as_s3(service)
    )
    key = signing_key(secret, timestamp[:8], region, service)
    signature = sign_text(key, string_to_sign(timestamp, scope, canonical_request))
    authorization = (
        f"{ALGORITHM} Credential={access_key_id}/{scope}, "
        f"SignedHeaders={';'.join(names)}, Signature={signature}"
    )
    return [*sent, ("authorization", authorization)]


def _signature_parameters(
    access_key_id: str,
    scope: str,
    timestamp: str,
    expires_seconds: int,
    names: Sequence[str],
    session_token: str | None,
) -> list[Pair]:
    parameters = [
        ("X-Amz-Algorithm", ALGORITHM),
        ("X-Amz-Credential", _encoded_credential(access_key_id, scope)),
        ("X-Amz-Date", timestamp),
        ("X-Amz-Expires", str(expires_seconds)),
        ("X-Amz-SignedHeaders", "%3B".join(names)),
    ]
    if session_token is not None:
        parameters.append(("X-Amz-Security-Token", encode(session_token.encode())))
    return parameters


@lru_cache(maxsize=256)  # a caller's is the same all day
def _encoded_credential(access_key_id: str, scope: str) -> str:
    return encode(f"{access_key_id}/{scope}".encode())


def _canonical_request(
    method: str,
    path: str,
    query: str,
    names: Sequence[str],
    lines: bytes,
    payload_hash: str,
    *,
    as_s3: bool,
) -> bytes:
    forms = canonical_requests(
        method=method,
        paths=path_forms(path, as_s3=as_s3),
        queries=[query],
        headers=(lines,),
        signed_headers=names,
        payload_hash=payload_hash,
    )
    return next(forms)
