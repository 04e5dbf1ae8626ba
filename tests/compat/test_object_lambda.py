"""A transformed GET from outside: what the function sees, what it may write, what the caller gets."""

import gzip
import hashlib
import http.client
import io
import json
import re
import urllib.parse
import xml.etree.ElementTree as ET
from concurrent.futures import ThreadPoolExecutor

import pytest
import requests
from botocore.exceptions import ClientError
from PIL import Image
from tests.compat.callers import (
    fetch,
    presign,
    puppeteer,
    signed,
    stage,
    status_and_code,
    write_request,
)
from tests.compat.conftest import ACCOUNT, REGION, wait_until
from tests.fakes.checksums import DIGESTS, base64_value

pytestmark = [pytest.mark.compat, pytest.mark.slow]
UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


@pytest.fixture(scope="module")
def on_stage(world):
    with stage(world) as made:
        yield made


def put_members(on_stage, key, **members):
    on_stage.put(key, json.dumps(members).encode())


def error_of(call):
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response
    return error["ResponseMetadata"]["HTTPStatusCode"], error["Error"]["Code"]


# AWS's own samples


def test_a_function_refuses_with_its_own_code_and_message(on_stage):
    answer = on_stage.get("refuses")
    assert (answer.status, answer.code) == (403, "NoSuperSecretTokenFound")
    assert answer.element("Message") == "The request was not secret enough."
    assert answer.headers["content-type"] == "application/xml"
    assert answer.element("HostId") == "{host-id}"
    assert answer.element("RequestId") == answer.headers["x-amz-request-id"]


def test_a_custom_header_reaches_the_function_in_its_own_case(on_stage):
    answer = on_stage.get("refuses", headers={"SuperSecretToken": "yes"})
    assert (answer.status, answer.body) == (200, b"the original")


def test_an_image_becomes_a_thumbnail(on_stage, world):
    original = io.BytesIO()
    Image.new("RGB", (640, 480), "teal").save(original, "PNG")
    on_stage.put("picture.png", original.getvalue())
    answer = world.client("s3").get_object(Bucket=on_stage.alias("thumbnail"), Key="picture.png")
    assert answer["ContentType"] == "image/png"
    assert Image.open(io.BytesIO(answer["Body"].read())).size == (32, 24)


def test_gzip_of_unknown_length_is_chunked_and_passed_as_bytes(on_stage):
    text = b"".join(b"line %d\n" % number for number in range(200_000))
    on_stage.put("long.txt", text)
    answer = on_stage.get("compresses", "long.txt")
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.headers["transfer-encoding"] == "chunked"
    assert "content-length" not in answer.headers
    assert gzip.decompress(answer.body) == text


CONDITIONS = [
    ({}, 200),
    ({"If-Match": '"ETAG"'}, 200),
    ({"If-Match": '"other"'}, 412),
    ({"If-None-Match": '"ETAG"'}, 304),
    ({"If-None-Match": '"other"'}, 200),
    ({"If-Modified-Since": "Tue, 01 Jan 2030 00:00:00 GMT"}, 304),
    ({"If-Modified-Since": "Tue, 01 Jan 2002 00:00:00 GMT"}, 200),
    ({"If-Unmodified-Since": "Tue, 01 Jan 2002 00:00:00 GMT"}, 412),
]


@pytest.mark.parametrize(("headers", "status"), CONDITIONS, ids=str)
def test_conditions_are_the_functions_to_forward(on_stage, headers, status):
    etag = hashlib.md5(b"the original").hexdigest()
    headers = {name: value.replace("ETAG", etag) for name, value in headers.items()}
    answer = on_stage.get("conditions", headers=headers)
    assert answer.status == status
    if status == 200:
        assert answer.body == b"the original"
    elif status == 304:
        assert answer.body == b""
        assert "content-length" not in answer.headers or answer.headers["content-length"] == "0"
    else:
        assert answer.code == "PreconditionFailed"


def test_the_gateway_applies_no_condition_to_transformed_data(on_stage):
    assert on_stage.get("uppercase", headers={"If-Match": '"other"'}).status == 200


def test_a_missing_key_is_what_the_function_makes_of_it(on_stage):
    answer = on_stage.get("conditions", "missing")
    assert (answer.status, answer.code) == (404, "NoSuchKey")


# The event


def strip_request(event):
    return {name: value for name, value in event.items() if name != "userRequest"}


