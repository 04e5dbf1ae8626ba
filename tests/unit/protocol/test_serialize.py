from datetime import UTC, datetime
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.protocol.model import load_services
from onread.protocol.serialize import serialize
from onread.protocol.serialize_json import write_json
from onread.wire.message import BytesBody, Response
from onread.wire.output import Output

_SERVICES = load_services()
_MOMENT = datetime(2030, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
_S3 = "http://s3.amazonaws.com/doc/2006-03-01/"


def _answer(name: str, **members: Any) -> Response:
    service, _, operation = name.rpartition(":")
    return serialize(
        _SERVICES.operation(service or "s3", operation), Output(members=members), request_id="r-1"
    )


def test_members_of_an_object_become_headers() -> None:
    body = BytesBody(b"hello")
    members = {
        "ContentLength": 5,
        "ContentType": "text/plain",
        "ETag": '"e"',
        "LastModified": _MOMENT,
        "DeleteMarker": False,
        "ObjectLockRetainUntilDate": _MOMENT,
        "Metadata": {"a": "b"},
        "VersionId": None,
        "NotInTheModel": "x",
    }
    response = serialize(_SERVICES.operation("s3", "GetObject"), Output(members=members, body=body))
    assert response.status == 200
    assert response.body is body
    assert response.headers == [
        ("Content-Length", "5"),
        ("Content-Type", "text/plain"),
        ("ETag", '"e"'),
        ("Last-Modified", "Wed, 02 Jan 2030 03:04:05 GMT"),
        ("x-amz-delete-marker", "false"),
        ("x-amz-object-lock-retain-until-date", "2030-01-02T03:04:05.678Z"),
        ("x-amz-meta-a", "b"),
    ]


def test_an_output_may_name_its_status_and_more_headers() -> None:
    output = Output(status=206, extra_headers=[("x-other", "1")])
    response = serialize(_SERVICES.operation("s3", "GetObject"), output)
    assert (response.status, response.headers) == (206, [("x-other", "1")])


def test_metadata_goes_out_byte_for_byte() -> None:
    assert _answer("HeadObject", Metadata={"a": "\u00c3\u00a9"}).headers == [("x-amz-meta-a", "\u00c3\u00a9")]


def test_text_that_no_header_can_carry_goes_out_as_utf8() -> None:
    assert _answer("HeadObject", ContentDisposition="日").headers == [
        ("Content-Disposition", "\u00e6\u0097\u00a5")
    ]


def test_a_date_that_the_model_calls_a_string_is_an_http_date() -> None:
    assert _answer("HeadObject", Expires=_MOMENT).headers == [("Expires", "Wed, 02 Jan 2030 03:04:05 GMT")]


@pytest.mark.parametrize(
    ("name", "root"),
    [
        ("ListObjects", "ListBucketResult"),
        ("ListObjectsV2", "ListBucketResult"),
        ("ListBuckets", "ListAllMyBucketsResult"),
        ("CreateMultipartUpload", "InitiateMultipartUploadResult"),
        ("CompleteMultipartUpload", "CompleteMultipartUploadResult"),
        ("DeleteObjects", "DeleteResult"),
        ("ListParts", "ListPartsResult"),
        ("ListMultipartUploads", "ListMultipartUploadsResult"),
        ("GetBucketLocation", "LocationConstraint"),
    ],
)
def test_the_root_is_the_one_that_aws_sends(name: str, root: str) -> None:
    response = _answer(name)
    assert ET.fromstring(response.body).tag == f"{{{_S3}}}{root}"
    assert response.headers == [("Content-Type", "application/xml")]


def test_a_payload_is_the_root_itself() -> None:
    body = _answer(
        "CopyObject", CopyObjectResult={"ETag": '"e"', "LastModified": _MOMENT}, VersionId="v"
    ).body
    assert body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<CopyObjectResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><ETag>&quot;e&quot;</ETag>'
        b"<LastModified>2030-01-02T03:04:05.678Z</LastModified></CopyObjectResult>"
    )


