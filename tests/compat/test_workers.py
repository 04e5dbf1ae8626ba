"""Several workers on one port: every promise of one process holds over all of them."""

import contextlib
import hashlib
import json
import random
import re
import signal
import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from urllib.parse import urlsplit

import psutil
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from tests.compat.callers import RawCaller, fetch, presign, stage, status_and_code, write_request
from tests.compat.conftest import World, wait_until
from tests.compat.crowds import admin, holder_of, worker_of, workers
from tests.compat.scale import scaled
from tests.compat.wire import NOTHING, signed

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]
WORKERS, TRIES = scaled("WORKERS", 3), scaled("TRIES", 500)


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowd") / "data"
    with gateway(folder, environment={"ONREAD_WORKERS": str(WORKERS)}) as spawned:
        yield World(spawned)


@pytest.fixture(scope="module")
def on_stage(crowd):
    with stage(crowd) as made:
        made.configure("obeys", 2 * WORKERS)
        yield made


@pytest.fixture
def many(crowd):
    """Kept-alive connections, divided among the workers as the kernel likes."""
    made = [HTTPConnection(*crowd.address, timeout=20) for _ in range(24)]
    yield made
    for connection in made:
        connection.close()


def get(connection, url):
    split = urlsplit(url)
    connection.request("GET", f"{split.path}?{split.query}")
    answer = connection.getresponse()
    return answer.status, answer.read()


def test_a_write_in_one_worker_is_read_in_all_and_transformed_by_each(crowd, many):
    s3, bucket = crowd.client("s3"), crowd.bucket()
    s3.put_object(Bucket=bucket, Key="a", Body=b"dear reader")
    alias = crowd.olap(bucket, crowd.function("uppercase"))
    url = presign(crowd, alias, "a")
    assert {get(one, url) for one in many} == {(200, b"DEAR READER")}
    environments = [p for p in crowd.function_processes() if "function" in " ".join(p.cmdline())]
    assert {p.ppid() for p in environments} == set(workers(crowd))


def test_metrics_and_health_are_of_all_workers_together(crowd):
    def answered():
        return sum(
            float(line.rpartition(" ")[2])
            for line in admin(crowd, "/metrics")[1].splitlines()
            if line.startswith('onread_requests_total{operation="HeadBucket"')
        )

    before, bucket = answered(), crowd.bucket()
    url = presign(crowd, bucket, "", method="HEAD")
    for _ in range(20):
        assert fetch(url, method="HEAD").status in (200, 404)
    wait_until(lambda: answered() - before == 20)
    assert admin(crowd, "/health/ready")[0] == 200


@pytest.mark.parametrize("closes", ["yes", ""], ids=["new connections", "kept alive"])
def test_R049_a_write_to_the_public_port_finds_its_caller_wherever_it_lands(crowd, closes):
    bucket = crowd.bucket()
    crowd.client("s3").put_object(Bucket=bucket, Key="seed", Body=b"")
    function = crowd.function(
        "writes_elsewhere", Environment={"Variables": {"PUBLIC": crowd.endpoint, "CLOSES": closes}}
    )
    crowd.client("onread").configure_function(FunctionName=function, WarmEnvironments=2 * WORKERS)
    alias = crowd.olap(bucket, function)
    wait_until(lambda: all(fetch(presign(crowd, alias, "warm")).status == 200 for _ in range(9)), seconds=20)

    def read(number):
        answer = fetch(presign(crowd, alias, f"key-{number}"))
        return answer.status, answer.body == b"key-%d" % number

    with ThreadPoolExecutor(8) as readers:
        assert Counter(readers.map(read, range(TRIES))) == {(200, True): TRIES}


