import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import LambdaInvalidResponse
from onread.objectlambda.response import FunctionReportedError
from onread.objectlambda.returned import MAXIMUM_RETURN_BYTES, read_returned
from onread.protocol.model import load_services
from onread.protocol.serialize import serialize
from onread.wire.message import Response

SERVICES = load_services()
HEAD = SERVICES.operation("s3", "HeadObject")
LIST = SERVICES.operation("s3", "ListObjects")
LIST_V2 = SERVICES.operation("s3", "ListObjectsV2")

RESULT = {"name": "b", "maxKeys": 1000, "isTruncated": False, "contents": [{"key": "k", "size": 3}]}
RESULT_V2 = {**RESULT, "keyCount": 1}


def head(**returned):
    return read_returned(json.dumps(returned).encode(), HEAD)


def headers(**given):
    answer = head(statusCode=200, headers={"Content-Length": 3, **given})
    return dict(answer.headers)


def listed(operation=LIST, **returned):
    return read_returned(json.dumps({"statusCode": 200, **returned}).encode(), operation)


def test_a_head_has_the_functions_length_and_headers():
    answer = head(
        statusCode=200,
        headers={"Content-Length": 123, "Content-Type": "text/plain", "x-amz-meta-k": "v", "ETag": '"e"'},
    )
    assert answer == Response(
        status=200,
        headers=[
            ("Content-Length", "123"),
            ("Content-Type", "text/plain"),
            ("x-amz-meta-k", "v"),
            ("ETag", '"e"'),
        ],
    )


# The User Guide's list of names for the headers object.
@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("Accept-Ranges", "bytes", "bytes"),
        ("x-amz-archive-status", "ARCHIVE_ACCESS", "ARCHIVE_ACCESS"),
        ("x-amz-server-side-encryption-bucket-key-enabled", True, "true"),
        ("Cache-Control", "no-store", "no-store"),
        ("Content-Disposition", "inline", "inline"),
        ("Content-Encoding", "gzip", "gzip"),
        ("Content-Language", "de", "de"),
        ("x-amz-delete-marker", False, "false"),
        ("Expires", "Tue, 01 Jan 2030 00:00:00 GMT", "Tue, 01 Jan 2030 00:00:00 GMT"),
        ("x-amz-expiration", "r", "r"),
        ("Last-Modified", "Tue, 01 Jan 2030 00:00:00 GMT", "Tue, 01 Jan 2030 00:00:00 GMT"),
        ("x-amz-missing-meta", 2, "2"),
        ("x-amz-object-lock-mode", "GOVERNANCE", "GOVERNANCE"),
        ("x-amz-object-lock-legal-hold", "ON", "ON"),
        ("x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z", "2030-01-01T00:00:00Z"),
        ("x-amz-mp-parts-count", 3.0, "3"),
        ("x-amz-replication-status", "COMPLETE", "COMPLETE"),
        ("x-amz-request-charged", "requester", "requester"),
        ("x-amz-restore", "r", "r"),
        ("x-amz-server-side-encryption", "AES256", "AES256"),
        ("x-amz-server-side-encryption-customer-algorithm", "AES256", "AES256"),
        ("x-amz-server-side-encryption-aws-kms-key-id", "k", "k"),
        ("x-amz-server-side-encryption-customer-key-MD5", "m", "m"),
        ("x-amz-storage-class", "STANDARD_IA", "STANDARD_IA"),
        ("x-amz-tagging-count", "4", "4"),
        ("x-amz-version-id", "v", "v"),
        ("x-amz-checksum-crc32", "NhCmhg==", "NhCmhg=="),
        ("x-amz-website-redirect-location", "/r", "/r"),
        ("x-amz-meta-half", 1.5, "1.5"),
    ],
)
@pytest.mark.parametrize("case", [str, str.lower, str.title])
def test_documented_headers_pass_in_any_letter_case_and_as_any_scalar(name, value, text, case):
    assert {known.lower(): given for known, given in headers(**{case(name): value}).items()}[
        name.lower()
    ] == text


@pytest.mark.parametrize(
    "name",
    ["x-amz-id-2", "x-amz-request-id", "Date", "Server", "Connection", "Transfer-Encoding", "Set-Cookie",
     "x-amz-meta-bad name"],
)  # fmt: skip
def test_T061_other_headers_are_dropped(name):
    assert name.lower() not in {known.lower() for known in headers(**{name: "1"})}


