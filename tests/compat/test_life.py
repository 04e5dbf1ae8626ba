"""A gateway's process: told when to reload, drained, restarted without a refused connection."""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from tests.compat.conftest import wait_until
from tests.compat.load import SERVE, Load, started
from tests.fakes.authority import Authority

from onread.cli.client import make_client

pytestmark = [pytest.mark.compat, pytest.mark.slow]

# What a service manager does: the sockets at 3 and 4, then the program.
ACTIVATE = """
import os, sys
for place, descriptor in enumerate(map(int, sys.argv[1:3]), 3):
    os.dup2(descriptor, place)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="2", LISTEN_FDNAMES=sys.argv[3])
os.execv(sys.executable, [sys.executable, "-m", "onread", "serve", *sys.argv[4:]])
"""
PORTS = 'listen = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\n'


def put(world):
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x" * 200_000)
    return world.presigned(bucket, "a")


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_R051_a_restart_by_inheritance_refuses_no_connection(own_world, tmp_path, tls):
    environment, context = {}, None
    authority = Authority(tmp_path)
    if tls:
        files, context = authority.sign("server"), authority.client_context()
        environment = {"ONREAD_TLS_CERT": str(files.certificate), "ONREAD_TLS_KEY": str(files.key)}
    world = own_world(tmp_path / "data", **environment)
    world.ca_file = authority.ca_file
    url = put(world)
    with Load(url, b"x" * 200_000, context) as load:
        wait_until(lambda: load.done > 20)
        with started([*SERVE, "--inherit"], tmp_path / "data", environment=environment) as (_, ready):
            assert world.gateway.process.wait(30) == 0
            assert ready["endpoint"].rpartition(":")[2] == world.endpoint.rpartition(":")[2]
            before = load.done
            wait_until(lambda: load.done > before + 20)
            load.finish()
    assert load.failures == []
    assert "gateway.handed_over" in world.log()


def test_inheriting_where_nobody_serves_is_a_start(tmp_path):
    arguments = [*SERVE, "--inherit", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
    with started(arguments, tmp_path / "data") as (process, ready):
        assert ready["event"] == "ready"
        process.terminate()
        assert process.wait(30) == 0


def test_R051_a_restart_by_socket_activation_refuses_no_connection(tmp_path):
    with (
        socket.create_server(("127.0.0.1", 0), backlog=512) as front,
        socket.create_server(("127.0.0.1", 0)) as admin,
    ):
        descriptors = [fcntl.fcntl(sock, fcntl.F_DUPFD, 20) for sock in (admin, front)]
        arguments = ["-c", ACTIVATE, *map(str, descriptors), "admin:front"]
        live = f"http://127.0.0.1:{admin.getsockname()[1]}/health/live"
        endpoint = f"http://127.0.0.1:{front.getsockname()[1]}"
        with contextlib.ExitStack() as stack:
            stack.callback(lambda: [os.close(descriptor) for descriptor in descriptors])
            with started(arguments, tmp_path / "data", pass_fds=descriptors) as (process, ready):
                assert ready["endpoint"] == endpoint
                loads = [
                    stack.enter_context(Load(object_url(endpoint, tmp_path / "data"), b"x")),
                    stack.enter_context(Load(live, b"live\n", threads=1)),
                ]
                wait_until(lambda: all(load.done > 20 for load in loads))
                process.terminate()
                assert process.wait(30) == 0
            with started(arguments, tmp_path / "data", pass_fds=descriptors):
                for load in loads:
                    before = load.done
                    wait_until(lambda: load.done > before + 20)  # noqa: B023
                    load.finish()
        assert [load.failures for load in loads] == [[], []]


def object_url(endpoint, data_dir):
    """A presigned URL of a new object that holds ``x``."""
    root = json.loads((data_dir / "root-access-key.json").read_text())
    keys = {name: root[name] for name in ("access_key_id", "secret_access_key")}
    s3 = make_client("s3", endpoint_url=endpoint, **keys)
    s3.create_bucket(Bucket="load")
    s3.put_object(Bucket="load", Key="a", Body=b"x")
    return s3.generate_presigned_url("get_object", Params={"Bucket": "load", "Key": "a"})


def test_R052_a_socket_that_cannot_be_served_ends_the_start_in_one_line(tmp_path):
    with socket.socket() as idle:
        descriptors = [fcntl.fcntl(idle, fcntl.F_DUPFD, 20) for _ in range(2)]
        command = [sys.executable, "-c", ACTIVATE, *map(str, descriptors), "front:admin"]
        command += ["--data-dir", str(tmp_path / "data")]
        ended = subprocess.run(
            command, pass_fds=descriptors, capture_output=True, text=True, timeout=30, check=False
        )
        for descriptor in descriptors:
            os.close(descriptor)
    assert ended.returncode == 1
    assert ended.stderr == "onread: socket 3 that is given does not listen on TCP\n"
    assert not (tmp_path / "data").exists()


def test_R054_a_service_manager_is_told_every_step(tmp_path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        manager.settimeout(20)
        environment = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "100000"}
        arguments = [*SERVE, "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]

        def hear(expected):
            while not (told := manager.recv(200)).startswith(expected):
                assert told == b"WATCHDOG=1"

        with started(arguments, tmp_path / "data", environment=environment) as (process, _):
            hear(b"READY=1")
            hear(b"WATCHDOG=1")
            process.send_signal(signal.SIGHUP)
            hear(b"RELOADING=1\nMONOTONIC_USEC=")
            hear(b"READY=1")
            process.terminate()
            hear(b"STOPPING=1")
            assert process.wait(30) == 0


def test_R054_sighup_rereads_the_file_and_says_what_waits_for_a_restart(tmp_path):
    file = tmp_path / "onread.toml"
    file.write_text(f'log_level = "warning"\n{PORTS}')
    log = tmp_path / "log"

    def told():
        return [json.loads(line) for line in log.read_text().splitlines()]

    def events():
        return [record["event"] for record in told()]

    with log.open("wb") as stream:
        command = [sys.executable, *SERVE, "--config", str(file), "--data-dir", str(tmp_path / "data")]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stream) as process:
            json.loads(process.stdout.readline())
            assert "gateway.ready" not in events()
            file.write_text(
                'log_level = "info"\nlisten = "127.0.0.1:0"\nadmin_listen = "127.0.0.1:0"\nstrict = true\n'
            )
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "settings.restart_needed" in events())
            assert next(r for r in told() if r["event"] == "settings.restart_needed")["settings"] == [
                "strict"
            ]
            assert next(r for r in told() if r["event"] == "settings.reloaded")["changed"] == [
                "strict",
                "log_level",
            ]
            file.write_text("strict = perhaps")
            process.send_signal(signal.SIGHUP)
            wait_until(lambda: "settings.refused" in events())
            process.terminate()
            assert process.wait(30) == 0
    assert "gateway.draining" in events()


