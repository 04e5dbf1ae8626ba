import asyncio
from contextlib import suppress

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread.errors import LambdaTimeout
from onread.objectlambda.response import FunctionReportedError
from onread.objectlambda.watch import TransformWatch
from onread.telemetry.metrics import Metrics


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "delivered"),
        (FunctionReportedError("AnyCodeAtAll", 403, "m"), "reported_error"),
        (LambdaTimeout(), "LambdaTimeout"),
        (asyncio.CancelledError(), "caller_left"),
        (ConnectionResetError(), "caller_left"),
    ],
)
def test_the_way_out_is_the_outcome(error, outcome):
    metrics = Metrics()

    async def case():
        with suppress(BaseException), TransformWatch(metrics, "my-olap"):
            if error is not None:
                raise error

    run_in_virtual_time(case())
    assert f'outcome="{outcome}"}} 1.0' in metrics.exposition().decode()


def test_each_stage_lasts_from_the_mark_before():
    metrics = Metrics()

    async def case():
        with TransformWatch(metrics, "my-olap") as watch:
            await asyncio.sleep(1)
            watch.mark("queue")
            await asyncio.sleep(2)
            watch.mark("run")
            watch.first_byte()
            await asyncio.sleep(3)

    run_in_virtual_time(case())
    text = metrics.exposition().decode()
    for stage, seconds in (("queue", 1), ("run", 2), ("first_byte", 3), ("total", 6)):
        assert f'onread_transform_stage_seconds_sum{{stage="{stage}"}} {seconds}.0' in text
