"""systemd's protocols: what it is told, and the sockets it gives."""

import os
import socket

import pytest

from onread.server.service_manager import (
    GivenSockets,
    Notifier,
    UnusableSocket,
    activated_sockets,
    name_sockets,
)


@pytest.fixture
def manager(tmp_path):
    """The socket that a service manager listens on, and its address."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.settimeout(5)
        yield listening, str(tmp_path / "notify")


@pytest.fixture
def listening():
    """The descriptor of a listening socket, ours to give away."""
    with socket.create_server(("127.0.0.1", 0)) as made:
        yield os.dup(made.fileno())


def test_it_is_told_of_every_step(manager):
    heard, address = manager
    notifier = Notifier({"NOTIFY_SOCKET": address})
    for step, told in (
        (notifier.ready, b"READY=1"),
        (notifier.alive, b"WATCHDOG=1"),
        (notifier.stopping, b"STOPPING=1"),
    ):
        step()
        assert heard.recv(100) == told
    notifier.reloading()
    assert heard.recv(100).startswith(b"RELOADING=1\nMONOTONIC_USEC=")


def test_an_address_may_be_abstract():
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as heard:
        heard.bind(f"\0onread-test-{os.getpid()}")
        heard.settimeout(5)
        Notifier({"NOTIFY_SOCKET": f"@onread-test-{os.getpid()}"}).ready()
        assert heard.recv(100) == b"READY=1"


def test_without_a_manager_nothing_happens():
    notifier = Notifier({})
    notifier.ready()
    assert notifier.watchdog_seconds is None


def test_a_manager_that_is_gone_is_a_warning(tmp_path, caplog):
    Notifier({"NOTIFY_SOCKET": str(tmp_path / "nobody")}).ready()
    assert "does not hear us" in caplog.text


def test_the_watchdog_is_fed_twice_as_often_as_demanded():
    assert Notifier({"WATCHDOG_USEC": "3000000"}).watchdog_seconds == 1.5
    assert Notifier({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": str(os.getpid())}).watchdog_seconds == 1.5
    assert Notifier({"WATCHDOG_USEC": "3000000", "WATCHDOG_PID": "1"}).watchdog_seconds is None
    assert Notifier({"WATCHDOG_USEC": "soon"}).watchdog_seconds is None


def test_sockets_meant_for_another_process_are_left_alone():
    assert activated_sockets({"LISTEN_PID": "1", "LISTEN_FDS": "1"}) == GivenSockets()
    assert activated_sockets({}) == GivenSockets()


def test_sockets_are_known_by_their_names(listening):
    other = os.dup(listening)
    given = name_sockets([listening, other], ["admin", "front"])
    assert [sock.fileno() for sock in given.admin] == [listening]
    assert [sock.fileno() for sock in given.front] == [other]
    assert not os.get_inheritable(listening)
    given.close()


def test_R052_a_socket_of_an_unknown_name_is_refused(listening):
    with pytest.raises(UnusableSocket, match="name it front or admin"):
        name_sockets([listening], ["back"])
    os.close(listening)


@pytest.mark.parametrize("kind", [socket.SOCK_STREAM, socket.SOCK_DGRAM])
def test_R052_a_socket_that_does_not_listen_is_refused(kind):
    with socket.socket(socket.AF_INET, kind) as idle, pytest.raises(UnusableSocket, match="does not listen"):
        name_sockets([os.dup(idle.fileno())], ["front"])


def test_R052_a_descriptor_that_is_no_socket_is_refused(tmp_path):
    descriptor = os.open(tmp_path, os.O_RDONLY)
    with pytest.raises(UnusableSocket, match="descriptor"):
        name_sockets([descriptor], ["front"])
    os.close(descriptor)
    with pytest.raises(UnusableSocket, match="descriptor"):
        name_sockets([descriptor], ["front"])
