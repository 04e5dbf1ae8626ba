import pytest

from onread import errors

from .opened import ACCOUNT, with_store


async def start(client, key, **params):
    return (await client("CreateMultipartUpload", Key=key, **params))["UploadId"]


async def pages(client, **params):
    """Every page of the bucket's uploads."""
    markers = {}
    for _ in range(50):
        page = await client("ListMultipartUploads", **params, **markers)
        yield page
        if not page["IsTruncated"]:
            return
        markers = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
    raise AssertionError("the listing has no end")


def test_list_parts_pages_by_number(tmp_path):
    async def scenario(client):
        upload_id = await start(client, "a", ChecksumAlgorithm="SHA1")
        for number in (7, 1, 3):
            await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=number, body=b"x" * number)
        first = await client("ListParts", Key="a", UploadId=upload_id, MaxParts=2)
        assert [(part["PartNumber"], part["Size"]) for part in first["Parts"]] == [(1, 1), (3, 3)]
        assert (first["IsTruncated"], first["NextPartNumberMarker"]) == (True, 3)
        assert first["ChecksumAlgorithm"] == "SHA1"
        assert "ChecksumSHA1" in first["Parts"][0]
        rest = await client("ListParts", Key="a", UploadId=upload_id, PartNumberMarker=3)
        assert [part["PartNumber"] for part in rest["Parts"]] == [7]
        assert (rest["IsTruncated"], rest["Owner"]) == (False, {"ID": ACCOUNT})

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("operation", ["ListParts", "ListMultipartUploads"])
def test_a_page_of_none_is_empty_and_last(tmp_path, operation):
    async def scenario(client):
        upload_id = await start(client, "a")
        await client("UploadPart", Key="a", UploadId=upload_id, PartNumber=1, body=b"x")
        answer = await client(operation, Key="a", UploadId=upload_id, MaxParts=0, MaxUploads=0)
        assert answer["IsTruncated"] is False
        assert answer["Parts" if operation == "ListParts" else "Uploads"] == []

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_list_multipart_uploads_pages_by_key_and_id(tmp_path, limit):
    async def scenario(client):
        made = [(key, await start(client, key)) for key in ("a", "a", "a", "b/1", "b/2", "c")]
        seen = [
            (entry["Key"], entry["UploadId"])
            async for page in pages(client, MaxUploads=limit)
            for entry in page["Uploads"]
        ]
        assert seen == sorted(made)

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("limit", [1, 2, 1000])
def test_list_multipart_uploads_with_delimiter(tmp_path, limit):
    async def scenario(client):
        for key in ("a", "b/1", "b/2", "b/2", "c/1", "d"):
            await start(client, key)
        keys, groups = [], []
        async for page in pages(client, MaxUploads=limit, Delimiter="/"):
            keys += [entry["Key"] for entry in page["Uploads"]]
            groups += [entry["Prefix"] for entry in page["CommonPrefixes"]]
        assert (keys, groups) == (["a", "d"], ["b/", "c/"])
        only = await client("ListMultipartUploads", Prefix="b/", EncodingType="url")
        assert [entry["Key"] for entry in only["Uploads"]] == ["b/1", "b/2", "b/2"]

    with_store(tmp_path, scenario)


def test_an_upload_id_marker_without_key_marker_is_ignored(tmp_path):
    async def scenario(client):
        upload_id = await start(client, "a")
        answer = await client("ListMultipartUploads", UploadIdMarker="zzzz")
        assert [entry["UploadId"] for entry in answer["Uploads"]] == [upload_id]

    with_store(tmp_path, scenario)


def test_T235_markers_of_any_kind_are_harmless(tmp_path):
    async def scenario(client):
        await start(client, "a")
        for marker in ("../", "' OR 1=1 --", "x" * 100_000, "\0"):
            await client("ListMultipartUploads", KeyMarker=marker, UploadIdMarker=marker)
        with pytest.raises(errors.InvalidArgument):
            await client("ListMultipartUploads", MaxUploads=-1)

    with_store(tmp_path, scenario)
