"""Workers that are killed, replaced and handed over while requests and streams go on."""

import contextlib
import http.client
import signal
import socket
import ssl
import threading
from urllib.parse import urlsplit

import psutil
import pytest
from tests.compat.callers import presign, stage, write_request
from tests.compat.conftest import World, wait_until
from tests.compat.crowds import holder_of, worker_of, workers
from tests.compat.load import SERVE, Load, started
from tests.fakes.authority import Authority

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]
WORKERS = 3
LARGE = bytes(range(256)) * 4096


@pytest.fixture(scope="module", params=[False, True], ids=["plain", "tls"])
def crowd(request, tmp_path_factory):
    folder, environment, authority = tmp_path_factory.mktemp("crowd"), {"ONREAD_WORKERS": str(WORKERS)}, None
    if request.param:
        authority = Authority(folder)
        files = authority.sign("server")
        environment |= {"ONREAD_TLS_CERT": str(files.certificate), "ONREAD_TLS_KEY": str(files.key)}
    with gateway(folder / "data", environment=environment) as spawned:
        world = World(spawned)
        if authority is not None:
            world.ca_file = authority.ca_file
        yield world


@pytest.fixture(scope="module")
def on_stage(crowd):
    with stage(crowd) as made:
        made.configure("obeys", 2 * WORKERS)
        made.alias("obeys")
        yield made


def context_of(world):
    return None if world.ca_file is None else ssl.create_default_context(cafile=world.ca_file)


def read_whole(world, url, begun):
    """What a caller gets: ``whole`` and the body, or ``cut``; ``begun`` is set when the head is there."""
    split, context = urlsplit(url), context_of(world)
    if context is None:
        connection = http.client.HTTPConnection(*world.address, timeout=20)
    else:
        connection = http.client.HTTPSConnection(*world.address, timeout=20, context=context)
    try:
        connection.request("GET", f"{split.path}?{split.query}")
        answer = connection.getresponse()
        begun.set()
        return ("whole", answer.status, answer.read())
    except (OSError, http.client.HTTPException):
        return ("cut", 0, b"")
    finally:
        connection.close()


def writer_elsewhere(world, own_worker):
    """A connection that a worker other than ``own_worker`` has accepted, and that worker."""
    for _ in range(100):
        connection = socket.create_connection(world.address, timeout=20)
        if (context := context_of(world)) is not None:
            connection = context.wrap_socket(connection, server_hostname="localhost")
        held = []
        wait_until(
            lambda of=connection, held=held: held.append(holder_of(world, of.getsockname()[1])) or held[-1]
        )
        if held[-1] != own_worker:
            return connection, held[-1]
        connection.close()
    raise AssertionError("every connection lands in one worker")


@pytest.mark.parametrize("sent", [1, len(LARGE) - 1])
@pytest.mark.parametrize("victim", ["the caller's worker", "the writer's worker"])
def test_R049_a_worker_killed_at_any_byte_leaves_a_whole_answer_or_a_visible_cut(
    on_stage, crowd, victim, sent
):
    url = presign(crowd, on_stage.alias("obeys"), "key")
    begun = threading.Event()
    call = on_stage.threads.submit(read_whole, crowd, url, begun)
    puppet = on_stage.puppets.next()
    own = worker_of(puppet)
    request = write_request(crowd, puppet.token, puppet.route, body=LARGE)
    head = len(request) - len(LARGE)
    connection, accepted_by = writer_elsewhere(crowd, own)
    with connection:
        connection.sendall(request[: head + sent])
        assert begun.wait(20)
        killed = psutil.Process(own if victim == "the caller's worker" else accepted_by)
        killed.kill()
        told = b""
        with contextlib.suppress(OSError):
            connection.sendall(request[head + sent :])
            told = connection.recv(65536)
    outcome, status, body = call.result(20)
    if outcome == "whole":
        assert (victim, crowd.ca_file) == ("the writer's worker", None)  # it had handed its connection over
        assert (status, body == LARGE) == (200, True)
        assert told.startswith(b"HTTP/1.1 200 ")
    else:
        assert not told.startswith(b"HTTP/1.1 200 ")
    with contextlib.suppress(OSError):
        puppet.returns()
    wait_until(lambda: len(workers(crowd)) == WORKERS and killed.pid not in workers(crowd), seconds=10)


def put(world):
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="a", Body=LARGE)
    return world.presigned(bucket, "a")


def test_R051_every_worker_is_replaced_under_load_and_no_request_fails(crowd):
    url = put(crowd)
    with Load(url, LARGE, context_of(crowd)) as load:
        for pid in list(workers(crowd)):
            before = load.done
            psutil.Process(pid).send_signal(signal.SIGTERM)
            wait_until(
                lambda pid=pid: pid not in workers(crowd) and len(workers(crowd)) == WORKERS, seconds=20
            )
            wait_until(lambda before=before: load.done > before + 20, seconds=20)
    assert load.failures == []


def test_R051_a_port_goes_between_gateways_of_any_number_of_workers(own_world, tmp_path):
    """Three workers, then two, then one: under load, no request fails."""
    world = own_world(tmp_path / "data", ONREAD_WORKERS="3")
    url = put(world)
    with contextlib.ExitStack() as stack:
        load = stack.enter_context(Load(url, LARGE))
        wait_until(lambda: load.done > 20)
        old = world.gateway.process
        for count in "21":
            told = {"ONREAD_WORKERS": count}
            arguments = [*SERVE, "--inherit", "--listen", world.endpoint.partition("://")[2]]
            process, ready = stack.enter_context(started(arguments, tmp_path / "data", environment=told))
            assert old.wait(30) == 0
            assert ready["endpoint"] == world.endpoint
            old, before = process, load.done
            wait_until(lambda before=before: load.done > before + 20, seconds=20)
        load.finish()
    assert load.failures == []
    assert "gateway.handed_over" in world.log()
