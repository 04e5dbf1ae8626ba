"""How a gateway ends: drained, at once, or killed."""

import contextlib
import os
import signal
import socket
import subprocess

import psutil
import pytest
from tests.compat.callers import RawCaller, fetch, presign, stage
from tests.compat.conftest import wait_until

pytestmark = [pytest.mark.compat, pytest.mark.slow]


def ready(world):
    return fetch(f"{world.gateway.admin_endpoint}/health/ready").status


def gone(processes):
    """Whether none of them lives; whoever adopted them may leave them unreaped."""
    with contextlib.suppress(psutil.NoSuchProcess):
        return all(not p.is_running() or p.status() == psutil.STATUS_ZOMBIE for p in processes)
    return False


def accepts(world):
    try:
        socket.create_connection(world.address, timeout=1).close()
    except ConnectionRefusedError:
        return False
    return True


def test_T168_no_function_outlives_a_gateway_that_is_killed(own_world):
    world = own_world()
    with stage(world) as made:
        caller = made.raw("obeys")
        puppet = made.puppets.next()
        caller_of_idle = made.get("uppercase")
        assert caller_of_idle.status == 200
        processes = world.function_processes()
        assert puppet.pid in [process.pid for process in processes]
        assert len(processes) >= 2
        world.gateway.process.kill()
        wait_until(lambda: gone(processes), seconds=1)
        assert caller.rest() in (b"", b"reset")
        caller.leave()
        made.functions.clear()


def test_R050_a_drain_lets_a_transformed_get_end_and_exits_with_nought(own_world):
    world = own_world()
    with stage(world) as made:
        assert ready(world) == 200
        waiting_caller = made.raw("obeys")
        puppet = made.puppets.next()
        streaming_caller = made.raw("obeys")
        streaming = made.puppets.next()
        streaming.begins()
        streaming.chunk(b"first")
        streaming_caller.read_until(b"first")
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready(world) == 503)
        wait_until(lambda: not accepts(world))
        # The function's own two requests still get in, and both answers become whole.
        assert fetch(puppet.input_url).body == b"the original"
        assert puppet.writes(Body="in the last minute") == {"status": 200}
        puppet.returns()
        assert b"in the last minute" in waiting_caller.rest()
        streaming.chunk(b"second")
        assert streaming.ends() == {"status": 200}
        streaming.returns()
        assert streaming_caller.rest().endswith(b"second\r\n0\r\n\r\n")
        processes = world.function_processes()
        assert world.gateway.process.wait(20) == 0
        wait_until(lambda: gone(processes), seconds=1)
        waiting_caller.leave()
        streaming_caller.leave()
        made.functions.clear()


def test_R050_a_second_signal_ends_at_once(own_world):
    world = own_world()
    with stage(world) as made:
        caller = made.raw("obeys")
        made.puppets.next()
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: ready(world) == 503)
        with pytest.raises(subprocess.TimeoutExpired):
            world.gateway.process.wait(0.2)  # it waits for the caller
        processes = world.function_processes()
        world.gateway.process.send_signal(signal.SIGTERM)
        assert world.gateway.process.wait(2) != 0
        wait_until(lambda: gone(processes), seconds=1)
        assert caller.rest() in (b"", b"reset")
        caller.leave()
        made.functions.clear()


def test_R050_an_idle_gateway_ends_at_once_and_leaves_no_folder(own_world, tmp_path):
    world = own_world(tmp_path / "data")
    with stage(world) as made:
        assert made.get("uppercase").status == 200
        idle = socket.create_connection(world.address)
        processes = world.function_processes()
        made.functions.clear()
    assert world.gateway.stop(timeout_seconds=5) == 0
    assert idle.recv(1) == b""
    idle.close()
    wait_until(lambda: gone(processes), seconds=1)
    environments = tmp_path / "data" / "functions" / "environments"
    assert not environments.exists() or os.listdir(environments) == []


def test_a_gateway_that_was_killed_starts_again_with_its_functions(own_world, tmp_path):
    world = own_world(tmp_path / "data")
    with stage(world) as made:
        alias = made.alias("uppercase")
        assert made.get("uppercase").status == 200
        world.gateway.process.kill()
        world.gateway.process.wait()
        again = own_world(tmp_path / "data")
        assert fetch(presign(again, alias, "key")).body == b"THE ORIGINAL"
        made.functions.clear()


def test_a_caller_who_comes_while_it_drains_is_refused_and_not_lost(own_world):
    world = own_world()
    with stage(world) as made:
        caller = made.raw("obeys")
        puppet = made.puppets.next()
        kept = RawCaller.get(world, presign(world, made.bucket, "key"))
        kept.read_until(b"the original")
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: not accepts(world))
        assert kept.rest() == b""  # an idle connection closes politely
        kept.leave()
        puppet.writes(Body="good")
        puppet.returns()
        assert b"good" in caller.rest()
        caller.leave()
        assert world.gateway.process.wait(20) == 0
        made.functions.clear()
