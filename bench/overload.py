"""Twice what can be sustained: how much good comes out, how the rest is refused, and how soon it is over.

A second caller with a key of its own asks five times a second meanwhile.

    python -m bench.overload
"""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.callers import Callers, Tally
from bench.gateway import BUCKET, World, world
from bench.table import Row, main
from onread.cli.client import make_client

LANES = 32
WARM_SECONDS = 1.5
PEAK_SECONDS = 4.0
QUIET_SECONDS = 2.0
OVERLOAD_SECONDS = 6.0
MODEST_PER_SECOND = 5.0
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}


@dataclass(frozen=True)
class Measured:
    """One kind of request under its peak, a quarter of it, and twice of it."""

    peak: Tally
    quiet: Tally
    overload: Tally
    modest: Tally
    recovery_seconds: float


def run() -> list[Row]:
    """Plain reads and transformed ones, each from a new gateway with the defaults."""
    rows = []
    for name, transformed in (("GET 1 KiB", False), ("transformed GET 1 KiB", True)):
        with world() as gateway:
            gateway.put("key", 1024)
            bucket = gateway.transformed_by("once") if transformed else BUCKET
            rows += _rows(name, _measure(gateway, bucket))
    return rows


def _measure(gateway: World, bucket: str) -> Measured:
    modest_request = _as_somebody_else(gateway, bucket)
    with closing(Callers(gateway.port, gateway.request(bucket, "key"))) as callers:
        callers.flat_out(LANES, WARM_SECONDS)
        peak = callers.flat_out(LANES, PEAK_SECONDS)
        quiet = callers.steady(peak.per_second(200) / 4, QUIET_SECONDS)
        with _modest(gateway.port, modest_request) as modest:
            overload = callers.steady(2 * peak.per_second(200), OVERLOAD_SECONDS)
        recovery_seconds = _recovery_seconds(callers, 2 * quiet.quantile_ms(200, 0.99))
    return Measured(peak, quiet, overload, modest, recovery_seconds)


def _as_somebody_else(gateway: World, bucket: str) -> bytes:
    """The same request, signed with the key of a user who may do everything."""
    iam = gateway.client("iam")
    iam.create_user(UserName="modest")
    iam.put_user_policy(UserName="modest", PolicyName="all", PolicyDocument=json.dumps(EVERYTHING))
    key = iam.create_access_key(UserName="modest")["AccessKey"]
    client = make_client(
        "s3",
        endpoint_url=gateway.gateway.endpoint,
        access_key_id=key["AccessKeyId"],
        secret_access_key=key["SecretAccessKey"],
    )
    url = urlsplit(client.generate_presigned_url("get_object", Params={"Bucket": bucket, "Key": "key"}))
    return f"GET {url.path}?{url.query} HTTP/1.1\r\nHost: {url.netloc}\r\n\r\n".encode()


@contextmanager
def _modest(port: int, request: bytes) -> Iterator[Tally]:
    """A caller who asks now and then, in a thread, for the length of the block."""
    found = Tally()

    def ask() -> None:
        with closing(Callers(port, request)) as callers:
            asked = callers.steady(MODEST_PER_SECOND, OVERLOAD_SECONDS)
        found.seconds, found.lasted = asked.seconds, asked.lasted

    thread = threading.Thread(target=ask)
    thread.start()
    yield found
    thread.join()


def _recovery_seconds(callers: Callers, good_ms: float) -> float:
    """Until ten requests one after the other are answered as quickly as before; ten seconds at most."""
    began = time.perf_counter()
    while time.perf_counter() - began < 10:
        probe = callers.steady(50, 0.2)
        if probe.counts == {200: 10} and probe.quantile_ms(200, 1) <= good_ms:
            break
    return time.perf_counter() - began


def _rows(name: str, measured: Measured) -> list[Row]:
    peak, quiet, overload, modest = measured.peak, measured.quiet, measured.overload, measured.modest
    rate = peak.per_second(200)
    how = f"{overload.counts.total()} requests in {OVERLOAD_SECONDS:g} s"
    refused = overload.counts.total() - overload.counts[200]
    return [
        Row(
            f"{name}: goodput at twice the load, of the peak",
            how,
            f"{overload.per_second(200):.0f} of {rate:.0f} a second; {dict(overload.counts)}",
            overload.per_second(200) / rate,
            ">= 0.9",
        ),
        Row(
            f"{name}: slowest refusal, ms",
            f"{refused} refused, {overload.hinted} with Retry-After",
            f"p50 {overload.quantile_ms(503, 0.5):.0f}",
            overload.quantile_ms(503, 1),
            "<= 1000",
        ),
        Row(
            f"{name}: p99 of the admitted, ms",
            how,
            f"p50 {overload.quantile_ms(200, 0.5):.0f}; at a quarter {quiet.quantile_ms(200, 0.99):.1f}",
            overload.quantile_ms(200, 0.99),
        ),
        Row(
            f"{name}: another key's share answered 200",
            f"{modest.counts.total()} requests, {MODEST_PER_SECOND:g} a second, meanwhile",
            f"p50 {modest.quantile_ms(200, 0.5):.0f}, p99 {modest.quantile_ms(200, 0.99):.0f} ms",
            modest.counts[200] / max(1, modest.counts.total()),
            ">= 0.99",
        ),
        Row(
            f"{name}: recovery, s",
            "until p100 of ten is twice the quiet p99",
            "",
            measured.recovery_seconds,
            "<= 5",
        ),
    ]


if __name__ == "__main__":
    main(run)
