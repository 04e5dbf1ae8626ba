"""Overload on the road: who is told to slow down, how, and that functions are never told so."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace

import pytest
from tests.fakes.road import HOST, ROOT, open_road, request

from onread.control.lambda_invoke import LambdaInvokeOperations
from onread.errors import TooManyRequestsException
from onread.gateway.admission import Admission
from onread.gateway.background import Background
from onread.gateway.gate import AdmissionLimits
from onread.gateway.turning_away import TurningAway
from onread.telemetry.metrics import Metrics
from onread.wire.message import BytesBody, IteratorBody


def run(tmp_path, story, **options):
    async def told():
        async with asyncio.timeout(20), open_road(tmp_path / "data", **options) as road:
            await road.call("PUT", "/bucket")
            await road.call("PUT", "/bucket/key", b"content")
            return await story(road)

    return asyncio.run(told())


def callers_of(road, **limits):
    """The road as callers find it; the road itself is the functions'."""
    admission = Admission(
        AdmissionLimits(**limits),
        is_known=lambda access_key_id: road.records.access_key(access_key_id) is not None,
        clock=asyncio.get_running_loop().time,
        metrics=Metrics(),
    )
    return replace(road, pipeline=replace(road.pipeline, admission=admission)), admission.gate


async def never_read():
    raise AssertionError("the body was read")
    yield b""


FULL = {"in_flight": 1, "patience_seconds": 0.05}


def test_R042_whoever_finds_no_room_gets_slow_down_and_its_body_stays_unread(tmp_path):
    async def story(road):
        callers, gate = callers_of(road, **FULL)
        async with AsyncExitStack() as scope:
            held = callers.signed("GET", "/bucket/key")
            await scope.enter_async_context(callers.pipeline.handle(held))
            refused = await callers.call("PUT", "/bucket/other", payload=IteratorBody(never_read(), 10))
        answered = await callers.call("GET", "/bucket/key")
        return refused, answered, gate.in_flight

    refused, answered, in_flight = run(tmp_path, story)
    assert (refused.status, refused.code) == (503, "SlowDown")
    assert refused.headers.get("retry-after") == "1"
    assert refused.headers.get("x-amz-request-id")
    assert (answered.status, in_flight) == (200, 0)


@pytest.mark.parametrize(
    ("service", "target", "status", "code"),
    [
        ("lambda", "/2015-03-31/functions", 429, b"TooManyRequestsException"),
        ("iam", "/", 400, b"<Code>Throttling</Code>"),
        ("s3", "/v20180820/accesspoint", 503, b"<Code>SlowDown</Code>"),
    ],
)
def test_each_service_says_slow_down_in_its_own_words(tmp_path, service, target, status, code):
    async def story(road):
        callers, _ = callers_of(road, **FULL)
        async with AsyncExitStack() as scope:
            await scope.enter_async_context(callers.pipeline.handle(callers.signed("GET", "/bucket/key")))
            return await callers.call("POST", target, payload=IteratorBody(never_read(), 10), service=service)

    refused = run(tmp_path, story)
    assert (refused.status, refused.headers.get("retry-after")) == (status, "1")
    assert code in refused.body + (refused.headers.get("x-amzn-errortype") or "").encode()


def test_a_request_that_fails_gives_its_place_back(tmp_path):
    async def story(road):
        callers, gate = callers_of(road, **FULL)
        nobody = await callers.call("GET", "/bucket/key", key=("AKIANOBODY", "x"))
        liar = await callers.call("GET", "/bucket/key", key=(ROOT[0], "not the secret"))
        missing = await callers.call("GET", "/bucket/none")
        return [answer.code for answer in (nobody, liar, missing)], gate.in_flight, gate.remembered

    codes, in_flight, remembered = run(tmp_path, story)
    assert codes == ["InvalidAccessKeyId", "SignatureDoesNotMatch", "NoSuchKey"]
    assert (in_flight, remembered) == (0, 0)


def test_T114_a_caller_who_leaves_gives_its_place_back(tmp_path):
    async def story(road):
        callers, gate = callers_of(road, **FULL)

        async def leaves():
            async with callers.pipeline.handle(callers.signed("GET", "/bucket/key")):
                raise asyncio.CancelledError

        with pytest.raises(asyncio.CancelledError):
            await leaves()
        return gate.in_flight

    assert run(tmp_path, story) == 0


