"""Other people's clients at a transformed bucket: to all of them it must look like a bucket.

One row of the table a client, one column a word; see ``docs/clients.md``.
"""

import gzip
import hashlib
import json
import urllib.request

import pytest
from tests.matrix.all_clients import CLIENTS
from tests.matrix.conftest import NASTY_KEYS, ROWS, SYNCED, TEXT, tell

pytestmark = [pytest.mark.matrix, pytest.mark.slow]
EVERY_CLIENT = pytest.mark.parametrize("kind", CLIENTS, ids=lambda kind: kind.name)


def offering(word):
    """The clients that offer a word."""
    found = [kind for kind in CLIENTS if getattr(kind, word, None) is not None]
    return pytest.mark.parametrize("kind", found, ids=lambda kind: kind.name)


@pytest.fixture
def client(kind, place, tmp_path, record_property, request):
    word = request.function.__name__.removeprefix("test_")
    record_property("cell", [place.store, kind.name, word])
    return kind(place.world.endpoint, place.world.gateway.environment(), tmp_path)


@pytest.fixture
def bucket(kind, place):
    return place.plain_name if kind.plain_name else place.alias


@offering("get")
def test_get(client, bucket):
    assert client.get(bucket, "dir/letter.txt") == TEXT


@offering("size")
def test_size(client, bucket):
    assert client.size(bucket, "dir/letter.txt") == len(TEXT)


@offering("range")
def test_range(client, bucket):
    assert client.range(bucket, "dir/letter.txt", 100, 299) == TEXT[100:300]


@offering("get")
def test_big(client, bucket, place):
    """Some clients read in several ranges at once."""
    read = client.get(bucket, "dir/big")
    assert hashlib.sha256(read).digest() == hashlib.sha256(place.contents["dir/big"]).digest()


@offering("keys")
def test_keys(client, bucket):
    assert sorted(client.keys(bucket, "dir/")) == ["dir/big", "dir/letter.txt"]


@offering("put")
def test_put(client, bucket, place, tmp_path):
    """What is not transformed goes to the bucket as it is."""
    source = tmp_path / "source"
    source.write_bytes(gzip.compress(TEXT))
    key = f"put/{client.name}"
    client.put(bucket, key, source)
    assert place.kept(key) == source.read_bytes()


@offering("put")
def test_upload(client, bucket, place, tmp_path):
    """Large enough for an upload in parts."""
    source = tmp_path / "source"
    source.write_bytes(place.contents["dir/big"])
    key = f"upload/{client.name}"
    client.put(bucket, key, source)
    assert hashlib.sha256(place.kept(key)).digest() == hashlib.sha256(source.read_bytes()).digest()


@offering("get")
def test_nasty(client, bucket):
    assert client.get_all(bucket, NASTY_KEYS) == [TEXT] * len(NASTY_KEYS)


@offering("get")
def test_paths(client, bucket, place):
    """What is no path of files to S3. Which of them a client makes other keys of is told, and holds."""
    got = {name: attempt(client, bucket, key) for name, key in place.odd_paths.items()}
    rewritten = {name for name, content in got.items() if content != TEXT}
    assert rewritten == client.rewrites & got.keys()


def test_paths_of_the_store(place):
    """Which of them the store keeps is told."""
    tell([place.store, "odd paths", "kept", "passed", json.dumps(list(place.odd_paths))])
    assert "1,024 bytes" in place.odd_paths


def attempt(client, bucket, key):
    try:
        return client.get(bucket, key)
    except (AssertionError, FileNotFoundError, IsADirectoryError):
        return None


@offering("presigned")
def test_presigned(client, bucket):
    """By anybody, whole and in part."""
    url = client.presigned(bucket, "dir/letter.txt")
    assert fetched(url) == (200, TEXT)
    assert fetched(url, Range="bytes=100-299") == (206, TEXT[100:300])


def fetched(url, **headers):
    with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=60) as answer:
        return answer.status, answer.read()


@offering("sync_down")
def test_sync(client, bucket, place, tmp_path):
    """Down what is transformed, up what is not; a second time there is nothing to do."""
    down, up = tmp_path / "down", tmp_path / "up"
    (up / "sub").mkdir(parents=True)
    down.mkdir()
    assert client.sync_down(bucket, "sync/", down) == len(SYNCED)
    for key, content in SYNCED.items():
        name = key.removeprefix("sync/")
        assert (down / name).read_bytes() == content
        (up / name).write_bytes(content[::-1])
    assert client.sync_down(bucket, "sync/", down) == 0
    assert client.sync_up(up, place.plain, f"up-{client.name}/") == len(SYNCED)
    for key, content in SYNCED.items():
        assert place.kept(f"up-{client.name}/{key.removeprefix('sync/')}") == content[::-1]
    assert client.sync_up(up, place.plain, f"up-{client.name}/") == 0


@offering("tables")
def test_tables(client, bucket, place, parquet):
    """All that a list finds."""
    for name in ("a", "b"):
        place.world.client("s3").put_object(
            Bucket=place.bucket, Key=f"tables/{name}.parquet", Body=gzip.compress(parquet)
        )
    assert client.tables(bucket, "tables/") == [2 * ROWS, ROWS * (ROWS - 1)]


@offering("table")
def test_table(client, bucket, place, parquet):
    place.world.client("s3").put_object(
        Bucket=place.bucket, Key="dir2/table.parquet", Body=gzip.compress(parquet)
    )
    assert client.table(bucket, "dir2/table.parquet") == [ROWS, ROWS * (ROWS - 1) // 2]
