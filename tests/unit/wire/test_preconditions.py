"""`onread.wire.preconditions`: RFC 9110 section 13.2.2, row by row."""

from datetime import UTC, datetime, timedelta

import pytest

from onread.errors import NoSuchKey, NotModified, PreconditionFailed
from onread.wire.preconditions import check_preconditions

ETAG = "d41d8cd98f00b204e9800998ecf8427e"
WRITTEN = datetime(2026, 1, 2, 3, 4, 5, 678_000, tzinfo=UTC)
BEFORE, SAME, AFTER = (WRITTEN.replace(microsecond=0) + timedelta(seconds=n) for n in (-1, 0, 1))


def outcome(reading=True, etag=ETAG, modified_at=WRITTEN, prefix="", **params):
    try:
        check_preconditions(params, etag=etag, modified_at=modified_at, reading=reading, prefix=prefix)
    except PreconditionFailed as failed:
        return failed.fields["Condition"]
    except NotModified:
        return 304
    return "go on"


@pytest.mark.parametrize("tag", [ETAG, f'"{ETAG}"', "*", f'"other", "{ETAG}"', f" {ETAG} "])
def test_a_listed_entity_tag_matches(tag):
    for reading in (True, False):
        assert outcome(reading, IfMatch=tag) == "go on"
    assert outcome(IfNoneMatch=tag) == 304
    assert outcome(reading=False, IfNoneMatch=tag) == "If-None-Match"


@pytest.mark.parametrize("tag", ["", '"', '""', "other", f'"{ETAG}-2"', ETAG[:-1], f'"{ETAG}', ","])
def test_another_entity_tag_does_not_match(tag):
    for reading in (True, False):
        assert outcome(reading, IfMatch=tag) == "If-Match"
        assert outcome(reading, IfNoneMatch=tag) == "go on"


def test_a_weak_tag_matches_weakly_only():
    assert outcome(IfMatch=f'W/"{ETAG}"') == "If-Match"
    assert outcome(IfNoneMatch=f'W/"{ETAG}"') == 304


def test_no_condition_is_met():
    assert outcome() == "go on"
    assert outcome(IfMatch=None, IfNoneMatch=None, IfModifiedSince=None, IfUnmodifiedSince=None) == "go on"


@pytest.mark.parametrize(("since", "expected"), [(BEFORE, "go on"), (SAME, 304), (AFTER, 304)])
def test_if_modified_since_counts_whole_seconds(since, expected):
    assert outcome(IfModifiedSince=since) == expected


@pytest.mark.parametrize(
    ("since", "expected"), [(BEFORE, "If-Unmodified-Since"), (SAME, "go on"), (AFTER, "go on")]
)
def test_if_unmodified_since_counts_whole_seconds(since, expected):
    assert outcome(IfUnmodifiedSince=since) == expected
    assert outcome(reading=False, IfUnmodifiedSince=since) == expected


def test_writes_ignore_if_modified_since():
    assert outcome(reading=False, IfModifiedSince=AFTER) == "go on"


def test_if_match_outweighs_if_unmodified_since():
    assert outcome(IfMatch=ETAG, IfUnmodifiedSince=BEFORE) == "go on"
    assert outcome(IfMatch="other", IfUnmodifiedSince=AFTER) == "If-Match"


def test_if_none_match_outweighs_if_modified_since():
    assert outcome(IfNoneMatch="other", IfModifiedSince=AFTER) == "go on"
    assert outcome(IfNoneMatch=ETAG, IfModifiedSince=BEFORE) == 304


def test_what_fails_comes_before_what_is_unchanged():
    assert outcome(IfMatch="other", IfNoneMatch=ETAG) == "If-Match"
    assert outcome(IfUnmodifiedSince=BEFORE, IfModifiedSince=AFTER) == "If-Unmodified-Since"


def test_a_write_where_there_is_no_object():
    absent = {"reading": False, "etag": None, "modified_at": None}
    assert outcome(**absent, IfNoneMatch="*") == "go on"
    assert outcome(**absent, IfNoneMatch=ETAG) == "go on"
    assert outcome(**absent, IfUnmodifiedSince=BEFORE, IfModifiedSince=AFTER) == "go on"
    with pytest.raises(NoSuchKey):
        outcome(**absent, IfMatch=ETAG)
    assert outcome(reading=True, etag=None, modified_at=None, IfMatch="*") == "If-Match"


def test_the_source_of_a_copy_fails_where_a_read_is_unchanged():
    source = {"reading": False, "prefix": "CopySource"}
    assert outcome(**source, CopySourceIfNoneMatch=ETAG) == "If-None-Match"
    assert outcome(**source, CopySourceIfModifiedSince=AFTER) == "If-Modified-Since"
    assert outcome(**source, CopySourceIfModifiedSince=BEFORE) == "go on"
    assert outcome(**source, CopySourceIfMatch="other") == "If-Match"
    assert outcome(**source, IfMatch="other") == "go on"


def test_304_carries_the_headers_that_a_cache_needs():
    with pytest.raises(NotModified) as caught:
        check_preconditions({"IfNoneMatch": "*"}, etag=ETAG, modified_at=WRITTEN, reading=True)
    assert caught.value.fields == {"ETag": f'"{ETAG}"', "LastModified": "Fri, 02 Jan 2026 03:04:05 GMT"}
    with pytest.raises(NotModified) as caught:
        check_preconditions({"IfNoneMatch": "*"}, etag=f'"{ETAG}"', modified_at=None, reading=True)
    assert caught.value.fields == {"ETag": f'"{ETAG}"'}
    with pytest.raises(NotModified) as caught:
        check_preconditions({"IfModifiedSince": AFTER}, etag=None, modified_at=WRITTEN, reading=True)
    assert caught.value.fields == {"LastModified": "Fri, 02 Jan 2026 03:04:05 GMT"}
