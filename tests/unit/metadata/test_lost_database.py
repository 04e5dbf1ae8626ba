"""A PostgreSQL that is killed, frozen, full, read-only or another one: what is served and what is refused."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, cast

import psycopg
import pytest
from tests.postgresql import Server

from onread.errors import ServiceUnavailable
from onread.metadata import listening
from onread.metadata.facade import Records

from .conftest import ACCOUNT, MASTER_KEY, NOW, REGION, an_access_point

pytestmark = pytest.mark.slow  # each over databases that are started, filled and ended

BACK_SECONDS = 5
PATIENCE_SECONDS = 30  # of a machine with much else to do; what is promised is measured


class Clock:
    """Real time, and more of it when a test says so."""

    def __init__(self) -> None:
        self.ahead_seconds = 0.0

    def __call__(self) -> float:
        return time.monotonic() + self.ahead_seconds


@pytest.fixture(scope="module")
def own_server() -> Iterator[Server]:
    with Server(max_connections="30") as started:
        yield started


@pytest.fixture
def server(own_server: Server) -> Iterator[Server]:
    """For tests that harm it; whole again afterwards."""
    own_server.database = own_server.take_database()
    yield own_server
    own_server.thaw()
    own_server.execute(f"DROP DATABASE {own_server.database} WITH (FORCE)", "postgres")


class Gateway:
    """Records that follow their database, as a gateway has them."""

    def __init__(self, records: Records, clock: Clock) -> None:
        self.records = records
        self.clock = clock
        self._numbers = iter(range(1000))

    async def read(self) -> list[str]:
        """What a request does first, and what it finds."""
        await self.records.catch_up()
        return [each.name for each in self.records.list_access_points(ACCOUNT)]

    async def write(self, name: str) -> None:
        await self.records.create_access_point(an_access_point(name))

    async def drop_connections(self) -> None:
        """Those of the pool, as if they had grown old; in the thread that would use one."""
        dispose = self.records._database.engine.dispose
        await asyncio.get_running_loop().run_in_executor(self.records._refresher, dispose)

    async def until(self, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> float:
        """How long it took."""
        began = time.monotonic()
        async with asyncio.timeout(seconds):
            while not holds():  # noqa: ASYNC110  (what another process does sets no event)
                await asyncio.sleep(0.001)  # threads of this process have to do it
        return time.monotonic() - began


@asynccontextmanager
async def gateway(server: Server) -> AsyncIterator[Gateway]:
    clock = Clock()
    records = await Records.open(
        server.url(),
        master_key=MASTER_KEY,
        clock=lambda: NOW,
        account_id=ACCOUNT,
        region=REGION,
        monotonic=clock,
    )
    async with asyncio.TaskGroup() as tasks:
        following = tasks.create_task(records.follow(lambda: None))
        try:
            yield Gateway(records, clock)
        finally:
            following.cancel()
    await records.close()


async def expect_refused(write: Gateway, name: str, *, within_seconds: float) -> None:
    began = time.monotonic()
    with pytest.raises(ServiceUnavailable) as refused:
        await write.write(name)
    assert refused.value.status == 503
    assert refused.value.retry_after_seconds == 2
    assert time.monotonic() - began < within_seconds


async def is_back(one: Gateway, names: list[str]) -> None:
    """Found again in time, and nothing acknowledged is lost."""
    assert await one.until(lambda: one.records.reachable) < BACK_SECONDS
    await one.write("afterwards")
    assert await one.read() == sorted([*names, "afterwards"])


@contextmanager
def stopped(server: Server) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def frozen(server: Server) -> Iterator[None]:
    server.freeze()
    yield
    server.thaw()


@pytest.mark.slow
@pytest.mark.parametrize("harm", [stopped, frozen])
def test_R031_T210_reads_go_on_for_thirty_seconds_writes_are_refused_and_it_is_found_again(
    server: Server, harm: Callable[[Server], object]
) -> None:
    async def scenario() -> None:
        async with gateway(server) as one:
            await one.write("before")
            with harm(server):  # type: ignore[attr-defined]
                # Frozen: nobody knows it yet, and the write waits for as long as a server may be silent.
                await expect_refused(one, "first", within_seconds=15)
                await one.until(lambda: not one.records.reachable)
                await expect_refused(one, "second", within_seconds=1)
                assert await one.read() == ["before"]
                one.clock.ahead_seconds += 10
                assert await one.read() == ["before"]
                assert one.records.current
                one.clock.ahead_seconds += 21
                assert not one.records.current
                with pytest.raises(ServiceUnavailable, match="has not answered for 30 seconds"):
                    await one.read()
            await is_back(one, ["before"])

    asyncio.run(scenario())


@pytest.mark.slow
def test_R031_a_frozen_server_may_have_done_what_it_did_not_acknowledge_but_never_less(
    server: Server,
) -> None:
    """A change cut off in the middle is there or not, for all; those acknowledged are."""

    async def scenario() -> None:
        async with gateway(server) as one, gateway(server) as other:
            await one.write("acknowledged")
            with frozen(server):
                await expect_refused(one, "perhaps", within_seconds=15)
            for each in (one, other):
                await each.until(lambda each=each: each.records.reachable)  # type: ignore[misc]
            await one.write("later")
            await other.until(lambda: other.records.access_point(ACCOUNT, "later") is not None)
            names = await one.read()
            assert {"acknowledged", "later"} <= set(names) <= {"acknowledged", "perhaps", "later"}
            assert await other.read() == names

    asyncio.run(scenario())


def test_R031_what_another_gateway_wrote_meanwhile_is_read_before_anything_is_trusted(server: Server) -> None:
    async def scenario() -> None:
        async with gateway(server) as one:
            await one.write("before")
            server.stop()
            await one.until(lambda: not one.records.reachable)
            one.clock.ahead_seconds += 31
            server.start()
            server.execute("DELETE FROM access_points")  # as if somebody had; the epoch stays as it was
            await one.until(lambda: one.records.current)
            assert await one.read() == []

    asyncio.run(scenario())


def test_R031_a_database_that_went_back_in_time_is_followed(server: Server) -> None:
    """Restored from a backup, or a standby that had not got everything: an epoch below ours."""

    async def scenario() -> None:
        async with gateway(server) as one:
            for name in ("a", "b", "c"):
                await one.write(name)
            server.execute(
                "BEGIN; DELETE FROM access_points WHERE name > 'a'; UPDATE epochs SET number = 1; END"
            )
            await one.until(lambda: len(one.records.list_access_points(ACCOUNT)) == 1)
            await one.write("d")
            assert await one.read() == ["a", "d"]

    asyncio.run(scenario())


def test_R031_without_a_free_connection_changes_are_refused_and_reads_go_on(server: Server) -> None:
    async def scenario() -> None:
        async with gateway(server) as one:
            await one.write("before")
            await one.drop_connections()
            taken = []
            with contextlib.suppress(psycopg.OperationalError):  # too many clients
                while True:
                    taken.append(psycopg.connect(server.url()))
            await expect_refused(one, "first", within_seconds=10)
            assert await one.read() == ["before"]
            assert one.records.current
            for connection in taken:
                connection.close()
            for _ in range(100):  # a connection that was closed is free a moment later
                try:
                    await one.write("afterwards")
                    break
                except ServiceUnavailable:
                    continue
            assert await one.read() == ["afterwards", "before"]

    asyncio.run(scenario())


def test_R031_a_read_only_database_takes_no_changes_and_serves_on(server: Server) -> None:
    async def scenario() -> None:
        async with gateway(server) as one:
            await one.write("before")
            server.execute(f"ALTER DATABASE {server.database} SET default_transaction_read_only = on")
            await one.drop_connections()
            await expect_refused(one, "first", within_seconds=10)
            assert await one.read() == ["before"]
            assert one.records.reachable
            server.execute(f"BEGIN READ WRITE; ALTER DATABASE {server.database} RESET ALL; COMMIT")
            await one.drop_connections()
            await is_back(one, ["before"])

    asyncio.run(scenario())


def test_R031_who_holds_the_lock_and_says_no_more_does_not_hold_up_the_others_for_long(
    server: Server,
) -> None:
    async def scenario() -> None:
        async with gateway(server) as one:
            await one.write("before")
            with psycopg.connect(
                server.url(options="-c%20idle_in_transaction_session_timeout%3D4s")
            ) as silent:
                silent.execute("UPDATE epochs SET number = number + 1")
                await expect_refused(one, "first", within_seconds=5)
                async with asyncio.timeout(PATIENCE_SECONDS):
                    while True:
                        try:
                            await one.write("afterwards")
                            break
                        except ServiceUnavailable:
                            continue
                silent.close()
            assert await one.read() == ["afterwards", "before"]

    asyncio.run(scenario())


@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_T014_T210_a_change_arrives_by_notification_and_without(
    server: Server, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    assert listening.LOOK_SECONDS <= 0.5
    if told:
        monkeypatch.setattr(listening, "LOOK_SECONDS", 3600)

    async def scenario() -> None:
        async with gateway(server) as one, gateway(server) as other:
            if not told:
                one.records._database.announce = lambda *_: None  # type: ignore[method-assign]
            for number in range(5):
                await one.write(f"ap-{number}")
                await other.until(lambda: len(other.records.list_access_points(ACCOUNT)) > number)  # noqa: B023

    asyncio.run(scenario())


class Counting(asyncio.SelectorEventLoop):
    """asyncio's loop, and how often somebody began to wait for a socket."""

    waits = 0

    def add_reader(self, *arguments: Any) -> None:
        self.waits += 1
        super().add_reader(*arguments)


