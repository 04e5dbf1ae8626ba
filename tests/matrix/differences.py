"""Answers that are not the store's own, by store (``*``: of any) and question, each with its reason."""

import fnmatch

_NEGATIVE = (
    "the store takes `max-keys=-1`; onread refuses what is no count with `InvalidArgument`, as AWS does"
)
_CHECKSUM = "the store does not look at checksums; onread does, and refuses a wrong one"
_LONG = (
    "the store takes keys of more than 1,024 bytes; onread refuses them with `KeyTooLongError`, as AWS does"
)
_TAGS = "`InvalidTag` from the store for eleven tags, AWS's `BadRequest` from onread"

DIFFERENCES: dict[tuple[str, str], str] = {
    ("moto", "wrong_checksum"): _CHECKSUM,
    ("moto", "content_md5"): _CHECKSUM,
    ("SeaweedFS", "tags_too_many"): _TAGS,
    ("moto", "list_negative"): _NEGATIVE,
    ("moto", "a_key_too_long"): _LONG,
    ("moto", "nasty_keys_listed"): _LONG,
    ("Ceph RGW", "list_negative"): _NEGATIVE,
    ("Ceph RGW", "a_key_too_long"): "`InvalidObjectName` from the store, AWS's `KeyTooLongError` from onread",
    (
        "Ceph RGW",
        "tags_too_many",
    ): "`InvalidTag` from the store for eleven tags, AWS's `BadRequest` from onread",
    (
        "Ceph RGW",
        "location",
    ): "the store names its placement, onread the gateway's Region: clients sign for it",
    (
        "Ceph RGW",
        "wrong_checksum",
    ): _CHECKSUM,
}

_NAMED = "the store names a wrong or malformed checksum in other words; onread refuses it in AWS's"
_EXPECT = (
    "`Expect` of another thing than `100-continue`: the store overlooks it, onread answers 417, as HTTP says"
)
_DATES = "the store wants dates in one form; onread reads both, and signs anew"
_EXPIRES = "a URL valid for no seconds or too many: 403 from the store, 400 with a reason from onread"
_WORDS = {
    "test_object_checksums.py::*::test_bad_checksum": _NAMED,
    "test_object_checksums.py::*::test_mpu_upload_part_bad_checksum": _NAMED,
    "test_object_checksums.py::*::test_invalid_base64_*": _NAMED,
}
_FORMS = "forms that browsers post are no operation of onread's"
_OLD = "the request is signed as AWS did before 2014 (version 2), which onread refuses"

_ANYBODY = "ACLs let nobody in: without a signature a request is refused, as where AWS has them disabled"

LEFT_OUT: dict[tuple[str, str], tuple[str, str]] = {
    ("moto", "Swift's s3api"): (
        "versioning",
        "moto fails when a delete marker is deleted, so no case after one can clear its buckets away",
    ),
}
"""Cases of public suites that a store cannot have run: whose names have this in them, and why."""

CONFORMANCE: dict[tuple[str, str], dict[str, str]] = {
    ("SeaweedFS", "Swift's s3api"): _WORDS,
    ("Ceph RGW", "Swift's s3api"): _WORDS,
    ("moto", "Swift's s3api"): {
        "test_object_checksums.py::*": _CHECKSUM,
        "test_service.py::*": "moto gives its answers no `x-amz-request-id`; onread's bear one",
    },
    ("SeaweedFS", "s3-tests"): {
        "*::test_bucket_create_bad_expect_empty": _EXPECT,
        "*::test_object_create_bad_expect_empty": _EXPECT,
        "*::test_object_create_*amz_date*": _DATES,
        "*::test_object_create_bad_md5_invalid_short": _NAMED,
        "*::test_object_raw_get_x_amz_expires_out_range_zero": _EXPIRES,
        "*::test_put_excess_tags": _TAGS,
    },
    ("Ceph RGW", "s3-tests"): {
        "*::test_bucket_create_bad_date_*_aws2": _OLD,
        "*::test_*_create_bad_expect_*": _EXPECT,
        "*::test_object_create_*amz_date*": _DATES,
        "*::test_object_raw_get_x_amz_expires_out_*": _EXPIRES,
        "*::test_object_raw_put_authenticated_expired": _EXPIRES,
        "*::test_100_continue": _ANYBODY,
        "*::test_post_object_tags_*": _FORMS,
        "*::test_put_excess_tags": _TAGS,
    },
}
"""Cases of public suites that do not end alike, as patterns, by store and suite: each with its reason."""


def reasons(store: str, suite: str, case: str) -> list[tuple[str, str]]:
    """The patterns that fit a case, each with its reason."""
    known = CONFORMANCE.get((store, suite), {})
    return [(pattern, reason) for pattern, reason in known.items() if fnmatch.fnmatchcase(case, pattern)]
