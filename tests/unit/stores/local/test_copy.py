import hashlib
import os
from datetime import timedelta

import pytest

from onread import errors
from onread.stores.local.disk import Disk

from .opened import BUCKET, upload, with_store

PART = 5 * 1024**2
SOURCE = f"/{BUCKET}/source"


class NoLinks(Disk):
    """A file system without hard links."""

    def link(self, directory, name, new_directory, new_name):
        raise PermissionError(1, "no links here")


@pytest.mark.parametrize("disk", [None, NoLinks()])
def test_copy_object_keeps_bytes_headers_and_checksum(tmp_path, disk):
    async def scenario(client):
        put = await client.put(
            "source", b"hello", ContentType="text/plain", Metadata={"a": "b"}, ChecksumAlgorithm="SHA256"
        )
        client.clock.move(60)
        copied = (await client("CopyObject", Key="target", CopySource=SOURCE))["CopyObjectResult"]
        assert copied["ETag"] == put["ETag"]
        assert copied["LastModified"] == client.clock()
        assert copied["ChecksumSHA256"] == put["ChecksumSHA256"]
        got = await client.get("target")
        assert (got.content, got["ContentType"], got["Metadata"]) == (b"hello", "text/plain", {"a": "b"})

    with_store(tmp_path, scenario, disk=disk)


@pytest.mark.parametrize("disk", [None, NoLinks()])
def test_a_copy_and_its_source_live_and_die_apart(tmp_path, disk):
    async def scenario(client):
        await client.put("source", b"hello")
        await client("CopyObject", Key="target", CopySource=SOURCE)
        await client("DeleteObject", Key="source")
        assert (await client.get("target")).content == b"hello"
        await client("DeleteObject", Key="target")

    with_store(tmp_path, scenario, disk=disk)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)


def test_a_copy_of_a_whole_blob_is_a_second_name_for_the_same_file(tmp_path):
    async def scenario(client):
        await client.put("source", b"hello")
        await client("CopyObject", Key="target", CopySource=SOURCE)
        inodes = {os.stat(tmp_path / "blobs" / name[0] / name).st_ino for name in client.blobs()}
        assert (len(client.blobs()), len(inodes)) == (2, 1)

    with_store(tmp_path, scenario)


def test_copy_object_with_replace_takes_the_requests_headers(tmp_path):
    async def scenario(client):
        await client.put("source", b"hello", ContentType="text/plain", Metadata={"a": "b"})
        await client(
            "CopyObject",
            Key="source",
            CopySource=SOURCE,
            MetadataDirective="REPLACE",
            ContentType="text/html",
            Metadata={"c": "d"},
        )
        got = await client.get("source")
        assert (got.content, got["ContentType"], got["Metadata"]) == (b"hello", "text/html", {"c": "d"})

    with_store(tmp_path, scenario)


def test_copy_object_does_not_copy_the_website_redirect(tmp_path):
    async def scenario(client):
        await client.put("source", b"hello", WebsiteRedirectLocation="/old")
        await client("CopyObject", Key="target", CopySource=SOURCE)
        assert "WebsiteRedirectLocation" not in (await client.get("target")).members
        await client("CopyObject", Key="source", CopySource=SOURCE, WebsiteRedirectLocation="/new")
        assert (await client.get("source"))["WebsiteRedirectLocation"] == "/new"

    with_store(tmp_path, scenario)


def test_copy_object_onto_itself_without_change_is_refused(tmp_path):
    async def scenario(client):
        await client.put("source", b"hello")
        with pytest.raises(errors.InvalidRequest):
            await client("CopyObject", Key="source", CopySource=SOURCE)
        await client("CopyObject", Key="source", CopySource=SOURCE, StorageClass="STANDARD")
        assert (await client.get("source")).content == b"hello"

    with_store(tmp_path, scenario)


def test_copy_object_with_another_algorithm_computes_it(tmp_path):
    async def scenario(client):
        await client.put("source", b"hello")
        expected = await client.put("other", b"hello", ChecksumAlgorithm="CRC32C")
        copied = await client("CopyObject", Key="target", CopySource=SOURCE, ChecksumAlgorithm="CRC32C")
        assert copied["CopyObjectResult"]["ChecksumCRC32C"] == expected["ChecksumCRC32C"]

    with_store(tmp_path, scenario)


def test_a_copy_of_a_multipart_object_is_one_blob_with_an_md5(tmp_path):
    async def scenario(client):
        await upload(client, "source", {1: b"1" * PART, 2: b"2"})
        copied = (await client("CopyObject", Key="target", CopySource=SOURCE))["CopyObjectResult"]
        content = b"1" * PART + b"2"
        assert copied["ETag"] == f'"{hashlib.md5(content).hexdigest()}"'
        assert (await client.get("target")).content == content
        assert "PartsCount" not in (await client.get("target", PartNumber=1)).members

    with_store(tmp_path, scenario)