def test_the_event_field_by_field_for_root(on_stage, world):
    payload = '{"res-x": "100"}'
    alias = on_stage.alias("echoes", payload=payload)
    answer = world.client("s3").get_object(Bucket=alias, Key="key")
    event = json.loads(answer["Body"].read())
    assert list(event) == [
        "xAmzRequestId", "getObjectContext", "configuration", "userRequest", "userIdentity",
        "protocolVersion",
    ]  # fmt: skip
    assert event["xAmzRequestId"] == answer["ResponseMetadata"]["RequestId"]
    assert UUID.fullmatch(event["xAmzRequestId"])
    assert event["protocolVersion"] == "1.00"
    context = event["getObjectContext"]
    assert set(context) == {"inputS3Url", "outputRoute", "outputToken"}
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", context["outputRoute"])
    assert len(context["outputToken"]) > 100
    configuration = event["configuration"]
    assert re.fullmatch(
        rf"arn:aws:s3-object-lambda:{REGION}:{ACCOUNT}:accesspoint/olap-\d+", configuration["accessPointArn"]
    )
    assert configuration["supportingAccessPointArn"] == on_stage.supporting["AccessPointArn"]
    assert configuration["payload"] == payload
    assert event["userIdentity"] == {
        "type": "Root",
        "principalId": ACCOUNT,
        "arn": f"arn:aws:iam::{ACCOUNT}:root",
        "accountId": ACCOUNT,
        "accessKeyId": world.gateway.access_key_id,
    }
    assert event["userRequest"]["url"] == f"{world.endpoint}/{alias}/key"
    headers = event["userRequest"]["headers"]
    assert all(isinstance(value, str) for value in headers.values())
    lowered = {name.lower(): value for name, value in headers.items()}
    assert lowered["host"] == world.endpoint.removeprefix("http://")
    assert lowered["x-amz-checksum-mode"] == "ENABLED"
    assert lowered["x-amz-content-sha256"] == hashlib.sha256(b"").hexdigest()


def test_a_user_is_an_iam_user(on_stage, world):
    alias = on_stage.alias("echoes")
    statement = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    name, key_id, secret = world.user(json.dumps({"Version": "2012-10-17", "Statement": [statement]}))
    user_id = world.client("iam").get_user(UserName=name)["User"]["UserId"]
    body = world.client_as("s3", key_id, secret).get_object(Bucket=alias, Key="key")["Body"].read()
    assert json.loads(body)["userIdentity"] == {
        "type": "IAMUser",
        "principalId": user_id,
        "arn": f"arn:aws:iam::{ACCOUNT}:user/{name}",
        "accountId": ACCOUNT,
        "accessKeyId": key_id,
        "userName": name,
    }


def test_the_url_is_decoded_and_keeps_the_callers_own_arguments(on_stage, world):
    alias = on_stage.alias("echoes")
    on_stage.put("a b/ü+1", b"x")
    event = json.loads(on_stage.get("echoes", "a b/ü+1", "width=300&text=%C3%BC%20y&expires=soon").body)
    assert event["userRequest"]["url"] == f"{world.endpoint}/{alias}/a b/ü+1?width=300&text=ü y&expires=soon"


def test_repeated_headers_are_joined_and_case_is_kept(on_stage, world):
    url, headers = signed(world, on_stage.alias("echoes"), "key")
    connection = http.client.HTTPConnection(*world.address, timeout=20)
    try:
        split = urllib.parse.urlsplit(url)
        connection.putrequest("GET", split.path, skip_accept_encoding=True)
        for name, value in headers.items():
            connection.putheader(name, value)
        for value in ("one", "two"):
            connection.putheader("X-MiXeD", value)
        connection.putheader("Cookie", "theirs=1")
        connection.endheaders()
        event = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    assert event["userRequest"]["headers"]["X-MiXeD"] == "one,two"
    assert event["userRequest"]["headers"]["Cookie"] == "theirs=1"


def test_T134_no_secret_of_the_caller_is_in_the_event(on_stage, world):
    canary = "canary-7f3a91"
    secret_headers = ("Proxy-Authorization", "X-Forwarded-Client-Cert", "X-Client-Cert", "X-SSL-Client-Cert")
    url, headers = signed(
        world, on_stage.alias("echoes"), "key", headers=dict.fromkeys(secret_headers, canary)
    )
    answer = fetch(url, headers=headers)
    assert answer.status == 200, answer.body
    signature = headers["Authorization"].rpartition("Signature=")[2]
    for secret in (canary, signature, world.gateway.secret_access_key):
        assert secret not in answer.body.decode()
    lowered = {name.lower() for name in json.loads(answer.body)["userRequest"]["headers"]}
    assert lowered.isdisjoint({"authorization", "x-amz-date", "x-amz-security-token"})


def test_T134_the_outer_signature_is_not_in_the_event_of_a_presigned_caller(on_stage, world):
    url = presign(world, on_stage.alias("echoes"), "key", "width=1")
    answer = fetch(url)
    event = json.loads(answer.body)
    outer = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)
    assert outer["X-Amz-Signature"][0] not in answer.body.decode()
    assert event["userRequest"]["url"].endswith("/key?width=1")
    assert event["userIdentity"]["type"] == "Root"


