"""What a function is shown when its result will be kept, and the name of that result."""

from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fakes.object_lambda import FUNCTION, NOW, read_call, request

from onread.metadata.records import ObjectLambdaSettings, RangeHandling
from onread.objectlambda.admission import admit
from onread.objectlambda.slices.request import (
    Source,
    access_point_tag,
    draw_for,
    function_tag,
    result_name,
    whole_read,
)
from onread.wire.message import Headers

KEY = b"k" * 32
SOURCE = Source(etag='"e"', version_id="v", last_modified="now", size="1")
SLICED = ObjectLambdaSettings(range_handling=RangeHandling.SLICE)


def read(target="/k", headers=(("Host", "h"),), method="GET", **changes):
    call = read_call(params={"Key": "k", **changes.pop("params", {})}, settings=SLICED)
    asked = replace(request(), target=target, headers=Headers(headers), method=method)
    return replace(call, request=asked, **changes)


def name(call, function=FUNCTION, source=SOURCE, key=KEY):
    return result_name(admit(whole_read(call), lambda *_: function), source, key=key)


@pytest.mark.parametrize(
    "call",
    [
        read(operation="HeadObject", method="HEAD"),
        read(headers=[("Host", "h"), ("Range", "bytes=0-1")], params={"Range": "bytes=0-1"}),
        read("/k?partNumber=2", params={"PartNumber": 2}),
        read("/k?x-id=GetObject&Range=bytes%3D0-1"),
        read("/k?X-Amz-Signature=s&X-Amz-Date=d&X-Amz-Credential=c"),
        read(headers=[("host", "h"), ("If-Match", "x"), ("if-range", "x")], params={"IfMatch": "x"}),
        read(headers=[("User-Agent", "a"), ("Host", "h"), ("amz-sdk-invocation-id", "1")]),
        read(headers=[("Host", "h"), ("Authorization", "a"), ("X-Amz-Date", "d")]),
        read(headers=[("Host", "h"), ("Accept-Encoding", "gzip"), ("traceparent", "t")]),
        read(headers=[("Host", "h"), ("X-Forwarded-For", "f"), ("Sec-Fetch-Mode", "cors")]),
        read(request_id="another"),
    ],
)
def test_what_differs_between_requests_for_the_same_bytes_is_not_in_the_name(call):
    assert name(call) == name(read())
    shown = whole_read(call)
    assert shown.request.target == "/k"
    assert [(name, value) for name, value in shown.request.headers if name == "Host"] == [("Host", "h")]
    assert "Range" not in shown.params
    assert "PartNumber" not in shown.params


@pytest.mark.parametrize(
    "call",
    [
        read("/other", params={"Key": "other"}),
        read("/k?width=300"),
        read("/k?versionId=2", params={"VersionId": "2"}),
        read(headers=[("Host", "h"), ("X-Tenant", "a")]),
        read(headers=[("Host", "h"), ("Accept", "image/webp")]),
        read(headers=[("Host", "h"), ("Cookie", "c")]),
        read(headers=[("Host", "other")]),
        read(principal=replace(read().principal, access_key_id="AKIAANOTHERKEY000001")),
        read(principal=replace(read().principal, principal_id="AIDAANOTHER")),
        read(access_point=replace(read().access_point, created_at=NOW + timedelta(seconds=1))),
        read(access_point=replace(read().access_point, configuration="{}")),
        read(supporting=replace(read().supporting, bucket="another")),
    ],
)
def test_whatever_the_function_sees_is_in_the_name(call):
    assert name(call) != name(read())


def test_a_source_a_function_and_a_key_of_another_kind_make_another_name():
    names = [name(read())]
    names += [name(read(), source=replace(SOURCE, **{part: "x"})) for part in ("etag", "version_id", "size")]
    names += [name(read(), source=replace(SOURCE, last_modified="later"))]
    names += [name(read(), replace(FUNCTION, environment={"A": "1"}))]
    names += [name(read(), replace(FUNCTION, code_sha256="1" * 64))]
    names += [name(read(), key=b"o" * 32)]
    assert len(set(names)) == len(names)


def test_a_name_tells_nothing_and_bears_the_tags_of_what_made_it():
    call = read("/secret-name", params={"Key": "secret-name"})
    parts = name(call).split("-")
    assert parts[:2] == [
        access_point_tag(call.access_point, call.supporting, key=KEY),
        function_tag(FUNCTION, key=KEY),
    ]
    assert set(name(call)) <= set("0123456789abcdef-")


def test_slices_of_one_caller_are_of_one_version_whatever_they_ask_for():
    """An alias with weights draws anew for each read elsewhere; parts of two versions are no object."""
    ranged = read(headers=[("Host", "h"), ("Range", "bytes=0-1")])
    assert draw_for(whole_read(ranged), key=KEY) == draw_for(whole_read(read()), key=KEY)
    draws = [draw_for(whole_read(read(f"/{number}")), key=KEY) for number in range(400)]
    assert all(0 <= draw < 1 for draw in draws)
    assert 100 < sum(draw < 0.5 for draw in draws) < 300
