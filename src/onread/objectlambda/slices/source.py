"""Which original there is now: asked with the caller's rights, by the road that every read travels."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace

from onread.objectlambda.admission import ReadCall
from onread.objectlambda.input_url import signed_headers
from onread.objectlambda.response import standard_error
from onread.objectlambda.slices.request import Source
from onread.objectlambda.transform import Transformation
from onread.wire.message import BytesBody, Handler, Headers, Request, Response

Travel = Callable[[Request], AbstractAsyncContextManager[Response]]
_LOOPBACK = "127.0.0.1"


@dataclass(slots=True)
class OwnRoad:
    """The road to the store for requests of our own making; ``handler`` is set once it is built."""

    handler: Handler | None = None

    def __call__(self, request: Request) -> AbstractAsyncContextManager[Response]:
        """Send one request of ours down the road that functions travel."""
        assert self.handler is not None  # set before the first listener opens
        return self.handler(request)


async def find_source(
    call: ReadCall, transformation: Transformation, travel: Travel, request_id: str
) -> Source:
    """The original as a HEAD through the supporting access point shows it.

    Args:
        request_id: names this question; no other run may have it.

    Raises:
        FunctionReportedError: S3's own refusal, under its usual code: there is no such object, or the caller
            may not read it.
    """
    asking = replace(call, operation="HeadObject", request_id=request_id)
    with transformation.runs.open(request_id):
        request = _head(asking, transformation)
        async with travel(request) as response:
            if response.status != 200:
                raise standard_error(response.status)
            headers = Headers(response.headers)
    return Source(
        etag=headers.get("etag") or "",
        version_id=headers.get("x-amz-version-id") or "",
        last_modified=headers.get("last-modified") or "",
        size=headers.get("content-length") or "",
    )


def _head(call: ReadCall, transformation: Transformation) -> Request:
    url = transformation.presign(call).presigned
    signed = signed_headers(call.request.headers, strict=transformation.settings.strict)
    return Request(
        method="HEAD",
        target=url.target,
        host=url.host,
        headers=Headers([("Host", url.host), *signed]),
        body=BytesBody(b""),
        peer=_LOOPBACK,
    )
