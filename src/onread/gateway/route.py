"""Which operation a located request is, and what its head says."""

from typing import Any

from onread.addressing.address import Located, WriteAddress
from onread.errors import ValidationError
from onread.gateway.call import RoutedCall
from onread.gateway.documents import read_document
from onread.protocol.model import Services
from onread.protocol.parse import parse_head
from onread.protocol.route import route
from onread.wire.message import Request

_FORM_LIMIT_BYTES = 64 * 1024


async def route_request(
    services: Services, request: Request, located: Located, *, request_id: str
) -> RoutedCall:
    """Route by AWS's model and read the head's members.

    IAM and STS name their action in the form, so that one small document is read here.

    Raises:
        ServiceError: the address has no such operation, or a member of the head cannot be read.
    """
    service = located.address.service
    form = await read_document(request.body, _FORM_LIMIT_BYTES) if service in ("iam", "sts") else None
    routed = route(
        services,
        service,
        method=request.method,
        path=located.path,
        query=request.query,
        headers=request.headers,
        bucket=located.address.is_data,
        form=form,
    )
    unreadable = None
    try:
        params = parse_head(routed, query=request.query, headers=request.headers)
    except ValidationError as error:
        if not isinstance(located.address, WriteAddress):
            raise
        unreadable, params = error, _route_and_token(request)
    return RoutedCall(
        request_id=request_id,
        request=request,
        address=located.address,
        operation=routed.operation,
        params=params,
        document=form,
        unreadable=unreadable,
    )


def _route_and_token(request: Request) -> dict[str, Any]:
    route, token = (request.headers.get(f"x-amz-request-{name}") for name in ("route", "token"))
    return {"RequestRoute": route or "", "RequestToken": token or ""}
