"""The buckets that a store says it has."""

from contextlib import AsyncExitStack
from datetime import datetime

from onread.errors import MalformedXML, MaxMessageLengthExceeded, ServiceUnavailable
from onread.protocol.xml_reader import Element, read_xml
from onread.stores.store import StoreCall
from onread.stores.upstream.store import UpstreamStore
from onread.wire.dates import parse_iso8601

_LONGEST_BYTES = 8 << 20


async def read_buckets(store: UpstreamStore, scope: AsyncExitStack) -> list[tuple[str, datetime | None]]:
    """Name and time of creation of each.

    Raises:
        SlowDown, ServiceUnavailable: the store does not say, or says what is no list.
    """
    call = StoreCall(operation="ListBuckets", bucket="", params={}, account_id="")
    answer = await store.execute(call, scope)
    body = answer.body
    try:
        document = body if isinstance(body, bytes) else await body.read(_LONGEST_BYTES) if body else b""
        return [_read(bucket) for bucket in _buckets(read_xml(document))]
    except (MalformedXML, MaxMessageLengthExceeded) as error:
        raise ServiceUnavailable("A store answers with what is no list of buckets.") from error


def _buckets(root: Element) -> list[Element]:
    return [bucket for one in root.children if one.name == "Buckets" for bucket in one.children]


def _read(bucket: Element) -> tuple[str, datetime | None]:
    fields = {child.name: child.text for child in bucket.children}
    try:
        made = parse_iso8601(fields.get("CreationDate", ""))
    except ValueError:
        made = None
    return fields.get("Name", ""), made
