"""How a supervisor fills a worker's place again: at once, after a pause, or not at all. Time is virtual."""

import asyncio

import pytest
from tests.fakes.virtual_time import run_in_virtual_time

from onread.app.workers import DataDirectory
from onread.cli.supervisor import Supervisor
from onread.config import load_settings
from onread.server.service_manager import Notifier


class Worker:
    """A worker that serves after a moment and leaves its place after ``lives_seconds``."""

    def __init__(self, share, lives_seconds, *, serves=True, drains=False, status=1):
        self.index, self.generation = share.index, share.generation
        self.ready, self.leaving, self.ended = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.was_ready, self.drains = False, False
        self._lives_seconds, self._status = lives_seconds, status
        self._serves, self._drains = serves, drains

    async def wait(self):
        if self._serves:
            self.was_ready = True
            self.ready.set()
        await asyncio.sleep(self._lives_seconds)
        self.drains = self._drains
        self.leaving.set()
        self.ready.set()
        return self._status

    def end(self):
        self.leaving.set()


class Place:
    """One place under a supervisor, and when a worker was started in it."""

    def __init__(self, make, *, all_ready=True):
        self.starts, self._make = [], make
        self.directory = DataDirectory(root_key=None)
        settings = load_settings({}, {"ONREAD_WORKERS": "1"})
        self.supervisor = Supervisor(
            settings, lambda: settings, Notifier({}), self.directory, start=self._start
        )
        self.supervisor._fronts = ["a socket"]
        if all_ready:
            self.supervisor._all_ready.set()

    async def _start(self, settings, share, front, gather):
        self.starts.append(asyncio.get_running_loop().time())
        if len(self.starts) == self._wanted:
            self._enough.set()
        return self._make(share)

    async def keep_until(self, starts):
        async with asyncio.TaskGroup() as tasks:
            keeping = tasks.create_task(self.supervisor._keep(0, tasks))
            self._wanted, self._enough = starts, asyncio.Event()
            keeping.add_done_callback(lambda _: self._enough.set())
            await self._enough.wait()
            self.supervisor._told.set()

    @property
    def pauses(self):
        return [
            round(later - earlier, 1) for earlier, later in zip(self.starts, self.starts[1:], strict=False)
        ]


def test_the_pause_before_a_worker_that_dies_at_once_doubles_up_to_ten_seconds():
    async def main():
        place = Place(lambda share: Worker(share, 0.0))
        await place.keep_until(11)
        return place

    place = run_in_virtual_time(main())
    assert place.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 6.4, 10.0, 10.0, 10.0]
    assert not place.directory.clean


def test_a_worker_that_has_lived_is_replaced_at_once_and_its_failures_are_forgotten():
    lives = iter([0.0, 0.0, 6.0, 0.0, 0.0])

    async def main():
        place = Place(lambda share: Worker(share, next(lives)))
        await place.keep_until(5)
        return place

    assert run_in_virtual_time(main()).pauses == [0.1, 0.2, 6.0, 0.1]


def test_a_worker_that_drains_is_replaced_at_once_however_short_it_lived():
    async def main():
        place = Place(lambda share: Worker(share, 0.0, drains=True, status=0))
        await place.keep_until(4)
        return place

    place = run_in_virtual_time(main())
    assert place.pauses == [0.0, 0.0, 0.0]
    assert place.directory.clean


def test_every_worker_in_a_place_has_a_generation_of_its_own():
    made = []

    async def main():
        place = Place(lambda share: made.append(share.generation) or Worker(share, 0.0, drains=True))
        await place.keep_until(3)

    run_in_virtual_time(main())
    assert made[:3] == [0, 1, 2]


@pytest.mark.parametrize(("all_ready", "starts"), [(False, 1), (True, 3)])
def test_R052_a_worker_that_cannot_start_ends_a_start_and_no_gateway_that_serves(all_ready, starts):
    async def main():
        place = Place(lambda share: Worker(share, 0.0, serves=False), all_ready=all_ready)
        await place.keep_until(3)
        return place

    place = run_in_virtual_time(main())
    assert len(place.starts) == starts
    assert place.supervisor._failed == ("" if all_ready else "worker 0 did not start")