def test_T137_a_foreign_host_changes_nothing_in_the_input_url(on_stage, world):
    alias = on_stage.alias("echoes")
    event = json.loads(on_stage.get("echoes").body)
    own = urllib.parse.urlsplit(event["getObjectContext"]["inputS3Url"]).netloc
    assert own.startswith("127.0.0.1:")
    assert own != world.endpoint.removeprefix("http://")
    path = presign(world, alias, "key", endpoint="http://evil.example.com").partition("evil.example.com")[2]
    evil = fetch(f"{world.endpoint}{path}", headers={"Host": "evil.example.com"})
    if evil.status == 200:  # it was signed for that host
        event = json.loads(evil.body)
        assert urllib.parse.urlsplit(event["getObjectContext"]["inputS3Url"]).netloc == own
    assert evil.status in (200, 400, 404)
    forwarded = {"X-Forwarded-Host": "evil.example.com", "Forwarded": "host=evil.example.com"}
    event = json.loads(on_stage.get("echoes", headers=forwarded).body)
    assert urllib.parse.urlsplit(event["getObjectContext"]["inputS3Url"]).netloc == own
    assert "evil" not in event["userRequest"]["url"]


PAYLOADS = ['{"a": "\\"quotes\\""}', "${jndi:ldap://x} {{7*7}} <b>&amp;</b>", "ü😀\n\ttab ", "p" * 100_000]


@pytest.mark.parametrize("payload", PAYLOADS, ids=["quotes", "templates", "unicode", "long"])
def test_T139_the_payload_arrives_byte_for_byte(on_stage, payload):
    event = json.loads(on_stage.get("echoes", payload=payload).body)
    assert event["configuration"]["payload"] == payload


def test_without_a_payload_it_is_the_empty_string(on_stage):
    assert json.loads(on_stage.get("echoes").body)["configuration"]["payload"] == ""


def test_the_input_url_reads_the_original_and_signs_host_alone(on_stage):
    with on_stage.during() as puppet:
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(puppet.input_url).query)
        assert query["X-Amz-SignedHeaders"] == ["host"]
        assert query["X-Amz-Expires"] == ["61"]
        assert "X-Amz-Security-Token" in query
        assert fetch(puppet.input_url).body == b"the original"
    assert fetch(puppet.input_url).status == 403  # T-136: its run has ended


def test_T135_payer_and_owner_are_signed_when_sent_and_must_be_resent(on_stage):
    headers = {"x-amz-request-payer": "requester", "x-amz-expected-bucket-owner": ACCOUNT}
    with on_stage.during(headers=headers) as puppet:
        url = puppet.input_url
        named = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-SignedHeaders"]
        assert named == ["host;x-amz-expected-bucket-owner;x-amz-request-payer"]
        assert fetch(url).status == 403
        assert fetch(url, headers={**headers, "x-amz-expected-bucket-owner": "111122223333"}).status == 403
        assert fetch(url, headers=headers).body == b"the original"


def test_T135_a_header_can_neither_widen_the_fetch_nor_be_added(on_stage):
    refused = {"x-amz-server-side-encryption-customer-algorithm": "AES256"}
    with on_stage.during() as puppet:
        assert fetch(puppet.input_url, headers=refused).status in (400, 403)
        assert fetch(puppet.input_url, headers={"x-amz-acl": "public-read"}).status == 403
        assert fetch(puppet.input_url).status == 200


# Range, part number, customer keys


@pytest.mark.parametrize(
    ("query", "headers"), [("", {"Range": "bytes=0-1"}), ("Range=bytes%3D0-1", {}), ("partNumber=1", {})]
)
def test_T121_range_and_part_number_are_501_unless_allowed(on_stage, query, headers):
    before = len(on_stage.logs("echoes"))
    answer = on_stage.get("echoes", "key", query, headers=headers)
    request_id = answer.headers["x-amz-request-id"]
    assert answer.status == 501
    assert answer.body.decode() == (
        '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NotImplemented</Code>'
        f"<Message>Operation Not Implemented.</Message><RequestId>{request_id}</RequestId>"
        "<HostId>{host-id}</HostId></Error>"
    )
    assert UUID.fullmatch(request_id)
    assert len(on_stage.logs("echoes")) == before


def test_T121_an_allowed_range_is_the_functions_own_affair(on_stage):
    allow = ("GetObject-Range", "GetObject-PartNumber")
    event = json.loads(on_stage.get("echoes", headers={"Range": "bytes=0-1"}, allow=allow).body)
    assert event["userRequest"]["headers"]["Range"] == "bytes=0-1"
    assert "range" not in event["getObjectContext"]["inputS3Url"].lower()
    with on_stage.during("partNumber=1", allow=allow) as puppet:
        assert puppet.event["userRequest"]["url"].endswith("/key?partNumber=1")
        assert "partNumber" not in puppet.input_url
        assert fetch(puppet.input_url).body == b"the original"


