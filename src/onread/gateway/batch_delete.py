"""DeleteObjects: one allowed key does not carry the others."""

from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any

from onread.errors import AccessDenied, MalformedXML
from onread.gateway.call import AuthorizedCall
from onread.protocol.xml_text import escape
from onread.stores.store import MOST_KEYS_IN_DELETE, Store, StoreCall
from onread.wire.message import Response
from onread.wire.output import Output

_LONGEST_RESULT_BYTES = 8 << 20


async def delete_objects(
    call: AuthorizedCall, store_call: StoreCall, store: Store, scope: AsyncExitStack
) -> Output | Response:
    """Delete the keys that the caller may delete; the others come back as errors, each by its key.

    Raises:
        MalformedXML: more keys than one request may name; no policy was asked.
        InvalidArgument: a version id is empty; nothing is deleted.

    Source: Amazon S3 API Reference, DeleteObjects: "the response includes the result for each key".
    """
    delete: dict[str, Any] = store_call.params["Delete"]
    items = delete["Objects"]
    if len(items) > MOST_KEYS_IN_DELETE:
        raise MalformedXML
    may_delete = await call.rights.may_delete(items)
    allowed: list[dict[str, Any]] = []
    refused: list[dict[str, Any]] = []
    for item, may in zip(items, may_delete, strict=True):
        (allowed if may else refused).append(item)
    answer: Output | Response = Output()
    if allowed:  # a store takes no empty list
        if refused:  # the document that came would delete those too
            params = {**store_call.params, "Delete": {**delete, "Objects": allowed}}
            store_call = replace(store_call, params=params, document=None)
        answer = await store.execute(store_call, scope)
    if not refused:
        return answer
    if isinstance(answer, Response):
        return await _with_refusals(answer, refused)
    errors = [
        {**_named(item), "Code": AccessDenied.code, "Message": AccessDenied.message} for item in refused
    ]
    members = {**answer.members, "Errors": [*answer.members.get("Errors", []), *errors]}
    return replace(answer, members=members)


async def _with_refusals(answer: Response, refused: list[dict[str, Any]]) -> Response:
    """A store's own document, and the keys that it was not asked for."""
    body = answer.body
    document = body if isinstance(body, bytes) else await body.read(_LONGEST_RESULT_BYTES)
    head, end, tail = document.rpartition(b"</")
    if answer.status != 200 or not end:
        return replace(answer, body=document)
    entries = "".join(
        f"<Error>{''.join(f'<{name}>{escape(value)}</{name}>' for name, value in _named(item).items())}"
        f"<Code>{AccessDenied.code}</Code><Message>{AccessDenied.message}</Message></Error>"
        for item in refused
    )
    return replace(answer, body=head + entries.encode() + end + tail)


def _named(item: dict[str, Any]) -> dict[str, str]:
    """The key, and the version where one was given."""
    return {name: item[name] for name in ("Key", "VersionId") if name in item}