@pytest.mark.parametrize("value", ["", None, "\r\n"])
def test_an_empty_value_is_no_header(value):
    assert headers(ETag=value, **{"Content-Type": value}) == {
        "Content-Length": "3",
        "Content-Type": "binary/octet-stream",
    }


def test_T120_control_characters_are_stripped():
    assert headers(ETag="a\r\nX-Evil: 1\x00")["ETag"] == "aX-Evil: 1"


def test_other_alphabets_go_out_as_utf_8():
    assert headers(**{"x-amz-meta-a": "é"})["x-amz-meta-a"].encode("latin-1") == "é".encode()


def test_the_length_may_be_text():
    assert dict(head(statusCode="200", headers={"content-length": "35"}).headers)["Content-Length"] == "35"


def test_a_not_modified_needs_no_length():
    assert head(statusCode=304, headers={"ETag": "e"}) == Response(status=304, headers=[("ETag", "e")])


@pytest.mark.parametrize(
    "returned",
    [
        {"statusCode": 200},
        {"statusCode": 200, "headers": {}},
        {"statusCode": 200, "headers": []},
        {"statusCode": 200, "headers": {"Content-Length": -1}},
        {"statusCode": 200, "headers": {"Content-Length": 1.5}},
        {"statusCode": 200, "headers": {"Content-Length": 1, "ETag": ["a"]}},
        {"statusCode": 200, "headers": {"Content-Length": 1, "ETag": "x" * 3001}},
        {"headers": {"Content-Length": 1}},
        {"statusCode": None},
        {"statusCode": True},
        {"statusCode": "OK"},
        {"statusCode": 200.5},
        {"statusCode": [200]},
        {"statusCode": 199},
        {"statusCode": 600},
    ],
)
def test_T120_a_head_that_cannot_be_made_is_an_invalid_response(returned):
    with pytest.raises(LambdaInvalidResponse):
        head(**returned)


@pytest.mark.parametrize("operation", [HEAD, LIST, LIST_V2])
def test_an_error_has_the_functions_code_or_the_statuss_own(operation):
    for returned, expected in [
        ({"statusCode": 403, "errorCode": "Nope", "errorMessage": "no"}, (403, "Nope", "no")),
        ({"statusCode": 404}, (404, "NoSuchKey", "The specified key does not exist.")),
        ({"statusCode": 418, "errorMessage": "tea"}, (418, "InvalidRequest", "tea")),
        ({"statusCode": 599, "errorCode": 5, "errorMessage": ""}, (599, "InternalError", "")),
    ]:
        with pytest.raises(FunctionReportedError) as raised:
            read_returned(json.dumps(returned).encode(), operation)
        assert (raised.value.status, raised.value.code, raised.value.text) == expected


def test_T063_an_errors_code_and_message_are_bounded():
    with pytest.raises(FunctionReportedError) as raised:
        listed(statusCode=400, errorCode="C" * 1_000_000, errorMessage="m" * 1_000_000)
    assert (len(raised.value.code), len(raised.value.text)) == (3000, 3000)


def test_xml_is_sent_word_for_word():
    xml = '<?xml version="1.0"?><ListBucketResult>not <checked>é</ListBucketResult>'
    answer = listed(listResultXml=xml)
    assert (answer.status, answer.body) == (200, xml.encode())
    assert answer.headers == [("Content-Type", "application/xml")]


def test_s3s_own_error_document_passes_with_its_status():
    answer = listed(statusCode=403, listResultXml="<Error/>")
    assert (answer.status, answer.body) == (403, b"<Error/>")


@pytest.mark.parametrize(("operation", "result"), [(LIST, RESULT), (LIST_V2, RESULT_V2)])
def test_a_list_result_becomes_s3s_document(operation, result):
    output = listed(operation, listBucketResult=result)
    body = serialize(operation, output).body
    assert b'<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">' in body
    for part in (b"<Name>b</Name>", b"<MaxKeys>1000</MaxKeys>", b"<IsTruncated>false</IsTruncated>",
                 b"<Key>k</Key>", b"<Size>3</Size>"):  # fmt: skip
        assert part in body