def test_T122_a_customer_key_is_refused_and_reaches_nothing(on_stage, world):
    secret = "k" * 32
    status, code = error_of(
        lambda: world.client("s3").get_object(
            Bucket=on_stage.alias("echoes"), Key="key", SSECustomerAlgorithm="AES256", SSECustomerKey=secret
        )
    )
    assert (status, code) == (400, "InvalidRequest")
    assert secret not in world.log()
    assert "a2tra2tr" not in world.log()  # in base64
    assert not any(secret in line for line in on_stage.logs("echoes"))


# What may be written

FORWARDED = {
    "AcceptRanges": ("bytes", "accept-ranges", "bytes"),
    "CacheControl": ("max-age=5", "cache-control", "max-age=5"),
    "ContentDisposition": ("attachment", "content-disposition", "attachment"),
    "ContentEncoding": ("x-own", "content-encoding", "x-own"),
    "ContentLanguage": ("de, en", "content-language", "de, en"),
    "ContentRange": ("bytes 0-3/8", "content-range", "bytes 0-3/8"),
    "ContentType": ("text/x-own", "content-type", "text/x-own"),
    "DeleteMarker": (True, "x-amz-delete-marker", "true"),
    "ETag": ('"own"', "etag", '"own"'),
    "Expires": ("2030-01-01T00:00:00+00:00", "expires", "Tue, 01 Jan 2030 00:00:00 GMT"),
    "Expiration": ('expiry-date="x"', "x-amz-expiration", 'expiry-date="x"'),
    "LastModified": ("2030-01-01T00:00:00+00:00", "last-modified", "Tue, 01 Jan 2030 00:00:00 GMT"),
    "MissingMeta": (3, "x-amz-missing-meta", "3"),
    "ObjectLockMode": ("GOVERNANCE", "x-amz-object-lock-mode", "GOVERNANCE"),
    "ObjectLockLegalHoldStatus": ("ON", "x-amz-object-lock-legal-hold", "ON"),
    "ObjectLockRetainUntilDate": (
        "2030-01-01T00:00:00+00:00",
        "x-amz-object-lock-retain-until-date",
        "2030-01-01T00:00:00Z",
    ),
    "PartsCount": (7, "x-amz-mp-parts-count", "7"),
    "ReplicationStatus": ("COMPLETED", "x-amz-replication-status", "COMPLETED"),
    "RequestCharged": ("requester", "x-amz-request-charged", "requester"),
    "Restore": ('ongoing-request="true"', "x-amz-restore", 'ongoing-request="true"'),
    "ServerSideEncryption": ("AES256", "x-amz-server-side-encryption", "AES256"),
    "SSECustomerAlgorithm": ("AES256", "x-amz-server-side-encryption-customer-algorithm", "AES256"),
    "SSEKMSKeyId": ("key-id", "x-amz-server-side-encryption-aws-kms-key-id", "key-id"),
    "SSECustomerKeyMD5": ("bWQ1", "x-amz-server-side-encryption-customer-key-MD5", "bWQ1"),
    "StorageClass": ("GLACIER", "x-amz-storage-class", "GLACIER"),
    "TagCount": (4, "x-amz-tagging-count", "4"),
    "VersionId": ("v1", "x-amz-version-id", "v1"),
    "BucketKeyEnabled": (False, "x-amz-server-side-encryption-bucket-key-enabled", "false"),
}


def test_every_member_is_forwarded_under_its_own_name(on_stage, world):
    members = {name: given for name, (given, _, _) in FORWARDED.items()}
    put_members(on_stage, "all", **members, StatusCode=206, Metadata={"a": "b", "c-d": "e"}, Body="body")
    answer = on_stage.get("writes_members", "all")
    assert answer.status == 206
    assert {header: answer.headers.get(header) for _, header, _ in FORWARDED.values()} == {
        header: value for _, header, value in FORWARDED.values()
    }
    assert (answer.headers["x-amz-meta-a"], answer.headers["x-amz-meta-c-d"]) == ("b", "e")
    assert (answer.headers["content-length"], answer.body) == ("4", b"body")
    model = world.client("s3").meta.service_model.operation_model("WriteGetObjectResponse").input_shape
    untested = {name for name in model.members.keys() - FORWARDED.keys() if not name.startswith("Checksum")}
    assert untested == {
        "RequestRoute", "RequestToken", "Body", "StatusCode", "ErrorCode", "ErrorMessage", "ContentLength",
        "Metadata",
    }  # fmt: skip


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_T109_a_right_checksum_is_passed_on(on_stage, algorithm):
    value = base64_value(algorithm, b"body")
    put_members(on_stage, f"right-{algorithm}", Body="body", **{f"Checksum{algorithm}": value})
    answer = on_stage.get("writes_members", f"right-{algorithm}", headers={"x-amz-checksum-mode": "ENABLED"})
    assert answer.body == b"body"
    assert answer.headers[f"x-amz-checksum-{algorithm.lower()}"] == value


