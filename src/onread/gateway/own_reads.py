"""What control operations ask of the store: whether a bucket is there, and a function's package."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from onread.control.call import ControlCall
from onread.errors import (
    AccessDenied,
    InvalidParameterValueException,
    NoSuchBucket,
    NoSuchKey,
    NoSuchVersion,
)
from onread.stores.store import Store, StoreCall
from onread.wire.output import Output

_PACKAGE_LIMIT_BYTES = 50 << 20


@dataclass(frozen=True, slots=True)
class OwnReads:
    """Reads on behalf of whoever manages, with their rights."""

    store: Store
    account_id: str

    async def bucket_exists(self, name: str) -> bool:
        """Whether this gateway serves a bucket of this name."""
        async with AsyncExitStack() as scope:
            try:
                await self.store.execute(self._call("HeadBucket", name, {}), scope)
            except NoSuchBucket:
                return False
        return True

    async def read_object(self, call: ControlCall, bucket: str, key: str, version_id: str | None) -> bytes:
        """A function's package.

        Raises:
            AccessDenied: the caller may not read that object.
            InvalidParameterValueException: there is no such object, or it is no answer of bytes.
        """
        if not await call.may_read_object(bucket, key, version_id):
            raise AccessDenied
        params = {"Key": key, **({"VersionId": version_id} if version_id else {})}
        async with AsyncExitStack() as scope:
            try:
                answer = await self.store.execute(self._call("GetObject", bucket, params), scope)
            except (NoSuchBucket, NoSuchKey, NoSuchVersion) as missing:
                raise InvalidParameterValueException(
                    f"Error occurred while GetObject. S3 Error Code: {missing.code}. "
                    f"S3 Error Message: {missing.text}"
                ) from missing
            if isinstance(answer, Output) and answer.body is not None:
                body = answer.body
                return body if isinstance(body, bytes) else await body.read(_PACKAGE_LIMIT_BYTES)
        raise InvalidParameterValueException("This store does not hand out a package's bytes.")

    def _call(self, operation: str, bucket: str, params: dict[str, str]) -> StoreCall:
        return StoreCall(operation=operation, bucket=bucket, params=params, account_id=self.account_id)
