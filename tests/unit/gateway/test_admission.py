import asyncio
from contextlib import AsyncExitStack

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread.addressing.address import (
    AliasAddress,
    BucketAddress,
    ControlAddress,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
)
from onread.errors import SlowDown
from onread.gateway.admission import Admission, target_of, weight_bytes
from onread.gateway.gate import AdmissionLimits
from onread.telemetry.metrics import Metrics
from onread.wire.message import BytesBody, Headers, IteratorBody, Request

MIB = 1 << 20
BUCKET = BucketAddress("bucket")
KNOWN = "AKIAKNOWN"


def a_request(method="GET", length=0, peer="192.0.2.1"):
    body = BytesBody(b"")
    body.length_bytes = length
    return Request(method=method, target="/", host="h", headers=Headers(), body=body, peer=peer)


def an_admission(**limits):
    metrics = Metrics()
    admission = Admission(
        AdmissionLimits(**limits),
        is_known=lambda access_key_id: access_key_id.startswith(KNOWN),
        clock=lambda: asyncio.get_running_loop().time(),
        metrics=metrics,
    )
    return admission, metrics


async def hold(admission, leave, key=KNOWN, came_in=None):
    """Be in flight until told to leave."""
    async with AsyncExitStack() as scope:
        await admission.admit(a_request(), BUCKET, key, scope)
        if came_in is not None:
            came_in.append(key)
        await leave.wait()


async def turn():
    """Let every task that can go on do so."""
    for _ in range(10):
        await asyncio.sleep(0)


@pytest.mark.parametrize(
    ("method", "length", "address", "weight"),
    [
        ("GET", 0, BUCKET, MIB // 2),
        ("PUT", 5 << 30, BUCKET, MIB // 2),
        ("GET", 0, ObjectLambdaAccessPointAddress("n", "0" * 12), MIB),
        ("GET", 0, AliasAddress("n"), MIB),
        ("POST", 2 * MIB, BUCKET, 4 * MIB + 65536),
        ("POST", 1 << 40, BUCKET, 8 * MIB + 65536),
        ("POST", 0, BUCKET, MIB // 2),
        ("GET", 0, ServiceAddress("lambda"), 65536),
        ("POST", 1000, ServiceAddress("lambda"), 65536 + 2000),
        ("POST", 50 * MIB, ServiceAddress("lambda"), 65536 + 100 * MIB),
        ("POST", None, ServiceAddress("lambda"), 65536 + 140 * MIB),
        ("PUT", 100 * MIB, ControlAddress(None), 65536 + MIB // 2),
        ("POST", 100 * MIB, ServiceAddress("iam"), 65536 + MIB // 2),
    ],
)
def test_a_request_weighs_what_it_may_hold(method, length, address, weight):
    assert weight_bytes(a_request(method, length), address) == weight


@pytest.mark.parametrize(
    ("address", "target"),
    [
        (ObjectLambdaAccessPointAddress("name", "0" * 12), "name"),
        (AliasAddress("name-abc--ol-s3"), "name-abc--ol-s3"),
        (AliasAddress("name.olap"), "name.olap"),
        (AliasAddress("name-abc-s3alias"), ""),
        (BUCKET, ""),
        (ServiceAddress("lambda"), ""),
    ],
)
def test_only_an_object_lambda_access_point_can_be_busy_by_itself(address, target):
    assert target_of(address) == target


def test_R042_with_no_room_it_is_refused_within_a_second_and_told_when_to_come_back():
    async def main():
        admission, metrics = an_admission(in_flight=1)
        loop, leave = asyncio.get_running_loop(), asyncio.Event()
        async with asyncio.TaskGroup() as group:
            group.create_task(hold(admission, leave))
            await turn()
            began = loop.time()
            with pytest.raises(SlowDown) as refused:
                await hold(admission, leave)
            assert loop.time() - began <= 1
            assert refused.value.retry_after_seconds == 1
            leave.set()
        assert metrics.registry.get_sample_value("onread_admission_refused_total") == 1
        assert (admission.gate.in_flight, admission.gate.remembered) == (0, 0)

    run_in_virtual_time(main())


def test_the_gauges_tell_who_is_in_and_who_waits():
    async def main():
        admission, metrics = an_admission(in_flight=1)
        leave = asyncio.Event()

        def gauges():
            names = ("onread_requests_in_flight", "onread_admission_waiting")
            return [metrics.registry.get_sample_value(name) for name in names]

        async with asyncio.TaskGroup() as group:
            for _ in range(3):
                group.create_task(hold(admission, leave))
            await turn()
            assert gauges() == [1, 2]
            leave.set()
        assert gauges() == [0, 0]

    run_in_virtual_time(main())


def test_an_invented_key_buys_no_turn_of_its_own():
    async def main():
        admission, _ = an_admission(in_flight=1)
        leave, came_in = asyncio.Event(), []
        async with asyncio.TaskGroup() as group:
            group.create_task(hold(admission, leave))
            await turn()
            for key in ("AKIAINVENTED1", "AKIAINVENTED2", None, KNOWN + "2"):
                group.create_task(hold(admission, leave, key, came_in))
            await turn()
            leave.set()
        assert came_in == ["AKIAINVENTED1", KNOWN + "2", "AKIAINVENTED2", None]

    run_in_virtual_time(main())


@pytest.mark.parametrize("at_this_very_moment", [False, True])
def test_a_caller_who_leaves_the_queue_takes_no_room_with_it(at_this_very_moment):
    async def main():
        admission, _ = an_admission(in_flight=1)
        leave = asyncio.Event()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(hold(admission, leave))
            await turn()
            second = group.create_task(hold(admission, leave))
            await turn()
            if at_this_very_moment:
                first.cancel()
                await asyncio.sleep(0)  # its place has been given to the second, which does not know yet
                assert admission.gate.in_flight == 1
            second.cancel()
            await turn()
            leave.set()
        assert (admission.gate.in_flight, len(admission.gate.waiting), admission.gate.remembered) == (0, 0, 0)

    run_in_virtual_time(main())


def test_a_body_of_unknown_length_is_not_touched():
    async def never():
        raise AssertionError("the body was read")
        yield b""

    async def main():
        admission, _ = an_admission(in_flight=1)
        sent = a_request("POST")
        sent.body = IteratorBody(never())
        async with AsyncExitStack() as scope:
            await admission.admit(sent, ServiceAddress("lambda"), KNOWN, scope)
            assert admission.gate.held_bytes == 65536 + 140 * MIB

    run_in_virtual_time(main())
