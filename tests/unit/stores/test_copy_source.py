import pytest

from onread import errors
from onread.stores.copy_source import CopySource, parse_copy_source


@pytest.mark.parametrize(
    ("text", "bucket", "key", "version_id"),
    [
        ("bucket/key", "bucket", "key", None),
        ("/bucket/key", "bucket", "key", None),
        ("/bucket//key", "bucket", "/key", None),
        ("bucket/a/b?versionId=v1", "bucket", "a/b", "v1"),
        ("bucket/a%3FversionId=v1", "bucket", "a?versionId=v1", None),
        ("bucket/a?b", "bucket", "a?b", None),
        ("bucket%2Fkey", "bucket", "key", None),
        ("bucket/%F0%9F%98%80", "bucket", "😀", None),
        ("bucket/a+b%20c", "bucket", "a+b c", None),
        ("bucket/%252F", "bucket", "%2F", None),
        ("bucket/..%2F..%2Fother/key", "bucket", "../../other/key", None),
    ],
)
def test_T212_copy_source_is_decoded_once(text, bucket, key, version_id):
    assert parse_copy_source(text) == CopySource(bucket, key, version_id)


@pytest.mark.parametrize("text", ["", "/", "bucket", "bucket/", "//key", "bucket/%FF", "bucket/\u0100"])
def test_copy_source_without_bucket_and_key_is_refused(text):
    with pytest.raises(errors.InvalidArgument):
        parse_copy_source(text)


def test_copy_source_that_is_an_arn_is_refused_by_name():
    with pytest.raises(errors.NotImplemented, match="ARN"):
        parse_copy_source("arn:aws:s3:us-east-1:111122223333:accesspoint/a/object/key")
