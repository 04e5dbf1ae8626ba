"""Listening sockets go from one process to the next: here both are one."""

import asyncio
import socket

import pytest

from onread.server.hand_over import NotHandedOver, Offer, take_over
from onread.server.listener import serve

from .peer import Echo, Peer
from .test_connection import until

GET = b"GET /a HTTP/1.1\r\nHost: h\r\n\r\n"


async def ask(listener_port):
    peer = Peer(*await asyncio.open_connection("127.0.0.1", listener_port))
    peer.send(GET)
    answer = await peer.answer()
    await peer.close()
    return answer


def offer_of(folder, front, admin, asked):
    return Offer(folder, {"front": front.descriptors, "admin": admin.descriptors}, asked)


@pytest.mark.parametrize("depth", [0, 9])
def test_callers_wait_in_the_backlog_from_one_process_to_the_next(run, tmp_path, depth):
    """Also below a directory whose name is longer than a socket's address may be."""
    folder = tmp_path.joinpath(*["a-long-name"] * depth)
    folder.mkdir(parents=True, exist_ok=True)

    async def main():
        asked = asyncio.Event()
        async with asyncio.TaskGroup() as tasks:
            async with serve(Echo()) as front, serve(Echo()) as admin:
                offer = offer_of(folder, front, admin, asked.set)
                taken = tasks.create_task(asyncio.to_thread(take_over, folder, timeout_seconds=10))
                await asyncio.wait_for(asked.wait(), 10)
                await front.drain(10)
                offer.close()
            assert not taken.done()
            early = tasks.create_task(ask(front.port))
            await until(lambda: offer._taker is not None)
            offer._taker.close()  # what the end of a process does
            given = await taken
            async with serve(Echo(), sock=given.front), serve(Echo(), sock=given.admin) as new_admin:
                assert (await early).status == 200
                assert new_admin.port == admin.port
                assert (await ask(admin.port)).status == 200

    run(main())


def test_the_sockets_go_to_one_asker_only(run, tmp_path):
    async def main():
        asked = asyncio.Event()
        async with serve(Echo()) as front, serve(Echo()) as admin:
            offer = offer_of(tmp_path, front, admin, asked.set)
            with socket.socket(socket.AF_UNIX) as first:
                first.connect(str(tmp_path / "hand-over"))
                await asyncio.wait_for(asked.wait(), 10)
                with pytest.raises(NotHandedOver, match="keeps its sockets"):
                    await asyncio.to_thread(take_over, tmp_path, timeout_seconds=10)
                for descriptor in socket.recv_fds(first, 4096, 8)[1]:
                    socket.close(descriptor)
            offer._taker.close()
            offer.close()
            assert (await ask(front.port)).status == 200

    run(main())


def test_an_old_process_that_does_not_end_keeps_the_new_one_from_starting(run, tmp_path):
    async def main():
        async with serve(Echo()) as front, serve(Echo()) as admin:
            offer = offer_of(tmp_path, front, admin, lambda: None)
            with pytest.raises(NotHandedOver, match="did not end within"):
                await asyncio.to_thread(take_over, tmp_path, timeout_seconds=0.05)
            offer._taker.close()
            offer.close()

    run(main())


def test_where_nobody_serves_there_is_nothing_to_take(run, tmp_path):
    assert take_over(tmp_path, timeout_seconds=1) is None

    async def main():
        async with serve(Echo()) as front, serve(Echo()) as admin:
            offer_of(tmp_path, front, admin, lambda: None).close()
        assert await asyncio.to_thread(take_over, tmp_path, timeout_seconds=1) is None

    run(main())


def test_what_a_killed_process_left_is_no_hindrance(run, tmp_path):
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(tmp_path / "hand-over"))
    assert take_over(tmp_path, timeout_seconds=1) is None

    async def main():
        async with serve(Echo()) as front, serve(Echo()) as admin:
            offer_of(tmp_path, front, admin, lambda: None).close()

    run(main())


def test_only_this_user_may_ask(run, tmp_path):
    async def main():
        async with serve(Echo()) as front, serve(Echo()) as admin:
            offer = offer_of(tmp_path, front, admin, lambda: None)
            assert (tmp_path / "hand-over").stat().st_mode & 0o777 == 0o600
            offer.close()
            assert not (tmp_path / "hand-over").exists()

    run(main())
