"""Fills a small file system of its own and empties it through the store. See test_full_disk."""

import sys
from contextlib import suppress
from pathlib import Path

from onread import errors

from .opened import with_store

COUNT = 300


async def fill(client, size):
    """Through the store, until it refuses."""
    await client.put("old", b"old")
    count = 0
    with suppress(errors.ServiceUnavailable):
        while count < 100_000:
            await client.put(f"{count:06}", b"x" * size)
            count += 1
    assert 10 < count < 100_000
    assert client.aside() == []
    assert (await client.get("old")).content == b"old"
    await empty(client, count)


async def put_many(client):
    await client.put("old", b"old")
    for number in range(COUNT):
        await client.put(f"{number:06}", b"x")


def fill_file_system(directory):
    """To its last byte, with one file and then with many."""
    with open(directory / "filler", "wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(4096))
    with suppress(OSError):
        for number in range(100_000):
            (directory / f"filler-{number}").write_bytes(b"x")


async def fill_from_outside(client, directory):
    """By somebody else, while the index's log is still empty."""
    fill_file_system(directory)
    try:
        await client.put("refused", b"x" * 5000)
    except errors.ServiceUnavailable:
        await empty(client, COUNT)
    else:
        raise AssertionError("the disk was not full")


async def empty(client, count):
    for number in range(count):
        await client("DeleteObject", Key=f"{number:06}")
    assert await client.keys() == ["old"]
    await put_in_the_end(client, "new", b"y")
    assert (await client.get("new")).content == b"y"


async def put_in_the_end(client, key, content):
    """The blobs are removed behind the answers, so the first tries may still be refused."""
    for _ in range(1000):
        try:
            return await client.put(key, content)
        except errors.ServiceUnavailable:
            continue
    raise AssertionError("no room came back")


if __name__ == "__main__":
    directory, how = Path(sys.argv[1]), sys.argv[2]
    if how == "outside":
        with_store(directory / "data", put_many)
        with_store(directory / "data", lambda client: fill_from_outside(client, directory))
    else:
        with_store(directory / "data", lambda client: fill(client, int(how)))
