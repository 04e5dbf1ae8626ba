"""Lists of a sliced access point with the sizes of its results: the bucket's page, and what becomes of it."""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from dataclasses import replace
from typing import Any
from urllib.parse import quote

from onread.errors import IncompleteBody, MalformedXML, MaxMessageLengthExceeded, ServiceUnavailable
from onread.objectlambda.admission import ReadCall
from onread.objectlambda.slices.listed import SizedLists, key_of_token
from onread.protocol.model import Operation
from onread.protocol.parse_xml import parse_xml
from onread.protocol.query_string import decode_query_text
from onread.stores.store import Store, StoreCall
from onread.wire.message import Headers, Response
from onread.wire.output import Output

_LONGEST_PAGE_BYTES = 16 << 20
_CHARGED = "x-amz-request-charged"


async def list_results(
    call: ReadCall,
    asked: StoreCall,
    operation: Operation,
    *,
    store: Store,
    lists: SizedLists,
    scope: AsyncExitStack,
) -> Output | Response:
    """ListObjects or ListObjectsV2 with the sizes of the results; a refusal of the store as it is.

    Args:
        asked: the list of the bucket behind the access point.

    Raises:
        SlowDown: the size of the first key is not known yet.
        ServiceUnavailable: what the store answers is no list.
    """
    token = call.params.get("ContinuationToken")
    after = key_of_token(token)
    if after is not None:
        asked = _behind(asked, after)
    answer = await store.execute(asked, scope)
    if isinstance(answer, Response):
        if answer.status != 200:
            return answer
        answer = await _read(operation, answer)
    members = dict(await lists.sized(call, answer.members))
    if after is not None:
        members["ContinuationToken"] = token
        members.pop("StartAfter", None)  # ours
    return Output(members=members)


def _behind(asked: StoreCall, key: str) -> StoreCall:
    """The list from behind a key on, for stores that know none of our tokens."""
    params = {name: value for name, value in asked.params.items() if name != "ContinuationToken"}
    request = asked.request
    if request is not None:
        kept = [part for part in request.query.split("&") if part and _name(part) not in _PLACES]
        query = "&".join([*kept, f"start-after={quote(key, safe='')}"])
        request = replace(request, target=f"{request.path}?{query}")
    return replace(asked, params={**params, "StartAfter": key}, request=request)


_PLACES = ("continuation-token", "start-after")


def _name(parameter: str) -> str:
    return decode_query_text(parameter.partition("=")[0])


async def _read(operation: Operation, response: Response) -> Output:
    body = response.body
    assert operation.output is not None
    try:
        document = body if isinstance(body, bytes) else await body.read(_LONGEST_PAGE_BYTES)
        members: Mapping[str, Any] = parse_xml(operation, operation.output, document)
    except (IncompleteBody, MalformedXML, MaxMessageLengthExceeded) as error:
        raise ServiceUnavailable("The store of this bucket answers with what is no list.") from error
    charged = Headers(response.headers).get(_CHARGED)
    return Output(members={**members, **({"RequestCharged": charged} if charged else {})})
