"""DeleteObjects: one allowed key does not carry the others."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from onread.errors import AccessDenied, MalformedXML
from onread.gateway.call import AuthorizedCall
from onread.stores.store import MOST_KEYS_IN_DELETE, Store, StoreCall
from onread.wire.message import Response
from onread.wire.output import Output


async def delete_objects(
    call: AuthorizedCall, store_call: StoreCall, store: Store, scope: AsyncExitStack
) -> Output | Response:
    """Delete the keys that the caller may delete; the others come back as errors, each by its key.

    Raises:
        MalformedXML: more keys than one request may name; no policy was asked.

    Source: Amazon S3 API Reference, DeleteObjects: "the response includes the result for each key".
    """
    delete: dict[str, Any] = store_call.params["Delete"]
    if len(delete["Objects"]) > MOST_KEYS_IN_DELETE:
        raise MalformedXML
    allowed: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for item in delete["Objects"]:
        (allowed if call.may_delete(item["Key"], item.get("VersionId")) else refused).append(item)
    answer: Output | Response = Output()
    if allowed:  # a store takes no empty list
        params = {**store_call.params, "Delete": {**delete, "Objects": allowed}}
        answer = await store.execute(replace(store_call, params=params), scope)
    if not refused or isinstance(answer, Response):
        return answer
    errors = [
        {"Key": item["Key"], "Code": AccessDenied.code, "Message": AccessDenied.message} for item in refused
    ]
    members = {**answer.members, "Errors": [*answer.members.get("Errors", []), *errors]}
    return replace(answer, members=members)
