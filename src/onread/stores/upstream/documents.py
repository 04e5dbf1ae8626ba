"""The documents that onread writes to a store itself: where the caller's cannot go through as it is."""

import base64
from collections.abc import Mapping
from hashlib import md5
from typing import Any

from onread.protocol.xml_text import escape
from onread.sigv4.canonical import Pair
from onread.wire.dates import format_http_date

_DIGESTS = ("content-md5", "x-amz-checksum-", "x-amz-sdk-checksum-algorithm")
_NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"


def render_delete(delete: Mapping[str, Any]) -> bytes:
    """DeleteObjects for some of the keys that the caller named."""
    parts = [f'<Delete xmlns="{_NAMESPACE}">']
    if delete.get("Quiet"):
        parts.append("<Quiet>true</Quiet>")
    for item in delete["Objects"]:
        parts.append(f"<Object><Key>{escape(item['Key'])}</Key>")
        if item.get("VersionId") is not None:
            parts.append(f"<VersionId>{escape(item['VersionId'])}</VersionId>")
        if item.get("ETag") is not None:
            parts.append(f"<ETag>{escape(item['ETag'])}</ETag>")
        if item.get("LastModifiedTime") is not None:
            parts.append(f"<LastModifiedTime>{format_http_date(item['LastModifiedTime'])}</LastModifiedTime>")
        if item.get("Size") is not None:
            parts.append(f"<Size>{item['Size']}</Size>")
        parts.append("</Object>")
    return "".join([*parts, "</Delete>"]).encode()


def render_location(region: str) -> bytes:
    """CreateBucket in the store's own Region, which is not the gateway's."""
    if region == "us-east-1":
        return b""
    return (
        f'<CreateBucketConfiguration xmlns="{_NAMESPACE}"><LocationConstraint>{escape(region)}'
        "</LocationConstraint></CreateBucketConfiguration>"
    ).encode()


def with_own_digest(headers: list[Pair], document: bytes) -> list[Pair]:
    """The headers without the digests of another document, and with this one's."""
    kept = [(name, value) for name, value in headers if not name.lower().startswith(_DIGESTS)]
    digest = md5(document, usedforsecurity=False).digest()
    return [*kept, ("Content-MD5", base64.b64encode(digest).decode("ascii"))]
