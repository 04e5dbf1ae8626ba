"""A store in memory that keeps a real one's promises, for the few operations that tests of the road need."""

from contextlib import AsyncExitStack
from hashlib import md5

from onread.errors import MalformedXML, NoSuchBucket, NoSuchKey, NotImplemented
from onread.stores.bucket_settings import BucketSettings
from onread.stores.store import StoreCall
from onread.wire.message import BytesBody
from onread.wire.output import Output


class FakeStore:
    """Buckets of objects; ``calls`` holds every call in order."""

    def __init__(self) -> None:
        self.buckets: dict[str, dict[str, bytes]] = {}
        self.calls: list[StoreCall] = []
        self.settings: dict[str, BucketSettings] = {}

    def bucket_owner(self, name: str) -> str | None:
        return "000000000000" if name in self.buckets else None

    def bucket_settings(self, name: str) -> BucketSettings | None:
        return self.settings.get(name)

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output:
        self.calls.append(call)
        if call.operation == "ListBuckets":
            return Output(members={"Buckets": [{"Name": name} for name in self.buckets]})
        if call.operation == "CreateBucket":
            self.buckets[call.bucket] = {}
            return Output(members={"Location": f"/{call.bucket}"})
        if call.bucket not in self.buckets:
            raise NoSuchBucket(BucketName=call.bucket)
        return await self._in_bucket(call, self.buckets[call.bucket])

    async def _in_bucket(self, call: StoreCall, objects: dict[str, bytes]) -> Output:
        match call.operation:
            case "HeadBucket":
                return Output()
            case "PutObject":
                content = b"".join([chunk async for chunk in call.body])  # raises: nothing is kept
                objects[call.params["Key"]] = content
                return Output(members={"ETag": f'"{md5(content).hexdigest()}"'})
            case "GetObject" | "HeadObject":
                if call.params["Key"] not in objects:
                    raise NoSuchKey(Key=call.params["Key"])
                content = objects[call.params["Key"]]
                body = BytesBody(content) if call.operation == "GetObject" else None
                return Output(members={"ContentLength": len(content)}, body=body)
            case "DeleteObjects":
                keys = [item["Key"] for item in call.params["Delete"]["Objects"]]
                if not keys:
                    raise MalformedXML
                for key in keys:
                    objects.pop(key, None)
                return Output(members={"Deleted": [{"Key": key} for key in keys]})
            case "ListObjectsV2":
                return Output(members={"Contents": [{"Key": key} for key in sorted(objects)]})
            case _:
                raise NotImplemented(f"The fake store has no {call.operation}.")