def test_T101_of_sixty_four_writers_in_all_workers_exactly_one_is_taken(on_stage, crowd):
    def write(number, puppet, barrier):
        request = write_request(crowd, puppet.token, puppet.route, body=b"writer %02d" % number)
        with socket.create_connection(crowd.address, timeout=20) as connection:
            connection.sendall(request[:-9])
            barrier.wait(20)
            connection.sendall(request[-9:])
            got = b"".join(iter(lambda: connection.recv(65536), b""))
        return number, int(got.split(b" ")[1])

    with ThreadPoolExecutor(64) as writers:
        for _ in range(16):
            call = on_stage.call("obeys")
            puppet = on_stage.puppets.next()
            barrier = threading.Barrier(64)
            told = list(writers.map(write, range(64), [puppet] * 64, [barrier] * 64))
            winners = [number for number, status in told if status == 200]
            assert len(winners) == 1
            assert {status for _, status in told} == {200, 400}
            assert call.result(20).body == b"writer %02d" % winners[0]
            puppet.returns()


def test_a_large_body_streams_through_with_back_pressure_wherever_it_lands(on_stage, crowd):
    digest, size = hashlib.sha256(b"m" * (24 << 20)).hexdigest(), 24 << 20
    for _ in range(6):
        caller = on_stage.raw("obeys", receive_bytes=65536)
        puppet = on_stage.puppets.next()
        head = write_request(crowd, puppet.token, puppet.route)
        head = head.replace(b"Content-Length: 0", b"Content-Length: %d" % size)
        with socket.create_connection(crowd.address, timeout=20) as writer:
            writer.sendall(head + b"m" * 500_000)
            caller.read_until(b"\r\n\r\n")
            writer.settimeout(0.2)
            with pytest.raises(TimeoutError):  # nobody reads: the writer is held back
                writer.sendall(b"m" * (size - 500_000))
        assert caller.rest().endswith(b"reset")  # it left in the middle
        caller.leave()
        puppet.returns()
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    head = write_request(crowd, puppet.token, puppet.route)
    head = head.replace(b"Content-Length: 0", b"Content-Length: %d" % size)
    with socket.create_connection(crowd.address, timeout=20) as writer:
        writer.sendall(head)
        writer.sendall(b"m" * size)
        assert writer.recv(65536).startswith(b"HTTP/1.1 200 ")
    assert hashlib.sha256(call.result(20).body).hexdigest() == digest
    puppet.returns()


def test_T014_a_key_deleted_in_one_worker_stops_in_all_within_a_second(crowd, many):
    bucket = crowd.bucket()
    crowd.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    name, key_id, secret = crowd.user(
        '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}'
    )
    url = crowd.client_as("s3", key_id, secret).generate_presigned_url(
        "get_object", Params={"Bucket": bucket, "Key": "a"}
    )
    assert {get(one, url)[0] for one in many} == {200}
    crowd.client("iam").delete_access_key(UserName=name, AccessKeyId=key_id)
    deadline = time.monotonic() + 1
    while any(get(one, url)[0] == 200 for one in many):
        assert time.monotonic() < deadline


def test_a_reader_keeps_the_parts_it_reads_while_other_workers_replace_them(crowd):
    s3, bucket = crowd.client("s3"), crowd.bucket()
    parts = [bytes([number]) * (5 << 20) for number in (1, 2, 3)]
    upload = s3.create_multipart_upload(Bucket=bucket, Key="big")["UploadId"]
    done = [
        {
            "PartNumber": number,
            "ETag": s3.upload_part(Bucket=bucket, Key="big", UploadId=upload, PartNumber=number, Body=part)[
                "ETag"
            ],
        }
        for number, part in enumerate(parts, 1)
    ]
    s3.complete_multipart_upload(Bucket=bucket, Key="big", UploadId=upload, MultipartUpload={"Parts": done})
    reader = RawCaller.get(crowd, presign(crowd, bucket, "big"), receive_bytes=65536)
    head = reader.read_until(b"\r\n\r\n")
    for number in range(12):  # from new connections, so from every worker
        again = crowd.client_as("s3", crowd.gateway.access_key_id, crowd.gateway.secret_access_key)
        again.put_object(Bucket=bucket, Key="big", Body=b"new %d" % number)
        again.close()
    whole = b"".join(parts)
    got = head.partition(b"\r\n\r\n")[2]
    while len(got) < len(whole):
        piece = reader.connection.recv(1 << 20)
        assert piece
        got += piece
    assert got == whole
    reader.leave()
    assert s3.get_object(Bucket=bucket, Key="big")["Body"].read() == b"new 11"


