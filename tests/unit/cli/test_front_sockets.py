import socket
from collections import Counter

import pytest

from onread.app.refusal import CannotStart
from onread.cli.front_sockets import bind, divide, fill_up
from onread.config import Endpoint

ANYWHERE = Endpoint("127.0.0.1", 0)


def close(sockets):
    for sock in sockets:
        sock.close()


@pytest.mark.parametrize("count", [1, 2, 3, 5])
@pytest.mark.parametrize("sockets", [1, 2, 3, 7])
def test_every_socket_has_a_worker_and_every_worker_a_socket(sockets, count):
    given = [f"socket {number}" for number in range(sockets)]
    parts = [divide(given, index, count) for index in range(count)]
    served = Counter(each for part in parts for each in part)
    assert served.keys() == set(given)
    assert all(parts)
    if sockets >= count:
        assert set(served.values()) == {1}


def test_sockets_of_several_workers_share_one_port():
    bound = bind(ANYWHERE, 3)
    assert len({sock.getsockname() for sock in bound}) == 1
    close(bound)


def test_a_port_that_somebody_has_is_refused_also_when_it_could_be_shared():
    with socket.socket() as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        with pytest.raises(CannotStart, match="Write another HOST:PORT"):
            bind(Endpoint("127.0.0.1", other.getsockname()[1]), 2)


def test_taken_sockets_are_filled_up_where_their_port_may_be_shared():
    bound = bind(ANYWHERE, 2)
    more = fill_up(bound, 4)
    assert more[:2] == bound
    assert len({sock.getsockname() for sock in more}) == 1
    assert len(more) == 4
    assert fill_up(bound, 1) == bound
    close(more)


def test_a_socket_of_a_service_manager_stays_alone():
    with socket.create_server(("127.0.0.1", 0)) as given:
        assert fill_up([given], 3) == [given]
