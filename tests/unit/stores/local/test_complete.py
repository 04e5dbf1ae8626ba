import asyncio
import base64
import hashlib
import zlib

import pytest

from onread import errors

from .opened import upload, with_store

PART = 5 * 1024**2
CONTENTS = {1: b"1" * PART, 2: b"2" * 10}


async def started(client, contents, **params):
    """The id of an upload with these parts, and the list that completes it."""
    upload_id = (await client("CreateMultipartUpload", Key="a", **params))["UploadId"]
    listed = []
    for number, content in contents.items():
        part = await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=number, body=content)
        listed.append({"PartNumber": number, "ETag": part["ETag"]})
    return upload_id, listed


async def complete(client, upload_id, listed, **params):
    return await client(
        "CompleteMultipartUpload", Key="a", UploadId=upload_id, MultipartUpload={"Parts": listed}, **params
    )


def test_a_completed_upload_is_an_object_with_a_composite_entity_tag(tmp_path):
    async def scenario(client):
        done = await upload(client, "a", CONTENTS, ContentType="text/plain", Metadata={"a": "b"})
        digests = b"".join(hashlib.md5(content).digest() for content in CONTENTS.values())
        assert done["ETag"] == f'"{hashlib.md5(digests).hexdigest()}-2"'
        got = await client.get("a")
        assert got.content == b"".join(CONTENTS.values())
        assert (got["ETag"], got["ContentType"], got["Metadata"]) == (done["ETag"], "text/plain", {"a": "b"})
        with pytest.raises(errors.NoSuchUpload):
            await client("ListParts", Key="a", UploadId="any")
        assert (await client("ListMultipartUploads"))["Uploads"] == []

    with_store(tmp_path, scenario)


def test_completion_copies_no_byte_and_drops_the_parts_that_are_not_listed(tmp_path):
    async def scenario(client):
        upload_id, listed = await started(client, {**CONTENTS, 3: b"left out"})
        before = client.blobs()
        await complete(client, upload_id, listed[:2])
        return before

    before = with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() < before
        assert len(client.blobs()) == 2

    with_store(tmp_path, count)


@pytest.mark.parametrize("checksum_type", ["COMPOSITE", "FULL_OBJECT"])
def test_checksum_of_a_completed_upload(tmp_path, checksum_type):
    async def scenario(client):
        done = await upload(client, "a", CONTENTS, ChecksumAlgorithm="CRC32", ChecksumType=checksum_type)
        parts = [zlib.crc32(content).to_bytes(4, "big") for content in CONTENTS.values()]
        whole = b"".join(parts) if checksum_type == "COMPOSITE" else b"".join(CONTENTS.values())
        value = base64.b64encode(zlib.crc32(whole).to_bytes(4, "big")).decode()
        expected = value + "-2" if checksum_type == "COMPOSITE" else value
        assert done["ChecksumCRC32"] == expected
        assert done["ChecksumType"] == checksum_type
        assert (await client.get("a", ChecksumMode="ENABLED"))["ChecksumCRC32"] == expected

    with_store(tmp_path, scenario)


def test_the_default_checksum_is_that_of_the_same_bytes_put_whole(tmp_path):
    async def scenario(client):
        done = await upload(client, "a", CONTENTS)
        put = await client.put("b", b"".join(CONTENTS.values()))
        assert done["ChecksumCRC64NVME"] == put["ChecksumCRC64NVME"]

    with_store(tmp_path, scenario)


REFUSED = [
    ("no parts", errors.MalformedXML),
    ("no number", errors.MalformedXML),
    ("wrong order", errors.InvalidPartOrder),
    ("a part twice", errors.InvalidPartOrder),
    ("a part that is not there", errors.InvalidPart),
    ("another entity tag", errors.InvalidPart),
    ("another part checksum", errors.InvalidPart),
    ("a small part before the last", errors.EntityTooSmall),
    ("another size", errors.InvalidRequest),
    ("another checksum type", errors.InvalidRequest),
    ("another checksum", errors.BadDigest),
    ("a condition", errors.NoSuchKey),
]


@pytest.mark.parametrize(("what", "error"), REFUSED)
def test_a_completion_that_is_refused_leaves_the_upload(tmp_path, what, error):
    async def scenario(client):
        upload_id, listed = await started(client, {1: b"1" * PART, 2: b"2", 3: b"3"})
        right = listed[:2]
        wrong, params = right, {}
        match what:
            case "no parts":
                wrong = []
            case "no number":
                wrong = [{"ETag": "x"}]
            case "wrong order":
                wrong = right[::-1]
            case "a part twice":
                wrong = [right[0], right[0]]
            case "a part that is not there":
                wrong = [*right, {"PartNumber": 9, "ETag": "x"}]
            case "another entity tag":
                wrong = [right[0], {"PartNumber": 2, "ETag": '"0"'}]
            case "another part checksum":
                wrong = [right[0], {**right[1], "ChecksumCRC64NVME": "AAAAAAAAAAA="}]
            case "a small part before the last":
                wrong = listed
            case "another size":
                params = {"MpuObjectSize": PART}
            case "another checksum type":
                params = {"ChecksumType": "COMPOSITE"}
            case "another checksum":
                params = {"ChecksumCRC64NVME": "AAAAAAAAAAA="}
            case "a condition":
                params = {"IfMatch": '"0"'}
        with pytest.raises(error):
            await complete(client, upload_id, wrong, **params)
        assert await client.keys() == []
        await complete(client, upload_id, right, MpuObjectSize=PART + 1)
        assert (await client.get("a"))["ContentLength"] == PART + 1

    with_store(tmp_path, scenario)


def test_where_no_algorithm_was_chosen_a_checksum_of_another_one_is_not_looked_at(tmp_path):
    async def scenario(client):
        upload_id, listed = await started(client, {1: b"x"})
        answer = await complete(client, upload_id, listed, ChecksumCRC32="AAAAAA==")
        assert "ChecksumCRC32" not in answer.members
        assert (await client.get("a")).content == b"x"

    with_store(tmp_path, scenario)


def test_complete_with_if_none_match_keeps_an_object_that_came_first(tmp_path):
    async def scenario(client):
        upload_id, listed = await started(client, {1: b"x"})
        await client.put("a", b"first")
        with pytest.raises(errors.PreconditionFailed):
            await complete(client, upload_id, listed, IfNoneMatch="*")
        assert (await client.get("a")).content == b"first"

    with_store(tmp_path, scenario)


def test_T237_completing_twice_gives_one_object_and_the_same_answer(tmp_path):
    async def scenario(client):
        upload_id, listed = await started(client, CONTENTS)
        answers = await asyncio.gather(*(complete(client, upload_id, listed) for _ in range(5)))
        assert all(answer.members == answers[0].members for answer in answers)
        assert await client.keys() == ["a"]
        await client.put("a", b"newer")
        with pytest.raises(errors.NoSuchUpload):
            await complete(client, upload_id, listed)
        assert (await client.get("a")).content == b"newer"

    with_store(tmp_path, scenario)
