"""Errors as answers, in the form and the words of the service that was asked.

Owns the documents and the translation between families: a wrong signature is found by the same code for
S3 and for the Lambda API, and each has its own name for it. Everything that came from outside is escaped
and cut to a length.
"""

from collections.abc import Mapping

import orjson

from onread.errors import IamError, LambdaError, ServiceError
from onread.protocol.serialize_xml import DECLARATION, opening_tag
from onread.protocol.xml_text import drop_unprintable, escape
from onread.wire.message import Response

_LONGEST_MESSAGE = 4_096
_LONGEST_FIELD = 16_384  # a canonical request, repeated to whom it helps to debug a signature
_S3CONTROL_NAMESPACE = "http://awss3control.amazonaws.com/doc/2018-08-20/"
_QUERY_NAMESPACES = {
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "sts": "https://sts.amazonaws.com/doc/2011-06-15/",
}
# A 304 has no document; what a cache needs stands in its headers (RFC 9110 section 15.4.5).
_NOT_MODIFIED_HEADERS = {"ETag": "ETag", "LastModified": "Last-Modified"}

# Source: AWS Lambda API Reference, "Common errors", and the errors of its operations.
_TO_LAMBDA: Mapping[str, tuple[str, int]] = {
    "AccessDenied": ("AccessDeniedException", 403),
    "AuthorizationHeaderMalformed": ("IncompleteSignatureException", 400),
    "AuthorizationQueryParametersError": ("IncompleteSignatureException", 400),
    "ExpiredToken": ("ExpiredTokenException", 403),
    "InternalError": ("ServiceException", 500),
    "InvalidAccessKeyId": ("UnrecognizedClientException", 403),
    "InvalidArgument": ("InvalidParameterValueException", 400),
    "InvalidRequest": ("InvalidParameterValueException", 400),
    "InvalidSignature": ("InvalidSignatureException", 403),
    "InvalidToken": ("UnrecognizedClientException", 403),
    "InvalidURI": ("InvalidParameterValueException", 400),
    "MaxMessageLengthExceeded": ("RequestTooLargeException", 413),
    "MethodNotAllowed": ("MethodNotAllowedException", 405),
    "MissingAuthenticationToken": ("MissingAuthenticationTokenException", 403),
    "MissingSecurityHeader": ("IncompleteSignatureException", 400),
    "NotImplemented": ("NotImplementedException", 501),
    "RequestTimeTooSkewed": ("InvalidSignatureException", 403),
    "ServiceUnavailable": ("ServiceUnavailableException", 503),
    "SignatureDoesNotMatch": ("InvalidSignatureException", 403),
    "SlowDown": ("TooManyRequestsException", 429),
    "UnsupportedSignature": ("InvalidSignatureException", 403),
    "ValidationError": ("InvalidParameterValueException", 400),
    "XAmzContentSHA256Mismatch": ("InvalidSignatureException", 403),
}
# Source: IAM API Reference, "Common errors".
_TO_IAM: Mapping[str, tuple[str, int]] = {
    "AuthorizationHeaderMalformed": ("IncompleteSignature", 400),
    "AuthorizationQueryParametersError": ("IncompleteSignature", 400),
    "InternalError": ("InternalFailure", 500),
    "InvalidAccessKeyId": ("InvalidClientTokenId", 403),
    "InvalidArgument": ("ValidationError", 400),
    "InvalidRequest": ("ValidationError", 400),
    "InvalidSignature": ("SignatureDoesNotMatch", 403),
    "InvalidToken": ("InvalidClientTokenId", 403),
    "InvalidURI": ("ValidationError", 400),
    "MalformedPolicy": ("MalformedPolicyDocument", 400),
    "MaxMessageLengthExceeded": ("ValidationError", 400),
    "MethodNotAllowed": ("InvalidAction", 400),
    "MissingAuthenticationToken": ("MissingAuthenticationToken", 403),
    "MissingSecurityHeader": ("IncompleteSignature", 400),
    "NotImplemented": ("InvalidAction", 400),
    "RequestTimeTooSkewed": ("SignatureDoesNotMatch", 403),
    "ServiceUnavailable": ("ServiceUnavailable", 503),
    "SlowDown": ("Throttling", 400),
    "UnsupportedSignature": ("SignatureDoesNotMatch", 403),
    "XAmzContentSHA256Mismatch": ("SignatureDoesNotMatch", 403),
}


