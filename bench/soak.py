"""A mixed load with faults, for as long as wanted, and whether anything grows meanwhile (R-045).

Plain and transformed reads at a steady rate, and one who writes, overwrites, lists and deletes; every
``FAULT_SECONDS`` one fault in turn. Exit status 1 when the resident memory surely grows by more than a
mebibyte an hour, or when something is left behind once everybody has gone.

    python -m bench.soak [SECONDS]        an hour unless told otherwise (make soak SOAK_SECONDS=...)
"""

import itertools
import json
import math
import os
import signal
import socket
import sys
import threading
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import psutil
from botocore.exceptions import BotoCoreError, ClientError

from bench.callers import Callers
from bench.gateway import BUCKET, World, world

SECONDS = 3600.0
FAULT_SECONDS = 30.0
LOOK_SECONDS = 2.0
SETTLE_SECONDS = 30.0
PLAIN_PER_SECOND, TRANSFORMED_PER_SECOND = 60.0, 6.0
# Before that share of the time caches fill and the allocator finds its size: no slope is taken of it.
WARM_SHARE = 0.3
MOST_MIB_PER_HOUR = 1.0


@dataclass(frozen=True)
class Holdings:
    """What a gateway has at one moment."""

    seconds: float
    rss_mib: float
    descriptors: int
    threads: int
    processes: int
    files: int
    in_flight: int
    waiting: int

    @property
    def residue(self) -> dict[str, int]:
        """What must be as before when all have gone."""
        names = ("descriptors", "processes", "files", "in_flight", "waiting")
        return {name: getattr(self, name) for name in names}


def look(gateway: World, began: float) -> Holdings:
    """Ask the system and the gateway's own metrics."""
    process = psutil.Process(gateway.pid)
    with process.oneshot():
        rss_bytes, threads = process.memory_info().rss, process.num_threads()
    gauges = metrics_of(gateway)
    data = gateway.folder / "data"
    lasting = (
        "code",
        "blobs",
    )  # packages and objects; what is written aside and environments' folders are not
    return Holdings(
        seconds=time.monotonic() - began,
        rss_mib=rss_bytes / (1 << 20),
        descriptors=process.num_fds(),
        threads=threads,
        processes=len(process.children(recursive=True)),
        files=sum(
            len(files)
            for folder, _, files in os.walk(data)
            if not any(f"/{name}" in folder for name in lasting)
        ),
        in_flight=int(gauges["onread_requests_in_flight"]),
        waiting=int(gauges["onread_requests_waiting_to_begin"] + gauges["onread_invocations_waiting"]),
    )


def metrics_of(gateway: World) -> dict[str, float]:
    """The metrics without labels."""
    with urllib.request.urlopen(f"{gateway.gateway.admin_endpoint}/metrics", timeout=30) as answer:
        lines = answer.read().decode().splitlines()
    pairs = (line.split(" ") for line in lines if line and line[0] != "#" and "{" not in line)
    return {name: float(value) for name, value in pairs}


