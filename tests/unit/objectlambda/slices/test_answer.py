"""Which part of a kept result answers a read: a naive slice of the bytes is the judge."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.object_lambda import read_call, request

from onread.errors import InvalidPartNumber, InvalidRange, InvalidRequest, NotModified, PreconditionFailed
from onread.objectlambda.slices.answer import choose, describe, read_wanted
from onread.wire.message import Headers

MADE_AT = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
NONCE = "0123456789abcdef" * 2
ETAG = f'"{NONCE}-1"'


def asked(operation="GetObject", headers=(), query="", **params):
    call = read_call(operation=operation, params={"Key": "k", **params})
    target = f"/k?{query}" if query else "/k"
    return replace(call, request=replace(request(), target=target, headers=Headers(headers)))


def answer(call, size_bytes=100, **members):
    about = describe(members, made_at=MADE_AT)
    return choose(call, read_wanted(call), nonce=NONCE, about=about, size_bytes=size_bytes)


def test_the_whole_result_has_a_strong_tag_of_its_own_and_no_length_before_it_is_known():
    given_by_function = {"ETag": '"x"', "ContentRange": "bytes 0-1/2", "PartsCount": 3, "ContentType": "t"}
    chosen = answer(asked(), **given_by_function)
    assert (chosen.start, chosen.stop, chosen.status) == (0, 100, 200)
    assert chosen.members == {
        "ContentType": "t",
        "LastModified": MADE_AT,
        "ETag": ETAG,
        "AcceptRanges": "bytes",
        "ContentLength": 100,
    }
    unknown = answer(asked(), size_bytes=None)
    assert unknown.stop is None
    assert "ContentLength" not in unknown.members


def test_times_and_metadata_survive_what_json_can_say():
    expires = datetime(2031, 1, 1, tzinfo=UTC)
    metadata = {"$time": "1", "name": "ü"}
    members = answer(asked(), Expires=expires, LastModified=expires, Metadata=metadata).members
    assert (members["Expires"], members["LastModified"], members["Metadata"]) == (expires, expires, metadata)


@given(
    size=st.integers(0, 50),
    first=st.one_of(st.none(), st.integers(0, 60)),
    last=st.one_of(st.none(), st.integers(0, 60)),
)
def test_ranges_are_those_of_the_bytes(size, first, last):
    content = bytes(range(size))
    text = f"bytes={'' if first is None else first}-{'' if last is None else last}"
    if first is None:
        expected = content[max(0, size - last) :] if last is not None else content
    else:
        expected = content[first : None if last is None else last + 1]
    ignored = (first is None and last is None) or (None not in (first, last) and first > last)
    call = asked(Range=text)
    if ignored:
        chosen = answer(call, size)
        assert (chosen.status, content[chosen.start : chosen.stop]) == (200, content)
    elif not expected:
        with pytest.raises(InvalidRange):
            answer(call, size)
    else:
        chosen = answer(call, size)
        assert (chosen.status, content[chosen.start : chosen.stop]) == (206, expected)
        assert chosen.members["ContentLength"] == len(expected)
        assert chosen.members["ContentRange"] == f"bytes {chosen.start}-{chosen.stop - 1}/{size}"


def test_a_range_may_come_as_a_parameter():
    assert answer(asked(query="Range=bytes%3D1-2")).members["ContentRange"] == "bytes 1-2/100"


def test_only_what_depends_on_the_size_waits_for_it():
    assert not read_wanted(asked()).sized
    assert not read_wanted(asked(Range="lines=1-2")).sized
    for call in (asked("HeadObject"), asked(Range="bytes=0-"), asked(PartNumber=1)):
        assert read_wanted(call).sized


def test_a_result_is_one_part():
    chosen = answer(asked(PartNumber=1))
    assert (chosen.status, chosen.members["ContentRange"]) == (206, "bytes 0-99/100")
    assert answer(asked(PartNumber=1), size_bytes=0).status == 200
    with pytest.raises(InvalidPartNumber):
        answer(asked(PartNumber=2))
    with pytest.raises(InvalidRequest):
        read_wanted(asked(PartNumber=1, Range="bytes=0-1"))


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 206),
        ('"other"', 200),
        (f"W/{ETAG}", 200),
        ("Wed, 02 Jan 2030 03:04:05 GMT", 206),
        ("Wed, 02 Jan 2030 03:04:06 GMT", 200),
        ("nonsense", 200),
    ],
)
def test_if_range_takes_the_range_only_of_the_same_bytes(condition, status):
    assert answer(asked(Range="bytes=0-1", headers=[("If-Range", condition)])).status == status


def test_conditions_are_asked_before_ranges():
    second = timedelta(seconds=1)
    for params, refusal in (
        ({"IfMatch": '"other"'}, PreconditionFailed),
        ({"IfUnmodifiedSince": MADE_AT - second}, PreconditionFailed),
        ({"IfNoneMatch": ETAG}, NotModified),
        ({"IfModifiedSince": MADE_AT}, NotModified),
    ):
        with pytest.raises(refusal):
            answer(asked(Range="bytes=900-", **params))
    assert answer(asked(IfMatch=ETAG, IfModifiedSince=MADE_AT - second)).status == 200


def test_a_checksum_is_of_the_whole_result_and_only_for_who_asks():
    given_by_function = {"ChecksumCRC32": "AAAAAA==", "ChecksumType": "FULL_OBJECT"}
    assert "ChecksumCRC32" in answer(asked(ChecksumMode="ENABLED"), **given_by_function).members
    for call in (asked(), asked(ChecksumMode="ENABLED", Range="bytes=0-1")):
        assert not {"ChecksumCRC32", "ChecksumType"} & answer(call, **given_by_function).members.keys()