def test_every_documented_member_is_read():
    output = listed(
        LIST_V2,
        listBucketResult={
            **RESULT_V2,
            "prefix": "p",
            "delimiter": "/",
            "encodingType": "url",
            "startAfter": "a",
            "continuationToken": "c",
            "nextContinuationToken": "n",
            "contents": [
                {
                    "key": "k",
                    "lastModified": "2021-03-10T23:41:52.000Z",
                    "eTag": '"e"',
                    "checksumAlgorithm": "CRC32",
                    "size": 3,
                    "owner": {"displayName": "d", "id": "i"},
                    "storageClass": "STANDARD",
                }
            ],
            "commonPrefixes": [{"prefix": "p/"}],
        },
    )
    assert output.members == {
        "IsTruncated": False,
        "Contents": [
            {
                "Key": "k",
                "LastModified": datetime(2021, 3, 10, 23, 41, 52, tzinfo=UTC),
                "ETag": '"e"',
                "ChecksumAlgorithm": ["CRC32"],
                "Size": 3,
                "Owner": {"DisplayName": "d", "ID": "i"},
                "StorageClass": "STANDARD",
            }
        ],
        "Name": "b",
        "Prefix": "p",
        "Delimiter": "/",
        "MaxKeys": 1000,
        "CommonPrefixes": [{"Prefix": "p/"}],
        "EncodingType": "url",
        "KeyCount": 1,
        "ContinuationToken": "c",
        "NextContinuationToken": "n",
        "StartAfter": "a",
    }


def test_what_xmltodict_makes_of_s3s_answer_is_read():
    """AWS's Python sample: everything is text, one element is an object, the namespace is a key."""
    output = listed(
        listBucketResult={
            "@xmlns": "http://s3.amazonaws.com/doc/2006-03-01/",
            "name": "b",
            "prefix": None,
            "maxKeys": "1000",
            "isTruncated": "False",
            "contents": {"key": "k", "size": "3", "lastModified": "Tue, 01 Jan 2030 00:00:00 GMT"},
            "commonPrefixes": {"prefix": "p/"},
        }
    )
    assert output.members == {
        "IsTruncated": False,
        "Contents": [{"Key": "k", "Size": 3, "LastModified": datetime(2030, 1, 1, tzinfo=UTC)}],
        "Name": "b",
        "MaxKeys": 1000,
        "CommonPrefixes": [{"Prefix": "p/"}],
    }


@pytest.mark.parametrize("missing", ["name", "maxKeys", "isTruncated", "keyCount"])
def test_a_required_member_is_named_when_it_is_missing(missing):
    result = {name: value for name, value in RESULT_V2.items() if name != missing}
    with pytest.raises(LambdaInvalidResponse, match=f"must have {missing}"):
        listed(LIST_V2, listBucketResult=result)


@pytest.mark.parametrize(
    "changes",
    [
        {"maxKeys": "many"}, {"maxKeys": True}, {"maxKeys": [1]}, {"isTruncated": "perhaps"},
        {"isTruncated": 1}, {"name": {}}, {"contents": "k"}, {"contents": [{"key": "k"}]},
        {"contents": [{"size": 1}]},
        {"contents": [{"key": "k", "size": 1, "lastModified": "yesterday"}]},
        {"contents": [{"key": "k", "size": 1, "lastModified": 5}]},
        {"contents": [{"key": "k", "size": 1, "owner": {"id": "i"}}]}, {"commonPrefixes": [{}]},
    ],
)  # fmt: skip
def test_T120_what_cannot_be_converted_is_an_invalid_response(changes):
    with pytest.raises(LambdaInvalidResponse):
        listed(listBucketResult={**RESULT, **changes})


@pytest.mark.parametrize(
    "returned",
    [
        {},
        {"listResultXml": "<a/>", "listBucketResult": RESULT},
        {"listResultXml": {}},
        {"listBucketResult": []},
    ],
)
def test_a_list_is_given_once_and_rightly(returned):
    with pytest.raises(LambdaInvalidResponse):
        listed(**returned)


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"null",
        b"[]",
        b'"text"',
        b"{",
        b"\xff",
        b'{"statusCode":200,"listResultXml":"\\ud800"}',
        b'{"a":' * 10_000,
        b" " * (MAXIMUM_RETURN_BYTES + 1),
    ],
)
@pytest.mark.parametrize("operation", [HEAD, LIST])
def test_T120_what_is_no_json_object_is_an_invalid_response(payload, operation):
    with pytest.raises(LambdaInvalidResponse):
        read_returned(payload, operation)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(
        ["headers", "Content-Length", "ETag", "name", "maxKeys", "contents", "key"]), inner, max_size=3),
    max_leaves=10,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["statusCode", "headers", "listBucketResult", "listResultXml"]), JSON))
def test_whatever_is_returned_is_an_answer_or_a_named_error(returned):
    for operation in (HEAD, LIST, LIST_V2):
        try:
            read_returned(json.dumps(returned).encode(), operation)
        except (LambdaInvalidResponse, FunctionReportedError):
            continue
