import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from onread import errors

from .opened import ACCOUNT, with_store

KEYS = ("a", "b/1", "b/2", "b/c/3", "d", "ä", "😀")


async def filled(client, keys=KEYS):
    for key in keys:
        await client.put(key, b"x")


async def pages_v1(client, **params):
    for _ in range(50):
        page = await client("ListObjects", **params)
        yield page
        if not page["IsTruncated"]:
            return
        params["Marker"] = page.members.get("NextMarker") or page["Contents"][-1]["Key"]
    raise AssertionError("the listing has no end")


async def pages_v2(client, **params):
    for _ in range(50):
        page = await client("ListObjectsV2", **params)
        yield page
        if not page["IsTruncated"]:
            return
        params["ContinuationToken"] = page["NextContinuationToken"]
    raise AssertionError("the listing has no end")


def test_list_objects_v2_tells_of_each_object(tmp_path):
    async def scenario(client):
        put = await client.put("a", b"hello")
        (entry,) = (await client("ListObjectsV2"))["Contents"]
        assert entry == {
            "Key": "a",
            "LastModified": client.clock(),
            "ETag": put["ETag"],
            "ChecksumAlgorithm": ["CRC64NVME"],
            "ChecksumType": "FULL_OBJECT",
            "Size": 5,
            "StorageClass": "STANDARD",
        }
        (owned,) = (await client("ListObjectsV2", FetchOwner=True))["Contents"]
        (of_v1,) = (await client("ListObjects"))["Contents"]
        assert owned["Owner"] == of_v1["Owner"] == {"ID": ACCOUNT}

    with_store(tmp_path, scenario)


def test_list_objects_v2_echoes_what_was_asked(tmp_path):
    async def scenario(client):
        await filled(client)
        page = await client("ListObjectsV2", Prefix="b/", Delimiter="/", StartAfter="b/1", MaxKeys=5)
        assert {
            name: page[name] for name in ("Name", "Prefix", "Delimiter", "StartAfter", "MaxKeys", "KeyCount")
        } == {
            "Name": "bucket-one",
            "Prefix": "b/",
            "Delimiter": "/",
            "StartAfter": "b/1",
            "MaxKeys": 5,
            "KeyCount": 2,
        }
        assert [entry["Key"] for entry in page["Contents"]] == ["b/2"]
        assert page["CommonPrefixes"] == [{"Prefix": "b/c/"}]

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("pages", [pages_v1, pages_v2])
@pytest.mark.parametrize("limit", [1, 2, 3, 1000])
def test_pages_follow_each_other_in_the_order_of_utf8(tmp_path, pages, limit):
    async def scenario(client):
        await filled(client)
        listed = [entry["Key"] async for page in pages(client, MaxKeys=limit) for entry in page["Contents"]]
        assert listed == list(KEYS)
        keys, groups = [], []
        async for page in pages(client, MaxKeys=limit, Delimiter="/"):
            keys += [entry["Key"] for entry in page["Contents"]]
            groups += [entry["Prefix"] for entry in page["CommonPrefixes"]]
        assert (keys, groups) == (["a", "d", "ä", "😀"], ["b/"])

    with_store(tmp_path, scenario)


def test_next_marker_is_told_with_a_delimiter_only(tmp_path):
    async def scenario(client):
        await filled(client)
        assert "NextMarker" not in (await client("ListObjects", MaxKeys=2)).members
        assert (await client("ListObjects", MaxKeys=2, Delimiter="/"))["NextMarker"] == "b/"

    with_store(tmp_path, scenario)


def test_encoding_type_url_encodes_every_name(tmp_path):
    async def scenario(client):
        await filled(client, ("a b/ä\n", "a b/+"))
        page = await client("ListObjectsV2", EncodingType="url", Prefix="a b/", StartAfter="a b/")
        assert [entry["Key"] for entry in page["Contents"]] == ["a%20b/%2B", "a%20b/%C3%A4%0A"]
        assert (page["Prefix"], page["StartAfter"]) == ("a%20b/", "a%20b/")
        grouped = await client("ListObjects", EncodingType="url", Delimiter=" ", Marker="a")
        assert grouped["CommonPrefixes"] == [{"Prefix": "a%20"}]
        assert grouped["Delimiter"] == "%20"
        with pytest.raises(errors.InvalidArgument):
            await client("ListObjects", EncodingType="base64")

    with_store(tmp_path, scenario)


def test_a_page_of_none_is_empty_and_last(tmp_path):
    async def scenario(client):
        await filled(client)
        for operation in ("ListObjects", "ListObjectsV2"):
            page = await client(operation, MaxKeys=0)
            assert (page["Contents"], page["IsTruncated"]) == ([], False)

    with_store(tmp_path, scenario)


def test_T235_a_continuation_token_is_good_for_its_bucket_only(tmp_path):
    async def scenario(client):
        await client("CreateBucket", "bucket-two")
        await filled(client)
        token = (await client("ListObjectsV2", MaxKeys=1))["NextContinuationToken"]
        for bucket, wrong in (("bucket-two", token), ("bucket-one", token[:-1]), ("bucket-one", "../x")):
            with pytest.raises(errors.InvalidArgument):
                await client("ListObjectsV2", bucket, ContinuationToken=wrong)

    with_store(tmp_path, scenario)


def test_a_continuation_token_outlives_a_restart(tmp_path):
    async def first(client):
        await filled(client)
        return (await client("ListObjectsV2", MaxKeys=2))["NextContinuationToken"]

    token = with_store(tmp_path, first)

    async def second(client):
        assert await client.keys(ContinuationToken=token) == list(KEYS[2:])

    with_store(tmp_path, second)


@settings(max_examples=10, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(keys=st.sets(st.text("ab/", min_size=1, max_size=4), min_size=1, max_size=12), limit=st.integers(1, 4))
def test_paged_listing_equals_naive_listing(tmp_path_factory, keys, limit):
    async def scenario(client):
        await filled(client, keys)
        for pages in (pages_v1, pages_v2):
            seen = set()
            async for page in pages(client, Delimiter="/", MaxKeys=limit):
                seen |= {entry["Key"] for entry in page["Contents"]}
                seen |= {entry["Prefix"] for entry in page["CommonPrefixes"]}
            assert seen == {key.partition("/")[0] + "/" if "/" in key else key for key in keys}

    with_store(tmp_path_factory.mktemp("store"), scenario)


@pytest.mark.slow
def test_T236_a_page_among_100000_keys_takes_no_longer_than_among_few(tmp_path):
    """Measured as the worst of the pages over the whole listing, with a delimiter and without."""

    async def scenario(client):
        def fill(transaction):
            rows = [(1, b"logs/%04d/%06d" % (number // 100, number)) for number in range(100_000)]
            transaction.connection.executemany(
                "INSERT INTO objects (bucket_id, key, etag, size_bytes, modified_at_ms, checksum_algorithm,"
                " checksum_type, checksum_value, headers) VALUES (?, ?, '', 0, 0, 'CRC32', '', '', '{}')",
                rows,
            )

        await client.store._engine.index.write(fill)
        for params in ({"Prefix": "logs/", "Delimiter": "/"}, {"StartAfter": "logs/09" + "x" * 1017}, {}):
            started = time.process_time()
            page = await client("ListObjectsV2", **params)
            assert page["KeyCount"] == 1000 or params.get("StartAfter")
            assert time.process_time() - started < 0.5

    with_store(tmp_path, scenario)
