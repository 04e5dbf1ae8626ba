"""An authorised call as its store is to do it."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from onread.addressing.copy_source import CopySource, copy_source_text, parse_copy_source
from onread.addressing.names import is_alias
from onread.errors import MissingContentLength, NoSuchAccessPoint, NotImplemented
from onread.gateway.call import AuthorizedCall
from onread.gateway.documents import parse_document, read_document
from onread.gateway.payload import announced_algorithm, open_payload
from onread.gateway.rechecked_body import RecheckedBody
from onread.metadata.records import AccessPoint
from onread.stores.store import StoreCall
from onread.wire.message import Body, BytesBody, Response
from onread.wire.output import Output

# Documents that decide which store does it, or what the caller may do: onread must understand them.
_UNDERSTOOD = frozenset({"CreateBucket", "DeleteObjects", "PutObjectTagging", "RestoreObject"})
_TAG_COUNT = "x-amz-tagging-count"


async def store_call(
    call: AuthorizedCall,
    bucket: str,
    *,
    account_id: str,
    raw: bool,
    find_source: Callable[[str], AccessPoint | None],
) -> StoreCall:
    """The call for the store that holds the bucket.

    Args:
        raw: the store takes the request as it came: a document that onread need not understand stays
            unread, so that what it does not know goes through.
        find_source: see `DataRules`.
    """
    routed = call.routed
    operation = routed.operation
    params: Mapping[str, Any] = routed.params
    document, body = None, _upload(call) if operation.streaming_input else BytesBody(b"")
    if operation.streaming_input:
        params = {**announced_algorithm(call), **params}
    elif operation.reads_document:
        document = routed.document
        if document is None:
            body = open_payload(call)
            document = await read_document(body, operation.document_limit_bytes)
        if not raw or operation.name in _UNDERSTOOD:
            params = {**params, **await parse_document(operation, document)}
    if "OutputLocation" in (params.get("RestoreRequest") or {}):
        raise NotImplemented("RestoreObject writes to no other object: no policy was asked about it.")
    source = _copy_source(params, find_source)
    if source is not None:
        params = {**params, "CopySource": copy_source_text(source)}
    return StoreCall(
        operation=operation.name,
        bucket=bucket,
        params=params,
        account_id=account_id,
        body=body,
        may_copy_tags=call.rights.may_copy_tags,
        request=routed.request,
        document=document,
        copy_source=source,
        request_id=routed.request_id,
    )


def _upload(call: AuthorizedCall) -> Body:
    headers = call.routed.request.headers
    if "content-length" not in headers and "transfer-encoding" not in headers:
        raise MissingContentLength
    return RecheckedBody(open_payload(call), call.rights.recheck)


async def without_unreadable_tags(call: AuthorizedCall, answer: Output | Response) -> Output | Response:
    """``x-amz-tagging-count`` comes "when you have the relevant permission to read object tags"."""
    if isinstance(answer, Output):
        if "TagCount" in answer.members and not await call.rights.may_read_tags():
            answer.members = {name: value for name, value in answer.members.items() if name != "TagCount"}
    elif (
        any(name.lower() == _TAG_COUNT for name, _ in answer.headers)
        and not await call.rights.may_read_tags()
    ):
        answer.headers = [pair for pair in answer.headers if pair[0].lower() != _TAG_COUNT]
    return answer


def _copy_source(
    params: Mapping[str, Any], find_source: Callable[[str], AccessPoint | None]
) -> CopySource | None:
    """What a copy reads, by its bucket's own name; it was authorised as what the caller named."""
    if "CopySource" not in params:
        return None
    source = parse_copy_source(str(params["CopySource"]))
    if not source.container.startswith("arn:") and not is_alias(source.container):
        return source
    access_point = find_source(source.container)
    if access_point is None:
        raise NoSuchAccessPoint
    return replace(source, container=access_point.bucket)
