"""Copies from one store to another: the embedded one and one that is not ours, both ways."""

import base64
import hashlib
import json

import pytest
from tests.compat.conftest import World
from tests.compat.store_probe import outcome

from onread.cli.spawn import gateway

pytestmark = pytest.mark.compat

MIB = 1 << 20


@pytest.fixture(scope="module")
def here(over_store):
    """A bucket of the embedded store."""
    name = "copies-here"
    over_store.client("s3").create_bucket(
        Bucket=name, CreateBucketConfiguration={"LocationConstraint": ":local"}
    )
    return name


@pytest.fixture(scope="module")
def there(over_store):
    """A bucket of the other one."""
    return over_store.bucket()


@pytest.fixture(params=["to there", "to here"])
def ways(request, here, there):
    """Source and target."""
    return (here, there) if request.param == "to there" else (there, here)


SAID = {
    "ContentType": "text/x-copied", "CacheControl": "no-cache", "ContentDisposition": "inline",
    "ContentLanguage": "de", "ContentEncoding": "x-none", "Metadata": {"color": "blue"},
}  # fmt: skip


def said(answer):
    return {name: answer[name] for name in SAID}


def copy(s3, ways, key, **params):
    source, target = ways
    return s3.copy_object(Bucket=target, Key=key, CopySource={"Bucket": source, "Key": key}, **params)


def code(call, *arguments, **params):
    return outcome(lambda: call(*arguments, **params))[2]


