from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import ValidationError
from onread.objectlambda.response import (
    ALLOWED_STATUSES,
    DeclaredChecksum,
    FunctionReportedError,
    emptiness_matters,
    forwarded_members,
    read_response,
)
from onread.protocol.model import load_services
from onread.protocol.parse_head import parse_head
from onread.protocol.route import Routed
from onread.protocol.serialize import serialize
from onread.wire.message import Headers
from onread.wire.output import Output

SERVICES = load_services()
FORWARDED = forwarded_members(SERVICES)
CONTROL = {"RequestRoute": "io-local", "RequestToken": "t"}

# The table of write-get-object-response in the API reference: member, header as SDKs send it, a value.
DOCUMENTED = [
    ("AcceptRanges", "accept-ranges", "bytes"),
    ("CacheControl", "Cache-Control", "no-store"),
    ("ContentDisposition", "Content-Disposition", 'attachment; filename="a"'),
    ("ContentEncoding", "Content-Encoding", "gzip"),
    ("ContentLanguage", "Content-Language", "de"),
    ("ContentRange", "Content-Range", "bytes 0-4/10"),
    ("ContentType", "Content-Type", "text/plain"),
    ("ChecksumCRC32", "x-amz-checksum-crc32", "NhCmhg=="),
    ("ChecksumCRC32C", "x-amz-checksum-crc32c", "mnG7TA=="),
    ("ChecksumCRC64NVME", "x-amz-checksum-crc64nvme", "AAAAAAAAAAA="),
    ("ChecksumSHA1", "x-amz-checksum-sha1", "qvTGHdzF6KLavt4PO0gs2a6pQ00="),
    ("ChecksumSHA256", "x-amz-checksum-sha256", "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ="),
    ("ChecksumSHA512", "x-amz-checksum-sha512", "aa=="),
    ("ChecksumMD5", "x-amz-checksum-md5", "XUFAKrxLKna5cZ2REBfFkg=="),
    ("ChecksumXXHASH64", "x-amz-checksum-xxhash64", "aa=="),
    ("ChecksumXXHASH3", "x-amz-checksum-xxhash3", "aa=="),
    ("ChecksumXXHASH128", "x-amz-checksum-xxhash128", "aa=="),
    ("DeleteMarker", "x-amz-delete-marker", "true"),
    ("ETag", "ETag", '"abc"'),
    ("Expires", "Expires", "Tue, 01 Jan 2030 00:00:00 GMT"),
    ("Expiration", "x-amz-expiration", 'rule-id="r"'),
    ("LastModified", "Last-Modified", "Tue, 01 Jan 2030 00:00:00 GMT"),
    ("MissingMeta", "x-amz-missing-meta", "3"),
    ("ObjectLockMode", "x-amz-object-lock-mode", "GOVERNANCE"),
    ("ObjectLockLegalHoldStatus", "x-amz-object-lock-legal-hold", "ON"),
    ("ObjectLockRetainUntilDate", "x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"),
    ("PartsCount", "x-amz-mp-parts-count", "2"),
    ("ReplicationStatus", "x-amz-replication-status", "COMPLETE"),
    ("RequestCharged", "x-amz-request-charged", "requester"),
    ("Restore", "x-amz-restore", 'ongoing-request="false"'),
    ("ServerSideEncryption", "x-amz-server-side-encryption", "AES256"),
    ("SSECustomerAlgorithm", "x-amz-server-side-encryption-customer-algorithm", "AES256"),
    ("SSEKMSKeyId", "x-amz-server-side-encryption-aws-kms-key-id", "k"),
    ("SSECustomerKeyMD5", "x-amz-server-side-encryption-customer-key-MD5", "m"),
    ("StorageClass", "x-amz-storage-class", "STANDARD_IA"),
    ("TagCount", "x-amz-tagging-count", "4"),
    ("VersionId", "x-amz-version-id", "v1"),
    ("BucketKeyEnabled", "x-amz-server-side-encryption-bucket-key-enabled", "true"),
]


def read(*, empty=False, **params):
    return read_response({**CONTROL, **params}, forwarded=FORWARDED, body_is_empty=empty)


def parsed(*headers):
    """Params as the gateway gives them, from the headers a function sends."""
    operation = SERVICES.operation("s3", "WriteGetObjectResponse")
    control = [("x-amz-request-route", "io-local"), ("x-amz-request-token", "t")]
    return parse_head(
        Routed(operation=operation, path_params={}), query="", headers=Headers([*control, *headers])
    )