CONDITIONS = [
    ({"CopySourceIfMatch": "right"}, True),
    ({"CopySourceIfMatch": '"0"'}, False),
    ({"CopySourceIfNoneMatch": "right"}, False),
    ({"CopySourceIfNoneMatch": '"0"'}, True),
    ({"CopySourceIfModifiedSince": 0}, False),
    ({"CopySourceIfModifiedSince": -1}, True),
    ({"CopySourceIfUnmodifiedSince": 0}, True),
    ({"CopySourceIfUnmodifiedSince": -1}, False),
    ({"IfNoneMatch": "*"}, False),
    ({"IfMatch": "right"}, True),
]


@pytest.mark.parametrize(("conditions", "is_met"), CONDITIONS)
def test_conditions_of_a_copy(tmp_path, conditions, is_met):
    async def scenario(client):
        put = await client.put("source", b"hello")
        await client.put("target", b"hello")
        params = {}
        for name, value in conditions.items():
            if isinstance(value, int):
                params[name] = client.clock() + timedelta(seconds=value)
            else:
                params[name] = put["ETag"] if value == "right" else value
        if is_met:
            await client("CopyObject", Key="target", CopySource=SOURCE, **params)
            return
        with pytest.raises(errors.PreconditionFailed):
            await client("CopyObject", Key="target", CopySource=SOURCE, **params)

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("source", "error"),
    [
        (f"/{BUCKET}/never", errors.NoSuchKey),
        ("/nowhere-at-all/source", errors.NoSuchBucket),
        (SOURCE + "?versionId=other", errors.InvalidArgument),
    ],
)
def test_copy_object_of_what_is_not_there(tmp_path, source, error):
    async def scenario(client):
        await client.put("source", b"hello")
        await client("CopyObject", Key="target", CopySource=SOURCE + "?versionId=null")
        with pytest.raises(error):
            await client("CopyObject", Key="target", CopySource=source)

    with_store(tmp_path, scenario)


def test_T215_copy_object_checks_the_sources_owner(tmp_path):
    async def scenario(client):
        await client.put("source", b"hello")
        with pytest.raises(errors.AccessDenied):
            await client("CopyObject", Key="t", CopySource=SOURCE, ExpectedSourceBucketOwner="444455556666")

    with_store(tmp_path, scenario)


def test_upload_part_copy_takes_all_or_a_range(tmp_path):
    async def scenario(client):
        await client.put("source", b"0123456789" * (PART // 10))
        upload_id = (await client("CreateMultipartUpload", Key="target"))["UploadId"]
        target = {"Key": "target", "UploadId": upload_id, "CopySource": SOURCE}
        whole = (await client("UploadPartCopy", PartNumber=1, **target))["CopyPartResult"]
        ranged = (await client("UploadPartCopy", PartNumber=2, CopySourceRange="bytes=3-5", **target))[
            "CopyPartResult"
        ]
        assert ranged["ETag"] == f'"{hashlib.md5(b"345").hexdigest()}"'
        parts = [{"PartNumber": 1, "ETag": whole["ETag"]}, {"PartNumber": 2, "ETag": ranged["ETag"]}]
        await client(
            "CompleteMultipartUpload", Key="target", UploadId=upload_id, MultipartUpload={"Parts": parts}
        )
        assert (await client.get("target")).content == b"0123456789" * (PART // 10) + b"345"

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        ("bytes=0-5", errors.InvalidRange),
        ("bytes=0-", errors.InvalidArgument),
        ("bytes=-2", errors.InvalidArgument),
        ("0-2", errors.InvalidArgument),
    ],
)
def test_upload_part_copy_refuses_other_ranges(tmp_path, asked, error):
    async def scenario(client):
        await client.put("source", b"hello")
        upload_id = (await client("CreateMultipartUpload", Key="target"))["UploadId"]
        with pytest.raises(error):
            await client(
                "UploadPartCopy",
                Key="target",
                UploadId=upload_id,
                PartNumber=1,
                CopySource=SOURCE,
                CopySourceRange=asked,
            )

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    "container", ["arn:aws:s3:us-east-1:000000000000:accesspoint/point/object", f"point-{'a' * 34}-s3alias"]
)
def test_a_copy_from_an_access_point_is_refused_by_name(tmp_path, container):
    async def scenario(client):
        with pytest.raises(errors.NotImplemented, match="name its bucket"):
            await client("CopyObject", Key="target", CopySource=f"{container}/source")

    with_store(tmp_path, scenario)
