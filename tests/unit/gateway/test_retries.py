"""R-044: a crowd that is told to slow down and comes again, politely or not; in virtual time."""

import asyncio
import random
from contextlib import AsyncExitStack

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread.addressing.address import BucketAddress
from onread.errors import SlowDown
from onread.gateway.admission import Admission
from onread.gateway.gate import AdmissionLimits
from onread.telemetry.metrics import Metrics
from onread.wire.message import BytesBody, Headers, Request

CLIENTS, PLACES, SERVICE_SECONDS, LASTS_SECONDS = 400, 8, 0.1, 4.0
CAPACITY = PLACES / SERVICE_SECONDS


@pytest.mark.parametrize(
    "pause",
    [lambda chance: 1 + chance.random(), lambda _: 0.05],
    ids=["as Retry-After says, with jitter", "at once"],
)
def test_R044_a_crowd_that_comes_again_takes_nothing_from_what_is_served(pause):
    """Five times as many as can be served; neither way of coming again makes the served ones fewer."""
    chance, served, hints = random.Random(44), [0] * CLIENTS, set()

    async def client(number, admission):
        request = Request(
            method="GET",
            target="/",
            host="h",
            headers=Headers(),
            body=BytesBody(b""),
            peer=f"192.0.2.{number % 20}",
        )
        while True:
            async with AsyncExitStack() as scope:
                try:
                    await admission.admit(request, BucketAddress("bucket"), None, scope)
                    await asyncio.sleep(SERVICE_SECONDS)
                    served[number] += 1
                    continue
                except SlowDown as refused:
                    hints.add(refused.retry_after_seconds)
            await asyncio.sleep(pause(chance))

    async def main():
        admission = Admission(
            AdmissionLimits(in_flight=PLACES, waiting=100),
            is_known=lambda _: False,
            clock=lambda: asyncio.get_running_loop().time(),
            metrics=Metrics(),
        )
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(client(number, admission)) for number in range(CLIENTS)]
            await asyncio.sleep(LASTS_SECONDS)
            for task in tasks:
                task.cancel()

    run_in_virtual_time(main())
    assert hints == {1}
    assert sum(served) >= 0.9 * CAPACITY * LASTS_SECONDS
    peers = [sum(served[peer::20]) for peer in range(20)]
    assert min(peers) > 0.5 * max(peers)
