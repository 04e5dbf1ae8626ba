"""``onread doctor`` and upstream stores: is each there, does it take our credentials, do the clocks agree?"""

import http.client
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from hashlib import sha256

from onread.cli.finding import Finding, compare_clocks
from onread.config import Settings
from onread.outbound.message import tls_terms
from onread.store_settings import StoreSettings
from onread.stores.upstream.request import host_of, path_of, signed_headers

_MOST_BUCKETS = 20
_EMPTY_SHA256 = sha256(b"").hexdigest()
_REFUSALS = {
    403: ("refuses the credentials", "check access_key_id, secret_access_key, and what they may do"),
    400: ("refuses the request", "check region and path_style"),
    301: ("says that the bucket is elsewhere", "check endpoint and region"),
    307: ("says that the bucket is elsewhere", "check endpoint and region"),
}


def look_at_stores(settings: Settings) -> Iterator[Finding]:
    """Every upstream store in turn."""
    for store in settings.stores:
        yield from _look_at(store)


def _look_at(store: StoreSettings) -> Iterator[Finding]:
    subject = f"store {store.name}"
    buckets = sorted(store.buckets)[:_MOST_BUCKETS] if store.buckets is not None else [""]
    clock_is_known = False
    for bucket in buckets:
        what = f"bucket {bucket}" if bucket else store.authority
        try:
            status, date = _ask(store, bucket)
        except ssl.SSLCertVerificationError as error:
            yield Finding(
                "problem", subject, f"its certificate is refused: {error.verify_message}", "set tls_ca"
            )
            return
        except (OSError, http.client.HTTPException) as error:
            detail = f"{store.authority} does not answer ({error})"
            yield Finding("problem", subject, detail, "check endpoint, and that the store runs")
            return
        if date is not None and not clock_is_known:
            clock_is_known = True
            yield compare_clocks(date, datetime.now(UTC), whose=f"store {store.name}")
        if status == 200:
            yield Finding("ok", subject, f"{what} is there")
        elif status == 404:
            yield Finding("warning", subject, f"{what} is not there", f"onread bucket create {bucket}")
        else:
            detail, advice = _REFUSALS.get(status, (f"answers {status}", "look at the store"))
            yield Finding("problem", subject, f"{detail} ({what})", advice)


def _ask(store: StoreSettings, bucket: str) -> tuple[int, datetime | None]:
    """HeadBucket, or ListBuckets where every bucket is served: the status, and the store's clock."""
    host, path = host_of(store, bucket), path_of(store, bucket, None)
    method = "HEAD" if bucket else "GET"
    headers = signed_headers(
        store,
        method=method,
        host=host,
        path=path,
        query="",
        headers=(),
        payload_hash=_EMPTY_SHA256,
        now=datetime.now(UTC),
    )
    if store.scheme == "https":
        connection: http.client.HTTPConnection = http.client.HTTPSConnection(
            store.host, store.port, timeout=store.first_byte_seconds, context=tls_terms(store.tls_ca)
        )
    else:
        connection = http.client.HTTPConnection(store.host, store.port, timeout=store.first_byte_seconds)
    try:
        connection.request(method, path, headers=dict(headers))
        answer = connection.getresponse()
        date = answer.headers.get("Date")
        return answer.status, parsedate_to_datetime(date) if date else None
    finally:
        connection.close()
