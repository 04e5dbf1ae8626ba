from datetime import timedelta

import pytest

from onread import errors

from .opened import upload, with_store

PART = 5 * 1024**2


def test_delete_object_removes_row_and_blob(tmp_path):
    async def scenario(client):
        await client.put("a", b"x")
        assert (await client("DeleteObject", Key="a")).members == {}
        with pytest.raises(errors.NoSuchKey):
            await client.get("a")

    with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)


def test_delete_object_of_nothing_succeeds(tmp_path):
    async def scenario(client):
        await client("DeleteObject", Key="never")
        with pytest.raises(errors.NoSuchBucket):
            await client("DeleteObject", "nowhere-at-all", Key="never")

    with_store(tmp_path, scenario)


def test_delete_object_of_a_multipart_object_removes_all_its_blobs(tmp_path):
    async def scenario(client):
        await upload(client, "a", {1: b"1" * PART, 2: b"2"})
        await client("DeleteObject", Key="a")

    with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)


CONDITIONS = [
    ({"IfMatch": "right"}, None),
    ({"IfMatch": "*"}, None),
    ({"IfMatch": '"0"'}, errors.PreconditionFailed),
    ({"IfMatchSize": 1}, None),
    ({"IfMatchSize": 2}, errors.PreconditionFailed),
    ({"IfMatchLastModifiedTime": 0}, None),
    ({"IfMatchLastModifiedTime": 1}, errors.PreconditionFailed),
    ({"VersionId": "null"}, None),
    ({"VersionId": "other"}, errors.InvalidArgument),
]


@pytest.mark.parametrize(("conditions", "error"), CONDITIONS)
def test_conditions_of_a_delete(tmp_path, conditions, error):
    async def scenario(client):
        put = await client.put("a", b"x")
        params = dict(conditions)
        if params.get("IfMatch") == "right":
            params["IfMatch"] = put["ETag"]
        if "IfMatchLastModifiedTime" in params:
            moment = client.clock().replace(microsecond=0)
            params["IfMatchLastModifiedTime"] = moment + timedelta(seconds=params["IfMatchLastModifiedTime"])
        if error is None:
            await client("DeleteObject", Key="a", **params)
            assert await client.keys() == []
            return
        with pytest.raises(error):
            await client("DeleteObject", Key="a", **params)
        assert await client.keys() == ["a"]

    with_store(tmp_path, scenario)


def test_delete_objects_answers_for_each_key(tmp_path):
    async def scenario(client):
        for key in ("a", "b", "c"):
            await client.put(key, b"x")
        objects = [
            {"Key": "a"},
            {"Key": "never"},
            {"Key": "b", "ETag": '"0"'},
            {"Key": "x" * 1025},
            {"Key": "c", "VersionId": "null"},
        ]
        answer = await client("DeleteObjects", Delete={"Objects": objects})
        assert answer["Deleted"] == [{"Key": "a"}, {"Key": "never"}, {"Key": "c", "VersionId": "null"}]
        assert [(error["Key"], error["Code"]) for error in answer["Errors"]] == [
            ("b", "PreconditionFailed"),
            ("x" * 1025, "KeyTooLongError"),
        ]
        assert await client.keys() == ["b"]

    with_store(tmp_path, scenario)


def test_delete_objects_that_is_quiet_tells_errors_only(tmp_path):
    async def scenario(client):
        await client.put("a", b"x")
        objects = [{"Key": "a"}, {"Key": "b", "VersionId": "other"}]
        answer = await client("DeleteObjects", Delete={"Objects": objects, "Quiet": True})
        assert "Deleted" not in answer.members
        assert [error["Code"] for error in answer["Errors"]] == ["InvalidArgument"]

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("count", "error"), [(0, errors.MalformedXML), (1, None), (1000, None), (1001, errors.MalformedXML)]
)
def test_delete_objects_takes_1_to_1000_keys(tmp_path, count, error):
    async def scenario(client):
        wanted = {"Objects": [{"Key": f"{number}"} for number in range(count)]}
        if error is None:
            assert len((await client("DeleteObjects", Delete=wanted))["Deleted"]) == count
            return
        with pytest.raises(error):
            await client("DeleteObjects", Delete=wanted)

    with_store(tmp_path, scenario)


def test_delete_objects_in_no_bucket_is_one_error(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.NoSuchBucket):
            await client("DeleteObjects", "nowhere-at-all", Delete={"Objects": [{"Key": "a"}]})

    with_store(tmp_path, scenario)
