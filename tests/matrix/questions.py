"""More of what a client can tell of a store, beside `store_probe`: reads, lists, parts, versions, refusals.

Importing this file adds its questions to `store_probe.CHECKS`.
"""

from tests.compat.store_probe import PART, REAL, check, outcome, put, seen

CHANGING = frozenset({"Name", "Contents", "UploadId", "Bucket", "CopyObjectResult"})
"""Members that name the bucket or the moment."""


def refusal(call, **params):
    """Status and code of a refusal, else what was answered; messages name what differs."""
    answer = outcome(lambda: seen(call(**params)))
    if isinstance(answer, tuple):
        return answer[:3]
    return {member: value for member, value in answer.items() if member not in CHANGING}


def keys(answer):
    return [entry["Key"] for entry in answer.get("Contents", [])]


def upload_of(s3, bucket, key, **more):
    return s3.create_multipart_upload(Bucket=bucket, Key=key, **more)["UploadId"]


@check
def range_forms(s3, bucket):
    put(s3, bucket, "forms")
    asked = (
        "bytes=0-",
        "bytes=-0",
        "bytes=-3",
        "bytes=-99",
        "bytes=5-2",
        "bytes=a-b",
        "bytes=9-9",
        "bytes=10-",
    )
    return [refusal(s3.get_object, Bucket=bucket, Key="forms", Range=each) for each in asked]


@check
def several_ranges(s3, bucket):
    put(s3, bucket, "several")
    return refusal(s3.get_object, Bucket=bucket, Key="several", Range="bytes=0-1,4-5")


@check
def head_with_a_range(s3, bucket):
    put(s3, bucket, "head-range")
    return [
        refusal(s3.head_object, Bucket=bucket, Key="head-range", Range=each)
        for each in ("bytes=2-4", "bytes=99-")
    ]


@check
def range_of_an_empty_object(s3, bucket):
    put(s3, bucket, "empty-range", b"")
    return refusal(s3.get_object, Bucket=bucket, Key="empty-range", Range="bytes=0-0")


@check
def conditions_together(s3, bucket):
    etag = put(s3, bucket, "together")["ETag"]
    old, new = "Sat, 01 Jan 2000 00:00:00 GMT", "Fri, 01 Jan 2100 00:00:00 GMT"
    asked = (
        {"IfMatch": etag, "IfUnmodifiedSince": old},
        {"IfMatch": '"no"', "IfUnmodifiedSince": new},
        {"IfNoneMatch": etag, "IfModifiedSince": old},
        {"IfNoneMatch": '"no"', "IfModifiedSince": new},
        {"IfMatch": "*"},
        {"IfMatch": etag.strip('"')},
    )
    return [
        refusal(call, Bucket=bucket, Key="together", **each)
        for call in (s3.get_object, s3.head_object)
        for each in asked
    ]


@check
def conditional_overwrite(s3, bucket):
    etag = put(s3, bucket, "overwrite")["ETag"]
    asked = ({"IfNoneMatch": "*"}, {"IfMatch": '"no"'}, {"IfMatch": etag})
    return [refusal(s3.put_object, Bucket=bucket, Key="overwrite", Body=b"new", **each) for each in asked]


@check
def part_beyond_the_last(s3, bucket):
    put(s3, bucket, "one-part")
    return refusal(s3.get_object, Bucket=bucket, Key="one-part", PartNumber=7)


@check
def missing_in_every_way(s3, bucket):
    named = {"Bucket": bucket, "Key": "is/missing"}
    calls = (s3.get_object, s3.head_object, s3.get_object_tagging, s3.get_object_acl, s3.delete_object)
    return [refusal(call, **named) for call in calls]


@check
def missing_version(s3, bucket):
    put(s3, bucket, "version")
    return [
        refusal(s3.get_object, Bucket=bucket, Key="version", VersionId=each) for each in ("null", "nonsense")
    ]


@check
def delete_missing_and_quiet(s3, bucket):
    put(s3, bucket, "quiet")
    named = {"Objects": [{"Key": "quiet"}, {"Key": "never"}], "Quiet": True}
    return refusal(s3.delete_objects, Bucket=bucket, Delete=named)