def test_R050_a_load_balancer_may_notice_before_the_door_closes(own_world):
    world = own_world(ONREAD_DRAIN_GRACE_SECONDS="3")
    url = put(world)
    ready = f"{world.gateway.admin_endpoint}/health/ready"
    world.gateway.process.send_signal(signal.SIGTERM)

    def status():
        try:
            with urllib.request.urlopen(ready, timeout=5) as answer:
                return answer.status
        except urllib.error.HTTPError as error:
            return error.code

    wait_until(lambda: status() == 503, seconds=2)
    with urllib.request.urlopen(url, timeout=20) as answer:
        assert len(answer.read()) == 200_000
    assert world.gateway.process.wait(20) == 0


def test_R050_what_does_not_end_in_time_is_cut(own_world):
    world = own_world(ONREAD_DRAIN_SECONDS="0.3")
    bucket = world.bucket()
    with socket.create_connection(world.address, timeout=20) as stuck:
        head = f"PUT /{bucket}/a HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n"
        stuck.sendall(head.encode())  # a head that never ends
        world.gateway.process.send_signal(signal.SIGTERM)
        assert world.gateway.process.wait(10) == 0
        with contextlib.suppress(ConnectionResetError):
            assert stuck.recv(1000) == b""


def test_a_port_goes_from_one_gateway_to_the_next_and_the_next(tmp_path):
    """Three gateways on one port, each in the place of the one before."""
    arguments = [*SERVE, "--inherit", "--listen", "127.0.0.1:0", "--admin-listen", "127.0.0.1:0"]
    with contextlib.ExitStack() as stack:
        ports, processes = [], []
        for _ in range(3):
            process, ready = stack.enter_context(started(arguments, Path(tmp_path / "data")))
            ports.append(ready["endpoint"])
            processes.append(process)
        assert len(set(ports)) == 1
        assert [process.wait(10) for process in processes[:2]] == [0, 0]
