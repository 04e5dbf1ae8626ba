import hashlib

import pytest

from onread import errors
from onread.stores.local import multipart

from .opened import ChunkedBody, with_store


async def start(client, key="a", **params):
    return (await client("CreateMultipartUpload", Key=key, **params))["UploadId"]


def test_an_upload_shows_no_object_until_it_is_completed(tmp_path):
    async def scenario(client):
        upload_id = await start(client)
        part = await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=1, body=b"hello")
        assert part["ETag"] == f'"{hashlib.md5(b"hello").hexdigest()}"'
        assert await client.keys() == []

    with_store(tmp_path, scenario)


def test_abort_removes_the_parts(tmp_path):
    async def scenario(client):
        upload_id = await start(client)
        for number in (1, 2):
            await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=number, body=b"hello")
        await client("AbortMultipartUpload", Key="a", UploadId=upload_id)
        with pytest.raises(errors.NoSuchUpload):
            await client("AbortMultipartUpload", Key="a", UploadId=upload_id)

    with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)


def test_a_part_that_is_uploaded_again_replaces_the_first(tmp_path):
    async def scenario(client):
        upload_id = await start(client)
        for content in (b"first", b"second"):
            await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=1, body=content)
        (part,) = (await client("ListParts", Key="a", UploadId=upload_id))["Parts"]
        assert part["Size"] == len(b"second")

    with_store(tmp_path, scenario)

    async def count(client):
        assert len(client.blobs()) == 1

    with_store(tmp_path, count)


@pytest.mark.parametrize(
    ("number", "fits"), [(-1, False), (0, False), (1, True), (10_000, True), (10_001, False)]
)
def test_part_numbers_are_1_to_10000(tmp_path, number, fits):
    async def scenario(client):
        upload_id = await start(client)
        if fits:
            await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=number, body=b"x")
            return
        with pytest.raises(errors.InvalidArgument):
            await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=number, body=b"x")

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    "operation", ["UploadPart", "AbortMultipartUpload", "ListParts", "CompleteMultipartUpload"]
)
@pytest.mark.parametrize("wrong", ["other key", "other bucket", "../x", "' OR 1=1 --", "x" * 100_000, ""])
def test_T235_an_upload_id_is_good_for_its_bucket_and_key_only(tmp_path, operation, wrong):
    async def scenario(client):
        await client("CreateBucket", "bucket-two")
        upload_id = await start(client)
        bucket = "bucket-two" if wrong == "other bucket" else "bucket-one"
        key = "b" if wrong == "other key" else "a"
        if not wrong.startswith("other"):
            upload_id = wrong
        params = {"PartNumber": 1, "MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": "x"}]}}
        with pytest.raises(errors.NoSuchUpload):
            await client(operation, bucket, Key=key, UploadId=upload_id, body=b"x", **params)
        assert client.blobs() == set()

    with_store(tmp_path, scenario)


def test_an_unknown_upload_is_refused_before_the_body_is_read(tmp_path):
    async def scenario(client):
        body = ChunkedBody([], AssertionError("it was read"))
        with pytest.raises(errors.NoSuchUpload):
            await client("UploadPart", Key="a", UploadId="never", PartNumber=1, body=body)

    with_store(tmp_path, scenario)


def test_T032_a_part_with_another_checksum_is_refused(tmp_path):
    async def scenario(client):
        upload_id = await start(client, ChecksumAlgorithm="CRC32")
        with pytest.raises(errors.BadDigest):
            await client(
                "UploadPart", Key="a", UploadId=upload_id, PartNumber=1, body=b"x", ChecksumCRC32="AAAAAA=="
            )
        assert (await client("ListParts", Key="a", UploadId=upload_id))["Parts"] == []
        assert client.blobs() == set()

    with_store(tmp_path, scenario)


def test_a_part_with_another_algorithm_than_its_upload_is_refused(tmp_path):
    async def scenario(client):
        upload_id = await start(client, ChecksumAlgorithm="CRC32")
        with pytest.raises(errors.InvalidRequest):
            await client(
                "UploadPart", Key="a", UploadId=upload_id, PartNumber=1, body=b"x", ChecksumAlgorithm="SHA1"
            )

    with_store(tmp_path, scenario)


def test_an_upload_that_names_no_algorithm_takes_parts_with_any(tmp_path):
    """SDKs add CRC32 to each part by themselves, and nothing to CreateMultipartUpload."""

    async def scenario(client):
        upload_id = await start(client)
        part = {"Key": "a", "UploadId": upload_id, "PartNumber": 1, "body": b"123456789"}
        answer = await client("UploadPart", **part, ChecksumAlgorithm="CRC32")
        assert answer["ChecksumCRC32"] == "y/Q5Jg=="
        listed = [{"PartNumber": 1, "ETag": answer["ETag"], "ChecksumCRC32": answer["ChecksumCRC32"]}]
        done = await client(
            "CompleteMultipartUpload", Key="a", UploadId=upload_id, MultipartUpload={"Parts": listed}
        )
        assert done["ChecksumCRC64NVME"] == "rosUhgp5mIg="

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("algorithm", "checksum_type", "told"),
    [
        ("CRC32", None, "COMPOSITE"),
        ("CRC32", "FULL_OBJECT", "FULL_OBJECT"),
        ("CRC64NVME", None, "FULL_OBJECT"),
        ("SHA256", None, "COMPOSITE"),
        ("SHA256", "FULL_OBJECT", None),
        ("CRC64NVME", "COMPOSITE", None),
        ("CRC32", "OTHER", None),
    ],
)
def test_checksum_types_of_an_upload(tmp_path, algorithm, checksum_type, told):
    async def scenario(client):
        params = {"ChecksumAlgorithm": algorithm, "ChecksumType": checksum_type}
        if told is None:
            with pytest.raises(errors.InvalidRequest):
                await client("CreateMultipartUpload", Key="a", **params)
            return
        created = await client("CreateMultipartUpload", Key="a", **params)
        assert (created["ChecksumAlgorithm"], created["ChecksumType"]) == (algorithm, told)

    with_store(tmp_path, scenario)


def test_create_multipart_upload_in_no_bucket(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.NoSuchBucket):
            await client("CreateMultipartUpload", "nowhere-at-all", Key="a")

    with_store(tmp_path, scenario)


def test_T256_a_bucket_holds_so_many_uploads_and_no_more_until_one_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(multipart, "MOST_UPLOADS", 3)

    async def scenario(client):
        begun = [await client("CreateMultipartUpload", Key=f"key-{n}") for n in range(3)]
        with pytest.raises(errors.InvalidRequest, match="complete or abort some"):
            await client("CreateMultipartUpload", Key="one more")
        await client("AbortMultipartUpload", Key="key-0", UploadId=begun[0]["UploadId"])
        await client("CreateMultipartUpload", Key="one more")

    with_store(tmp_path, scenario)