@pytest.mark.parametrize("algorithm", DIGESTS)
def test_T109_a_wrong_checksum_cuts_the_caller_who_asked_for_it(on_stage, world, algorithm):
    key = f"wrong-{algorithm}"
    put_members(on_stage, key, Body="body", **{f"Checksum{algorithm}": base64_value(algorithm, b"other")})
    url = presign(world, on_stage.alias("writes_members"), key, headers={"x-amz-checksum-mode": "ENABLED"})
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.get(url, headers={"x-amz-checksum-mode": "ENABLED"}, timeout=20)
    wait_until(lambda: any("BadDigest" in line for line in on_stage.logs("writes_members")))
    assert on_stage.get("writes_members", key).body == b"body"  # who did not ask gets it as it is


def test_T109_two_checksums_are_one_too_many(on_stage):
    put_members(on_stage, "two", Body="b", ChecksumSHA1="x" * 27 + "=", ChecksumCRC32="AAAAAA==")
    answer = on_stage.get("writes_members", "two")
    assert (answer.status, answer.code) == (400, "LambdaInvalidResponse")


def test_content_length_is_given_through_and_the_type_is_s3s_default(on_stage):
    put_members(on_stage, "plain", Body="12345")
    answer = on_stage.get("writes_members", "plain")
    assert answer.headers["content-length"] == "5"
    assert answer.headers["content-type"] == "binary/octet-stream"
    assert not [name for name in answer.headers if name.startswith("x-amz-checksum")]


def test_an_answer_without_a_body_is_an_empty_object(on_stage):
    put_members(on_stage, "empty")
    answer = on_stage.get("writes_members", "empty")
    assert (answer.status, answer.body, answer.headers["content-length"]) == (200, b"", "0")


STANDARD_CODES = {
    400: "InvalidRequest", 401: "AccessDenied", 403: "AccessDenied", 404: "NoSuchKey",
    405: "MethodNotAllowed", 409: "OperationAborted", 411: "MissingContentLength",
    412: "PreconditionFailed", 416: "InvalidRange", 500: "InternalError", 503: "ServiceUnavailable",
}  # fmt: skip


@pytest.mark.parametrize(("status", "code"), STANDARD_CODES.items())
def test_an_error_status_alone_gets_its_standard_code(on_stage, status, code):
    put_members(on_stage, f"status-{status}", StatusCode=status)
    answer = on_stage.get("writes_members", f"status-{status}")
    assert (answer.status, answer.code) == (status, code)


def test_an_error_status_with_a_body_passes_the_body_through(on_stage):
    put_members(on_stage, "own-error", StatusCode=404, ContentType="text/html", Body="<h1>no</h1>")
    answer = on_stage.get("writes_members", "own-error")
    assert (answer.status, answer.headers["content-type"], answer.body) == (404, "text/html", b"<h1>no</h1>")


def test_304_has_no_body(on_stage):
    put_members(on_stage, "304", StatusCode=304, ETag='"e"')
    answer = on_stage.get("writes_members", "304")
    assert (answer.status, answer.body, answer.headers["etag"]) == (304, b"", '"e"')


INVALID = {
    "code-with-success": {"ErrorCode": "Custom"},
    "code-with-body": {"StatusCode": 400, "ErrorCode": "Custom", "Body": "x"},
    "code-in-lower-case": {"StatusCode": 400, "ErrorCode": "custom"},
    "304-with-body": {"StatusCode": 304, "Body": "x"},
    "value-too-long": {"Body": "x", "CacheControl": "v" * 3001},
    "status-299": {"StatusCode": 299},
    "status-204": {"StatusCode": 204},
    "status-302": {"StatusCode": 302},
}


@pytest.mark.parametrize("name", INVALID)
def test_what_the_rules_refuse_is_lambda_invalid_response(on_stage, name):
    put_members(on_stage, name, **INVALID[name])
    answer = on_stage.get("writes_members", name)
    assert (answer.status, answer.code) == (400, "LambdaInvalidResponse")


def test_T063_code_and_message_are_escaped(on_stage):
    message = "]]><script>&xxe; \"'"
    put_members(on_stage, "escape", StatusCode=403, ErrorCode="Custom", ErrorMessage=message)
    answer = on_stage.get("writes_members", "escape")
    assert ET.fromstring(answer.body).findtext("Message") == message
    assert b"<script>" not in answer.body


