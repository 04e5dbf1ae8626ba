from itertools import combinations
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.errors import InvalidArgument, InvalidURI, KeyTooLongError, MethodNotAllowed, S3Error
from onread.protocol.model import Operation, load_services
from onread.protocol.route import Routed, route
from onread.wire.message import Headers

_SERVICES = load_services()
_METHODS = ("GET", "HEAD", "PUT", "POST", "DELETE")


def _route(method: str, path: str, query: str = "", headers: dict[str, str] | None = None) -> Routed:
    return route(
        _SERVICES,
        "s3",
        method=method,
        path=path,
        query=query,
        headers=Headers((headers or {}).items()),
        bucket=True,
    )


def _name(method: str, path: str, query: str = "", headers: dict[str, str] | None = None) -> str:
    return _route(method, path, query, headers).operation.name


@pytest.mark.parametrize(
    ("method", "path", "query", "headers", "name"),
    [
        ("PUT", "/", "", {}, "CreateBucket"),
        ("HEAD", "/", "", {}, "HeadBucket"),
        ("DELETE", "/", "", {}, "DeleteBucket"),
        ("GET", "/", "", {}, "ListObjects"),
        ("GET", "", "", {}, "ListObjects"),
        ("GET", "/", "prefix=a&delimiter=%2F", {}, "ListObjects"),
        ("GET", "/", "list-type=2&prefix=a", {}, "ListObjectsV2"),
        ("GET", "/", "location", {}, "GetBucketLocation"),
        ("GET", "/", "location=", {}, "GetBucketLocation"),
        ("GET", "/", "uploads", {}, "ListMultipartUploads"),
        ("GET", "/", "versions", {}, "ListObjectVersions"),
        ("POST", "/", "delete", {}, "DeleteObjects"),
        ("GET", "/", "analytics", {}, "ListBucketAnalyticsConfigurations"),
        ("GET", "/", "analytics&id=a", {}, "GetBucketAnalyticsConfiguration"),
        ("GET", "/", "lifecycle", {}, "GetBucketLifecycleConfiguration"),
        ("PUT", "/", "notification", {}, "PutBucketNotificationConfiguration"),
        ("GET", "/k", "", {}, "GetObject"),
        ("GET", "/k", "partNumber=1&versionId=v", {}, "GetObject"),
        ("GET", "/k", "width=300&acme", {}, "GetObject"),
        ("GET", "//", "", {}, "GetObject"),
        ("HEAD", "/k", "", {}, "HeadObject"),
        ("PUT", "/k", "", {}, "PutObject"),
        ("PUT", "/k", "", {"X-Amz-Copy-Source": "b/k"}, "CopyObject"),
        ("PUT", "/k", "uploadId=u&partNumber=1", {}, "UploadPart"),
        ("PUT", "/k", "uploadId=u&partNumber=1", {"x-amz-copy-source": "b/k"}, "UploadPartCopy"),
        ("POST", "/k", "uploads", {}, "CreateMultipartUpload"),
        ("POST", "/k", "uploadId=u", {}, "CompleteMultipartUpload"),
        ("DELETE", "/k", "uploadId=u", {}, "AbortMultipartUpload"),
        ("GET", "/k", "uploadId=u", {}, "ListParts"),
        ("DELETE", "/k", "versionId=v", {}, "DeleteObject"),
        ("POST", "/k", "select&select-type=2", {}, "SelectObjectContent"),
        ("GET", "/k", "attributes", {}, "GetObjectAttributes"),
    ],
)
def test_each_form_of_request_is_its_operation(
    method: str, path: str, query: str, headers: dict[str, str], name: str
) -> None:
    assert _name(method, path, query, headers) == name


@pytest.mark.parametrize("query", ["acl", "acl=", "acl=1", "%61cl", "x-id=GetObject&acl"])
def test_T053_a_sub_resource_is_known_by_its_name_whatever_its_value(query: str) -> None:
    assert _name("GET", "/k", query) == "GetObjectAcl"


def test_T053_letter_case_makes_another_parameter() -> None:
    assert _name("GET", "/k", "ACL") == "GetObject"


def test_T053_x_id_chooses_nothing() -> None:
    assert _name("PUT", "/k", "x-id=GetObject") == "PutObject"


def _flags(resource: str) -> list[str]:
    return sorted(
        {
            name
            for operation in _SERVICES.service("s3").operations.values()
            if operation.uri == resource
            for name, value in operation.literals.items()
            if not value
        }
    )


@pytest.mark.parametrize(("uri", "path"), [("/{Bucket}", "/"), ("/{Bucket}/{Key+}", "/k")])
def test_T053_every_pair_of_sub_resources_is_refused_whatever_the_order(uri: str, path: str) -> None:
    for first, second in combinations(_flags(uri), 2):
        for method in _METHODS:
            for query in (f"{first}&{second}", f"{second}=1&{first}=1"):
                with pytest.raises(InvalidArgument, match="Conflicting"):
                    _route(method, path, query)