def answered(params):
    """The headers that the caller gets."""
    response = read_response(params, forwarded=FORWARDED, body_is_empty=False)
    output = Output(status=response.status, members=response.members, body=b"x")
    sent = serialize(SERVICES.operation("s3", "GetObject"), output)
    return {name.lower(): value for name, value in sent.headers}


def test_every_documented_member_is_forwarded_and_no_other():
    documented = {member for member, _, _ in DOCUMENTED}
    assert documented | {"Metadata"} == FORWARDED


@pytest.mark.parametrize(("member", "header", "value"), DOCUMENTED)
def test_a_forwarded_header_reaches_the_caller_as_it_was_sent(member, header, value):
    params = parsed((f"x-amz-fwd-header-{header}", value))
    assert member in params
    assert answered(params)[header.lower()] == value


@pytest.mark.parametrize(
    "name",
    [
        "Transfer-Encoding", "Content-Length", "Connection", "Upgrade", "Set-Cookie", "Location", "Host",
        "Date", "Server", "Access-Control-Allow-Origin", "Strict-Transport-Security", "Trailer",
        "X-Amz-Request-Id", "x-amz-checksum-type", "x-amz-website-redirect-location",
    ],
)  # fmt: skip
def test_T061_a_header_that_is_no_member_goes_nowhere(name):
    assert name.lower() not in answered(parsed((f"x-amz-fwd-header-{name}", "1")))


def test_metadata_is_forwarded_without_a_prefix_of_its_own():
    assert answered(parsed(("x-amz-meta-Key", "value")))["x-amz-meta-key"] == "value"


def test_the_default_is_a_success_with_nothing_but_a_body():
    response = read()
    assert (response.status, dict(response.members), response.error) == (200, {}, None)
    assert response.has_body


def test_members_that_are_none_are_absent():
    assert dict(read(ContentType=None, ETag="e").members) == {"ETag": "e"}


@pytest.mark.parametrize("status", sorted(ALLOWED_STATUSES))
def test_T062_the_listed_statuses_are_allowed(status):
    assert read(StatusCode=status, empty=True).status == status


@pytest.mark.parametrize(
    "status", [0, 99, 100, 101, 103, 199, 201, 204, 301, 302, 402, 418, 429, 502, 599, 600]
)
def test_T062_no_other_status_is(status):
    with pytest.raises(ValidationError, match="Use one of 200, 206, 304"):
        read(StatusCode=status, empty=True)


@pytest.mark.parametrize("text", ["200 OK", "OK", "2e2", "0x1F4"])
def test_T062_a_status_that_is_no_number_is_refused_while_it_is_parsed(text):
    with pytest.raises(ValidationError):
        parsed(("x-amz-fwd-status", text))


def test_T062_a_304_has_no_body():
    assert not read(StatusCode=304, empty=True, ETag="e").has_body
    with pytest.raises(ValidationError, match="304 has no body"):
        read(StatusCode=304, empty=False)


def test_a_code_and_a_message_make_the_functions_own_error():
    error = read(
        StatusCode=403, ErrorCode="NoSuperSecretTokenFound", ErrorMessage="No token <b>", empty=True
    ).error
    assert isinstance(error, FunctionReportedError)
    assert (error.status, error.code, error.text) == (403, "NoSuperSecretTokenFound", "No token <b>")


def test_a_code_without_message_is_its_own_message():
    assert read(StatusCode=400, ErrorCode="Nope", empty=True).error.text == "Nope"


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "InvalidRequest"), (401, "AccessDenied"), (403, "AccessDenied"), (404, "NoSuchKey"),
        (405, "MethodNotAllowed"), (409, "OperationAborted"), (411, "MissingContentLength"),
        (412, "PreconditionFailed"), (416, "InvalidRange"), (500, "InternalError"),
        (503, "ServiceUnavailable"),
    ],
)  # fmt: skip
def test_an_error_status_alone_has_its_standard_code(status, code):
    error = read(StatusCode=status, empty=True).error
    assert (error.status, error.code) == (status, code)
    assert error.text


def test_a_message_without_code_goes_with_the_standard_code():
    error = read(StatusCode=404, ErrorMessage="gone", empty=True).error
    assert (error.code, error.text) == ("NoSuchKey", "gone")


def test_an_error_status_with_a_body_passes_the_body_through():
    response = read(StatusCode=404, ContentType="text/html")
    assert response.error is None
    assert response.has_body