def test_T237_T238_of_many_first_writers_in_all_workers_one_wins(crowd):
    bucket = crowd.bucket()
    clients = [
        crowd.client_as("s3", crowd.gateway.access_key_id, crowd.gateway.secret_access_key) for _ in range(12)
    ]

    def write(number, key):
        try:
            clients[number].put_object(Bucket=bucket, Key=key, Body=b"%d" % number, IfNoneMatch="*")
        except ClientError as error:
            return error.response["Error"]["Code"], number
        return "won", number

    with ThreadPoolExecutor(12) as threads:
        for turn in range(8):
            told = list(threads.map(write, range(12), [f"key-{turn}"] * 12))
            winners = [number for outcome, number in told if outcome == "won"]
            assert len(winners) == 1
            assert {outcome for outcome, _ in told} <= {"won", "PreconditionFailed"}
            stored = clients[0].get_object(Bucket=bucket, Key=f"key-{turn}")["Body"].read()
            assert stored == b"%d" % winners[0]


def test_R021_a_killed_worker_ends_its_callers_and_their_tokens_and_comes_again(on_stage, crowd):
    before = workers(crowd)
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    victim = worker_of(puppet)
    token, route = puppet.token, puppet.route
    before[victim].kill()
    assert caller.rest() in (b"", b"reset")
    caller.leave()
    began = time.monotonic()
    told = b""
    while not told:  # the kernel resets what waited in the queue of the one that died
        assert time.monotonic() - began < 5
        with contextlib.suppress(OSError):
            told = crowd.raw(write_request(crowd, token, route, body=b"late"))
    assert status_and_code(told) == (400, "ValidationError")
    wait_until(lambda: len(workers(crowd)) == WORKERS and victim not in workers(crowd), seconds=10)
    url = presign(crowd, on_stage.bucket, "key")
    assert all(fetch(url).status == 200 for _ in range(30))
    assert admin(crowd, "/health/ready")[0] == 200


