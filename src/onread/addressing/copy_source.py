"""What a copy reads: ``x-amz-copy-source`` taken apart, decoded exactly once.

Source: Amazon S3 API Reference, CopyObject, ``x-amz-copy-source``.
"""

import re
from dataclasses import dataclass
from urllib.parse import quote_from_bytes, unquote_to_bytes

from onread.addressing.arn import parse_access_point_arn
from onread.addressing.names import OBJECT_LAMBDA_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX
from onread.errors import InvalidArgument, NotImplemented

_VERSION_ID = "?versionId="
# What every store reads alike: some decode it, or see further parameters in it, or trim it.
_VERSION = re.compile(r"[A-Za-z0-9._~:/=-]+")
_NOT_THROUGH_OBJECT_LAMBDA = "A copy cannot read through an Object Lambda access point; name its bucket."


@dataclass(frozen=True, slots=True, kw_only=True)
class CopySource:
    """An object to copy from.

    ``container`` is a bucket's name, an alias, or a standard access point's ARN; ``key`` is decoded.
    """

    container: str
    key: str
    version_id: str | None


def parse_copy_source(text: str) -> CopySource:
    """``BUCKET/KEY`` or an access point's ``ARN/object/KEY``, with or without ``?versionId=`` behind it.

    Args:
        text: as on the wire, URL-encoded; a leading slash is allowed.

    Raises:
        InvalidArgument, InvalidRequest: it names no object.
        NotImplemented: it reads through an Object Lambda access point.
    """
    encoded, mark, version_id = text.partition(_VERSION_ID)
    if mark and not version_id:
        raise InvalidArgument("Version id cannot be the empty string", ArgumentName="x-amz-copy-source")
    if mark and not _VERSION.fullmatch(version_id):
        raise InvalidArgument("Invalid version id specified", ArgumentName="x-amz-copy-source")
    try:
        # Once: what is still encoded after that is part of the key.
        source = unquote_to_bytes(encoded.encode("latin-1")).decode().removeprefix("/")
    except UnicodeError as error:
        raise InvalidArgument("The copy source is not UTF-8.", ArgumentName="x-amz-copy-source") from error
    by_arn = source.startswith("arn:")
    container, _, key = source.partition("/object/" if by_arn else "/")
    if not container or not key:
        raise InvalidArgument(
            "Copy Source must mention the source bucket and key: sourcebucket/sourcekey",
            ArgumentName="x-amz-copy-source",
            ArgumentValue=text[:1024],
        )
    if by_arn:
        container = _standard_access_point(container)
    elif container.endswith((OBJECT_LAMBDA_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX)):
        raise NotImplemented(_NOT_THROUGH_OBJECT_LAMBDA)
    return CopySource(container=container, key=key, version_id=version_id or None)


def copy_source_text(source: CopySource) -> str:
    """As it stands on the wire: the inverse of `parse_copy_source`."""
    text = quote_from_bytes(f"{source.container}/{source.key}".encode(), safe="/-_.~")
    return text if source.version_id is None else f"{text}{_VERSION_ID}{source.version_id}"


def _standard_access_point(text: str) -> str:
    if parse_access_point_arn(text).service == "s3-object-lambda":
        raise NotImplemented(_NOT_THROUGH_OBJECT_LAMBDA)
    return text.replace(":accesspoint:", ":accesspoint/")
