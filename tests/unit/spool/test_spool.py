"""Results by name: made once for all who wait, in however many workers."""

import asyncio
import itertools
from contextlib import AsyncExitStack
from datetime import UTC, datetime

import pytest

from onread.errors import InternalError, LambdaTimeout, ServiceError, SlowDown
from onread.spool.folder import BLOCK_BYTES, Folder
from onread.spool.result import ResultBody
from onread.spool.spool import Spool
from onread.telemetry.metrics import Metrics

NAME = "tag-digest"
BLOCK = bytes(range(256)) * (BLOCK_BYTES // 256)
PIECE = BLOCK * 4  # what is written at once


class Maker:
    """Writes blocks as fast as the test lets it."""

    def __init__(self, pieces=3, *, sized=True, kept=True, error=None, held=False):
        self.pieces = pieces
        self.sized = sized
        self.kept = kept
        self.error = error
        self.runs = 0
        self.go = asyncio.Event()
        if not held:
            self.go.set()

    async def __call__(self, writing):
        self.runs += 1
        await writing.tell({"run": self.runs}, self.pieces * len(PIECE) + 1 if self.sized else None)
        for index in range(self.pieces):
            if index == 1:
                await self.go.wait()
                if self.error:
                    raise self.error
            await writing.write(PIECE)
        await writing.write(b"!")
        await writing.end()
        return self.kept


class Workers:
    """Spools on one folder, as the workers of one gateway have them."""

    def __init__(self, path, scope, **settings):
        self.path = path
        self.scope = scope
        self.wanted = frozenset({"tag"})
        self.settings = {"limit_bytes": 100 * BLOCK_BYTES, "max_age_seconds": 60, **settings}
        self.numbers = itertools.count()

    async def spool(self):
        folder = Folder(self.path, now=lambda: datetime.now(UTC).timestamp(), **self.settings)
        spool = Spool(
            folder,
            metrics=Metrics(),
            random_bytes=lambda size: next(self.numbers).to_bytes(size, "big"),
            wanted=lambda: self.wanted,
            patience_seconds=5,
            max_age_seconds=self.settings["max_age_seconds"],
        )
        return await self.scope.enter_async_context(spool)


@pytest.fixture
def run(tmp_path):
    def running(story, **settings):
        async def told():
            async with asyncio.timeout(30), AsyncExitStack() as scope:
                await story(Workers(tmp_path / "spool", scope, **settings))

        asyncio.run(told())

    return running


async def read(spool, maker, start=0, stop=None):
    async with spool.use(NAME, maker) as result:
        told = await result.begun(soon(), sized=stop is not None)
        body = ResultBody(result, start, stop, 5)
        return told, b"".join([chunk async for chunk in body])


async def settled(spool):
    """What is being made is kept or thrown away."""
    makers = [task for task in spool._tasks if "_bring" in repr(task.get_coro())]
    if makers:
        await asyncio.wait(makers)


def soon():
    return asyncio.get_running_loop().time() + 5


@pytest.mark.parametrize("sized", [True, False])
def test_however_many_ask_it_is_made_once(run, sized):
    async def story(workers):
        spool, maker = await workers.spool(), Maker(sized=sized)
        spans = [(index * 7919, index * 7919 + 300_000) for index in range(50)]
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(spool, maker, *span)) for span in spans]
        whole = PIECE * 3 + b"!"
        assert [task.result()[1] for task in tasks] == [whole[start:stop] for start, stop in spans]
        assert (await read(spool, maker))[1] == whole
        assert maker.runs == 1
        await settled(spool)
        assert not spool._results

    run(story)


def test_workers_find_and_follow_each_others_results(run):
    async def story(workers):
        first, second, maker = await workers.spool(), await workers.spool(), Maker(held=True)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(read(spool, maker)) for spool in (first, second) for _ in range(5)]
            async with second.use(NAME, maker) as result:
                await result.begun(soon(), sized=True)
                assert await result.read(0, soon()) == BLOCK  # while the other still writes
                maker.go.set()
        (nonce,) = {task.result()[0].nonce for task in tasks}
        assert nonce in ("0" * 32, "1".zfill(32))  # of whichever worker was quicker
        assert {task.result()[1] for task in tasks} == {PIECE * 3 + b"!"}
        third = await workers.spool()
        assert (await read(third, maker))[1] == PIECE * 3 + b"!"
        assert maker.runs == 1

    run(story)


