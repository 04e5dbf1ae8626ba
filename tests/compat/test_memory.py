"""What a gateway holds of what streams through it: the same, however much it is (R-040, R-041)."""

import contextlib
import socket
import threading

import psutil
import pytest
import urllib3
from tests.compat.callers import presign, stage, write_request
from tests.compat.conftest import World
from tests.compat.scale import scaled

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]
MIB = 1 << 20
PAIRS, EACH_BYTES = scaled("RELAY_PAIRS", 8), scaled("RELAY_MIB", 24) * MIB
OBJECT_BYTES = scaled("OBJECT_MIB", 192) * MIB
MOST_IN_ONE_BYTES, PART_BYTES = 5 << 30, 1 << 30
ADDRESS_SPACE = ("prlimit", f"--as={512 * MIB}")  # of the gateway; whoever allocates more gets a MemoryError
PIECE = memoryview(bytes(MIB))
PATIENCE_SECONDS = 60 + (PAIRS * EACH_BYTES + OBJECT_BYTES) // (20 * MIB)


class Peak:
    """The most resident memory that a process has had, from now on."""

    def __init__(self, process: psutil.Process) -> None:
        self._file = f"/proc/{process.pid}/status"
        with open(f"/proc/{process.pid}/clear_refs", "w") as file:
            file.write("5")  # the peak begins anew
        self._before = self._read("VmRSS")

    def _read(self, name: str) -> int:
        with open(self._file) as file:
            line = next(line for line in file if line.startswith(name))
        return int(line.split()[1]) << 10

    @property
    def grown_bytes(self) -> int:
        return self._read("VmHWM") - self._before


def test_R040_slow_readers_of_large_answers_cost_no_memory(own_world, record_property):
    """Functions write 24 MiB each as fast as they can; each reader stops for a while in the middle."""
    world = own_world()
    with stage(world) as made, contextlib.ExitStack() as scope:
        made.configure("obeys", PAIRS)
        made.warm_up()
        callers = [made.raw("obeys", receive_bytes=65536) for _ in range(PAIRS)]
        puppets = [made.puppets.next() for _ in range(PAIRS)]
        peak = Peak(world.process())
        stuck = [threading.Event() for _ in puppets]

        def write(puppet, event):
            head = write_request(world, puppet.token, puppet.route)
            head = head.replace(b"Content-Length: 0", b"Content-Length: %d" % EACH_BYTES)
            with socket.create_connection(world.address, timeout=PATIENCE_SECONDS) as writer:
                writer.sendall(head)
                writer.setblocking(False)
                left = EACH_BYTES
                with contextlib.suppress(BlockingIOError):
                    while left:
                        left -= writer.send(PIECE[:left])
                event.set()
                writer.settimeout(PATIENCE_SECONDS)
                while left:
                    left -= writer.send(PIECE[:left])
                return writer.recv(65536)

        writes = [made.threads.submit(write, *pair) for pair in zip(puppets, stuck, strict=True)]
        assert all(event.wait(20) for event in stuck)
        for caller in callers:
            caller.connection.settimeout(PATIENCE_SECONDS)
            scope.callback(caller.leave)
        reads = [made.threads.submit(read_sized, caller) for caller in callers]
        assert [read.result(PATIENCE_SECONDS) for read in reads] == [EACH_BYTES] * PAIRS
        assert all(each.result(PATIENCE_SECONDS).startswith(b"HTTP/1.1 200 ") for each in writes)
        grown_bytes = peak.grown_bytes
        size = f"{PAIRS} answers of {EACH_BYTES // MIB} MiB to slow readers"
        told = f"memory, R-040: {size}; {grown_bytes / MIB:.1f} MiB"
        record_property("told", told)
        assert grown_bytes < 64 * MIB
        for puppet in puppets:
            puppet.returns()


def read_sized(caller):
    """How many bytes of a body came, of a connection that stays open."""
    head, _, body = caller.read_until(b"\r\n\r\n").partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
    got = len(body)
    while got < length:
        piece = caller.connection.recv(MIB)
        assert piece
        got += len(piece)
    return got


def test_R041_an_object_larger_than_what_may_be_held_is_put_and_read(tmp_path, record_property):
    with gateway(tmp_path / "data", under=ADDRESS_SPACE) as spawned:
        world = World(spawned)
        bucket = world.bucket()
        peak = Peak(world.process())
        with urllib3.PoolManager(retries=False, timeout=PATIENCE_SECONDS) as pool:
            if OBJECT_BYTES <= MOST_IN_ONE_BYTES:
                send(pool, presign(world, bucket, "large", method="PUT"), OBJECT_BYTES)
            else:
                send_in_parts(world.client("s3"), pool, bucket)
            got = pool.request("GET", presign(world, bucket, "large"), preload_content=False)
            assert sum(len(part) for part in got.stream(MIB)) == OBJECT_BYTES
            got.release_conn()
        grown_bytes = peak.grown_bytes
        told = (
            f"memory, R-041: an object of {OBJECT_BYTES // MIB} MiB up and down; {grown_bytes / MIB:.1f} MiB"
        )
        record_property("told", told)
        assert grown_bytes < 48 * MIB


def send(pool, url, size):
    """Put so many bytes; their ETag."""
    pieces = (PIECE for _ in range(size // MIB))
    answer = pool.request("PUT", url, body=pieces, headers={"Content-Length": str(size)})
    assert answer.status == 200, answer.data
    return answer.headers["ETag"]


def send_in_parts(s3, pool, bucket):
    upload = {"Bucket": bucket, "Key": "large"}
    upload["UploadId"] = s3.create_multipart_upload(**upload)["UploadId"]
    parts = []
    for number in range(1, -(-OBJECT_BYTES // PART_BYTES) + 1):
        part = {**upload, "PartNumber": number}
        url = s3.generate_presigned_url("upload_part", Params=part)
        size = min(PART_BYTES, OBJECT_BYTES - (number - 1) * PART_BYTES)
        parts.append({"PartNumber": number, "ETag": send(pool, url, size)})
    s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
