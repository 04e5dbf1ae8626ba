from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import (
    InvalidArgument,
    InvalidParameterValueException,
    InvalidRequest,
    InvalidURI,
    ServiceError,
    ValidationError,
)
from onread.protocol.model import load_services
from onread.protocol.parse import parse_head
from onread.protocol.route import Routed
from onread.wire.message import Headers

_SERVICES = load_services()


def _parse(
    name: str, query: str = "", headers: list[tuple[str, str]] | None = None, **labels: str
) -> dict[str, Any]:
    service, _, operation = name.rpartition(":")
    routed = Routed(_SERVICES.operation(service or "s3", operation), labels)
    return parse_head(routed, query=query, headers=Headers(headers or []))


def test_labels_query_and_headers_become_typed_members() -> None:
    params = _parse(
        "GetObject",
        "versionId=v&partNumber=3&response-expires=Tue%2C%2001%20Jan%202030%2000%3A00%3A00%20GMT",
        [("Range", "bytes=0-1"), ("IF-MODIFIED-SINCE", "Tue, 01 Jan 2030 00:00:00 GMT")],
        Key="a b",
    )
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    assert params == {
        "Key": "a b",
        "VersionId": "v",
        "PartNumber": 3,
        "ResponseExpires": moment,
        "Range": "bytes=0-1",
        "IfModifiedSince": moment,
    }


def test_parameters_that_the_model_does_not_know_are_left_alone() -> None:
    assert _parse("GetObject", "width=300&bad=%zz&%ff=1&x-id=GetObject", [("Cookie", "a")], Key="k") == {
        "Key": "k"
    }


def test_metadata_is_every_header_with_the_prefix_in_lower_case() -> None:
    headers = [("X-Amz-Meta-Colour", "r\u00c3\u00a9d"), ("x-amz-meta-", "empty name"), ("x-amz-meta-n", "")]
    assert _parse("PutObject", headers=headers, Key="k")["Metadata"] == {
        "colour": "r\u00c3\u00a9d",  # the bytes as they came, one character each
        "": "empty name",
        "n": "",
    }


def test_lines_of_one_name_are_one_value() -> None:
    headers = [
        ("x-amz-meta-a", "1"),
        ("X-Amz-Meta-A", "2"),
        ("Cache-Control", "no-cache"),
        ("cache-control", "x"),
    ]
    params = _parse("PutObject", headers=headers, Key="k")
    assert (params["Metadata"], params["CacheControl"]) == ({"a": "1,2"}, "no-cache,x")


def test_a_list_in_a_header_is_split_at_commas() -> None:
    headers = [("x-amz-object-attributes", "ETag, ObjectSize"), ("x-amz-object-attributes", "Checksum")]
    assert _parse("GetObjectAttributes", headers=headers, Key="k")["ObjectAttributes"] == [
        "ETag",
        "ObjectSize",
        "Checksum",
    ]


def test_a_list_in_the_query_is_every_value_of_the_name() -> None:
    assert _parse("lambda:UntagResource", "tagKeys=a&tagKeys=b+c", Resource="r")["TagKeys"] == ["a", "b c"]


@pytest.mark.parametrize(
    ("query", "prefix"),
    [("prefix=a+b", "a b"), ("prefix=a%2Bb", "a+b"), ("prefix=%C3%A9", "é"), ("prefix=", "")],
)
def test_a_plus_in_the_query_is_a_space(query: str, prefix: str) -> None:
    assert _parse("ListObjectsV2", query)["Prefix"] == prefix


def test_a_number_that_is_left_empty_is_not_given() -> None:
    assert _parse("ListObjectsV2", "max-keys=") == {}


