"""What a function is shown of the request when its result will be kept, and the name of that result.

Owns one rule: **the function sees only what the name is made of**. What differs between two requests for
the same bytes (ranges, conditions, tracing, what SDKs count) is in neither; everything else of the caller's,
their identity included, is in both. So no request can put into the spool what another would not have got.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import unquote

import orjson

from onread.metadata.records import Function, ObjectLambdaAccessPoint, RangeHandling
from onread.objectlambda.admission import Admitted, ReadCall
from onread.objectlambda.event import is_credential, user_headers, user_identity, user_url
from onread.objectlambda.input_url import InputSource
from onread.wire.message import Headers, Request

SPOOL_PURPOSE = "spool"
"""The purpose for which the key of the names is derived from the master key."""

_TAG_DIGITS = 16
_DIGEST_DIGITS = 48

# What clients, SDKs and proxies send differently with every request for the same object.
UNSEEN_HEADERS = frozenset(
    {
        "accept-encoding", "amz-sdk-invocation-id", "amz-sdk-request", "amz-sdk-retry", "baggage",
        "cache-control", "connection", "content-length", "content-md5", "content-type", "date", "expect",
        "forwarded", "if-match", "if-modified-since", "if-none-match", "if-range", "if-unmodified-since",
        "keep-alive", "pragma", "priority", "range", "te", "traceparent", "tracestate", "transfer-encoding",
        "upgrade", "user-agent", "via", "x-amz-checksum-mode", "x-amz-content-sha256", "x-amz-user-agent",
        "x-amzn-trace-id", "x-correlation-id", "x-real-ip", "x-request-id",
    }
)  # fmt: skip
_UNSEEN_PREFIXES = ("sec-", "x-forwarded-")
# S3's own parameters that say which part is wanted or name the operation.
_UNSEEN_PARAMETERS = frozenset({"partNumber", "Range", "x-id"})
_UNSEEN_MEMBERS = frozenset(
    {"Range", "PartNumber", "IfMatch", "IfNoneMatch", "IfModifiedSince", "IfUnmodifiedSince"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Which original a result was made of, as a HEAD of it says."""

    etag: str
    version_id: str
    last_modified: str
    size: str


def whole_read(call: ReadCall) -> ReadCall:
    """The GET of the whole object that stands for this read, whichever part or head it asks for."""
    params = {name: value for name, value in call.params.items() if name not in _UNSEEN_MEMBERS}
    return replace(
        call,
        operation="GetObject",
        # The function's own checksum is compared with its bytes before anything is kept.
        params={**params, "ChecksumMode": "ENABLED"},
        request=_shown(call.request),
        settings=replace(call.settings, range_handling=RangeHandling.AWS),
    )


def _shown(request: Request) -> Request:
    kept = [
        ("Host" if name.lower() == "host" else name, value)  # clients write it in either way
        for name, value in request.headers
        if not _is_unseen(name.lower())
    ]
    path, mark, query = request.target.partition("?")
    pairs = [part for part in query.split("&") if part and not _is_unseen_parameter(part)]
    target = f"{path}{mark}{'&'.join(pairs)}" if pairs else path
    return replace(request, method="GET", target=target, headers=Headers(kept))


def _is_unseen(lowered: str) -> bool:
    return lowered in UNSEEN_HEADERS or lowered.startswith(_UNSEEN_PREFIXES)


def _is_unseen_parameter(part: str) -> bool:
    name = unquote(part.partition("=")[0])
    return name in _UNSEEN_PARAMETERS or is_credential(name)


def draw_for(call: ReadCall, *, key: bytes) -> float:
    """From 0 up to 1, the same for the same `whole_read`: its slices are of one version of the function."""
    shown = [user_url(call.request, ""), user_identity(call.principal)]
    return int(_keyed(orjson.dumps(shown), key)[:12], 16) / 16**12


def result_name(admitted: Admitted, source: Source, *, key: bytes) -> str:
    """The name of the result of a `whole_read`; nobody without the key can tell what stands behind it.

    Args:
        key: 32 bytes derived for `SPOOL_PURPOSE`.
    """
    call = admitted.call
    shown: dict[str, Any] = {
        "payload": admitted.payload,
        "url": user_url(call.request, ""),
        "headers": sorted(user_headers(call.request.headers).items()),
        "key": call.params.get("Key"),
        "version": call.params.get("VersionId"),
        "identity": user_identity(call.principal),
        "source": [source.etag, source.version_id, source.last_modified, source.size],
    }
    digest = _keyed(orjson.dumps(shown, option=orjson.OPT_SORT_KEYS), key)[:_DIGEST_DIGITS]
    place = access_point_tag(call.access_point, call.supporting, key=key)
    return f"{place}-{function_tag(admitted.function, key=key)}-{digest}"


def access_point_tag(access_point: ObjectLambdaAccessPoint, supporting: InputSource, *, key: bytes) -> str:
    """Another one as soon as anything but its policy is changed, and when it is made again."""
    facts: Mapping[str, Any] = {
        "arn": access_point.arn,
        "alias": access_point.alias,
        "created_at": access_point.created_at,
        "configuration": access_point.configuration,
        "supporting": [supporting.arn, supporting.alias, supporting.bucket, supporting.created_at],
    }
    return _keyed(orjson.dumps(facts), key)[:_TAG_DIGITS]


def function_tag(function: Function, *, key: bytes) -> str:
    """Another one as soon as anything of its record is changed: code, environment, whatever there is."""
    return _keyed(repr(function).encode(), key)[:_TAG_DIGITS]


def _keyed(content: bytes, key: bytes) -> str:
    return hmac.new(key, content, hashlib.sha256).hexdigest()