def test_flattened_lists_repeat_their_element_and_others_are_wrapped() -> None:
    contents = _answer("ListObjectsV2", Prefix="", Contents=[{"Key": "a", "Size": 1}, {"Key": "b"}]).body
    assert (
        b"<Contents><Key>a</Key><Size>1</Size></Contents><Contents><Key>b</Key></Contents><Prefix></Prefix>"
        in contents
    )
    assert (
        b"<Buckets><Bucket><Name>a</Name></Bucket></Buckets>"
        in _answer("ListBuckets", Buckets=[{"Name": "a"}]).body
    )
    assert b"<Buckets></Buckets>" in _answer("ListBuckets", Buckets=[]).body


def test_a_map_is_written_as_entries() -> None:
    body = _answer("s3control:GetAccessPoint", Endpoints={"ipv4": "a.b"}).body
    assert b"<Endpoints><entry><key>ipv4</key><value>a.b</value></entry></Endpoints>" in body


def test_the_region_is_the_text_of_the_root() -> None:
    assert b"/>" in _answer("GetBucketLocation").body
    assert _answer("GetBucketLocation", LocationConstraint="eu-west-1").body.endswith(
        b">eu-west-1</LocationConstraint>"
    )


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("DeleteObject", 204),
        ("DeleteBucket", 204),
        ("AbortMultipartUpload", 204),
        ("s3control:DeleteAccessPointForObjectLambda", 204),
        ("s3control:DeleteAccessPointPolicy", 204),
        ("lambda:DeleteFunction", 204),
        ("lambda:CreateFunction", 201),
        ("PutObject", 200),
    ],
)
def test_the_status_is_the_one_that_aws_sends(name: str, status: int) -> None:
    assert _answer(name).status == status


@pytest.mark.parametrize(
    "name", ["DeleteObject", "PutObject", "WriteGetObjectResponse", "s3control:PutAccessPointPolicy"]
)
def test_an_operation_without_document_answers_without_body(name: str) -> None:
    response = _answer(name)
    assert (response.body, response.headers) == (b"", [])


def test_lambda_answers_json_with_its_dates_as_strings() -> None:
    response = _answer("lambda:GetFunctionConfiguration", FunctionName="f", LastModified=_MOMENT, Timeout=3)
    assert response.headers == [("Content-Type", "application/json")]
    assert response.body == b'{"FunctionName":"f","Timeout":3,"LastModified":"2030-01-02T03:04:05.678+0000"}'


def test_the_status_of_invoke_is_a_member() -> None:
    response = _answer("lambda:Invoke", StatusCode=202, FunctionError="Unhandled", Payload=b"{}")
    assert (response.status, response.body) == (202, b"{}")
    assert response.headers == [("X-Amz-Function-Error", "Unhandled")]


def test_our_own_answers_carry_their_dates_as_seconds() -> None:
    body = _answer("onread:GetFunctionLogs", Events=[{"Timestamp": _MOMENT, "Message": "m"}]).body
    assert body == b'{"Events":[{"Timestamp":1893553445.678,"Message":"m"}]}'


def test_bytes_inside_json_are_base64() -> None:
    shape = _SERVICES.operation("lambda", "UpdateFunctionCode").input
    assert write_json(shape, {"ZipFile": b"PK"}) == b'{"ZipFile":"UEs="}'


def test_iam_wraps_its_result_and_names_the_request() -> None:
    response = _answer("iam:CreateUser", User={"UserName": "a", "CreateDate": _MOMENT})
    assert response.headers == [("Content-Type", "text/xml")]
    assert response.body == (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<CreateUserResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><CreateUserResult>'
        b"<User><UserName>a</UserName><CreateDate>2030-01-02T03:04:05.678Z</CreateDate></User></CreateUserResult>"
        b"<ResponseMetadata><RequestId>r-1</RequestId></ResponseMetadata></CreateUserResponse>"
    )


def test_a_void_action_has_no_result() -> None:
    body = _answer("iam:DeleteUser").body
    assert b"DeleteUserResult" not in body
    assert b"<RequestId>r-1</RequestId>" in body


@given(st.text(max_size=30))
def test_whatever_a_key_holds_the_listing_is_well_formed(key: str) -> None:
    body = _answer("ListObjectsV2", Contents=[{"Key": key}]).body
    found = ET.fromstring(body).findtext(f"{{{_S3}}}Contents/{{{_S3}}}Key")
    assert len(found or "") == len(key)
