"""A store's answer as the caller is to see it: unaltered, but for what speaks of us and the store."""

import re
from collections.abc import Sequence
from functools import lru_cache
from itertools import compress

import structlog

from onread.errors import IncompleteBody, ServiceUnavailable
from onread.outbound.failures import CutAnswer
from onread.sigv4.canonical import Pair
from onread.store_settings import StoreSettings
from onread.wire.message import Body, Response

LONGEST_ERROR_BYTES = 64 << 10
LONGEST_DOCUMENT_BYTES = 64 << 20

_log = structlog.get_logger("onread.store")

# Of one hop, or for a browser about the store's own host; the request's ids are onread's.
_NOT_FORWARDED = frozenset(
    {
        "alt-svc", "authorization", "connection", "date", "keep-alive", "proxy-authenticate",
        "proxy-authorization", "proxy-connection", "server", "set-cookie", "strict-transport-security",
        "te", "trailer", "transfer-encoding", "upgrade", "www-authenticate", "x-amz-id-2",
        "x-amz-request-id", "x-amz-security-token", "x-content-type-options",
    }
)  # fmt: skip

# What browsers of other origins may read of an answer is for onread to say.
_CORS = "access-control-"

# The store refuses onread, not the caller: its credentials, its clock, its address of the store.
_OUR_FAULTS = frozenset(
    {
        "AccountProblem", "AuthorizationHeaderMalformed", "AuthorizationQueryParametersError",
        "CredentialsNotSupported", "ExpiredToken", "InvalidAccessKeyId", "InvalidSecurity", "InvalidToken",
        "MissingSecurityHeader", "NotSignedUp", "RequestExpired", "RequestTimeTooSkewed",
        "SignatureDoesNotMatch", "XAmzContentSHA256Mismatch",
    }
)  # fmt: skip
_REGION = "x-amz-bucket-region"
_REQUEST_ID = re.compile(rb"<RequestId>[^<]*</RequestId>")
_CODE = re.compile(rb"<Code>([A-Za-z0-9.]{1,100})</Code>")


class StoreBody(Body):
    """The body of a store's answer; what breaks it is the caller's short body (T-188).

    Raises (from iteration):
        IncompleteBody: the store stopped, paused for too long, or sent more than may be.
    """

    def __init__(self, body: Body, limit_bytes: int | None) -> None:
        self.length_bytes = body.length_bytes
        self._body = body
        self._limit_bytes = limit_bytes
        self._seen_bytes = 0

    async def __anext__(self) -> bytes:
        try:
            chunk = await self._body.__anext__()
        except CutAnswer as cut:
            raise IncompleteBody(str(cut)) from cut
        self._seen_bytes += len(chunk)
        if self._limit_bytes is not None and self._seen_bytes > self._limit_bytes:
            raise IncompleteBody("The store's answer has no end.")
        return chunk


async def pass_on(
    store: StoreSettings, response: Response, *, request_id: str = "", region: str, head: bool, endless: bool
) -> Response:
    """The answer for the caller.

    Args:
        request_id: what the answer's header names the request; a refusal's document says the same.
        region: that of the gateway, which is where the bucket is as far as its clients know.
        head: the request was a HEAD: nothing tells why it was refused.
        endless: the body may be as long as an object.

    Raises:
        ServiceUnavailable: the store refuses onread itself, points elsewhere, or lies about its error.
    """
    if 300 <= response.status < 400 and response.status != 304:
        _log.error("store.redirects", store=store.name, status=response.status)
        raise ServiceUnavailable("The store of this bucket is not where the gateway looks for it.")
    headers = forwarded(response.headers, region)
    body = response.body
    assert isinstance(body, Body)
    if response.status >= 400 and not head:
        document = await _error(store, body)
        if request_id:
            document = _REQUEST_ID.sub(b"<RequestId>%s</RequestId>" % request_id.encode(), document)
        return Response(status=response.status, headers=headers, body=document)
    if (whole := body.at_hand()) is not None:
        return Response(status=response.status, headers=headers, body=whole)
    limit_bytes = None if endless else LONGEST_DOCUMENT_BYTES
    return Response(status=response.status, headers=headers, body=StoreBody(body, limit_bytes))


def forwarded(headers: Sequence[Pair], region: str) -> list[Pair]:
    """The headers for the caller; the bucket is in the gateway's region."""
    names = tuple([name for name, _ in headers])
    is_kept, tells_region = _look(names)
    kept = list(compress(headers, is_kept))
    if tells_region:
        kept = [(name, region if name.lower() == _REGION else value) for name, value in kept]
    return kept


@lru_cache(maxsize=256)  # a store answers with the same names all day
def _look(names: tuple[str, ...]) -> tuple[tuple[bool, ...], bool]:
    """Which of these headers are for the caller, and whether one tells the region."""
    keys = [name.lower() for name in names]
    kept = tuple(key not in _NOT_FORWARDED and not key.startswith(_CORS) for key in keys)
    return kept, _REGION in keys


async def _error(store: StoreSettings, body: Body) -> bytes:
    """The store's error document, which never speaks of our credentials."""
    read = bytearray()
    try:
        async for chunk in body:
            read += chunk
            if len(read) > LONGEST_ERROR_BYTES:
                raise ServiceUnavailable("The store's error has no end.")
    except CutAnswer as cut:
        raise ServiceUnavailable from cut
    document = bytes(read)
    found = _CODE.search(document)
    code = found[1].decode() if found else ""
    if code in _OUR_FAULTS or store.access_key_id.encode() in document:
        _log.error("store.refuses_us", store=store.name, code=code)
        raise ServiceUnavailable("The store of this bucket refuses the gateway.")
    return document
