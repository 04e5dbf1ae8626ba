"""Fills a small file system of its own through the store, then empties it. See test_full_disk."""

import sys
from pathlib import Path

from onread import errors

from .opened import with_store


async def fill_and_empty(client, size):
    await client.put("old", b"old")
    count = 0
    try:
        while count < 100_000:
            await client.put(f"{count:06}", b"x" * size)
            count += 1
        raise AssertionError("the disk was never full")
    except errors.ServiceUnavailable:
        assert count > 10
    assert client.aside() == []
    assert (await client.get("old")).content == b"old"
    for number in range(count):
        await client("DeleteObject", Key=f"{number:06}")
    assert await client.keys() == ["old"]
    await put_in_the_end(client, "new", b"y" * size)
    assert (await client.get("new")).content == b"y" * size


async def put_in_the_end(client, key, content):
    """The blobs are removed behind the answers, so the first tries may still be refused."""
    for _ in range(1000):
        try:
            return await client.put(key, content)
        except errors.ServiceUnavailable:
            continue
    raise AssertionError("no room came back")


if __name__ == "__main__":
    with_store(Path(sys.argv[1]), lambda client: fill_and_empty(client, int(sys.argv[2])))
