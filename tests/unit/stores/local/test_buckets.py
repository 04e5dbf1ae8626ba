import pytest

from onread import errors

from .opened import ACCOUNT, BUCKET, with_store

OTHER = "444455556666"


def test_create_bucket_then_head_list_and_delete(tmp_path):
    async def scenario(client):
        created = await client("CreateBucket", "second")
        assert created["Location"] == "/second"
        assert (await client("HeadBucket", "second"))["BucketRegion"] == "us-east-1"
        listed = await client("ListBuckets", "")
        assert [bucket["Name"] for bucket in listed["Buckets"]] == [BUCKET, "second"]
        assert listed["Buckets"][0]["CreationDate"] == client.clock()
        assert listed["Owner"] == {"ID": ACCOUNT}
        await client("DeleteBucket", "second")
        for operation in ("HeadBucket", "GetBucketLocation", "DeleteBucket", "ListObjectsV2", "ListObjects"):
            with pytest.raises(errors.NoSuchBucket):
                await client(operation, "second")

    with_store(tmp_path, scenario)


def test_create_bucket_twice_is_refused_in_every_region(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.BucketAlreadyOwnedByYou):
            await client("CreateBucket")
        with pytest.raises(errors.BucketAlreadyExists):
            await client("CreateBucket", account_id=OTHER)

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "..",
        "ab",
        "A-bucket",
        "a..b",
        "127.0.0.1",
        "x" * 64,
        "xn--a",
        "v20180820",
        "1" * 12,
        "a--ol-s3",
        "a-s3alias",
    ],
)
def test_T231_create_bucket_refuses_names_that_are_reserved(tmp_path, name):
    async def scenario(client):
        with pytest.raises(errors.InvalidBucketName):
            await client("CreateBucket", name)

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(("region", "told"), [("us-east-1", ""), ("eu-central-1", "eu-central-1")])
def test_get_bucket_location_is_empty_in_us_east_1(tmp_path, region, told):
    async def scenario(client):
        assert (await client("GetBucketLocation")).members == {"LocationConstraint": told}

    with_store(tmp_path, scenario, region=region)


def test_create_bucket_elsewhere_is_refused(tmp_path):
    async def scenario(client):
        await client("CreateBucket", "here", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        with pytest.raises(errors.InvalidArgument):
            await client(
                "CreateBucket", "there", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
            )

    with_store(tmp_path, scenario, region="eu-central-1")


def test_create_bucket_with_object_lock_is_refused(tmp_path):
    async def scenario(client):
        with pytest.raises(errors.NotImplemented):
            await client("CreateBucket", "locked", ObjectLockEnabledForBucket=True)

    with_store(tmp_path, scenario)


def test_delete_bucket_refuses_while_it_holds_an_object(tmp_path):
    async def scenario(client):
        await client.put("a")
        with pytest.raises(errors.BucketNotEmpty):
            await client("DeleteBucket")
        await client("DeleteObject", Key="a")
        await client("DeleteBucket")

    with_store(tmp_path, scenario)


def test_delete_bucket_takes_its_open_uploads_with_it(tmp_path):
    async def scenario(client):
        created = await client("CreateMultipartUpload", Key="a")
        await client("UploadPart", Key="a", UploadId=created["UploadId"], PartNumber=1, body=b"x")
        await client("DeleteBucket")
        await client("CreateBucket")
        with pytest.raises(errors.NoSuchUpload):
            await client("ListParts", Key="a", UploadId=created["UploadId"])

    with_store(tmp_path, scenario)

    async def count(client):
        assert client.blobs() == set()

    with_store(tmp_path, count)


def test_a_bucket_made_again_does_not_show_what_the_old_one_held(tmp_path):
    async def scenario(client):
        await client.put("a", b"x")
        await client("DeleteObject", Key="a")
        await client("DeleteBucket")
        await client("CreateBucket", account_id=OTHER)
        assert await client.keys() == []
        assert client.store.bucket_owner(BUCKET) == OTHER

    with_store(tmp_path, scenario)


def test_list_buckets_shows_the_accounts_own_page_by_page(tmp_path):
    async def scenario(client):
        for name in ("b-1", "b-2", "b-3", "c-1"):
            await client("CreateBucket", name, account_id=OTHER)
        seen, token = [], None
        for _ in range(4):
            page = await client(
                "ListBuckets", "", account_id=OTHER, MaxBuckets=2, Prefix="b-", ContinuationToken=token
            )
            seen += [bucket["Name"] for bucket in page["Buckets"]]
            token = page.members.get("ContinuationToken")
            if token is None:
                break
        assert seen == ["b-1", "b-2", "b-3"]

    with_store(tmp_path, scenario)


@pytest.mark.parametrize("limit", [0, -1, 10_001])
def test_list_buckets_refuses_a_senseless_page(tmp_path, limit):
    async def scenario(client):
        with pytest.raises(errors.InvalidArgument):
            await client("ListBuckets", "", MaxBuckets=limit)

    with_store(tmp_path, scenario)


@pytest.mark.parametrize(
    "operation", ["HeadBucket", "ListObjectsV2", "DeleteBucket", "PutObject", "GetObject"]
)
def test_T215_another_owner_than_expected_is_refused(tmp_path, operation):
    async def scenario(client):
        await client.put("a")
        with pytest.raises(errors.AccessDenied):
            await client(operation, Key="a", ExpectedBucketOwner=OTHER)
        assert await client.keys(ExpectedBucketOwner=ACCOUNT) == ["a"]

    with_store(tmp_path, scenario)
