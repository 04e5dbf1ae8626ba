"""A thousand clients who take their time, beside good ones: what the good ones notice.

python -m bench.slow_clients
"""

from urllib.parse import urlsplit

from tests.compat.slow_clients import Attack, attacked, good_reads

from bench.gateway import BUCKET, World, world
from bench.table import Row, main
from onread.server.descriptors import raise_descriptor_limit

ATTACKERS = 1000
GOOD_REQUESTS = 2000
TURNS = 2


def run() -> list[Row]:
    """Slow heads, slow bodies and slow reads of a large object, a third of each."""
    raise_descriptor_limit()
    with world() as gateway:
        gateway.put("key", 1024)
        gateway.put("large", 64 << 20)
        url = gateway.url(BUCKET, "key", gateway.somebody_else())  # the slow ones have the root's key
        turns = [_turn(gateway, url) for _ in range(TURNS)]
    share = min(attacked_by.share for _, attacked_by in turns)
    ratio = sorted(attacked_by.p99_ms / alone.p99_ms for alone, attacked_by in turns)[TURNS // 2]
    values = " and ".join(
        f"{alone.p99_ms:.1f} to {attacked_by.p99_ms:.1f} ms" for alone, attacked_by in turns
    )
    how = f"{ATTACKERS} slow clients, {TURNS} x {GOOD_REQUESTS} good GETs of 1 KiB, 4 lanes"
    return [
        Row("good requests served among slow clients, share", how, "", share, ">= 0.999"),
        Row("their p99 / without slow clients", how, values, ratio, "<= 2"),
    ]


def _turn(gateway: World, url: str):
    alone = good_reads([url], count=GOOD_REQUESTS)
    with attacked(("127.0.0.1", gateway.port), _attacks(gateway), ATTACKERS):
        return alone, good_reads([url], count=GOOD_REQUESTS)


def _attacks(gateway: World) -> list[Attack]:
    large = urlsplit(gateway.url(BUCKET, "large"))
    host = f"Host: {large.netloc}\r\n"
    body = f"PUT /{BUCKET}/slow HTTP/1.1\r\n{host}Content-Length: 1000000\r\n\r\n"
    read = f"GET {large.path}?{large.query} HTTP/1.1\r\n{host}\r\n"
    return [
        Attack(f"GET / HTTP/1.1\r\n{host}X-A: ".encode(), drip=b"a"),
        Attack(body.encode(), drip=b"a"),
        Attack(read.encode(), bytes_read=64),
    ]


if __name__ == "__main__":
    main(run)
