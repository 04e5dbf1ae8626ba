"""Every operation of the embedded store, by boto3, through a bucket, an access point and an OLAP."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from hashlib import md5

import pytest
from tests.compat.wire import refused, send_signed

pytestmark = [pytest.mark.compat, pytest.mark.slow]
BODY = b"0123456789" * 10
ETAG = f'"{md5(BODY).hexdigest()}"'


@dataclass
class Doors:
    """One bucket and the three names through which it is reached."""

    bucket: str
    access_point: str
    olap: str

    def __getitem__(self, door: str) -> str:
        return str(getattr(self, door))


@pytest.fixture(scope="module")
def doors(world):
    """The OLAP transforms ListObjects alone, so everything else is passed through."""
    bucket = world.bucket()
    supporting = world.access_point(bucket)
    _, olap = world.olap_over(supporting, world.function("uppercase"), actions=("ListObjects",))
    return Doors(bucket, supporting["Alias"], olap)


@pytest.fixture(scope="module")
def s3(world):
    return world.client("s3")


EVERY_DOOR = pytest.mark.parametrize("door", ["bucket", "access_point", "olap"])


# Objects


@EVERY_DOOR
def test_what_is_put_is_got_headed_and_deleted(s3, doors, door):
    name, key = doors[door], f"life/{door}"
    put = s3.put_object(
        Bucket=name,
        Key=key,
        Body=BODY,
        ContentType="text/x-test",
        CacheControl="no-store",
        ContentDisposition='attachment; filename="a.txt"',
        ContentEncoding="identity",
        ContentLanguage="de",
        Metadata={"Colour": "green", "n": "1"},
    )
    assert put["ETag"] == ETAG
    head, got = s3.head_object(Bucket=name, Key=key), s3.get_object(Bucket=name, Key=key)
    assert got["Body"].read() == BODY
    for answer in (head, got):
        assert (answer["ContentLength"], answer["ETag"]) == (len(BODY), ETAG)
        assert (answer["ContentType"], answer["CacheControl"]) == ("text/x-test", "no-store")
        assert (answer["ContentEncoding"], answer["ContentLanguage"]) == ("identity", "de")
        assert answer["Metadata"]["n"] == "1"
        assert abs(datetime.now(UTC) - answer["LastModified"]) < timedelta(seconds=30)
    s3.delete_object(Bucket=name, Key=key)
    s3.delete_object(Bucket=name, Key=key)
    assert refused(s3.get_object, Bucket=name, Key=key) == ("NoSuchKey", 404)
    assert refused(s3.head_object, Bucket=name, Key=key) == ("404", 404)


@EVERY_DOOR
@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-9", 0, 10), ("bytes=95-", 95, 100), ("bytes=-3", 97, 100), ("bytes=90-9000", 90, 100)],
)
def test_a_range_is_that_part(s3, doors, door, asked, start, stop):
    s3.put_object(Bucket=doors.bucket, Key="ranged", Body=BODY)
    got = s3.get_object(Bucket=doors[door], Key="ranged", Range=asked)
    assert got["Body"].read() == BODY[start:stop]
    assert got["ContentRange"] == f"bytes {start}-{stop - 1}/100"
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206


def test_a_range_behind_the_end_is_refused(s3, doors):
    s3.put_object(Bucket=doors.bucket, Key="ranged", Body=BODY)
    assert refused(s3.get_object, Bucket=doors.bucket, Key="ranged", Range="bytes=100-") == (
        "InvalidRange",
        416,
    )


def test_T039_many_ranges_are_the_whole_object(s3, doors):
    s3.put_object(Bucket=doors.bucket, Key="ranged", Body=BODY)
    many = "bytes=" + ",".join(f"{i}-{i}" for i in range(1500))
    assert s3.get_object(Bucket=doors.bucket, Key="ranged", Range=many)["Body"].read() == BODY


def test_conditions_decide(s3, doors):
    s3.put_object(Bucket=doors.bucket, Key="conditions", Body=BODY)
    asked = {"Bucket": doors.bucket, "Key": "conditions"}
    long_ago, later = datetime(2001, 1, 1, tzinfo=UTC), datetime.now(UTC) + timedelta(hours=1)
    assert s3.get_object(**asked, IfMatch=ETAG)["ETag"] == ETAG
    assert s3.get_object(**asked, IfModifiedSince=long_ago)["ETag"] == ETAG
    assert refused(s3.get_object, **asked, IfMatch='"other"') == ("PreconditionFailed", 412)
    assert refused(s3.get_object, **asked, IfUnmodifiedSince=long_ago) == ("PreconditionFailed", 412)
    assert refused(s3.get_object, **asked, IfNoneMatch=ETAG)[1] == 304
    assert refused(s3.head_object, **asked, IfNoneMatch=ETAG)[1] == 304
    assert refused(s3.get_object, **asked, IfModifiedSince=later)[1] in (200, 304)


def test_a_write_can_demand_that_there_is_none(s3, doors):
    key = {"Bucket": doors.bucket, "Key": "once"}
    s3.put_object(**key, Body=b"first", IfNoneMatch="*")
    assert refused(s3.put_object, **key, Body=b"second", IfNoneMatch="*") == ("PreconditionFailed", 412)
    assert s3.get_object(**key)["Body"].read() == b"first"


@EVERY_DOOR
def test_the_reader_may_choose_headers(s3, doors, door):
    s3.put_object(Bucket=doors.bucket, Key="overrides", Body=BODY)
    got = s3.get_object(
        Bucket=doors[door],
        Key="overrides",
        ResponseContentType="text/csv",
        ResponseContentDisposition="inline",
        ResponseCacheControl="max-age=1",
        ResponseContentLanguage="fr",
    )
    assert (got["ContentType"], got["ContentDisposition"]) == ("text/csv", "inline")
    assert (got["CacheControl"], got["ContentLanguage"]) == ("max-age=1", "fr")


# Keys


NASTY_KEYS = [
    "..", ".", "../x", "/etc/passwd", "a/../../b", "..%2f", "\\..\\", "trailing ", "trailing.", "CON",
    "a", "a/", "a/b", "a//b", "//", " ", "  ", "s" * 1024, "/".join("n" * 512), "new\nline", "tab\there",
    "\u202ertl", "caf\u00e9", "cafe\u0301", "\u212a", "K", "k", "\U0001f600/\U0001f680", "q?x=1&y=2",
    "plus+plus", "100%", "%41", "A", "semi;colon", "quote\"'<&>", "ü/ö", "~tilde", "*star*", "a=b", "@:!$(),",
    "hash#x", "\u2028", "\x7f", "ﬀ", "ff", "nul\x00",
]  # fmt: skip


@pytest.fixture(scope="module")
def nasty(world, s3):
    bucket = world.bucket()
    for number, key in enumerate(NASTY_KEYS):
        s3.put_object(Bucket=bucket, Key=key, Body=f"{number}".encode())
    return bucket


def test_T230_every_key_is_an_object_of_its_own(s3, nasty):
    assert len(set(NASTY_KEYS)) == len(NASTY_KEYS)
    for number, key in enumerate(NASTY_KEYS):
        assert s3.get_object(Bucket=nasty, Key=key)["Body"].read() == f"{number}".encode(), repr(key)


@pytest.mark.parametrize("operation", ["list_objects", "list_objects_v2"])
def test_T230_keys_are_listed_byte_for_byte_in_order_of_bytes(s3, nasty, operation):
    pages = s3.get_paginator(operation).paginate(Bucket=nasty, PaginationConfig={"PageSize": 7})
    listed = [item["Key"] for page in pages for item in page.get("Contents", [])]
    assert listed == sorted(NASTY_KEYS, key=str.encode)


def test_T230_what_no_key_can_be_is_refused(s3, nasty):
    assert refused(s3.put_object, Bucket=nasty, Key="k" * 1025, Body=b"") == ("KeyTooLongError", 400)
    assert refused(s3.put_object, Bucket=nasty, Key="ü" * 513, Body=b"") == ("KeyTooLongError", 400)


def test_T230_nothing_leaves_the_data_directory(world, nasty):
    folder = world.gateway.log_file.parent
    assert sorted(each.name for each in folder.iterdir()) == ["data", "data.log"]


@EVERY_DOOR
@pytest.mark.parametrize("version", [1, 2])
def test_a_delimiter_folds_keys_into_prefixes(world, s3, door, version):
    bucket = world.bucket()
    supporting = world.access_point(bucket)
    names = {"bucket": bucket, "access_point": supporting["Alias"]}
    if door == "olap":
        names["olap"] = world.olap_over(supporting, "never-called", actions=("GetObject",))[1]
    for key in ("a/1", "a/2", "b/ü/1", "c", "d/", "e f"):
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    listing = s3.list_objects if version == 1 else s3.list_objects_v2
    listed = listing(Bucket=names[door], Delimiter="/")
    assert [each["Prefix"] for each in listed["CommonPrefixes"]] == ["a/", "b/", "d/"]
    assert [each["Key"] for each in listed["Contents"]] == ["c", "e f"]
    below = listing(Bucket=names[door], Prefix="b/", Delimiter="/")
    assert [each["Prefix"] for each in below["CommonPrefixes"]] == ["b/ü/"]
    assert "Contents" not in below


def test_a_listing_goes_on_where_it_stopped(world, s3):
    bucket = world.bucket()
    keys = [f"k{number:02}" for number in range(10)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    first = s3.list_objects_v2(Bucket=bucket, MaxKeys=4, StartAfter="k01")
    assert [each["Key"] for each in first["Contents"]] == keys[2:6]
    assert first["IsTruncated"]
    assert first["KeyCount"] == 4
    rest = s3.list_objects_v2(Bucket=bucket, ContinuationToken=first["NextContinuationToken"])
    assert [each["Key"] for each in rest["Contents"]] == keys[6:]
    assert not rest["IsTruncated"]
    marked = s3.list_objects(Bucket=bucket, Marker="k07")
    assert [each["Key"] for each in marked["Contents"]] == keys[8:]


def test_encoding_type_is_the_callers_choice(world, s3):
    bucket = world.bucket()
    s3.put_object(Bucket=bucket, Key="a b/ü+1", Body=b"x")
    encoded = send_signed(world, "GET", f"/{bucket}", query="encoding-type=url&list-type=2").body
    assert b"<Key>a+b/%C3%BC%2B1</Key>" in encoded or b"<Key>a%20b/%C3%BC%2B1</Key>" in encoded
    plain = send_signed(world, "GET", f"/{bucket}", query="list-type=2").body
    assert "<Key>a b/ü+1</Key>".encode() in plain


def test_T235_a_continuation_token_of_ones_own_is_refused(world, s3):
    bucket = world.bucket()
    for token in ("x", "../..", "' OR 1=1 --", "A" * 4000):
        assert refused(s3.list_objects_v2, Bucket=bucket, ContinuationToken=token) == ("InvalidArgument", 400)


@EVERY_DOOR
def test_a_batch_deletes_each_key(world, s3, doors, door):
    keys = [f"batch/{door}/{number} ü&<" for number in range(5)]
    for key in keys:
        s3.put_object(Bucket=doors.bucket, Key=key, Body=b"x")
    wanted = [{"Key": key} for key in (*keys, f"batch/{door}/missing")]
    deleted = s3.delete_objects(Bucket=doors[door], Delete={"Objects": wanted})
    assert {each["Key"] for each in deleted["Deleted"]} == {each["Key"] for each in wanted}
    quiet = s3.delete_objects(Bucket=doors[door], Delete={"Objects": wanted, "Quiet": True})
    assert "Deleted" not in quiet
    assert "Contents" not in s3.list_objects_v2(Bucket=doors.bucket, Prefix=f"batch/{door}/")