def test_a_copy_takes_bytes_and_what_is_said_along(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    body, key = bytes(range(256)) * 12_000, "a b+c/ключ"
    put = s3.put_object(Bucket=source, Key=key, Body=body, Tagging="team=a%20b", **SAID)
    made = copy(s3, ways, key)
    assert made["CopyObjectResult"]["ETag"] == put["ETag"]
    assert made["CopyObjectResult"]["LastModified"].year >= 2026
    answer = s3.get_object(Bucket=target, Key=key)
    assert answer["Body"].read() == body
    assert said(answer) == SAID
    assert s3.get_object_tagging(Bucket=target, Key=key)["TagSet"] == [{"Key": "team", "Value": "a b"}]


def test_directives_replace_what_is_said(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    s3.put_object(Bucket=source, Key="replaced", Body=b"x", Tagging="team=a", **SAID)
    new = {**SAID, "ContentType": "text/other", "Metadata": {"size": "1"}}
    copy(
        s3, ways, "replaced", MetadataDirective="REPLACE", TaggingDirective="REPLACE", Tagging="new=1", **new
    )
    assert said(s3.head_object(Bucket=target, Key="replaced")) == new
    assert s3.get_object_tagging(Bucket=target, Key="replaced")["TagSet"] == [{"Key": "new", "Value": "1"}]
    assert code(copy, s3, ways, "replaced", MetadataDirective="KEEP") == "InvalidArgument"
    copy(s3, ways, "replaced", TaggingDirective="REPLACE", ContentType="text/unheard")
    assert said(s3.head_object(Bucket=target, Key="replaced")) == SAID
    assert s3.get_object_tagging(Bucket=target, Key="replaced")["TagSet"] == []


def test_conditions_on_source_and_target(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    key = over_store.unique("conditions")
    etag = s3.put_object(Bucket=source, Key=key, Body=b"1")["ETag"]
    modified = s3.head_object(Bucket=source, Key=key)["LastModified"]
    for wrong in (
        {"CopySourceIfMatch": '"other"'},
        {"CopySourceIfNoneMatch": etag},
        {"CopySourceIfModifiedSince": modified},
        {"CopySourceIfUnmodifiedSince": modified.replace(year=2020)},
    ):
        assert code(copy, s3, ways, key, **wrong) == "PreconditionFailed", wrong
    assert code(s3.head_object, Bucket=target, Key=key) == "404"
    copy(s3, ways, key, CopySourceIfMatch=etag, IfNoneMatch="*")
    assert code(copy, s3, ways, key, IfNoneMatch="*") == "PreconditionFailed"
    assert code(copy, s3, ways, "not there") == "NoSuchKey"
    assert code(copy, s3, ways, key, ExpectedSourceBucketOwner="111122223333") == "AccessDenied"


def test_the_checksum_is_the_one_asked_for(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    s3.put_object(Bucket=source, Key="sums", Body=b"summed", ChecksumAlgorithm="CRC32")
    copy(s3, ways, "sums", ChecksumAlgorithm="SHA256")
    head = s3.head_object(Bucket=target, Key="sums", ChecksumMode="ENABLED")
    assert head["ChecksumSHA256"] == base64.b64encode(hashlib.sha256(b"summed").digest()).decode()


def test_parts_are_copied_whole_and_in_ranges(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    body = b"0123456789abcdef" * (6 * MIB // 16)
    s3.put_object(Bucket=source, Key="parts", Body=body)
    upload = {"Bucket": target, "Key": "parts"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]

    def part(number, **params):
        named = {"Bucket": source, "Key": "parts"}
        return s3.upload_part_copy(**upload, PartNumber=number, CopySource=named, **params)

    assert code(part, 1, CopySourceRange=f"bytes=0-{len(body)}") == "InvalidRange"
    assert code(part, 1, CopySourceRange="bytes=5-") == "InvalidArgument"
    etags = [
        part(1)["CopyPartResult"]["ETag"],
        part(2, CopySourceRange="bytes=3-1000002")["CopyPartResult"]["ETag"],
    ]
    parts = [{"PartNumber": number, "ETag": etag} for number, etag in enumerate(etags, 1)]
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=target, Key="parts")["Body"].read() == body + body[3:1_000_003]


def test_T212_both_sides_are_asked(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    s3.put_object(Bucket=source, Key="asked", Body=b"x", Tagging="a=1")
    reads = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": f"arn:aws:s3:::{source}/*"}
    writes = {"Effect": "Allow", "Action": "s3:PutObject", "Resource": f"arn:aws:s3:::{target}/*"}
    for statements, expected in (
        ([reads], "AccessDenied"),
        ([writes], "AccessDenied"),
        ([reads, writes], "AccessDenied"),  # for the tags
    ):
        _, *keys = over_store.user(json.dumps({"Version": "2012-10-17", "Statement": statements}))
        assert code(copy, over_store.client_as("s3", *keys), ways, "asked") == expected
    client = over_store.client_as("s3", *keys)
    copy(client, ways, "asked", TaggingDirective="REPLACE")
    assert s3.get_object(Bucket=target, Key="asked")["Body"].read() == b"x"


def test_an_access_point_as_source_and_an_object_lambda_one_is_refused(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    s3.put_object(Bucket=source, Key="through", Body=b"x")
    access_point = over_store.access_point(source)
    for name in (access_point["Alias"], access_point["AccessPointArn"]):
        copy(s3, (name, target), "through", MetadataDirective="REPLACE")
    assert s3.get_object(Bucket=target, Key="through")["Body"].read() == b"x"
    olap = over_store.olap(source, over_store.function("uppercase"))
    assert code(copy, s3, (olap, target), "through") == "NotImplemented"


def test_large_objects_go_by_the_clients_own_parts(over_store, ways):
    s3, (source, target) = over_store.client("s3"), ways
    s3.put_object(Bucket=source, Key="large", Body=bytes(17 * MIB))
    s3.copy({"Bucket": source, "Key": "large"}, target, "large")
    assert s3.head_object(Bucket=target, Key="large")["ContentLength"] == 17 * MIB


def test_from_one_store_of_the_settings_to_another(store, tmp_path):
    """Two of one endpoint: to onread they are two; the second takes no checksums behind a body."""
    config = tmp_path / "onread.toml"
    config.write_text(
        store.settings('["pair-one"]', name="one")
        + store.settings('["pair-two"]', name="two", more="trailers = false")
    )
    with gateway(tmp_path / "data", "--config", str(config)) as spawned:
        s3 = World(spawned).client("s3")
        for bucket in ("pair-one", "pair-two"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="pair-one", Key="k", Body=b"between", Tagging="a=1", **SAID)
        copy(s3, ("pair-one", "pair-two"), "k", ChecksumAlgorithm="SHA1")
        copy(s3, ("pair-two", "pair-one"), "k", ChecksumAlgorithm="CRC32C")
        copy(s3, ("pair-one", "pair-two"), "k")
        for bucket in ("pair-one", "pair-two"):
            answer = s3.get_object(Bucket=bucket, Key="k")
            assert answer["Body"].read() == b"between"
            # SeaweedFS keeps aws-chunked of an upload with a checksum behind it. No copy takes it along.
            encoding = "aws-chunked,x-none" if bucket == "pair-one" else "x-none"
            assert said(answer) == {**SAID, "ContentEncoding": encoding}
            assert s3.get_object_tagging(Bucket=bucket, Key="k")["TagSet"] == [{"Key": "a", "Value": "1"}]
