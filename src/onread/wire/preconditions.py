"""The conditions a request puts on the object it names: go on, 304 or 412.

Owns RFC 9110's order of evaluation. Takes parsed members in AWS's names (``IfMatch``), so the same
rule serves requests and the source of a copy (``CopySourceIfMatch``).
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from onread.errors import NoSuchKey, NotModified, PreconditionFailed
from onread.wire.dates import format_http_date


def check_preconditions(
    params: Mapping[str, Any],
    *,
    etag: str | None,
    modified_at: datetime | None,
    reading: bool,
    prefix: str = "",
) -> None:
    """Return when every condition that counts is met.

    Args:
        params: ``IfMatch`` and ``IfNoneMatch`` as text, ``IfModifiedSince`` and
            ``IfUnmodifiedSince`` as aware datetimes; each may be absent or None.
        etag: the current object's, with or without quotes; None when there is no object.
        modified_at: when the current object was written; None when there is no object.
        reading: GET and HEAD, which answer "not modified"; False for writes and copy sources.
        prefix: ``CopySource`` for the conditions on the source of a copy.

    Raises:
        PreconditionFailed: 412, with the name of the condition.
        NotModified: 304; its fields ``ETag`` and ``LastModified`` are the headers to send with it.
        NoSuchKey: a write with If-Match, and there is no object. AWS: "the operation fails with a
            404 Not Found error" (S3 User Guide, conditional writes).

    Source: RFC 9110 section 13.2.2; Amazon S3 API Reference, GetObject and PutObject.
    """
    if_match, if_none_match = params.get(prefix + "IfMatch"), params.get(prefix + "IfNoneMatch")
    if if_match is not None:
        if etag is None and not reading:
            raise NoSuchKey
        if not _matches(if_match, etag, weakly=False):
            raise PreconditionFailed(Condition="If-Match")
    elif _is_later(modified_at, params.get(prefix + "IfUnmodifiedSince")):
        raise PreconditionFailed(Condition="If-Unmodified-Since")

    if if_none_match is not None:
        if _matches(if_none_match, etag, weakly=True):
            _refuse("If-None-Match", etag, modified_at, reading=reading)
    elif _is_unchanged(modified_at, params.get(prefix + "IfModifiedSince")) and (reading or prefix):
        # Only GET and HEAD evaluate If-Modified-Since (RFC 9110), and CopyObject on its source (S3).
        _refuse("If-Modified-Since", etag, modified_at, reading=reading)


def _refuse(condition: str, etag: str | None, modified_at: datetime | None, *, reading: bool) -> None:
    if not reading:
        raise PreconditionFailed(Condition=condition)
    not_modified = NotModified()
    if etag is not None:
        not_modified.fields["ETag"] = f'"{_opaque(etag)}"'
    if modified_at is not None:
        not_modified.fields["LastModified"] = format_http_date(modified_at)
    raise not_modified


def _matches(condition: str, etag: str | None, *, weakly: bool) -> bool:
    """Whether an object's entity tag is among those a header lists; ``*`` is any object."""
    if etag is None:
        return False
    if condition.strip() == "*":
        return True
    ours = _opaque(etag)
    for listed in condition.split(","):  # S3's entity tags hold no comma
        tag = listed.strip()
        if tag.startswith("W/"):
            if not weakly:  # "two entity tags are not equivalent if either is weak", section 8.8.3.2
                continue
            tag = tag[2:]
        if _opaque(tag) == ours:
            return True
    return False


def _opaque(tag: str) -> str:
    # S3 takes entity tags with and without their quotes.
    return tag[1:-1] if len(tag) >= 2 and tag[0] == tag[-1] == '"' else tag


def _is_later(modified_at: datetime | None, limit: datetime | None) -> bool:
    return modified_at is not None and limit is not None and _second(modified_at) > _second(limit)


def _is_unchanged(modified_at: datetime | None, since: datetime | None) -> bool:
    return modified_at is not None and since is not None and _second(modified_at) <= _second(since)


def _second(moment: datetime) -> datetime:
    # Callers compare with the Last-Modified they were told, which has whole seconds.
    return moment.astimezone(UTC).replace(microsecond=0)