# Written on the wire by the test itself, as any identity of the account may


@pytest.fixture
def puppet(on_stage):
    """A run whose caller waits, and the caller."""
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    yield puppet, call
    puppet.close()
    call.exception(timeout=20)


def test_T061_only_listed_headers_travel(world, puppet):
    waiting, call = puppet
    smuggled = {
        f"x-amz-fwd-header-{name}": "smuggled"
        for name in (
            "Transfer-Encoding", "Content-Length", "Connection", "Upgrade", "Set-Cookie", "Location", "Host",
            "Date", "Server", "Access-Control-Allow-Origin", "Strict-Transport-Security", "Trailer",
            "X-Amz-Request-Id", "x-amz-id-2", "x-amz-checksum-type", "X-Own",
        )
    }  # fmt: skip
    answer = world.raw(write_request(world, waiting.token, waiting.route, smuggled, b"body"))
    assert answer.startswith(b"HTTP/1.1 200 ")
    got = call.result(20)
    assert (got.status, got.body) == (200, b"body")
    assert "smuggled" not in str(dict(got.headers))


BAD_STATUSES = [
    "99",
    "100",
    "101",
    "103",
    "199",
    "201",
    "204",
    "301",
    "600",
    "OK",
    "2e2",
    "0x1",
    "200 OK",
    "-1",
]


@pytest.mark.parametrize("status", BAD_STATUSES)
def test_T062_a_status_that_is_none_is_refused(world, puppet, status):
    waiting, call = puppet
    answer = world.raw(write_request(world, waiting.token, waiting.route, {"x-amz-fwd-status": status}))
    assert status_and_code(answer) == (400, "ValidationError")
    waiting.returns()
    got = call.result(20)
    assert (got.status, got.code) == (400, "LambdaInvalidResponse")


CONTROL = ["a\rb", "a\x00b", "a\x0bb", "a\x1fb", "a\x7fb"]


@pytest.mark.parametrize("value", CONTROL, ids=[hex(ord(value[1])) for value in CONTROL])
@pytest.mark.parametrize(
    "header", ["x-amz-fwd-header-Cache-Control", "x-amz-meta-a", "x-amz-fwd-error-message"]
)
def test_T060_control_bytes_are_refused_where_they_come_in(world, on_stage, header, value):
    call = on_stage.call("obeys")
    waiting = on_stage.puppets.next()
    request = write_request(world, waiting.token, waiting.route, {header: "CONTROL"}, b"")
    status, code = status_and_code(world.raw(request.replace(b"CONTROL", value.encode("latin-1"))))
    assert (status, code) != (400, "InvalidSignature")  # refused before anybody asks who wrote it
    assert status == 400
    waiting.writes(Body="good")
    waiting.returns()
    assert call.result(20).body == b"good"  # a refused write leaves the token open


def test_T060_a_line_break_cannot_be_smuggled_by_folding(world, on_stage):
    call = on_stage.call("obeys")
    waiting = on_stage.puppets.next()
    request = write_request(world, waiting.token, waiting.route, {"x-amz-meta-a": "CONTROL"}, b"body")
    status, code = status_and_code(world.raw(request.replace(b"CONTROL", b"a\r\n Set-Cookie: x=1")))
    assert status == 400
    assert code != "InvalidSignature"
    waiting.writes(Body="good")
    waiting.returns()
    got = call.result(20)
    assert (got.body, "set-cookie" in got.headers) == (b"good", False)


def test_T063_a_message_beyond_ascii_stays_what_it_was(world, puppet):
    waiting, call = puppet
    headers = {"x-amz-fwd-status": "403", "x-amz-fwd-error-code": "Custom"}
    headers["x-amz-fwd-error-message"] = "Grüße <&>"
    answer = world.raw(write_request(world, waiting.token, waiting.route, headers))
    assert answer.startswith(b"HTTP/1.1 200 ")
    got = call.result(20)
    assert (got.status, got.code) == (403, "Custom")
    assert ET.fromstring(got.body).findtext("Message") == "Grüße <&>"


# Streaming


def test_the_callers_first_byte_leaves_before_the_handler_has_written_the_rest(on_stage):
    caller = on_stage.raw("obeys")
    waiting = on_stage.puppets.next()
    waiting.begins(ContentType="text/plain")
    waiting.chunk(b"the first of it")
    seen = caller.read_until(b"the first of it")  # the function still holds the rest
    assert b"Transfer-Encoding: chunked" in seen
    assert b"Content-Type: text/plain" in seen
    waiting.chunk(b"the rest")
    assert waiting.ends() == {"status": 200}
    waiting.returns()
    caller.read_until(b"0\r\n\r\n")
    caller.leave()


