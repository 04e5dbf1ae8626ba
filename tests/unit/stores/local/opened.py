"""A real store in a directory of the test, and what tests do with it."""

import asyncio
import os
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from onread.stores.local.store import LocalStore
from onread.stores.store import StoreCall
from onread.wire.message import Body, BytesBody

ACCOUNT = "111122223333"
BUCKET = "bucket-one"


class FakeClock:
    """A clock that stands until it is moved."""

    def __init__(self):
        self.now = datetime(2030, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)

    def __call__(self):
        return self.now

    def move(self, seconds):
        self.now += timedelta(seconds=seconds)


@dataclass
class Answer:
    """An output whose body has been read."""

    members: dict
    content: bytes
    status: int | None

    def __getitem__(self, member):
        return self.members[member]


class ChunkedBody(Body):
    """Chunks, and at their end an error if one is given."""

    def __init__(self, chunks, error=None):
        self._chunks = list(reversed(chunks))
        self._error = error

    async def __anext__(self):
        if self._chunks:
            return self._chunks.pop()
        if self._error is not None:
            raise self._error
        raise StopAsyncIteration


class StalledBody(Body):
    """Chunks, and then a sender that is silent. ``reached`` is set when it falls silent."""

    def __init__(self, chunks):
        self._chunks = list(reversed(chunks))
        self.reached = asyncio.Event()

    async def __anext__(self):
        if self._chunks:
            return self._chunks.pop()
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets that event")


class Client:
    """Operations by name, their bodies read to the end."""

    def __init__(self, store, directory, clock):
        self.store = store
        self.directory = directory
        self.clock = clock

    async def __call__(self, operation, bucket=BUCKET, *, body=b"", account_id=ACCOUNT, **params):
        content = BytesBody(body) if isinstance(body, bytes) else body
        call = StoreCall(
            operation=operation, bucket=bucket, params=params, account_id=account_id, body=content
        )
        async with AsyncExitStack() as scope:
            output = await self.store.execute(call, scope)
            answered = output.body or b""
            if isinstance(answered, Body):
                answered = await answered.read(1 << 40)
            return Answer(dict(output.members), answered, output.status)

    async def put(self, key, body=b"", **params):
        return await self("PutObject", Key=key, body=body, **params)

    async def get(self, key, **params):
        return await self("GetObject", Key=key, **params)

    async def keys(self, **params):
        return [entry["Key"] for entry in (await self("ListObjectsV2", **params))["Contents"]]

    def blobs(self):
        """The names of all blobs on disk."""
        return {path.name for path in (self.directory / "blobs").rglob("*") if path.is_file()}

    def aside(self):
        """The names of all unfinished blobs on disk."""
        return os.listdir(self.directory / "tmp")


@asynccontextmanager
async def opened(directory: Path, *, disk=None, region="us-east-1", bucket=BUCKET):
    """A client of a store in ``directory``, with an empty bucket when it is new."""
    clock = FakeClock()
    store = await LocalStore.open(directory, clock=clock, region=region, disk=disk)
    try:
        if bucket is not None and store.bucket_owner(bucket) is None:
            call = StoreCall(operation="CreateBucket", bucket=bucket, params={}, account_id=ACCOUNT)
            await store.execute(call, AsyncExitStack())
        yield Client(store, directory, clock)
    finally:
        await store.close()


def with_store(directory, scenario, **options):
    """Run ``scenario(client)`` against a store in ``directory``."""

    async def main():
        async with opened(directory, **options) as client:
            return await scenario(client)

    return asyncio.run(main())


async def upload(client, key, parts, **params):
    """A completed multipart upload of ``{number: bytes}``."""
    created = await client("CreateMultipartUpload", Key=key, **params)
    upload_id = created["UploadId"]
    listed = []
    for number, content in parts.items():
        part = await client("UploadPart", Key=key, UploadId=upload_id, PartNumber=number, body=content)
        listed.append({"PartNumber": number, "ETag": part["ETag"]})
    return await client(
        "CompleteMultipartUpload", Key=key, UploadId=upload_id, MultipartUpload={"Parts": listed}
    )
