"""A name that is slow or gone holds nobody up for long (R-033), and leads nowhere it may not (T-180)."""

import asyncio
import threading
from ipaddress import ip_address

import pytest

from onread.outbound.failures import NotPermitted, Unreachable
from onread.outbound.names import FRESH_SECONDS, LAST_GOOD_SECONDS, Names, system_lookup

from .peer import OK, answer, get, peer_serving


class Resolver:
    """A resolver that may fail, or hang until it is let go."""

    def __init__(self):
        self.asked = 0
        self.answers = ["10.0.0.1"]
        self.go_on = threading.Event()
        self.go_on.set()

    def __call__(self, host, port):
        self.asked += 1
        self.go_on.wait(5)
        if not self.answers:
            raise OSError("no such name")
        return self.answers


def test_R033_a_name_is_asked_once_and_remembered_for_a_moment(run):
    resolver = Resolver()

    async def main():
        names = Names("store", 80, lookup=resolver)
        for _ in range(3):
            assert await names.addresses() == ["10.0.0.1"]
        names.close()

    run(main())
    assert resolver.asked == 1
    assert FRESH_SECONDS < LAST_GOOD_SECONDS == 60


def test_R033_a_resolver_that_hangs_costs_one_thread(run):
    resolver = Resolver()
    resolver.go_on.clear()

    async def main():
        names = Names("store", 80, lookup=resolver)
        for _ in range(3):
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(names.addresses(), 0.01)
        resolver.go_on.set()
        assert await names.addresses() == ["10.0.0.1"]
        names.close()

    run(main())
    assert resolver.asked == 1


def test_R033_the_last_good_answer_serves_while_the_resolver_fails_or_hangs(run, monkeypatch):
    resolver = Resolver()

    async def main():
        names = Names("store", 80, lookup=resolver)
        await names.addresses()
        monkeypatch.setattr("onread.outbound.names.FRESH_SECONDS", 0.0)
        monkeypatch.setattr("onread.outbound.names._PATIENCE_SECONDS", 0.01)
        resolver.answers = []
        assert await names.addresses() == ["10.0.0.1"]
        resolver.go_on.clear()
        assert await names.addresses() == ["10.0.0.1"]
        monkeypatch.setattr("onread.outbound.names.LAST_GOOD_SECONDS", 0.0)
        resolver.go_on.set()
        with pytest.raises(Unreachable):
            await names.addresses()
        names.close()

    run(main())


def test_T182_every_address_is_checked_each_time_before_it_is_used(run):
    resolver = Resolver()
    resolver.answers = ["10.0.0.1", "192.0.2.7"]
    allowed = {ip_address("192.0.2.7")}

    async def main():
        names = Names("store", 80, lookup=resolver, permit=allowed.__contains__)
        assert await names.addresses() == ["192.0.2.7"]
        allowed.clear()
        with pytest.raises(NotPermitted):
            await names.addresses()
        names.close()

    run(main())


@pytest.mark.parametrize("host", ["127.1", "0x7f.1", "2130706433", "017700000001", "127.0.0.1", "::1"])
def test_T181_a_spelling_of_loopback_is_seen_as_loopback(run, host):
    async def main():
        names = Names(host, 80, permit=lambda address: not address.is_loopback)
        with pytest.raises(NotPermitted):
            await names.addresses()
        names.close()

    run(main())


def test_the_system_gives_addresses_once_each():
    assert system_lookup("127.0.0.1", 80) == ["127.0.0.1"]


def test_the_client_connects_to_no_other_address_than_the_checked_one(run):
    async def script(peer):
        await peer.head()
        await peer.say(OK)

    async def main():
        async with peer_serving(script, permit=lambda address: False) as client:
            with pytest.raises(NotPermitted):
                await answer(client, get())
        async with peer_serving(script, permit=lambda address: True) as client:
            assert (await answer(client, get()))[0] == 200

    run(main())