def test_a_known_length_streams_too(on_stage):
    caller = on_stage.raw("obeys")
    waiting = on_stage.puppets.next()
    waiting.begins(ContentLength=6)
    waiting.chunk(b"abc")
    assert b"Content-Length: 6" in caller.read_until(b"abc")
    waiting.chunk(b"def")
    waiting.ends()
    waiting.returns()
    caller.read_until(b"def")
    caller.leave()


@pytest.mark.usefixtures("no_residue")
def test_T115_a_caller_that_stops_reading_stops_the_writer_and_costs_no_memory(on_stage, world):
    on_stage.call("uppercase").result(20)
    before = world.process().memory_info().rss
    caller = on_stage.raw("obeys", receive_bytes=64 << 10)
    waiting = on_stage.puppets.next()
    waiting.begins()
    waiting.chunk(b"x" * 1000)
    caller.read_until(b"x" * 1000)
    # The orders are read by the body: when they back up, the function's own send is blocked.
    blocked = _fill(waiting)
    assert blocked, "300 MiB were taken while nobody read"
    assert world.process().memory_info().rss - before < 24 << 20
    caller.leave(reset=True)
    waiting.close()


def _fill(waiting):
    """Push chunks until the puppet takes no more; whether it came to that."""
    waiting._connection.settimeout(2)
    try:
        for _ in range(300):
            waiting.chunk(b"y" * (1 << 20))
    except TimeoutError:
        return True
    return False


def test_many_mebibytes_stream_in_bounded_memory(on_stage, world):
    on_stage.get("streams", "key", "mib=1")
    before = world.process().memory_info().rss
    url = presign(world, on_stage.alias("streams"), "key", "mib=200")
    with requests.get(url, stream=True, timeout=20) as answer:
        assert sum(len(chunk) for chunk in answer.iter_content(1 << 20)) == 200 << 20
    assert world.process().memory_info().rss - before < 32 << 20


# How it ends otherwise


def test_T110_nothing_written_is_response_not_received(on_stage):
    answer = on_stage.get("returns")
    assert (answer.status, answer.code) == (500, "LambdaResponseNotReceived")
    assert (
        answer.element("Message") == "The Lambda exited without successfully calling WriteGetObjectResponse."
    )


def test_T111_an_exception_is_runtime_error_and_its_words_stay_inside(on_stage, world):
    answer = on_stage.get("raises")
    assert (answer.status, answer.code) == (500, "LambdaRuntimeError")
    assert b"secret reason" not in answer.body
    assert b"Traceback" not in answer.body
    assert any("the secret reason" in line for line in on_stage.logs("raises"))


def test_an_exception_after_the_answer_changes_nothing(on_stage):
    call = on_stage.call("obeys")
    waiting = on_stage.puppets.next()
    waiting.writes(Body="whole")
    waiting.told("raise")
    assert call.result(20).body == b"whole"


def test_an_exception_in_the_middle_of_the_body_cuts_the_caller(on_stage):
    caller = on_stage.raw("obeys")
    waiting = on_stage.puppets.next()
    waiting.begins(ContentLength=100)
    waiting.chunk(b"beginning")
    caller.read_until(b"beginning")
    waiting.told("raise")
    assert caller.rest() == b"reset"
    caller.leave()


def test_writing_twice_gives_the_first_and_refuses_the_second(on_stage):
    assert on_stage.get("writes_twice").body == b"first"
    wait_until(lambda: any("second: ValidationError" in line for line in on_stage.logs("writes_twice")))


def test_a_write_after_the_return_is_too_late(on_stage):
    answer = on_stage.get("writes_after_return")
    assert (answer.status, answer.code) == (500, "LambdaResponseNotReceived")
    wait_until(lambda: any("late: ValidationError" in line for line in on_stage.logs("writes_after_return")))


def test_a_wrong_write_and_then_a_right_one_gives_the_right_one(on_stage):
    assert on_stage.get("wrong_then_right").body == b"right after ValidationError"


def test_a_wrong_write_alone_is_lambda_invalid_response(on_stage):
    answer = on_stage.get("only_wrong")
    assert (answer.status, answer.code) == (400, "LambdaInvalidResponse")
    assert any("StatusCode 299 is not allowed" in line for line in on_stage.logs("only_wrong"))


# Each code of Object Lambda that no function can bring about


def test_a_function_that_is_not_there_is_lambda_not_found(on_stage, world):
    alias = world.olap_over(on_stage.supporting, "no-such-function")[1]
    answer = fetch(presign(world, alias, "key"))
    assert (answer.status, answer.code) == (404, "LambdaNotFound")


