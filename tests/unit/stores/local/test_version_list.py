import pytest

from onread import errors

from .opened import ACCOUNT, with_store


def test_every_object_is_its_one_version(tmp_path):
    async def scenario(client):
        for key in ("a", "dir/b", "dir/c", "é"):
            await client.put(key, b"xy")
        listed = await client("ListObjectVersions")
        assert [each["Key"] for each in listed["Versions"]] == ["a", "dir/b", "dir/c", "é"]
        first = listed["Versions"][0]
        assert (first["VersionId"], first["IsLatest"], first["Size"]) == ("null", True, 2)
        assert first["Owner"] == {"ID": ACCOUNT}
        assert listed["IsTruncated"] is False
        grouped = await client("ListObjectVersions", Delimiter="/", Prefix="")
        assert [each["Key"] for each in grouped["Versions"]] == ["a", "é"]
        assert grouped["CommonPrefixes"] == [{"Prefix": "dir/"}]
        assert (await client("ListObjectVersions", EncodingType="url"))["Versions"][3]["Key"] == "%C3%A9"

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("limit", [1, 2, 3])
@pytest.mark.parametrize("delimiter", ["", "/"])
def test_pages_follow_each_other_without_gap_or_repeat(tmp_path, limit, delimiter):
    async def scenario(client):
        for key in ("a", "dir/b", "dir/c", "e", "f"):
            await client.put(key, b"")
        whole = await client("ListObjectVersions", Delimiter=delimiter)
        found, marker = [], {}
        for _ in range(6):
            page = await client("ListObjectVersions", MaxKeys=limit, Delimiter=delimiter, **marker)
            found += [each["Key"] for each in page["Versions"]]
            found += [each["Prefix"] for each in page["CommonPrefixes"]]
            if not page["IsTruncated"]:
                break
            marker = {"KeyMarker": page["NextKeyMarker"], "VersionIdMarker": page["NextVersionIdMarker"]}
        expected = [each["Key"] for each in whole["Versions"]]
        assert sorted(found) == sorted(expected + [each["Prefix"] for each in whole["CommonPrefixes"]])

    with_store(tmp_path, scenario)


def test_a_version_marker_needs_its_key(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.InvalidArgument):
            await client("ListObjectVersions", VersionIdMarker="null")
        with pytest.raises(errors.NoSuchBucket):
            await client("ListObjectVersions", "nowhere-at-all")

    with_store(tmp_path, scenario)