def test_who_has_nothing_to_do_sleeps_between_two_looks(server: Server) -> None:
    async def scenario() -> None:
        async with gateway(server) as one:
            await one.until(lambda: one.records.reachable)
            looks, done = itertools.count(1), asyncio.Event()
            confirm = one.records._following._confirm

            def count(asked_at: float) -> None:
                confirm(asked_at)
                if next(looks) == 4:
                    done.set()

            one.records._following._confirm = count  # type: ignore[method-assign]
            loop.waits = 0
            async with asyncio.timeout(PATIENCE_SECONDS):
                await done.wait()
            assert loop.waits < 40

    with asyncio.Runner(loop_factory=Counting) as runner:
        loop = cast(Counting, runner.get_loop())
        runner.run(scenario())


def test_concurrent_writers_at_several_gateways_lose_no_update_and_serve_no_older_snapshot(
    server: Server,
) -> None:
    async def scenario() -> None:
        async with gateway(server) as one, gateway(server) as two:
            seen: list[int] = []

            async def write(at: Gateway, name: str) -> None:
                await at.write(name)
                assert at.records.access_point(ACCOUNT, name) is not None  # before the answer

            async def watch(at: Gateway) -> None:
                last = at.records._snapshot.epoch
                while last < 20:
                    await asyncio.sleep(0.001)
                    epoch = at.records._snapshot.epoch
                    assert epoch >= last
                    assert len(at.records.list_access_points(ACCOUNT)) == epoch  # one each: of that moment
                    last = epoch
                seen.append(last)

            async with asyncio.TaskGroup() as tasks:
                for at in (one, two):
                    tasks.create_task(watch(at))
                for number in range(10):
                    tasks.create_task(write(one, f"one-{number}"))
                    tasks.create_task(write(two, f"two-{number}"))
            assert seen == [20, 20]

    asyncio.run(scenario())
