"""Tags as S3 takes them: of buckets and objects, from a document or from ``x-amz-tagging``. Does no IO.

Source: Amazon S3 User Guide, "Categorizing your objects using tags"; API Reference, PutBucketTagging.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qsl

from onread.errors import BadRequest, InvalidArgument, InvalidTag, S3Error

MOST_OBJECT_TAGS = 10
MOST_BUCKET_TAGS = 50
LONGEST_KEY = 128
LONGEST_VALUE = 256

Tags = dict[str, str]

# "Letters, numbers, and spaces representable in UTF-8, and the following characters: + - = . _ : / @"
_ALLOWED = re.compile(r"[\w \t.:/=+\-@]*", re.UNICODE)


def read_tag_set(tag_set: Sequence[Mapping[str, str]], most: int) -> Tags:
    """The tags of a document, in their order.

    Raises:
        BadRequest: there are too many.
        InvalidTag: one cannot be, or a key comes twice.
    """
    if len(tag_set) > most:
        kind = "Object" if most == MOST_OBJECT_TAGS else "Bucket"
        raise BadRequest(f"{kind} tags cannot be greater than {most}")
    return _checked(((tag.get("Key", ""), tag.get("Value", "")) for tag in tag_set), InvalidTag)


def read_tagging_header(text: str) -> Tags:
    """The tags of ``x-amz-tagging``: ``a=1&b=2``, percent-encoded.

    Raises:
        InvalidArgument: it cannot be read, or a key comes twice.
        BadRequest, InvalidTag: as for a document.
    """
    unreadable = InvalidArgument(
        "The header 'x-amz-tagging' shall be encoded as UTF-8 then URLEncoded URL query parameters without "
        "tag name duplicates.",
        ArgumentName="x-amz-tagging",
        ArgumentValue=text[:200],
    )
    try:
        # One more than there may be, so that too many are told apart from unreadable ones.
        if text.count("&") >= MOST_OBJECT_TAGS:
            raise BadRequest(f"Object tags cannot be greater than {MOST_OBJECT_TAGS}")
        pairs = parse_qsl(text, keep_blank_values=True, strict_parsing=False, errors="strict")
    except ValueError as error:
        raise unreadable from error
    if len({key for key, _ in pairs}) != len(pairs):
        raise unreadable
    return _checked(pairs, InvalidTag)


def tag_set(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """The tags as a document's list."""
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def _checked(pairs: Iterable[tuple[str, str]], refusal: type[S3Error]) -> Tags:
    tags: Tags = {}
    for key, value in pairs:
        if not 1 <= len(key) <= LONGEST_KEY or not _ALLOWED.fullmatch(key):
            raise refusal("The TagKey you have provided is invalid", TagKey=key[:LONGEST_KEY])
        if len(value) > LONGEST_VALUE or not _ALLOWED.fullmatch(value):
            raise refusal(
                "The TagValue you have provided is invalid", TagKey=key, TagValue=value[:LONGEST_VALUE]
            )
        if key.lower().startswith("aws:"):
            raise refusal("System tags cannot be added/updated by requester")
        if key in tags:
            raise refusal("Cannot provide multiple Tags with the same key", TagKey=key)
        tags[key] = value
    return tags