@pytest.mark.parametrize("status", [None, 200, 206, 304])
@pytest.mark.parametrize("member", ["ErrorCode", "ErrorMessage"])
def test_an_error_with_a_success_status_is_refused(status, member):
    with pytest.raises(ValidationError, match="StatusCode of 400 or more"):
        read(StatusCode=status, **{member: "Nope"}, empty=True)


@pytest.mark.parametrize("member", ["ErrorCode", "ErrorMessage"])
def test_an_error_with_a_body_is_refused(member):
    with pytest.raises(ValidationError, match="not allowed with a Body"):
        read(StatusCode=403, **{member: "Nope"}, empty=False)


@pytest.mark.parametrize("code", ["", "A", "nope", "No-Dash", "No1", "No Space", "N\n", "Né", "A" * 3001])
def test_an_error_code_keeps_awss_pattern(code):
    with pytest.raises(ValidationError, match="ErrorCode"):
        read(StatusCode=403, ErrorCode=code, empty=True)


@pytest.mark.parametrize("message", ["", "a\r\nb", "\x00", "\x1b[0m", "x" * 3001])
def test_T063_an_error_message_is_bounded_and_has_no_control_characters(message):
    with pytest.raises(ValidationError, match="ErrorMessage"):
        read(StatusCode=403, ErrorCode="Nope", ErrorMessage=message, empty=True)


def test_an_error_message_in_utf_8_is_read_as_such_and_other_bytes_stay():
    text = "Grüße".encode().decode("latin-1")
    assert read(StatusCode=400, ErrorMessage=text, empty=True).error.text == "Grüße"
    assert read(StatusCode=400, ErrorMessage="caf\xe9", empty=True).error.text == "caf\xe9"


@pytest.mark.parametrize("character", [chr(code) for code in (*range(32), 127)])
def test_T060_control_characters_are_refused_wherever_they_stand(character):
    for params in (
        {"ContentType": f"a{character}b"},
        {"ETag": character},
        {"Metadata": {"k": f"a{character}b"}},
        {"Metadata": {f"k{character}": "v"}},
    ):
        with pytest.raises(ValidationError):
            read(**params)


def test_values_have_1_to_3000_characters():
    read(ContentType="x" * 3000, Metadata={"k": "v" * 3000})
    for params in (
        {"ETag": ""},
        {"ETag": "x" * 3001},
        {"Metadata": {"k": ""}},
        {"Metadata": {"k": "x" * 3001}},
    ):
        with pytest.raises(ValidationError, match="1 to 3000"):
            read(**params)


@pytest.mark.parametrize("name", ["", "a b", "a:b", "é"])
def test_a_metadata_name_is_a_header_name(name):
    with pytest.raises(ValidationError, match="Metadata has a name"):
        read(Metadata={name: "v"})


def test_one_checksum_is_declared_and_two_are_refused():
    assert read(ChecksumCRC32="NhCmhg==").checksum == DeclaredChecksum(algorithm="CRC32", value="NhCmhg==")
    assert read(ETag="e").checksum is None
    with pytest.raises(ValidationError, match="ChecksumCRC32 and ChecksumSHA1"):
        read(ChecksumCRC32="NhCmhg==", ChecksumSHA1="x")


def test_typed_members_are_not_text():
    moment = datetime(2030, 1, 1, tzinfo=UTC)
    members = read(LastModified=moment, TagCount=2, DeleteMarker=False).members
    assert dict(members) == {"LastModified": moment, "TagCount": 2, "DeleteMarker": False}


@pytest.mark.parametrize(
    ("params", "matters"),
    [
        ({}, False),
        ({"StatusCode": 206}, False),
        ({"StatusCode": 304}, True),
        ({"StatusCode": 404}, True),
        ({"ErrorCode": "Nope"}, True),
        ({"ErrorMessage": "m"}, True),
    ],
)
def test_whether_the_body_is_empty_is_asked_only_where_it_matters(params, matters):
    assert emptiness_matters(params) is matters
    if not matters:
        assert read(**params, empty=True) == read(**params, empty=False)


@given(st.dictionaries(st.sampled_from(["ContentType", "ETag", "CacheControl"]), st.text(max_size=50)))
def test_T060_whatever_is_accepted_can_be_sent(members):
    try:
        accepted = read(**members).members
    except ValidationError:
        return
    assert not any(
        ord(character) < 32 or ord(character) == 127 for value in accepted.values() for character in value
    )
