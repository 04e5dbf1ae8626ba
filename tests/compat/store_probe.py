"""What a client can tell of a store: some forty questions, each answered by status, headers and body.

The same questions to the store itself and through onread must have the same answers.
"""

import base64
import hashlib
import urllib.request
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

Check = Callable[[Any, str], Any]
CHECKS: dict[str, Check] = {}
PART = b"p" * (5 << 20)
# What differs between two requests however alike they are.
_CHANGING = {"RequestId", "HostId", "x-amz-request-id", "date", "server", "connection", "x-amz-id-2"}


def check(function: Check) -> Check:
    CHECKS[function.__name__] = function
    return function


def outcome(function: Callable[[], Any]) -> Any:
    """What was answered; for a refusal its code, status and message."""
    try:
        return function()
    except ClientError as error:
        detail, meta = error.response.get("Error", {}), error.response["ResponseMetadata"]
        return ("refused", meta["HTTPStatusCode"], detail.get("Code"), detail.get("Message"))


def brief(answer: Any) -> Any:
    """A refusal's status and code; that it was none."""
    return answer[:3] if isinstance(answer, tuple) else "taken"


def seen(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what changes from one to the next."""
    kept = {name: value for name, value in answer.items() if name != "ResponseMetadata"}
    if "Body" in kept:
        kept["Body"] = kept["Body"].read()
    for name in ("LastModified", "Expiration", "Date"):
        kept.pop(name, None)
    return kept


def put(s3: Any, bucket: str, key: str, body: bytes = b"0123456789", **more: Any) -> Any:
    return s3.put_object(Bucket=bucket, Key=key, Body=body, **more)


@check
def plain_object(s3, bucket):
    put(
        s3,
        bucket,
        "plain",
        ContentType="text/x-y",
        CacheControl="no-cache",
        Metadata={"a": "b", "c": "caf\u00e9"[:3]},
    )
    return seen(s3.get_object(Bucket=bucket, Key="plain"))


@check
def head_object(s3, bucket):
    put(s3, bucket, "head", Metadata={"k": "v"}, ContentEncoding="gzip", ContentLanguage="de")
    return seen(s3.head_object(Bucket=bucket, Key="head"))


@check
def ranges(s3, bucket):
    put(s3, bucket, "ranges")
    return [
        outcome(lambda wanted=wanted: seen(s3.get_object(Bucket=bucket, Key="ranges", Range=wanted)))
        for wanted in ("bytes=0-3", "bytes=5-", "bytes=-2", "bytes=3-3", "bytes=20-30")
    ]


@check
def conditions(s3, bucket):
    etag = put(s3, bucket, "conditions")["ETag"]
    ask = [{"IfMatch": etag}, {"IfMatch": '"x"'}, {"IfNoneMatch": etag}, {"IfNoneMatch": '"x"'}]
    return [
        outcome(lambda given=given: seen(s3.get_object(Bucket=bucket, Key="conditions", **given)))
        for given in ask
    ]


@check
def conditional_write(s3, bucket):
    put(s3, bucket, "only-new")
    return outcome(lambda: put(s3, bucket, "only-new", IfNoneMatch="*"))


@check
def missing_key(s3, bucket):
    return [
        outcome(lambda: s3.get_object(Bucket=bucket, Key="nowhere")),
        outcome(lambda: s3.head_object(Bucket=bucket, Key="nowhere")),
    ]


@check
def checksums(s3, bucket):
    answers = []
    for name in ("CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"):
        put(s3, bucket, f"sum-{name}", ChecksumAlgorithm=name)
        answers.append(seen(s3.get_object(Bucket=bucket, Key=f"sum-{name}", ChecksumMode="ENABLED")))
    return answers


@check
def wrong_checksum(s3, bucket):
    wrong = base64.b64encode(b"\0\0\0\1").decode()
    first = outcome(lambda: put(s3, bucket, "wrong", ChecksumCRC32=wrong))
    return (brief(first), brief(outcome(lambda: s3.head_object(Bucket=bucket, Key="wrong"))))


@check
def content_md5(s3, bucket):
    good = base64.b64encode(hashlib.md5(b"0123456789").digest()).decode()
    bad = base64.b64encode(hashlib.md5(b"x").digest()).decode()
    return [
        outcome(lambda: put(s3, bucket, "md5", ContentMD5=good)["ETag"]),
        brief(outcome(lambda: put(s3, bucket, "md5-bad", ContentMD5=bad))),
    ]


@check
def tags(s3, bucket):
    put(s3, bucket, "tags", Tagging="a=b&c=d")
    before = seen(s3.get_object_tagging(Bucket=bucket, Key="tags"))
    s3.put_object_tagging(Bucket=bucket, Key="tags", Tagging={"TagSet": [{"Key": "x", "Value": "y"}]})
    after = seen(s3.get_object_tagging(Bucket=bucket, Key="tags"))
    s3.delete_object_tagging(Bucket=bucket, Key="tags")
    return [before, after, seen(s3.get_object_tagging(Bucket=bucket, Key="tags"))]


@check
def acl(s3, bucket):
    put(s3, bucket, "acl")
    return outcome(lambda: seen(s3.get_object_acl(Bucket=bucket, Key="acl")))


@check
def attributes(s3, bucket):
    put(s3, bucket, "attributes", ChecksumAlgorithm="SHA256")
    wanted = ["ETag", "Checksum", "ObjectSize", "StorageClass"]
    return outcome(
        lambda: seen(s3.get_object_attributes(Bucket=bucket, Key="attributes", ObjectAttributes=wanted))
    )


@check
def list_v2(s3, bucket):
    for key in ("l/a", "l/b/c", "l/b/d", "l/e"):
        put(s3, bucket, key)
    pages = []
    for more in ({}, {"Delimiter": "/"}, {"MaxKeys": 2}, {"StartAfter": "l/b"}):
        answer = seen(s3.list_objects_v2(Bucket=bucket, Prefix="l/", **more))
        pages.append(
            (
                [entry["Key"] for entry in answer.get("Contents", [])],
                [entry["Prefix"] for entry in answer.get("CommonPrefixes", [])],
                answer["IsTruncated"],
                answer["KeyCount"],
            )
        )
    return pages


@check
def list_v1(s3, bucket):
    for key in ("m/a", "m/b"):
        put(s3, bucket, key)
    answer = seen(s3.list_objects(Bucket=bucket, Prefix="m/", MaxKeys=1))
    return ([entry["Key"] for entry in answer["Contents"]], answer["IsTruncated"], answer["Prefix"])


@check
def copy(s3, bucket):
    put(s3, bucket, "copy from +", b"copied", Metadata={"m": "n"})
    source = {"Bucket": REAL.get(bucket, bucket), "Key": "copy from +"}
    s3.copy_object(Bucket=bucket, Key="copy-to", CopySource=source)
    s3.copy_object(
        Bucket=bucket, Key="copy-new", CopySource=source, MetadataDirective="REPLACE", Metadata={"z": "1"}
    )
    return [seen(s3.get_object(Bucket=bucket, Key=key)) for key in ("copy-to", "copy-new")]


@check
def delete_many(s3, bucket):
    for key in ("d/1", "d/2 &<x>", "d/3"):
        put(s3, bucket, key)
    named = [{"Key": "d/1"}, {"Key": "d/2 &<x>"}]
    deleted = s3.delete_objects(Bucket=bucket, Delete={"Objects": named})
    left = s3.list_objects_v2(Bucket=bucket, Prefix="d/")
    return (
        sorted(entry["Key"] for entry in deleted["Deleted"]),
        [entry["Key"] for entry in left["Contents"]],
    )


@check
def delete_one(s3, bucket):
    put(s3, bucket, "gone")
    status = s3.delete_object(Bucket=bucket, Key="gone")["ResponseMetadata"]["HTTPStatusCode"]
    return (status, outcome(lambda: s3.head_object(Bucket=bucket, Key="gone"))[:2])


@check
def multipart(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="multi", ContentType="a/b")["UploadId"]
    parts = []
    for number, body in ((1, PART), (2, b"tail")):
        answer = s3.upload_part(Bucket=bucket, Key="multi", UploadId=upload, PartNumber=number, Body=body)
        parts.append({"PartNumber": number, "ETag": answer["ETag"]})
    listed = s3.list_parts(Bucket=bucket, Key="multi", UploadId=upload)["Parts"]
    done = s3.complete_multipart_upload(
        Bucket=bucket, Key="multi", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    head = seen(s3.head_object(Bucket=bucket, Key="multi"))
    second = outcome(lambda: seen(s3.get_object(Bucket=bucket, Key="multi", PartNumber=2)))
    return ([part["Size"] for part in listed], done["ETag"], head, second)


@check
def abort_multipart(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="aborted")["UploadId"]
    s3.abort_multipart_upload(Bucket=bucket, Key="aborted", UploadId=upload)
    refused = outcome(lambda: s3.list_parts(Bucket=bucket, Key="aborted", UploadId=upload))
    return refused[:3]


@check
def copy_part(s3, bucket):
    put(s3, bucket, "part-source", b"0123456789")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="from-part")["UploadId"]
    answer = s3.upload_part_copy(
        Bucket=bucket, Key="from-part", UploadId=upload, PartNumber=1,
        CopySource={"Bucket": REAL.get(bucket, bucket), "Key": "part-source"}, CopySourceRange="bytes=2-5",
    )  # fmt: skip
    parts = [{"PartNumber": 1, "ETag": answer["CopyPartResult"]["ETag"]}]
    s3.complete_multipart_upload(
        Bucket=bucket, Key="from-part", UploadId=upload, MultipartUpload={"Parts": parts}
    )
    return s3.get_object(Bucket=bucket, Key="from-part")["Body"].read()


@check
def customer_key(s3, bucket):
    key = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": "k" * 32}
    put(s3, bucket, "sealed", **key)
    return [
        outcome(lambda: seen(s3.get_object(Bucket=bucket, Key="sealed", **key))),
        outcome(lambda: seen(s3.get_object(Bucket=bucket, Key="sealed"))),
    ]


@check
def overridden_headers(s3, bucket):
    put(s3, bucket, "override")
    return seen(
        s3.get_object(
            Bucket=bucket,
            Key="override",
            ResponseContentType="x/y",
            ResponseContentDisposition='attachment; filename="a b"',
        )
    )


@check
def presigned(s3, bucket):
    put(s3, bucket, "presigned +%", b"signed")
    url = s3.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "presigned +%"})
    with urllib.request.urlopen(url) as answer:
        return (answer.status, answer.read())


@check
def presigned_upload(s3, bucket):
    url = s3.generate_presigned_url("put_object", Params={"Bucket": bucket, "Key": "put-by-url"})
    request = urllib.request.Request(url, data=b"by url", method="PUT", headers={"Content-Type": "x/z"})
    with urllib.request.urlopen(request) as answer:
        assert answer.status == 200
    return seen(s3.get_object(Bucket=bucket, Key="put-by-url"))


@check
def empty_object(s3, bucket):
    put(s3, bucket, "empty", b"")
    return seen(s3.get_object(Bucket=bucket, Key="empty"))


@check
def streamed_upload(s3, bucket):
    import io

    s3.upload_fileobj(io.BytesIO(PART * 2), bucket, "streamed")
    return hashlib.sha256(s3.get_object(Bucket=bucket, Key="streamed")["Body"].read()).hexdigest()


@check
def location(s3, bucket):
    return outcome(lambda: seen(s3.get_bucket_location(Bucket=bucket)))


@check
def head_bucket(s3, bucket):
    return s3.head_bucket(Bucket=bucket)["ResponseMetadata"]["HTTPStatusCode"]


@check
def uploads(s3, bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="listed-upload")["UploadId"]
    answer = s3.list_multipart_uploads(Bucket=bucket, Prefix="listed-")
    s3.abort_multipart_upload(Bucket=bucket, Key="listed-upload", UploadId=upload)
    return [entry["Key"] for entry in answer["Uploads"]]


NASTY_KEYS = (
    "a b", "a+b", "a=b", "a//b", "//a", "a/../b", "a/./b", "..", "a%2Fb", "a%252Fb", "\U0001f980",
    "a&b?c#d", "a'\"<>b",
    "a\\b", "caf\u00e9", "cafe\u0301", "~tilde-_.!*()", "x" * 1024, "\u00fc" * 512, "a;b,c:d@e$f[g]{h}|i^j`k",
)  # fmt: skip


@check
def nasty_keys(s3, bucket):
    answers = []
    for key in NASTY_KEYS:

        def round_trip(key=key):
            put(s3, bucket, key, key.encode())
            return s3.get_object(Bucket=bucket, Key=key)["Body"].read().decode()

        answers.append((key, outcome(round_trip)))
    return answers


@check
def nasty_keys_listed(s3, bucket):
    for key in NASTY_KEYS:
        outcome(lambda key=key: put(s3, bucket, f"nasty/{key[:900]}"))
    listed = s3.list_objects_v2(Bucket=bucket, Prefix="nasty/").get("Contents", [])
    return [entry["Key"] for entry in listed]


# For access points: the name of the bucket behind, which a copy must name.
REAL: dict[str, str] = {}


# The questions that read objects' bodies, which an Object Lambda access point may transform.
READS = frozenset(
    {
        "plain_object", "ranges", "conditions", "checksums", "copy", "multipart", "copy_part", "customer_key",
        "overridden_headers", "presigned", "presigned_upload", "empty_object", "streamed_upload",
        "nasty_keys", "missing_key",
    }
)  # fmt: skip


def ask_everything(s3: Any, bucket: str, leave_out: frozenset[str] = frozenset()) -> dict[str, Any]:
    """Every answer by the name of its question; only those of this file, whoever has added others."""
    return {
        name: outcome(lambda function=function: function(s3, bucket))
        for name, function in CHECKS.items()
        if name not in leave_out and function.__module__ == __name__
    }