def test_T138_a_caller_who_may_not_invoke_is_told_lambda_permission_error(on_stage, world):
    alias = on_stage.alias("echoes")
    before = len(on_stage.logs("echoes"))
    read = {"Effect": "Allow", "Action": ["s3:*", "s3-object-lambda:*"], "Resource": "*"}
    _, key_id, secret = world.user(json.dumps({"Version": "2012-10-17", "Statement": [read]}))
    status, code = error_of(lambda: world.client_as("s3", key_id, secret).get_object(Bucket=alias, Key="key"))
    assert (status, code) == (403, "LambdaPermissionError")
    assert len(on_stage.logs("echoes")) == before


def test_a_caller_without_any_right_is_denied(on_stage, world):
    _, key_id, secret = world.user()
    alias = on_stage.alias("echoes")
    assert error_of(lambda: world.client_as("s3", key_id, secret).get_object(Bucket=alias, Key="key")) == (
        403,
        "AccessDenied",
    )


def test_unsigned_and_version_2_are_missing_authentication(on_stage, world):
    alias = on_stage.alias("echoes")
    unsigned = fetch(f"{world.endpoint}/{alias}/key")
    assert (unsigned.status, unsigned.code) == (403, "MissingAuthenticationToken")
    old = fetch(f"{world.endpoint}/{alias}/key?AWSAccessKeyId=AKIA&Signature=x&Expires=2000000000")
    assert (old.status, old.code) == (403, "MissingAuthenticationToken")
    assert "s3v4" in old.element("Message")


def test_an_unknown_alias_is_refused_by_its_own_code(world):
    answer = fetch(presign(world, "nothing-abcdefghijklmnopqrstuvwxyz12--ol-s3", "key"))
    assert answer.code in ("InvalidAccessPointAliasError", "NoSuchAccessPoint")
    assert answer.status in (400, 404)


# Pass-through


def test_what_is_not_transformed_passes_through(on_stage, world):
    s3, alias = world.client("s3"), on_stage.alias("uppercase")
    s3.put_object(Bucket=alias, Key="through", Body=b"put through the alias", Metadata={"a": "b"})
    assert s3.get_object(Bucket=on_stage.bucket, Key="through")["Body"].read() == b"put through the alias"
    head = s3.head_object(Bucket=alias, Key="through")
    assert (head["ContentLength"], head["Metadata"]) == (21, {"a": "b"})
    assert "through" in [item["Key"] for item in s3.list_objects_v2(Bucket=alias)["Contents"]]
    assert "through" in [item["Key"] for item in s3.list_objects(Bucket=alias)["Contents"]]
    assert s3.get_object(Bucket=alias, Key="through")["Body"].read() == b"PUT THROUGH THE ALIAS"
    s3.delete_object(Bucket=alias, Key="through")
    assert error_of(lambda: s3.head_object(Bucket=on_stage.bucket, Key="through"))[0] == 404


def test_a_get_that_is_not_among_the_actions_passes_through(on_stage, world):
    function = on_stage.function("raises")
    alias = world.olap_over(on_stage.supporting, function, actions=("HeadObject",))[1]
    assert world.client("s3").get_object(Bucket=alias, Key="key")["Body"].read() == b"the original"


# Strict mode


def test_strict_mode_reproduces_the_checksum_mode_trap(own_world, tmp_path):
    """SDKs ask for checksums unasked, and AWS's tutorials do not forward what that makes AWS sign."""
    data = tmp_path / "data"
    kind = own_world(data)
    bucket = kind.bucket()
    kind.client("s3").put_object(Bucket=bucket, Key="key", Body=b"the original")
    alias = kind.olap(bucket, kind.function("conditions"))
    get = {"Bucket": alias, "Key": "key"}
    assert kind.client("s3").get_object(**get)["Body"].read() == b"the original"
    with puppeteer() as puppets, ThreadPoolExecutor(1) as threads:
        orders = {"Variables": {"ORDERS": puppets.address}}
        obedient = kind.olap(bucket, kind.function("obeys", Environment=orders))
        kind.gateway.stop()
        strict = own_world(data, ONREAD_STRICT="true")
        reading = threads.submit(strict.client("s3").get_object, Bucket=obedient, Key="key")
        puppet = puppets.next()
        url = puppet.input_url
        signed_names = urllib.parse.parse_qs(urllib.parse.urlsplit(url).query)["X-Amz-SignedHeaders"]
        assert signed_names == ["host;x-amz-checksum-mode"]
        plain = fetch(url)
        assert (plain.status, plain.code) == (403, "SignatureDoesNotMatch")
        assert fetch(url, headers={"x-amz-checksum-mode": "ENABLED"}).body == b"the original"
        assert puppet.writes(Body="told") == {"status": 200}
        assert reading.result(20)["Body"].read() == b"told"
        puppet.returns()
    assert strict.client("s3").get_object(**get)["Body"].read() == b"the original"  # it forwards
    with pytest.raises(ClientError, match="cannot be assumed"):
        strict.function("uppercase")
