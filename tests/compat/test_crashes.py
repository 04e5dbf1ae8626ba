"""R-001: the whole gateway is killed under load, again and again, and what it acknowledged is there."""

import os
import random
import signal
import threading
from http.client import HTTPException

import pytest
from tests.compat.wire import refused, send_signed

pytestmark = [pytest.mark.compat, pytest.mark.slow]
CYCLES = 4
WRITERS = 4
KEYS_OF_A_WRITER = 3


def body_of(number):
    """Bytes that say which write they are and whether they are whole."""
    return f"{number}:".encode() + random.Random(number).randbytes(number * 977 % 90_000)


class Journal:
    """What was acknowledged for each key, and what was under way when the gateway died."""

    def __init__(self):
        self.acknowledged = {}
        self.under_way = {}
        self.count = 0
        self.lock = threading.Lock()
        self.enough = threading.Event()
        self.wanted = 0

    def begin(self, key, value):
        self.under_way[key] = value

    def end(self, key, value):
        self.acknowledged[key] = value
        del self.under_way[key]
        with self.lock:
            self.count += 1
            if self.count >= self.wanted:
                self.enough.set()

    def expect(self, writes):
        self.enough.clear()
        self.wanted = self.count + writes

    def check(self, key, found):
        """The key holds what was acknowledged, or what nobody got an answer for."""
        possible = [self.acknowledged.get(key)]
        if key in self.under_way:
            possible.append(self.under_way.pop(key))
        bodies = [None if number is None else body_of(number) for number in possible]
        assert found in bodies, f"{key}: {None if found is None else found[:20]} is not one of {possible}"
        self.acknowledged[key] = possible[bodies.index(found)]


def write_until_killed(world, bucket, journal, writer, cycle):
    """Puts, overwrites and deletes over keys of one writer, until the connection breaks."""
    choose = random.Random(writer * 1000 + cycle)
    try:
        for turn in range(10_000):
            key = f"{writer}/{choose.randrange(KEYS_OF_A_WRITER)}"
            if choose.random() < 0.2:
                journal.begin(key, None)
                assert send_signed(world, "DELETE", f"/{bucket}/{key}").status == 204
                journal.end(key, None)
                continue
            number = (cycle * WRITERS + writer) * 10_000 + turn
            journal.begin(key, number)
            assert send_signed(world, "PUT", f"/{bucket}/{key}", body_of(number)).status == 200
            journal.end(key, number)
    except (OSError, HTTPException):
        pass  # it was killed


def read(world, bucket, key):
    answer = send_signed(world, "GET", f"/{bucket}/{key}")
    assert answer.status in (200, 404)
    return answer.body if answer.status == 200 else None


def test_R001_killed_gateways_lose_nothing_they_acknowledged(own_world, tmp_path):
    data, journal, chance = tmp_path / "crashes" / "data", Journal(), random.Random(1)
    data.parent.mkdir()
    for cycle in range(CYCLES):
        world = own_world(data)
        if cycle == 0:
            bucket = world.bucket()
        for writer in range(WRITERS):
            for number in range(KEYS_OF_A_WRITER):
                journal.check(f"{writer}/{number}", read(world, bucket, f"{writer}/{number}"))
        journal.expect(chance.randrange(20, 120))
        writers = [
            threading.Thread(target=write_until_killed, args=(world, bucket, journal, writer, cycle))
            for writer in range(WRITERS)
        ]
        for thread in writers:
            thread.start()
        assert journal.enough.wait(30)
        os.killpg(world.gateway.process.pid, signal.SIGKILL)
        for thread in writers:
            thread.join(30)
    world = own_world(data)
    listed = world.client("s3").list_objects_v2(Bucket=bucket).get("Contents", [])
    found = {each["Key"]: each["Size"] for each in listed}
    for key in list(journal.acknowledged):
        content = read(world, bucket, key)
        journal.check(key, content)
        assert found.get(key) == (None if content is None else len(content))
    assert journal.count > 20 * CYCLES


def test_R001_records_outlive_a_killed_gateway(own_world, tmp_path):
    data = tmp_path / "records" / "data"
    data.parent.mkdir()
    world = own_world(data)
    bucket, function = world.bucket(), world.function("uppercase")
    olap = world.olap(bucket, function)
    world.client("s3").put_object(Bucket=bucket, Key="k", Body=b"abc")
    allowed = (
        '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}'
    )
    user, access_key_id, secret = world.user(allowed)
    gone, gone_id, gone_secret = world.user(allowed)
    iam = world.client("iam")
    iam.delete_access_key(UserName=gone, AccessKeyId=gone_id)
    os.killpg(world.gateway.process.pid, signal.SIGKILL)
    again = own_world(data)
    assert again.client("s3").get_object(Bucket=olap, Key="k")["Body"].read() == b"ABC"
    reader = again.client_as("s3", access_key_id, secret)
    assert reader.get_object(Bucket=bucket, Key="k")["Body"].read() == b"abc"
    ghost = again.client_as("s3", gone_id, gone_secret)
    assert refused(ghost.get_object, Bucket=bucket, Key="k") == ("InvalidAccessKeyId", 403)
    assert user in [each["UserName"] for each in again.client("iam").list_users()["Users"]]
    functions = again.client("lambda").list_functions()["Functions"]
    assert function in [each["FunctionName"] for each in functions]
