from urllib.parse import quote

import pytest

from onread import errors

from .opened import upload, with_store

TAGS = [{"Key": "a", "Value": "1"}, {"Key": "é b", "Value": ""}]
HEADER = f"a=1&{quote('é b')}="


async def tags(client, key):
    return (await client("GetObjectTagging", Key=key))["TagSet"]


def test_tags_come_with_the_object_by_every_way(tmp_path):
    async def scenario(client):
        await client.put("plain", b"x")
        assert await tags(client, "plain") == []
        assert "TagCount" not in (await client.get("plain")).members
        await client.put("tagged", b"x", Tagging=HEADER)
        await upload(client, "parts", {1: b"x"}, Tagging=HEADER)
        for key in ("tagged", "parts"):
            assert await tags(client, key) == TAGS
            for operation in ("GetObject", "HeadObject"):
                answer = await client(operation, Key=key)
                assert answer["TagCount"] == 2
                assert "Tags" not in answer.members
        await client.put("tagged", b"y")
        assert await tags(client, "tagged") == [], "a new object has none of the old one's tags"

    with_store(tmp_path, scenario)


def test_tags_change_and_the_object_does_not(tmp_path):
    async def scenario(client):
        await client.put("k", b"x", Metadata={"kept": "yes"}, Tagging="old=1")
        before = await client.get("k")
        await client("PutObjectTagging", Key="k", Tagging={"TagSet": TAGS})
        assert await tags(client, "k") == TAGS
        after = await client.get("k")
        assert (after["ETag"], after["LastModified"]) == (before["ETag"], before["LastModified"])
        assert after["Metadata"] == {"kept": "yes"}
        await client("DeleteObjectTagging", Key="k")
        assert await tags(client, "k") == []
        assert (await client.get("k")).content == b"x"
        for operation in ("GetObjectTagging", "PutObjectTagging", "DeleteObjectTagging"):
            with pytest.raises(errors.NoSuchKey):
                await client(operation, Key="missing", Tagging={"TagSet": TAGS})
            with pytest.raises(errors.NoSuchBucket):
                await client(operation, "nowhere-at-all", Key="k", Tagging={"TagSet": TAGS})
            with pytest.raises(errors.InvalidArgument):
                await client(operation, Key="k", VersionId="another", Tagging={"TagSet": TAGS})

    with_store(tmp_path, scenario)


def test_a_copy_takes_the_tags_along_or_others(tmp_path):
    async def scenario(client):
        await client.put("source", b"x", Tagging=HEADER, Metadata={"m": "1"})

        async def copied(**params):
            await client("CopyObject", Key="copy", CopySource="bucket-one/source", **params)
            return await tags(client, "copy"), (await client.get("copy"))["Metadata"]

        other = [{"Key": "other", "Value": "1"}]
        assert await copied() == (TAGS, {"m": "1"})
        assert await copied(MetadataDirective="REPLACE") == (TAGS, {})
        assert await copied(TaggingDirective="REPLACE", Tagging="other=1") == (other, {"m": "1"})
        assert await copied(TaggingDirective="REPLACE") == ([], {"m": "1"})
        both = {"MetadataDirective": "REPLACE", "TaggingDirective": "REPLACE", "Tagging": "other=1"}
        assert await copied(**both) == (other, {})

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    ("header", "refusal"),
    [
        ("a=1&a=2", errors.InvalidArgument),
        ("a=%FF", errors.InvalidArgument),
        ("=1", errors.InvalidTag),
        ("a=" + "v" * 257, errors.InvalidTag),
        ("k" * 129 + "=1", errors.InvalidTag),
        ("aws%3Ax=1", errors.InvalidTag),
        ("a=%0D%0Ab", errors.InvalidTag),
        ("a=%3Cscript%3E", errors.InvalidTag),
        ("&".join(f"k{number}=" for number in range(11)), errors.BadRequest),
    ],
)
def test_T060_a_tag_that_cannot_be_is_refused(tmp_path, header, refusal):
    async def scenario(client):
        with pytest.raises(refusal):
            await client.put("k", b"", Tagging=header)
        with pytest.raises(refusal):
            await client("CreateMultipartUpload", Key="k", Tagging=header)
        assert await client.keys() == []

    with_store(tmp_path, scenario)


def test_ten_tags_for_an_object_and_fifty_for_a_bucket(tmp_path):
    def some(count):
        return {"TagSet": [{"Key": f"k{number}", "Value": "v"} for number in range(count)]}

    async def scenario(client):
        await client.put("k", b"", Tagging="&".join(f"k{number}=v" for number in range(10)))
        for operation, most in (("PutObjectTagging", 10), ("PutBucketTagging", 50)):
            await client(operation, Key="k", Tagging=some(most))
            with pytest.raises(errors.BadRequest, match=str(most)):
                await client(operation, Key="k", Tagging=some(most + 1))
            with pytest.raises(errors.InvalidTag):
                await client(operation, Key="k", Tagging={"TagSet": some(1)["TagSet"] * 2})
        assert len(await tags(client, "k")) == 10

    with_store(tmp_path, scenario)