@pytest.mark.parametrize(
    "value", ["-1", "1.0", "1_0", "%201", "+1", "x", "%D9%A1", "2147483648", "1" * 6000, "0x1"]
)
def test_an_integer_is_ascii_digits_within_range(value: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        _parse("ListObjectsV2", f"max-keys={value}")
    assert refused.value.fields["ArgumentName"] == "max-keys"
    assert len(refused.value.fields["ArgumentValue"]) <= 200


def test_the_only_encoding_type_is_url() -> None:
    assert _parse("ListObjects", "encoding-type=url") == {"EncodingType": "url"}
    for wrong in ("WrongEncodingType", "", "URL"):
        with pytest.raises(InvalidArgument, match="Invalid Encoding Method specified in Request"):
            _parse("ListObjects", f"encoding-type={wrong}")


def test_a_scalar_parameter_given_twice_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="more than once"):
        _parse("GetObject", "versionId=a&versionId=b", Key="k")


@pytest.mark.parametrize("query", ["prefix=%ff", "prefix=%", "prefix=%u0041"])
def test_a_known_parameter_must_be_percent_encoded_utf8(query: str) -> None:
    with pytest.raises(InvalidURI):
        _parse("ListObjectsV2", query)


@pytest.mark.parametrize(
    "name", ["cache-control", "content-disposition", "content-encoding", "content-language", "content-type"]
)
@pytest.mark.parametrize("value", ["a%0D%0AX-Evil:%20b", "%0A", "a%00", "%7F", "%1B[1m"])
def test_T060_a_header_asked_for_in_the_query_holds_no_control_byte(name: str, value: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        _parse("GetObject", f"response-{name}={value}", Key="k")
    assert refused.value.fields["ArgumentName"] == f"response-{name}"


def test_a_date_that_is_no_http_date_does_not_make_a_request_conditional() -> None:
    assert _parse("GetObject", headers=[("If-Modified-Since", "yesterday")], Key="k") == {"Key": "k"}


def test_aws_chunked_is_no_encoding_of_the_object() -> None:
    assert _parse("PutObject", headers=[("Content-Encoding", "aws-chunked")], Key="k") == {"Key": "k"}
    params = _parse("PutObject", headers=[("Content-Encoding", "aws-chunked, gzip")], Key="k")
    assert params["ContentEncoding"] == "gzip"
    params = _parse("PutObject", headers=[("Content-Encoding", "gzip,  br")], Key="k")
    assert params["ContentEncoding"] == "gzip,  br"


def test_expires_stays_the_text_that_was_sent() -> None:
    assert _parse("PutObject", headers=[("Expires", "soon")], Key="k")["Expires"] == "soon"


@pytest.mark.parametrize(
    ("name", "headers", "error"),
    [
        ("WriteGetObjectResponse", [("x-amz-request-route", "r")], ValidationError),
        (
            "WriteGetObjectResponse",
            [("x-amz-request-route", "r"), ("x-amz-request-token", "t"), ("x-amz-fwd-status", "2e2")],
            ValidationError,
        ),
        ("GetObjectAttributes", [], InvalidArgument),
    ],
)
def test_T062_what_is_missing_or_unreadable_is_refused_in_the_words_of_the_operation(
    name: str, headers: list[tuple[str, str]], error: type[ServiceError]
) -> None:
    with pytest.raises(error):
        _parse(name, headers=headers, Key="k")


def test_the_other_services_refuse_in_their_own_words() -> None:
    with pytest.raises(InvalidParameterValueException):
        _parse("lambda:ListFunctions", "MaxItems=x")
    with pytest.raises(InvalidRequest):
        _parse("s3control:ListAccessPoints", "maxResults=x")


def test_the_account_of_s3control_may_be_named_by_the_host_alone() -> None:
    assert _parse("s3control:ListAccessPoints") == {}


@given(st.dictionaries(st.text("abcdefgh-", min_size=1), st.text(max_size=20)))
def test_metadata_comes_in_byte_for_byte(metadata: dict[str, str]) -> None:
    on_the_wire = {
        name: value.encode("utf-8", "surrogatepass").decode("latin-1") for name, value in metadata.items()
    }
    params = _parse(
        "PutObject", headers=[(f"x-amz-meta-{name}", on_the_wire[name]) for name in metadata], Key="k"
    )
    assert params.get("Metadata", {}) == on_the_wire
