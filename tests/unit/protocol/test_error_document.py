from xml.etree import ElementTree as ET

import orjson
import pytest
from botocore.parsers import create_parser
from hypothesis import given
from hypothesis import strategies as st

from onread import errors
from onread.errors import ServiceError
from onread.protocol.error_document import render_error
from onread.wire.message import Response


def _render(error: ServiceError, service: str = "s3", *, head: bool = False, resource: str = "") -> Response:
    return render_error(
        error, service=service, request_id="r-1", host_id="{host-id}", resource=resource, head=head
    )


def test_s3_answers_a_bare_error_in_the_order_of_aws() -> None:
    response = _render(errors.NoSuchKey(Key="a<b"), resource="/bucket/a%3Cb")
    assert response.status == 404
    assert response.headers == [("Content-Type", "application/xml")]
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code>'
        b"<Message>The specified key does not exist.</Message><Key>a&lt;b</Key>"
        b"<Resource>/bucket/a%3Cb</Resource><RequestId>r-1</RequestId><HostId>{host-id}</HostId></Error>"
    )


def test_s3control_answers_an_error_response() -> None:
    response = _render(errors.NoSuchAccessPoint(), "s3control")
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<ErrorResponse xmlns="http://awss3control.amazonaws.com/doc/2018-08-20/"><Error>'
        b"<Code>NoSuchAccessPoint</Code><Message>The specified accesspoint does not exist</Message></Error>"
        b"<RequestId>r-1</RequestId><HostId>{host-id}</HostId></ErrorResponse>"
    )


def test_lambda_answers_json_and_names_the_error_in_a_header() -> None:
    error = errors.TooManyRequestsException(
        "Rate exceeded", Reason="ReservedFunctionConcurrentInvocationLimitExceeded"
    )
    response = _render(error, "lambda")
    assert response.headers == [
        ("Content-Type", "application/json"),
        ("x-amzn-ErrorType", "TooManyRequestsException"),
    ]
    assert orjson.loads(response.body) == {
        "Type": "User",
        "Message": "Rate exceeded",
        "Reason": "ReservedFunctionConcurrentInvocationLimitExceeded",
    }


def test_iam_answers_the_query_protocols_error() -> None:
    response = _render(errors.NoSuchEntity("No user a."), "iam")
    assert response.headers == [("Content-Type", "text/xml")]
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        b"<Code>NoSuchEntity</Code><Message>No user a.</Message></Error><RequestId>r-1</RequestId>"
        b"</ErrorResponse>"
    )


@pytest.mark.parametrize(
    ("error", "service", "code", "status"),
    [
        (errors.SignatureDoesNotMatch(), "lambda", "InvalidSignatureException", 403),
        (errors.InvalidAccessKeyId(), "lambda", "UnrecognizedClientException", 403),
        (errors.AccessDenied(), "lambda", "AccessDeniedException", 403),
        (errors.InternalError(), "lambda", "ServiceException", 500),
        (errors.MaxMessageLengthExceeded(), "lambda", "RequestTooLargeException", 413),
        (errors.SlowDown(), "onread", "TooManyRequestsException", 429),
        (errors.NotImplemented(), "lambda", "NotImplementedException", 501),
        (errors.InvalidAccessKeyId(), "iam", "InvalidClientTokenId", 403),
        (errors.SignatureDoesNotMatch(), "iam", "SignatureDoesNotMatch", 403),
        (errors.AccessDenied(), "sts", "AccessDenied", 403),
        (errors.NotImplemented(), "iam", "InvalidAction", 400),
        (errors.InternalError(), "sts", "InternalFailure", 500),
    ],
)
def test_each_family_says_it_in_its_own_words(
    error: ServiceError, service: str, code: str, status: int
) -> None:
    protocol = "query" if service in ("iam", "sts") else "rest-json"
    response = _render(error, service)
    parsed = create_parser(protocol).parse(
        {
            "status_code": response.status,
            "headers": {k.lower(): v for k, v in response.headers},
            "body": response.body,
        },
        None,
    )
    assert (response.status, parsed["Error"]["Code"]) == (status, code)


@pytest.mark.parametrize("service", ["s3", "s3control", "lambda", "iam"])
def test_an_answer_to_head_has_no_body(service: str) -> None:
    response = _render(errors.AccessDenied(), service, head=True)
    assert (response.status, response.body) == (403, b"")


def test_not_modified_has_no_body_and_keeps_what_a_cache_needs() -> None:
    error = errors.NotModified(ETag='"e"', LastModified="Tue, 01 Jan 2030 00:00:00 GMT", Other="x")
    response = _render(error)
    assert (response.status, response.body) == (304, b"")
    assert response.headers == [("ETag", '"e"'), ("Last-Modified", "Tue, 01 Jan 2030 00:00:00 GMT")]


@pytest.mark.parametrize("service", ["s3", "lambda", "iam"])
def test_when_to_come_back_is_a_header(service: str) -> None:
    assert ("Retry-After", "3") in _render(errors.SlowDown(retry_after_seconds=3), service).headers


@given(st.text(max_size=200), st.text(max_size=200))
def test_T063_whatever_is_said_the_document_is_well_formed(message: str, key: str) -> None:
    for service in ("s3", "s3control", "iam"):
        response = _render(errors.NoSuchKey(message, Key=key), service, resource=key)
        ET.fromstring(response.body)


@pytest.mark.parametrize(
    "message", ["]]><script>", "&xxe;", "\x00\x01\x1b", "\ud800", "a" * 1_048_576, "<" * 1_048_576]
)
def test_T063_a_message_is_escaped_and_bounded(message: str) -> None:
    response = _render(errors.LambdaRuntimeError(message))
    ET.fromstring(response.body)
    assert b"<script>" not in response.body
    assert len(response.body) < 20_000


@given(st.text(max_size=200))
def test_T063_whatever_is_said_the_json_is_well_formed(message: str) -> None:
    document = orjson.loads(_render(errors.ResourceNotFoundException(message), "lambda").body)
    assert document["Type"] == "User"