@check
def list_page_by_page(s3, bucket):
    for number in range(7):
        put(s3, bucket, f"page/{number}")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="page/", PaginationConfig={"PageSize": 3}
    )
    return [(keys(page), page["KeyCount"], page["IsTruncated"]) for page in pages]


@check
def list_prefixes_page_by_page(s3, bucket):
    for number in range(5):
        put(s3, bucket, f"folders/{number}/x")
    pages = s3.get_paginator("list_objects_v2").paginate(
        Bucket=bucket, Prefix="folders/", Delimiter="/", PaginationConfig={"PageSize": 2}
    )
    return [[entry["Prefix"] for entry in page.get("CommonPrefixes", [])] for page in pages]


@check
def list_markers(s3, bucket):
    for name in "abc":
        put(s3, bucket, f"marker/{name}/x")
    asked = ({"Marker": "marker/a/x"}, {"Delimiter": "/", "MaxKeys": 1}, {"MaxKeys": 0})
    answers = [s3.list_objects(Bucket=bucket, Prefix="marker/", **each) for each in asked]
    return [(keys(each), each.get("NextMarker"), each["IsTruncated"], each["MaxKeys"]) for each in answers]


@check
def list_nothing(s3, bucket):
    answer = s3.list_objects_v2(Bucket=bucket, Prefix="nothing/here/")
    return (keys(answer), answer["KeyCount"], answer["IsTruncated"], answer["Prefix"])


@check
def list_with_a_delimiter_of_letters(s3, bucket):
    for name in ("ab1cd", "ab2cd", "abcd"):
        put(s3, bucket, f"letters/{name}")
    answer = s3.list_objects_v2(Bucket=bucket, Prefix="letters/", Delimiter="cd")
    return [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])]


@check
def list_after_nonsense(s3, bucket):
    return refusal(s3.list_objects_v2, Bucket=bucket, ContinuationToken="nonsense", Prefix="nothing/")


@check
def list_negative(s3, bucket):
    return refusal(s3.list_objects_v2, Bucket=bucket, MaxKeys=-1)


@check
def list_owners(s3, bucket):
    put(s3, bucket, "owner/a")
    entry = s3.list_objects_v2(Bucket=bucket, Prefix="owner/", FetchOwner=True)["Contents"][0]
    return ("Owner" in entry, entry["Size"], entry["ETag"], entry["StorageClass"])


@check
def metadata_of_many_kinds(s3, bucket):
    headers = {
        "ContentType": "text/plain; charset=utf-8", "ContentLanguage": "de, en",
        "ContentEncoding": "identity",
        "ContentDisposition": 'inline; filename="a.txt"', "CacheControl": "max-age=3",
        "Metadata": {"one": "1", "two-words": "a b  c", "empty": ""},
    }  # fmt: skip
    put(s3, bucket, "kinds", **headers)
    return seen(s3.head_object(Bucket=bucket, Key="kinds"))


@check
def too_much_metadata(s3, bucket):
    return refusal(s3.put_object, Bucket=bucket, Key="much", Body=b"", Metadata={"m": "x" * 3000})


@check
def a_key_too_long(s3, bucket):
    return refusal(s3.put_object, Bucket=bucket, Key="x" * 1025, Body=b"")


@check
def tags_by_header(s3, bucket):
    put(s3, bucket, "tagged", Tagging="a=1&b=2%202")
    counted = s3.get_object(Bucket=bucket, Key="tagged").get("TagCount")
    before = s3.get_object_tagging(Bucket=bucket, Key="tagged")["TagSet"]
    s3.delete_object_tagging(Bucket=bucket, Key="tagged")
    after = s3.get_object_tagging(Bucket=bucket, Key="tagged")["TagSet"]
    return (counted, sorted(each["Key"] for each in before), after)


@check
def tags_too_many(s3, bucket):
    put(s3, bucket, "too-many")
    tags = [{"Key": f"k{number}", "Value": "v"} for number in range(11)]
    return refusal(s3.put_object_tagging, Bucket=bucket, Key="too-many", Tagging={"TagSet": tags})


@check
def copy_conditions(s3, bucket):
    etag = put(s3, bucket, "copied")["ETag"]
    source = {"Bucket": REAL.get(bucket, bucket), "Key": "copied"}
    asked = ({"CopySourceIfMatch": '"no"'}, {"CopySourceIfNoneMatch": etag})
    return [refusal(s3.copy_object, Bucket=bucket, Key="copy", CopySource=source, **each) for each in asked]