def test_R042_an_event_counts_as_in_flight_until_its_run_is_over(tmp_path):
    over, seen = asyncio.Event(), []

    async def function(event):
        seen.append(event)
        await over.wait()

    async def story(road):
        await road.function("f")
        callers, gate = callers_of(road, in_flight=4, patience_seconds=0.05)
        path = "/2015-03-31/functions/f/invocations"
        counts = []

        async def invoke(event):
            headers = (("x-amz-invocation-type", "Event"),)
            answer = await callers.call("POST", path, event, headers=headers, service="lambda")
            counts.append((answer.status, gate.in_flight, gate.held_bytes > len(event)))

        async with Background() as background:
            control = LambdaInvokeOperations(
                road.records, invoker=road.invoker, spawn=background.spawn, pause=background.pause
            )
            table = {("lambda", name): serve for name, serve in control.operations().items()}
            dispatch = replace(callers.pipeline.dispatch, control=table)
            callers.pipeline = replace(callers.pipeline, dispatch=dispatch)
            for _ in range(4):  # one key may have three quarters of the places
                await invoke(b"[" + b"0," * 1000 + b"0]")
            over.set()
        return counts, gate.in_flight, gate.held_bytes

    counts, in_flight, held_bytes = run(tmp_path, story, function=function)
    assert counts == [(202, 1, True), (202, 2, True), (202, 3, True), (429, 3, True)]
    assert (len(seen), in_flight, held_bytes) == (3, 0, 0)


def test_an_event_that_nobody_takes_gives_its_place_back(tmp_path):
    async def story(road):
        scope = AsyncExitStack()
        left = []
        scope.callback(left.append, "left")
        async with Background(limit=0) as background, scope:
            with pytest.raises(TooManyRequestsException):
                background.spawn(asyncio.Event().wait, scope.pop_all)
            assert left == []
        return left

    assert run(tmp_path, story) == ["left"]


@pytest.mark.parametrize("in_flight", [1, 2, 5])
def test_R048_with_every_place_taken_by_waiting_readers_their_functions_still_read_and_write(
    tmp_path, in_flight
):
    """Twice as many transformed reads as places: each needs two requests more, and every one ends."""
    seen = {}

    async def function(event):
        context, road = event["getObjectContext"], seen["road"]
        url = context["inputS3Url"].removeprefix(f"http://{HOST}")
        original = await road.send(request("GET", url, BytesBody(b""), [("Host", HOST)]))
        headers = (
            ("x-amz-request-route", context["outputRoute"]),
            ("x-amz-request-token", context["outputToken"]),
        )
        write = road.signed(
            "POST",
            "/WriteGetObjectResponse",
            original.body.upper(),
            headers=headers,
            key=seen["keys"][:2],
            session_token=seen["keys"][2],
            service="s3-object-lambda",
        )
        await road.send(write)

    async def story(road):
        made = await road.function("f")
        olap = await road.olap("reader", await road.access_point("point", "bucket"), made)
        road.live.add("environment-1")
        seen["road"] = road
        seen["keys"] = road.function_keys(made, "environment-1")
        callers, gate = callers_of(road, in_flight=in_flight)
        async with asyncio.TaskGroup() as group:
            reads = [
                group.create_task(callers.call("GET", f"/{olap.alias}/key")) for _ in range(2 * in_flight)
            ]
        return [read.result().body for read in reads], gate.in_flight

    bodies, left = run(tmp_path, story, function=function)
    assert (bodies, left) == ([b"CONTENT"] * 2 * in_flight, 0)


def test_R042_whoever_is_turned_away_at_the_door_is_told_what_the_road_would_tell(tmp_path):
    """The quick answer is made once, the road's for each: but for the path they are the same."""

    async def story(road):
        metrics = Metrics()
        turning_away = TurningAway(metrics, host_id=road.pipeline.host_id, placeholder="the-id")
        callers, _ = callers_of(road)
        asked = callers.signed("GET", "/bucket/key")
        asked.turned_away = True
        slow = await callers.send(asked)
        [request_id] = turning_away([asked.peer])
        quick = turning_away.answer
        own_words = [
            callers.signed("PUT", "/bucket/key", b"content"),
            callers.signed("HEAD", "/bucket/key"),
            callers.signed("GET", "/2015-03-31/functions", service="lambda"),
            callers.signed("GET", "/bucket/key", headers=(("origin", "https://example.com"),)),
        ]
        assert turning_away.suits(asked)
        assert not any(map(turning_away.suits, own_words))
        counted = {
            name: metrics.registry.get_sample_value(name, labels)
            for name, labels in (
                ("onread_admission_refused_total", {}),
                ("onread_requests_total", {"service": "s3", "operation": "unknown", "status": "503"}),
            )
        }
        return slow, request_id, quick, counted

    slow, request_id, quick, counted = run(tmp_path, story)
    assert (slow.status, slow.code) == (503, "SlowDown")
    assert (quick.status, len(request_id)) == (503, 36)
    slow_id = slow.headers.get("x-amz-request-id")
    as_slow = [(name.lower(), value.replace("the-id", slow_id)) for name, value in quick.headers]
    assert sorted(as_slow) == sorted((name.lower(), value) for name, value in slow.headers)
    expected = slow.body.replace(b"<Resource>/bucket/key</Resource>", b"")
    assert quick.body.replace(b"the-id", slow_id.encode()) == expected
    assert set(counted.values()) == {1}
