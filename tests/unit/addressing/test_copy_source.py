import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.addressing.copy_source import CopySource, copy_source_text, parse_copy_source
from onread.errors import InvalidArgument, InvalidRequest, NotImplemented, S3Error

POINT = "arn:aws:s3:us-east-1:111122223333:accesspoint"


@pytest.mark.parametrize(
    ("text", "container", "key", "version_id"),
    [
        ("bucket/key", "bucket", "key", None),
        ("/bucket/dir/k%20y", "bucket", "dir/k y", None),
        ("%2Fbucket%2Fkey", "bucket", "key", None),
        ("bucket/key?versionId=v1", "bucket", "key", "v1"),
        ("bucket/a%3FversionId=v1", "bucket", "a?versionId=v1", None),
        ("bucket/a+b", "bucket", "a+b", None),
        ("bucket//", "bucket", "/", None),
        (f"{POINT}/ap/object/dir/key", f"{POINT}/ap", "dir/key", None),
        (f"{POINT}:ap/object/key?versionId=v1", f"{POINT}/ap", "key", "v1"),
        ("arn%3Aaws%3As3%3Aus-east-1%3A111122223333%3Aaccesspoint%2Fap/object/k", f"{POINT}/ap", "k", None),
    ],
)
def test_a_copy_source_names_one_object(text, container, key, version_id):
    assert parse_copy_source(text) == CopySource(container=container, key=key, version_id=version_id)


def test_T212_a_copy_source_is_decoded_exactly_once():
    assert parse_copy_source("bucket/a%2F..%2Fb").key == "a/../b"
    assert parse_copy_source("bucket/a%252F..%252Fb").key == "a%2F..%2Fb"
    assert parse_copy_source("other%2F..%2Fbucket/key") == CopySource(
        container="other", key="../bucket/key", version_id=None
    )


@pytest.mark.parametrize(
    "text", ["", "/", "bucket", "bucket/", "/bucket", "//key", "b/k?versionId=", "b/%ff", "b/\u212a"]
)
def test_a_copy_source_that_names_no_object_is_refused(text):
    with pytest.raises(InvalidArgument):
        parse_copy_source(text)


@pytest.mark.parametrize(
    "version_id", ["%76", "v&versionId=w", " ", " v", "v#", "v+", "\xa0", "v?versionId=w"]
)
def test_a_version_that_stores_may_read_otherwise_is_refused(version_id):
    with pytest.raises(InvalidArgument):
        parse_copy_source(f"b/k?versionId={version_id}")


def test_the_arn_of_something_else_is_refused():
    for text in ("arn:aws:s3:::bucket/object/key", f"{POINT}/a/b/object/key"):
        with pytest.raises(InvalidRequest):
            parse_copy_source(text)


def test_a_copy_cannot_read_through_an_object_lambda_access_point():
    arn = POINT.replace(":s3:", ":s3-object-lambda:")
    for container in (f"{arn}/olap/object", "a-b--ol-s3", "olap.olap"):
        with pytest.raises(NotImplemented):
            parse_copy_source(f"{container}/key")


@given(st.text(alphabet="ab/%2F?versionId=arn:\xff\u212a", max_size=40))
def test_every_copy_source_is_read_or_refused(text):
    try:
        source = parse_copy_source(text)
    except S3Error:
        return
    assert source.container
    assert source.key


@pytest.mark.parametrize(
    "text", ["b/k", "b/a%20b%252F%2Bc", "b/%F0%9F%A6%80?versionId=v1", "b//a/../b", "b/k%3FversionId=x"]
)
def test_a_source_is_written_as_it_is_read(text):
    source = parse_copy_source(text)
    assert parse_copy_source(copy_source_text(source)) == source
