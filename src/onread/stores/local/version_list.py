"""ListObjectVersions of a store that keeps one version of each object: ``null``, the newest."""

from contextlib import AsyncExitStack
from typing import Any

from onread.errors import InvalidArgument
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.listing import Query, cursor_after_marker, page_limit
from onread.stores.local.lists import as_bytes, load_page, page_members, text_encoder
from onread.stores.store import StoreCall
from onread.wire.output import Output

_NULL = "null"  # AWS: the version id of objects in a bucket that never had versions


async def list_object_versions(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """One page of the bucket's versions and common prefixes behind ``KeyMarker``.

    Raises:
        InvalidArgument: a version to go on behind, but of no key.
    """
    params, encode = call.params, text_encoder(call.params)
    prefix, delimiter, marker = (as_bytes(params.get(name)) for name in ("Prefix", "Delimiter", "KeyMarker"))
    if params.get("VersionIdMarker") and not marker:
        raise InvalidArgument(
            "A version-id marker cannot be specified without a key marker.",
            ArgumentName="version-id-marker",
            ArgumentValue=str(params["VersionIdMarker"]),
        )
    limit = page_limit(params.get("MaxKeys"), "max-keys")
    start = cursor_after_marker(marker, prefix, delimiter)
    query = Query(prefix=prefix, delimiter=delimiter, start=start, limit=limit)
    page, owner = await engine.workers.run(load_page, engine, call.bucket, query)
    members: dict[str, Any] = dict(page_members(call, page, limit, owner=owner))
    members["Versions"] = [
        {**content, "VersionId": _NULL, "IsLatest": True} for content in members.pop("Contents")
    ]
    members["KeyMarker"] = encode(marker)
    members["VersionIdMarker"] = params.get("VersionIdMarker") or ""
    if page.next is not None:
        members["NextKeyMarker"] = encode(page.last.key)
        members["NextVersionIdMarker"] = _NULL
    return Output(members=members)


OPERATIONS: dict[str, Operation] = {"ListObjectVersions": list_object_versions}