@check
def copy_of_nothing_and_onto_itself(s3, bucket):
    put(s3, bucket, "itself")
    real = REAL.get(bucket, bucket)
    return [
        refusal(s3.copy_object, Bucket=bucket, Key=key, CopySource={"Bucket": real, "Key": source})
        for key, source in (("copy", "is/missing"), ("itself", "itself"))
    ]


@check
def parts_that_are_wrong(s3, bucket):
    upload = upload_of(s3, bucket, "wrong-parts")
    named = {"Bucket": bucket, "Key": "wrong-parts", "UploadId": upload}
    first = s3.upload_part(**named, PartNumber=1, Body=b"small")["ETag"]
    second = s3.upload_part(**named, PartNumber=2, Body=b"small")["ETag"]
    tries = (
        [{"PartNumber": 1, "ETag": '"0123456789abcdef0123456789abcdef"'}],
        [{"PartNumber": 3, "ETag": first}],
        [{"PartNumber": 2, "ETag": second}, {"PartNumber": 1, "ETag": first}],
        [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second}],
    )
    return [refusal(s3.complete_multipart_upload, **named, MultipartUpload={"Parts": each}) for each in tries]


@check
def parts_without_an_upload(s3, bucket):
    named = {"Bucket": bucket, "Key": "no-upload", "UploadId": "nonsense"}
    return [
        refusal(s3.upload_part, **named, PartNumber=1, Body=b"x"),
        refusal(s3.list_parts, **named),
        refusal(s3.abort_multipart_upload, **named),
        refusal(
            s3.complete_multipart_upload, **named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": "x"}]}
        ),
    ]


@check
def parts_listed_page_by_page(s3, bucket):
    upload = upload_of(s3, bucket, "listed-parts")
    named = {"Bucket": bucket, "Key": "listed-parts", "UploadId": upload}
    for number in (1, 2, 5):
        s3.upload_part(**named, PartNumber=number, Body=bytes([number]))
    answers = [s3.list_parts(**named, MaxParts=2), s3.list_parts(**named, PartNumberMarker=2)]
    s3.abort_multipart_upload(**named)
    return [([part["PartNumber"] for part in each["Parts"]], each["IsTruncated"]) for each in answers]


@check
def a_part_replaced(s3, bucket):
    named = {
        "Bucket": bucket,
        "Key": "replaced",
        "UploadId": upload_of(s3, bucket, "replaced", Metadata={"m": "n"}),
    }
    s3.upload_part(**named, PartNumber=1, Body=b"old")
    etag = s3.upload_part(**named, PartNumber=1, Body=PART)["ETag"]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": etag}]})
    head = seen(s3.head_object(Bucket=bucket, Key="replaced"))
    return (head["ContentLength"], head["ETag"], head["Metadata"])


@check
def ranges_over_parts(s3, bucket):
    named = {"Bucket": bucket, "Key": "over-parts", "UploadId": upload_of(s3, bucket, "over-parts")}
    bodies = [PART, b"q" * 100]
    parts = [
        {"PartNumber": number, "ETag": s3.upload_part(**named, PartNumber=number, Body=body)["ETag"]}
        for number, body in enumerate(bodies, 1)
    ]
    s3.complete_multipart_upload(**named, MultipartUpload={"Parts": parts})
    asked = {"Range": f"bytes={len(PART) - 3}-{len(PART) + 2}"}
    return refusal(s3.get_object, Bucket=bucket, Key="over-parts", **asked)


@check
def versions(s3, bucket):
    real = REAL.get(bucket, bucket)
    s3.put_bucket_versioning(Bucket=real, VersioningConfiguration={"Status": "Enabled"})
    first, second = (put(s3, bucket, "versions", body).get("VersionId") for body in (b"1", b"22"))
    marker = s3.delete_object(Bucket=bucket, Key="versions")
    old = s3.get_object(Bucket=bucket, Key="versions", VersionId=first)["Body"].read() if first else None
    gone = refusal(s3.get_object, Bucket=bucket, Key="versions")
    return (first != second, marker.get("DeleteMarker"), old, gone)