@pytest.mark.parametrize(("uri", "path"), [("/{Bucket}", "/"), ("/{Bucket}/{Key+}", "/k")])
def test_T053_a_sub_resource_never_falls_back_to_the_plain_operation(uri: str, path: str) -> None:
    for flag in _flags(uri):
        for method in _METHODS:
            try:
                operation = _route(method, path, flag).operation
            except MethodNotAllowed:
                continue
            assert flag in operation.literals, (method, flag, operation.name)


@pytest.mark.parametrize("method", _METHODS)
def test_T053_parameters_of_another_operation_are_refused_and_not_ignored(method: str) -> None:
    for flag in ["", *_flags("/{Bucket}/{Key+}")]:
        for selectors in ("uploadId=u", "partNumber=1", "uploadId=u&partNumber=1"):
            _assert_chosen_knows(method, f"{flag}&{selectors}", selectors)


def _assert_chosen_knows(method: str, query: str, selectors: str) -> None:
    try:
        operation = _route(method, "/k", query, {"x-amz-object-attributes": "ETag"}).operation
    except S3Error:
        return
    known = {member.wire_name for member in operation.input.members.values()}
    assert {selector.partition("=")[0] for selector in selectors.split("&")} <= known, (query, operation.name)


def test_T053_an_upload_id_without_part_number_is_no_put() -> None:
    with pytest.raises(InvalidArgument):
        _route("PUT", "/k", "uploadId=u")


def test_T053_a_version_of_the_list_that_does_not_exist_is_refused() -> None:
    with pytest.raises(InvalidArgument, match="List Type"):
        _route("GET", "/", "list-type=3")


@pytest.mark.parametrize(
    ("method", "path", "query"),
    [("PATCH", "/k", ""), ("POST", "/k", ""), ("POST", "/", ""), ("HEAD", "/k", "acl"), ("OPTIONS", "/", "")],
)
def test_a_method_without_operation_is_not_allowed(method: str, path: str, query: str) -> None:
    with pytest.raises(MethodNotAllowed) as refused:
        _route(method, path, query)
    assert refused.value.fields["Method"] == method


def test_every_operation_of_s3_but_the_twins_can_be_reached() -> None:
    reachable = [
        operation
        for operation in _SERVICES.service("s3").operations.values()
        if operation.uri.startswith("/{Bucket}") and not operation.patch.get("unrouted")
    ]
    assert len(reachable) > 100
    for operation in reachable:
        assert _reach(operation) == operation.name


def _reach(operation: Operation) -> str:
    required = [operation.input.members[name] for name in operation.input.required]
    query = [f"{name}={value}" for name, value in operation.literals.items()]
    query += [f"{member.wire_name}=1" for member in required if member.location == "querystring"]
    headers = {member.wire_name: "x" for member in required if member.location == "header"}
    path = "/k" if "Key" in operation.uri else "/"
    return _name(operation.method, path, "&".join(query), headers)


@given(st.text(min_size=1, max_size=60))
def test_a_key_is_decoded_exactly_once(key: str) -> None:
    try:
        encoded = quote(key, safe="/")
    except UnicodeEncodeError:
        return
    assert _route("GET", "/" + encoded).path_params == {"Key": key}


@pytest.mark.parametrize(
    ("path", "key"),
    [
        ("/a+b", "a+b"),
        ("/a%2Bb", "a+b"),
        ("/a%20b", "a b"),
        ("/a%252Fb", "a%2Fb"),
        ("/a%2Fb", "a/b"),
        ("/../x", "../x"),
        ("/./x", "./x"),
        ("/%2e%2e/x", "../x"),
        ("//x//y/", "/x//y/"),
        ("/a;x=y", "a;x=y"),
        ("/a\\b", "a\\b"),
        ("/a%00b", "a\0b"),
        ("/\u00c3\u00a9", "é"),  # raw bytes on the wire, one character each
    ],
)
def test_T054_a_path_is_never_normalised(path: str, key: str) -> None:
    assert _route("GET", path).path_params == {"Key": key}


@pytest.mark.parametrize("path", ["/%u0041", "/%", "/%4", "/%zz", "/%c0%ae", "/%ff", "/%ed%a0%80", "/\u00ff"])
def test_T054_a_path_that_is_not_percent_encoded_utf8_is_refused(path: str) -> None:
    with pytest.raises(InvalidURI):
        _route("GET", path)


def test_a_key_may_have_1024_bytes_of_utf8() -> None:
    assert _route("PUT", "/" + quote("é" * 512)).path_params == {"Key": "é" * 512}


def test_a_key_of_1025_bytes_is_too_long() -> None:
    with pytest.raises(KeyTooLongError) as refused:
        _route("PUT", "/" + quote("é" * 512 + "a"))
    assert refused.value.fields == {"Size": "1025", "MaxSizeAllowed": "1024"}