def render_error(
    error: ServiceError, *, service: str, request_id: str, host_id: str, resource: str, head: bool
) -> Response:
    """The answer that tells an error.

    Args:
        error: what went wrong.
        service: which service was asked: ``s3``, ``s3control``, ``lambda``, ``onread``, ``iam``, ``sts``.
        request_id: of this request.
        host_id: the second id of S3's documents.
        resource: the path that was asked for; not named when empty.
        head: the answer has no body, for it answers HEAD.

    Returns:
        The response without the headers that every answer has.
    """
    if error.status == 304:
        return Response(status=304, headers=_not_modified_headers(error))
    match service:
        case "lambda" | "onread":
            response = _lambda_error(error)
        case "iam" | "sts":
            response = _query_error(error, service, request_id)
        case "s3control":
            response = _s3control_error(error, request_id, host_id)
        case _:
            response = _s3_error(error, request_id, host_id, resource)
    if error.retry_after_seconds is not None:
        response.headers.append(("Retry-After", str(error.retry_after_seconds)))
    if head:
        response.body = b""
    return response


def _not_modified_headers(error: ServiceError) -> list[tuple[str, str]]:
    return [
        (_NOT_MODIFIED_HEADERS[name], value)
        for name, value in error.fields.items()
        if name in _NOT_MODIFIED_HEADERS
    ]


def _s3_error(error: ServiceError, request_id: str, host_id: str, resource: str) -> Response:
    parts = {"Code": error.code, "Message": error.text, **error.fields}
    if resource:
        parts.setdefault("Resource", resource)
    parts |= {"RequestId": request_id, "HostId": host_id}
    return _xml(error.status, f"<Error>{_elements(parts)}</Error>")


def _s3control_error(error: ServiceError, request_id: str, host_id: str) -> Response:
    inner = _elements({"Code": error.code, "Message": error.text, **error.fields})
    outer = _elements({"RequestId": request_id, "HostId": host_id})
    opening = opening_tag("ErrorResponse", _S3CONTROL_NAMESPACE)
    return _xml(error.status, f"{opening}<Error>{inner}</Error>{outer}</ErrorResponse>")


def _lambda_error(error: ServiceError) -> Response:
    code, status = (error.code, error.status)
    if not isinstance(error, LambdaError):
        code, status = _TO_LAMBDA.get(error.code, (code, status))
    document = {"Type": "Service" if status >= 500 else "User", "Message": _cut(error.text, _LONGEST_MESSAGE)}
    if "Reason" in error.fields:
        document["Reason"] = _cut(error.fields["Reason"], _LONGEST_FIELD)
    headers = [("Content-Type", "application/json"), ("x-amzn-ErrorType", code)]
    return Response(status=status, headers=headers, body=orjson.dumps(document))


def _query_error(error: ServiceError, service: str, request_id: str) -> Response:
    code, status = (error.code, error.status)
    if not isinstance(error, IamError):
        code, status = _TO_IAM.get(error.code, (code, status))
    kind = "Receiver" if status >= 500 else "Sender"
    inner = _elements({"Type": kind, "Code": code, "Message": error.text})
    opening = opening_tag("ErrorResponse", _QUERY_NAMESPACES[service])
    outer = _elements({"RequestId": request_id})
    return _xml(status, f"{opening}<Error>{inner}</Error>{outer}</ErrorResponse>", "text/xml")


def _xml(status: int, document: str, content_type: str = "application/xml") -> Response:
    return Response(
        status=status, headers=[("Content-Type", content_type)], body=f"{DECLARATION}{document}".encode()
    )


def _elements(parts: Mapping[str, str]) -> str:
    return "".join(
        f"<{name}>{escape(_cut(text, _LONGEST_MESSAGE if name == 'Message' else _LONGEST_FIELD))}</{name}>"
        for name, text in parts.items()
    )


def _cut(text: str, limit: int) -> str:
    return drop_unprintable(text[:limit])
