"""Browsers of other origins: what a bucket's rules let them send, and what they may read of an answer.

Whatever name a bucket is reached by, its own rules apply: an access point has none, and an Object Lambda
access point answers for the bucket behind it.

Source: Amazon S3 User Guide, "Using cross-origin resource sharing (CORS)"; S3 API Reference, OPTIONS object.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from onread.addressing.address import Address
from onread.errors import AccessForbidden, BadRequest
from onread.stores.bucket_settings import FindBucketSettings
from onread.wire.cors import METHODS, VARY, CorsRule, Pairs, actual, preflight
from onread.wire.message import Headers, Request, Response

FindBucket = Callable[[Address], str | None]
"""The bucket that an address leads to; None when it leads to none."""

_ORIGIN = re.compile(r"[!-~]{1,2048}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,256}")
_MOST_HEADERS = 100
_NOT_ALLOWED = (
    "CORSResponse: This CORS request is not allowed. This is usually because the evalution of Origin, "
    "request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted "
    "by the resource's CORS spec."
)  # AWS's own words, "evalution" included


@dataclass(frozen=True, slots=True, kw_only=True)
class Cors:
    """Applies buckets' rules to requests."""

    find_bucket: FindBucket
    bucket_settings: FindBucketSettings

    def headers_for(self, request: Request, address: Address) -> Pairs:
        """What the answer bears, a refusal too, so that a page can read why it was refused.

        ``Vary`` stands on every answer that could have been another one for another origin.
        """
        rules = self._rules(address)
        if not rules:
            return []
        origin = _origin(request.headers)
        allowed = [] if origin is None else actual(rules, origin=origin, method=request.method)
        return [*allowed, ("Vary", VARY)]

    def preflight(self, request: Request, address: Address, *, is_object: bool) -> Response:
        """The answer to a browser that asks before it sends.

        Nobody is authenticated here, and a bucket that is not there answers like one without rules.

        Raises:
            BadRequest: it does not say what it would send, or whence.
            AccessForbidden: no rule allows it.
        """
        headers = request.headers
        origin, method = _origin(headers), headers.get("access-control-request-method")
        if origin is None:
            raise BadRequest("Insufficient information. Origin request header needed.")
        if method not in METHODS:
            raise BadRequest(f"Invalid Access-Control-Request-Method: {(method or 'null')[:40]}")
        kind = "OBJECT" if is_object else "BUCKET"
        rules = self._rules(address)
        if not rules:
            raise AccessForbidden(Method=method, ResourceType=kind)
        wanted = _requested_headers(headers)
        pairs = None if wanted is None else preflight(rules, origin=origin, method=method, headers=wanted)
        if pairs is None:
            raise AccessForbidden(_NOT_ALLOWED, Method=method, ResourceType=kind)
        return Response(status=200, headers=pairs)

    def _rules(self, address: Address) -> Sequence[CorsRule]:
        bucket = self.find_bucket(address)
        settings = self.bucket_settings(bucket) if bucket is not None else None
        return settings.cors if settings is not None else ()


def _origin(headers: Headers) -> str | None:
    """The one origin, fit to be a header of the answer."""
    given = headers.get_all("origin")
    return given[0] if len(given) == 1 and _ORIGIN.fullmatch(given[0]) else None


def _requested_headers(headers: Headers) -> list[str] | None:
    """The names in ``Access-Control-Request-Headers``; None when something in it is no header's name."""
    listed = ",".join(headers.get_all("access-control-request-headers"))
    names = [name.strip() for name in listed.split(",") if name.strip()]
    return names if len(names) <= _MOST_HEADERS and all(map(_TOKEN.fullmatch, names)) else None