def test_a_reader_who_leaves_takes_nothing_from_the_others(run):
    async def story(workers):
        spool, maker = await workers.spool(), Maker(held=True)
        leaving = asyncio.get_running_loop().create_task(read(spool, maker))
        staying = asyncio.get_running_loop().create_task(read(spool, maker))
        await asyncio.sleep(0)
        leaving.cancel()
        await asyncio.wait((leaving,))
        maker.go.set()
        assert (await staying)[1] == PIECE * 3 + b"!"
        assert maker.runs == 1

    run(story)


def test_a_failure_is_everybodys_and_nothing_is_kept(run, tmp_path):
    class Refusal(ServiceError):
        code = "Refusal"

    async def story(workers):
        spool, maker = await workers.spool(), Maker(error=Refusal(), held=True)
        tasks = [asyncio.get_running_loop().create_task(read(spool, maker)) for _ in range(3)]
        async with spool.use(NAME, maker) as result:
            assert await result.read(0, soon()) == BLOCK
            maker.go.set()
            with pytest.raises(Refusal):
                await result.read(4, soon())
        await asyncio.wait(tasks)
        assert {type(task.exception()) for task in tasks} == {Refusal}
        maker.error = None
        assert (await read(spool, maker))[0].about == {"run": 2}

    run(story)
    assert {file.name.partition(".")[2] for file in (tmp_path / "spool").iterdir()} >= {"head"}


def test_another_worker_is_told_of_a_failure_in_the_middle(run):
    async def story(workers):
        first, second = await workers.spool(), await workers.spool()
        maker = Maker(error=SlowDown(), held=True)
        task = asyncio.get_running_loop().create_task(read(first, maker))
        async with second.use(NAME, maker) as result:
            await result.begun(soon(), sized=True)
            maker.go.set()
            with pytest.raises(ServiceError):
                await result.read(4, soon())
        with pytest.raises(ServiceError):  # by its own code in the worker that made it
            await task

    run(story)


def test_what_may_not_be_kept_is_read_to_its_end_and_made_anew(run):
    async def story(workers):
        spool, maker = await workers.spool(), Maker(kept=False)
        assert (await read(spool, maker))[1] == PIECE * 3 + b"!"
        await settled(spool)
        await read(spool, maker)
        await settled(spool)
        assert maker.runs == 2
        maker.kept, workers.wanted = True, frozenset()
        await read(spool, maker)  # what made it was changed meanwhile
        await settled(spool)
        await read(spool, maker)
        assert maker.runs == 4

    run(story)


@pytest.mark.parametrize("sized", [True, False])
def test_a_result_that_has_no_room_is_refused_and_leaves_nothing(run, tmp_path, sized):
    async def story(workers):
        spool, maker = await workers.spool(), Maker(pieces=5, sized=sized)
        with pytest.raises(ServiceError) as refused:
            await read(spool, maker)
        assert refused.value.status == 503

    run(story, limit_bytes=3 * BLOCK_BYTES)
    assert {file.name for file in (tmp_path / "spool").iterdir()} == {"lock"}


def test_a_damaged_result_is_an_error_once_and_then_made_anew(run, tmp_path):
    async def story(workers):
        spool, maker = await workers.spool(), Maker()
        await read(spool, maker)
        await settled(spool)
        [body] = (tmp_path / "spool").glob("*.body")
        content = bytearray(body.read_bytes())
        content[BLOCK_BYTES + 5] ^= 1
        body.write_bytes(content)
        with pytest.raises(InternalError):
            await read(spool, maker)
        assert (await read(spool, maker))[1] == PIECE * 3 + b"!"
        assert maker.runs == 2

    run(story)


def test_a_wait_has_an_end(run):
    async def story(workers):
        spool, maker = await workers.spool(), Maker(held=True)
        async with spool.use(NAME, maker) as result:
            await result.begun(soon(), sized=True)
            with pytest.raises(LambdaTimeout):
                await result.read(4, asyncio.get_running_loop().time() + 0.01)

    run(story)


def test_closing_ends_what_is_being_made(run, tmp_path):
    async def story(workers):
        spool, maker = await workers.spool(), Maker(held=True)
        async with spool.use(NAME, maker) as result:
            await result.begun(soon(), sized=True)

    run(story)
    assert {file.name for file in (tmp_path / "spool").iterdir()} == {"lock"}
