"""The process that R-001 kills: writes, and says on its standard output what was acknowledged.

A line is printed when an operation begins and when it was answered; content is told by its number.
"""

import asyncio
import itertools
import sys
from pathlib import Path

import structlog

from onread.stores.local.store import LocalStore
from onread.stores.store import StoreCall

from .opened import ACCOUNT, BUCKET, Client, FakeClock

KEYS = [f"key-{number}" for number in range(6)]
PART = 5 * 1024**2


def content_of(number: int) -> bytes:
    """Bytes of a length and content that tell the number; now and then more than one batch."""
    size = 1_500_000 if number % 7 == 0 else 1000 + number % 5000
    return (b"%012d" % number) * (size // 12 + 1)


async def write_forever(client, key, numbers):
    for number in numbers:
        say("begin", key, number)
        if number % 5 == 0:
            await client("DeleteObject", Key=key)
        elif number % 11 == 0:
            await write_parts(client, key, number)
        else:
            await client.put(key, content_of(number))
        say("done", key, number)


async def write_parts(client, key, number):
    upload_id = (await client("CreateMultipartUpload", Key=key))["UploadId"]
    part = await client("UploadPart", Key=key, UploadId=upload_id, PartNumber=1, body=content_of(number))
    parts = [{"PartNumber": 1, "ETag": part["ETag"]}]
    await client("CompleteMultipartUpload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts})


def say(*words):
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


async def main(directory: Path, first: int) -> None:
    store = await LocalStore.open(directory, clock=FakeClock())
    client = Client(store, directory, FakeClock())
    if store.bucket_owner(BUCKET) is None:
        call = StoreCall(operation="CreateBucket", bucket=BUCKET, params={}, account_id=ACCOUNT)
        await store.execute(call, None)
    say("ready", "-", 0)
    async with asyncio.TaskGroup() as group:
        for offset, key in enumerate(KEYS):
            numbers = itertools.islice(itertools.count(first + offset, len(KEYS)), 10_000)
            group.create_task(write_forever(client, key, numbers))


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(main(Path(sys.argv[1]), int(sys.argv[2])))