def test_R001_nothing_acknowledged_is_lost_when_workers_are_killed_under_load(crowd):
    bucket, stop = crowd.bucket(), threading.Event()
    possible: dict[str, set[bytes | None]] = {}
    acknowledged: list[str] = []
    nemesis = random.Random(7)

    def write(lane):
        s3 = crowd.client_as("s3", crowd.gateway.access_key_id, crowd.gateway.secret_access_key)
        chance, number = random.Random(lane), 0
        while not stop.is_set():
            number += 1
            key = f"{lane}-{chance.randrange(4)}"
            body = None if chance.random() < 0.2 else b"%d " % number * chance.randrange(1, 5000)
            old = possible.get(key, {None})
            possible[key] = old | {body}
            try:
                if body is None:
                    s3.delete_object(Bucket=bucket, Key=key)
                else:
                    s3.put_object(Bucket=bucket, Key=key, Body=body)
            except (BotoCoreError, ClientError, OSError):
                continue
            possible[key] = {body}
            acknowledged.append(key)

    threads = [threading.Thread(target=write, args=(lane,)) for lane in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(3):
            wait_until(lambda: len(workers(crowd)) == WORKERS, seconds=10)
            enough = len(acknowledged) + 40
            wait_until(lambda e=enough: len(acknowledged) > e, seconds=20)
            victim = nemesis.choice(list(workers(crowd).values()))
            victim.kill()
            wait_until(lambda v=victim: v.pid not in workers(crowd), seconds=5)
    finally:
        stop.set()
        for thread in threads:
            thread.join(30)
    wait_until(lambda: len(workers(crowd)) == WORKERS, seconds=10)
    for key, allowed in possible.items():
        answer = fetch(presign(crowd, bucket, key))
        assert answer.status in (200, 404)
        assert (answer.body if answer.status == 200 else None) in allowed


def test_R051_a_worker_that_is_told_to_end_is_replaced_and_finishes_what_it_has(on_stage, crowd):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    leaving = worker_of(puppet)
    psutil.Process(leaving).send_signal(signal.SIGTERM)
    wait_until(lambda: len(workers(crowd)) == WORKERS + 1, seconds=10)
    url = presign(crowd, on_stage.bucket, "key")
    assert all(fetch(url).status == 200 for _ in range(30))
    # A write to the public port still finds the one that leaves.
    written = crowd.raw(write_request(crowd, puppet.token, puppet.route, body=b"in the end"))
    assert written.startswith(b"HTTP/1.1 200 ")
    assert b"in the end" in caller.rest()
    puppet.returns()
    caller.leave()
    wait_until(lambda: leaving not in workers(crowd), seconds=10)


def test_the_log_of_a_function_is_that_of_all_workers_also_when_one_is_frozen(crowd, many):
    bucket = crowd.bucket()
    crowd.client("s3").put_object(Bucket=bucket, Key="a", Body=b"x")
    function = crowd.function("reports")
    url = presign(crowd, crowd.olap(bucket, function), "a")
    assert {get(one, url)[0] for one in many} == {200}
    path = f"/onread/functions/{function}/logs"

    def starts(connection):
        headers = signed(crowd, "GET", path, payload_hash=NOTHING, service="onread")
        connection.request("GET", path, headers=dict(headers))
        answer = connection.getresponse()
        assert answer.status == 200
        events = json.loads(answer.read())["Events"]
        moments = [each["Timestamp"] for each in events]
        assert moments == sorted(moments)
        return sum(each["Message"].startswith("START") for each in events)

    wait_until(lambda: all(starts(one) == len(many) for one in many[:6]))
    frozen = holder_of(crowd, many[0].sock.getsockname()[1])
    of_others = [one for one in many if holder_of(crowd, one.sock.getsockname()[1]) != frozen]
    psutil.Process(frozen).suspend()
    try:
        assert 0 < starts(of_others[0]) < len(many)
    finally:
        psutil.Process(frozen).resume()
    wait_until(lambda: starts(of_others[0]) == len(many))


def test_R050_a_drain_of_all_workers_lets_streams_end_and_leaves_no_process(own_world):
    world = own_world(ONREAD_WORKERS=str(WORKERS))
    with stage(world) as made:
        made.configure("obeys", 4 * WORKERS)  # all four callers may land on one
        callers = [made.raw("obeys") for _ in range(4)]
        puppets = [made.puppets.next() for _ in range(4)]
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: admin(world, "/health/ready")[0] == 503)
        for puppet in puppets:
            assert puppet.writes(Body="goodbye") == {"status": 200}
            puppet.returns()
        assert all(b"goodbye" in caller.rest() for caller in callers)
        processes = world.function_processes()
        assert world.gateway.process.wait(20) == 0
        wait_until(lambda: not any(p.is_running() for p in processes), seconds=2)
        for caller in callers:
            caller.leave()
        made.functions.clear()


def test_no_worker_outlives_a_supervisor_that_is_killed_and_another_one_can_start(own_world, tmp_path):
    world = own_world(tmp_path / "data", ONREAD_WORKERS=str(WORKERS))
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="a", Body=b"kept")
    processes = list(workers(world).values())
    world.gateway.process.kill()
    world.gateway.process.wait()
    again = own_world(tmp_path / "data", ONREAD_WORKERS="2")
    assert not any(p.is_running() and p.status() != psutil.STATUS_ZOMBIE for p in processes)
    assert fetch(presign(again, bucket, "a")).body == b"kept"
    alone_too = re.compile("Another process has the data directory")
    with pytest.raises(Exception, match=alone_too):
        own_world(tmp_path / "data")


def test_a_second_signal_ends_all_workers_at_once(own_world):
    world = own_world(ONREAD_WORKERS=str(WORKERS))
    with stage(world) as made:
        caller = made.raw("obeys")
        made.puppets.next()
        processes = world.function_processes()
        world.gateway.process.send_signal(signal.SIGTERM)
        wait_until(lambda: admin(world, "/health/ready")[0] == 503)
        world.gateway.process.send_signal(signal.SIGTERM)
        assert world.gateway.process.wait(5) != 0
        wait_until(lambda: not any(p.is_running() for p in processes), seconds=2)
        assert caller.rest() in (b"", b"reset")
        caller.leave()
        made.functions.clear()
