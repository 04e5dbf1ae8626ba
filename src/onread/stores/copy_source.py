"""The source of a copy, as one header names it; read once, by whoever authorises and whoever copies."""

from dataclasses import dataclass
from urllib.parse import unquote_to_bytes

from onread.errors import InvalidArgument, NotImplemented


@dataclass(frozen=True, slots=True)
class CopySource:
    """An object to copy from; ``key`` is decoded."""

    bucket: str
    key: str
    version_id: str | None


def parse_copy_source(text: str) -> CopySource:
    """What ``x-amz-copy-source`` names: ``/bucket/key?versionId=id``, percent-encoded, decoded once.

    Raises:
        InvalidArgument: it names no bucket and key, or is not UTF-8.
        NotImplemented: it is an access point's ARN.

    Source: Amazon S3 API Reference, CopyObject: "The value must be URL-encoded".
    """
    path, _, version_id = text.partition("?versionId=")
    if path.removeprefix("/").startswith("arn:"):
        raise NotImplemented(
            "A copy source that is an access point's ARN is not implemented; name the bucket."
        )
    try:
        # A question mark of the key's own is always encoded, so the version was cut off before.
        decoded = unquote_to_bytes(path.encode("latin-1")).decode("utf-8")
    except UnicodeError as error:
        raise _invalid(text) from error
    bucket, _, key = decoded.removeprefix("/").partition("/")
    if not bucket or not key:
        raise _invalid(text)
    return CopySource(bucket, key, version_id or None)


def _invalid(text: str) -> InvalidArgument:
    return InvalidArgument(
        "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
        ArgumentName="x-amz-copy-source",
        ArgumentValue=text,
    )
