import asyncio
import threading
from concurrent.futures import Future

import pytest

from onread.errors import InternalError, ServiceUnavailable
from onread.stores.local.workers import Workers, settle


def run_cancelled(scenario):
    """Run ``scenario(workers)`` with one worker, and close it."""

    async def main():
        workers = Workers(1)
        try:
            await scenario(workers)
        finally:
            workers.close()

    asyncio.run(main())


def test_work_that_has_begun_is_finished_before_the_cancellation_goes_on():
    begun, go_on, done = threading.Event(), threading.Event(), []

    def work():
        begun.set()
        go_on.wait(10)
        done.append(True)

    async def scenario(workers):
        async with asyncio.TaskGroup() as group:
            task = group.create_task(workers.run(work))
            await asyncio.to_thread(begun.wait, 10)
            task.cancel()
            await asyncio.sleep(0)
            task.cancel()  # a second one does not break the wait
            await asyncio.sleep(0)
            assert not task.done()
            go_on.set()
        assert task.cancelled()
        assert done == [True]

    run_cancelled(scenario)


@pytest.mark.parametrize("may_drop", [True, False])
def test_work_that_has_not_begun_is_dropped_unless_it_may_not_be(may_drop):
    go_on, done = threading.Event(), []

    async def scenario(workers):
        first = workers.submit(go_on.wait, 10)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(settle(workers.submit(done.append, True), may_drop=may_drop))
            await asyncio.sleep(0)
            task.cancel()
            await asyncio.sleep(0)
            go_on.set()
        assert task.cancelled()
        assert await settle(first)
        assert done == ([] if may_drop else [True])

    run_cancelled(scenario)


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (OSError(28, "full"), ServiceUnavailable),
        (OSError(5, "broken"), InternalError),
        (MemoryError(), ServiceUnavailable),
    ],
)
def test_faults_of_the_disk_are_errors_of_the_service(fault, error):
    def work():
        raise fault

    async def scenario(workers):
        with pytest.raises(error) as raised:
            await workers.run(work)
        assert raised.value.__cause__ is fault

    run_cancelled(scenario)


def test_a_result_that_is_there_already_is_given():
    async def main():
        future = Future()
        future.set_result(5)
        assert await settle(future) == 5

    asyncio.run(main())