def slope_per_hour(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """The least-squares slope of (seconds, value) for an hour, and twice its standard error."""
    count = len(points)
    if count < 3:
        return 0.0, math.inf
    mean_x, mean_y = (sum(point[axis] for point in points) / count for axis in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    left = sum((y - mean_y - slope * (x - mean_x)) ** 2 for x, y in points)
    return slope * 3600, 2 * math.sqrt(left / (count - 2) / spread) * 3600


def surely_grows(points: Sequence[tuple[float, float]], most_per_hour: float) -> bool:
    """Whether the slope is above a bound even if it is two standard errors less than it seems."""
    slope, margin = slope_per_hour(points)
    return slope - margin > most_per_hour


@dataclass
class Soak:
    """The load, the faults and the looks of one run."""

    gateway: World
    seconds: float
    outcomes: Counter[str] = field(default_factory=Counter)
    looks: list[Holdings] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)

    def run(self) -> tuple[Holdings, Holdings]:
        """What was held before the load and after it."""
        alias = self.gateway.transformed_by("once")
        plain = Callers(self.gateway.folder, self.gateway.port, self.gateway.request(BUCKET, "key"), "plain")
        transformed = Callers(
            self.gateway.folder, self.gateway.port, self.gateway.request(alias, "key"), "transformed"
        )
        for callers in (plain, transformed):
            callers.flat_out(4, 3)
        began = time.monotonic()
        before = look(self.gateway, began)
        running = {
            "plain": plain.begin_steady(PLAIN_PER_SECOND, self.seconds),
            "transformed": transformed.begin_steady(TRANSFORMED_PER_SECOND, self.seconds),
        }
        threads = [threading.Thread(target=each) for each in (self._write, self._harm)]
        for thread in threads:
            thread.start()
        while time.monotonic() - began < self.seconds:
            self.stop.wait(LOOK_SECONDS)
            self.looks.append(look(self.gateway, began))
        self.stop.set()
        for thread in threads:
            thread.join()
        for name, each in running.items():
            tally = each.tally()
            for outcome in ("good", "refused", "other", "broken", "unanswered"):
                self.outcomes[f"{name} {outcome}"] += getattr(tally, outcome)
        return before, self._settled(before, began)

    def _settled(self, before: Holdings, began: float) -> Holdings:
        deadline = time.monotonic() + SETTLE_SECONDS
        while True:
            after = look(self.gateway, began)
            if is_back(before, after) or time.monotonic() > deadline:
                return after
            time.sleep(0.5)

    def _write(self) -> None:
        """One who writes, reads back, lists and deletes, two rounds a second."""
        s3 = self.gateway.client("s3")
        for number in itertools.count():
            if self.stop.wait(0.5):
                return
            key, body = f"soak/{number % 50}", os.urandom(1024 * (1 + number % 64))
            try:
                s3.put_object(Bucket=BUCKET, Key=key, Body=body)
                right = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read() == body
                s3.list_objects_v2(Bucket=BUCKET, Prefix="soak/", MaxKeys=10)
                if number % 3 == 0:
                    s3.delete_object(Bucket=BUCKET, Key=key)
                self.outcomes["written right" if right else "written WRONG"] += 1
            except (ClientError, BotoCoreError):
                self.outcomes["write failed"] += 1

    def _harm(self) -> None:
        faults: tuple[Callable[[], None], ...] = (
            self._kill_function,
            self._break_off,
            self._reload,
            self._babble,
        )
        for fault in itertools.cycle(faults):
            if self.stop.wait(min(FAULT_SECONDS, self.seconds / 10)):
                return
            fault()
            self.outcomes[f"fault: {fault.__name__.strip('_')}"] += 1

    def _kill_function(self) -> None:
        for process in psutil.Process(self.gateway.pid).children()[:1]:
            process.kill()

    def _break_off(self) -> None:
        """Callers who leave in the middle of a head, of a body and of an answer."""
        request = self.gateway.request(BUCKET, "large")
        for begun in (
            request[:40],
            b"PUT /bench/x HTTP/1.1\r\nHost: h\r\nContent-Length: 9\r\n\r\nabc",
            request,
        ):
            for _ in range(20):
                with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=10) as peer:
                    peer.sendall(begun)

    def _reload(self) -> None:
        os.kill(self.gateway.pid, signal.SIGHUP)

    def _babble(self) -> None:
        """What is no HTTP."""
        for _ in range(20):
            with socket.create_connection(("127.0.0.1", self.gateway.port), timeout=10) as peer:
                peer.sendall(os.urandom(200))


def is_back(before: Holdings, after: Holdings) -> bool:
    """Whether nothing of the load is left; a few descriptors and files may be kept to be used again."""
    return all(after.residue[name] <= held + 4 for name, held in before.residue.items())


def main(seconds: float) -> int:
    """Run, tell, judge."""
    with world() as gateway:
        gateway.put("key", 1024)
        gateway.put("large", 8 << 20)
        soak = Soak(gateway, seconds)
        before, after = soak.run()
    points = [(each.seconds, each.rss_mib) for each in soak.looks if each.seconds > WARM_SHARE * seconds]
    slope, margin = slope_per_hour(points)
    wrong = [name for name in soak.outcomes if "WRONG" in name or name.endswith((" other", " unanswered"))]
    # Whose function is killed under it is told so.
    excused = {"transformed other": soak.outcomes["fault: kill_function"]}
    failures = [name for name in wrong if soak.outcomes[name] > excused.get(name, 0)]
    if surely_grows(points, MOST_MIB_PER_HOUR):
        failures.append("resident memory grows")
    if not is_back(before, after):
        failures.append(f"left behind: {before.residue} became {after.residue}")
    told = {
        "seconds": seconds,
        "outcomes": dict(sorted(soak.outcomes.items())),
        "rss_mib": [
            round(before.rss_mib, 1),
            round(max(each.rss_mib for each in soak.looks), 1),
            round(after.rss_mib, 1),
        ],
        "rss_mib_each_tenth": [
            round(each.rss_mib, 1) for each in soak.looks[:: max(1, len(soak.looks) // 10)]
        ],
        "rss_mib_per_hour": [round(slope, 2), f"+- {margin:.2f}"],
        "before": before.residue,
        "after": after.residue,
        "failures": failures,
        "load_average": os.getloadavg(),
    }
    sys.stdout.write(json.dumps(told, indent=2) + "\n")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]) if len(sys.argv) > 1 else SECONDS))
