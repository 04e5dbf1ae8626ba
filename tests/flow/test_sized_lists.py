"""Lists with the sizes of results over the whole road: what is asked, what runs, what is refused."""

import asyncio
import json
from dataclasses import replace

import pytest
from tests.fakes.road import ACCOUNT, HOST, open_road, request

from onread.errors import ServiceUnavailable, SlowDown
from onread.metadata.records import ListSizes, RangeHandling
from onread.wire.message import BytesBody

LIST = "?list-type=2"


class Place:
    """An access point with sized lists; its function doubles what it reads, and never answers ``bad``."""

    def __init__(self, road):
        self.road = road
        self.ran = []

    async def function(self, event):
        context, headers = event["getObjectContext"], []
        url = context["inputS3Url"].removeprefix(f"http://{HOST}")
        original = await self.road.send(request("GET", url, BytesBody(b""), [("Host", HOST)]))
        self.ran.append(original.body.decode())
        if original.body == b"bad":
            return  # without an answer
        headers = [(f"x-amz-request-{name}", context[f"output{name.title()}"]) for name in ("route", "token")]
        write = self.road.signed(
            "POST",
            "/WriteGetObjectResponse",
            original.body * 2,
            headers=tuple(headers),
            service="s3-object-lambda",
        )
        await self.road.send(write)

    async def sizes(self, query=LIST, key=None):
        answer = await self.road.call("GET", f"/{self.alias}{query}", **({"key": key} if key else {}))
        if answer.status != 200:
            return answer.code
        entries = answer.body.decode().split("<Contents>")[1:]
        return {
            entry.partition("<Key>")[2].partition("</Key>")[0]: entry.partition("<Size>")[2].partition("<")[0]
            for entry in entries
        }


def run(tmp_path, story, **objects):
    place = Place(None)

    async def told():
        async with asyncio.timeout(60), open_road(tmp_path / "data", place.function) as road:
            place.road = road
            await road.call("PUT", "/bucket")
            for key, content in objects.items():
                await road.call("PUT", f"/bucket/{key}", content.encode())
            point = await road.access_point("point", "bucket")
            place.alias = (await road.olap("olap", point, await road.function("f"))).alias
            await road.records.object_lambda_settings.update(
                ACCOUNT,
                "olap",
                lambda settings: replace(
                    settings, range_handling=RangeHandling.SLICE, list_sizes=ListSizes.TRANSFORMED
                ),
            )
            return await story(place)

    return asyncio.run(told()), place


def test_a_list_runs_what_is_not_kept_and_nothing_twice(tmp_path):
    async def story(place):
        first = await place.sizes()
        head = await place.road.call("HEAD", f"/{place.alias}/b")
        assert head.headers.get("content-length") == "10"
        return first, await place.sizes()

    (first, again), place = run(tmp_path, story, a="1", b="12345")
    assert first == again == {"a": "2", "b": "10"}
    assert sorted(place.ran) == ["1", "12345"]


def test_a_failure_is_listed_as_the_original_and_not_tried_again_for_a_while(tmp_path):
    async def story(place):
        lists = [await place.sizes() for _ in range(3)]
        read = await place.road.call("GET", f"/{place.alias}/b")
        return lists, read.code

    (lists, code), place = run(tmp_path, story, a="1", b="bad")
    assert lists == [{"a": "2", "b": ""}] * 3  # the store of this test tells no sizes
    assert place.ran.count("bad") == 2  # by one list, and by the read
    assert code == "LambdaResponseNotReceived"


def test_a_list_needs_what_reading_needs(tmp_path):
    everything = ["s3:*", "s3-object-lambda:*", "lambda:InvokeFunction"]

    def policy(denied):
        allow = {"Effect": "Allow", "Action": everything, "Resource": "*"}
        deny = [{"Effect": "Deny", "Action": denied, "Resource": "*"}] if denied else []
        return json.dumps({"Version": "2012-10-17", "Statement": [allow, *deny]})

    async def story(place):
        told = {}
        for name, denied in (
            ("none", None),
            ("get", "s3-object-lambda:GetObject"),
            ("invoke", "lambda:InvokeFunction"),
            ("original", "s3:GetObject"),
        ):
            told[name] = await place.sizes(key=await place.road.user(name, policy(denied)))
        return told

    told, place = run(tmp_path, story, a="1")
    assert told == {
        "none": {"a": "2"},
        "get": "AccessDenied",
        "invoke": "LambdaPermissionError",
        "original": {"a": ""},
    }
    assert place.ran == ["1"]


def test_each_key_is_asked_about_at_the_access_point_before_anything_runs(tmp_path):
    tagged = {"StringEquals": {"s3:ExistingObjectTag/class": "secret"}}
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    secrets = {"Effect": "Deny", "Action": "s3-object-lambda:GetObject", "Resource": "*", "Condition": tagged}

    async def look_up(named):
        return {"class": "secret"} if named.key == "b" else {}

    async def story(place):
        road = place.road
        road.pipeline = replace(
            road.pipeline, authorize=replace(road.pipeline.authorize, look_up_tags=look_up)
        )
        document = json.dumps({"Version": "2012-10-17", "Statement": [everything, secrets]})
        key = await road.user("careful", document)
        return await place.sizes(key=key), (await road.call("GET", f"/{place.alias}/b", key=key)).code

    told, place = run(tmp_path, story, a="1", b="12345")
    assert told == ({"a": "2", "b": ""}, "AccessDenied")  # the store of this test tells no sizes
    assert place.ran == ["1"]


@pytest.mark.parametrize("ill", [SlowDown(), ServiceUnavailable()])
def test_a_store_that_does_not_answer_ends_the_page_before_the_key(tmp_path, ill):
    async def story(place):
        store = place.road.store
        execute = store.execute

        async def sometimes(call, scope):
            if call.operation == "HeadObject" and call.params["Key"] == stuck:
                raise ill
            return await execute(call, scope)

        store.execute = sometimes
        stuck = "b"
        answer = (await place.road.call("GET", f"/{place.alias}{LIST}")).body.decode()
        stuck = "a"
        return answer, await place.sizes()

    (answer, none), _ = run(tmp_path, story, a="1", b="12345")
    assert "<Key>a</Key>" in answer
    assert "<Key>b</Key>" not in answer
    assert "<IsTruncated>true</IsTruncated>" in answer
    assert "<NextContinuationToken>onread-after." in answer
    assert none == "SlowDown"
