"""What this layer answers by itself: to bytes that are no request, and when nothing else can answer."""

import secrets
from xml.sax.saxutils import escape

from onread.errors import ServiceError
from onread.wire.message import Response


class Refusal(Exception):
    """The connection is answered with this and closed.

    Args:
        status: of the HTTP answer; may differ from what a service would send (414, 431, 408, 417).
        code: of the error document.
        message: one sentence for people; says what to do.
    """

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message

    def response(self) -> Response:
        """The refusal as S3's bare error document."""
        return error_response(self.status, self.code, self.message)


def bad_request(message: str) -> Refusal:
    """The refusal of bytes that are not HTTP as this server reads it."""
    return Refusal(400, "BadRequest", message)


def request_line_too_long() -> Refusal:
    """The refusal of a target beyond the limit."""
    return Refusal(414, "RequestURITooLong", "The request line is too long.")


def headers_too_large() -> Refusal:
    """The refusal of a header, or of all of them, beyond the limit."""
    return Refusal(431, "RequestHeaderSectionTooLarge", "The headers of the request are too large.")


def service_error_response(error: ServiceError) -> Response:
    """The document for a service error that reached this layer, which it should not."""
    response = error_response(error.status, error.code, error.text)
    if error.retry_after_seconds is not None:
        response.headers.append(("Retry-After", str(error.retry_after_seconds)))
    return response


def error_response(status: int, code: str, message: str) -> Response:
    """An S3 error document with a request id of its own, for nothing was logged under another."""
    request_id = secrets.token_hex(8).upper()
    document = (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        f"<Error><Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        f"<RequestId>{request_id}</RequestId></Error>"
    )
    return Response(
        status=status,
        headers=[("x-amz-request-id", request_id), ("Content-Type", "application/xml")],
        body=document.encode(),
    )
