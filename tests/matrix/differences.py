"""Answers that are not the store's own, by store (``*``: of any) and question, each with its reason."""

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

CONFORMANCE: dict[tuple[str, str], dict[str, str]] = {}
"""Cases of public suites that do not end alike, by store and suite: each with its reason."""
