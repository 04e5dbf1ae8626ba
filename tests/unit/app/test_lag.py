import asyncio
import time

from onread.app.lag import watching_lag
from onread.telemetry.metrics import Metrics


def test_R047_a_loop_that_is_held_shows_in_its_lag():
    metrics = Metrics()

    def samples():
        (family,) = metrics.loop_lag_seconds.collect()
        return {sample.name.rpartition("_")[2]: sample.value for sample in family.samples}

    async def main():
        async with watching_lag(metrics):
            async with asyncio.timeout(20):
                while samples()["count"] < 2:  # noqa: ASYNC110 (a histogram tells nobody)
                    await asyncio.sleep(0.01)
            before = samples()
            held_until = time.monotonic() + 0.3
            while time.monotonic() < held_until:
                pass
            async with asyncio.timeout(20):
                while samples()["count"] == before["count"]:  # noqa: ASYNC110
                    await asyncio.sleep(0.01)
            assert samples()["sum"] - before["sum"] > 0.15

    asyncio.run(main())
    assert samples()["count"] >= 3
