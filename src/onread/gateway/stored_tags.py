"""The tags of an object as its store tells them, for policies that name them."""

import asyncio
from dataclasses import dataclass
from typing import Final

from onread.errors import (
    InvalidArgument,
    KeyTooLongError,
    MethodNotAllowed,
    NoSuchBucket,
    NoSuchKey,
    NoSuchTagSet,
    NoSuchVersion,
    NotImplemented,
    SlowDown,
)
from onread.gateway.known_tags import TaggedObject
from onread.stores.store import StoreCall
from onread.stores.stores import Stores
from onread.stores.tags import Tags
from onread.stores.upstream.tags import read_tags

LOOK_SECONDS: Final = 10.0
"""How long a request waits for an object's tags when its store has begun to answer.

Until then the store's own limits hold: whom nobody waits for that long is never known to be gone.
"""

# The store says so by name: there is no such object (405 is a delete marker's), it has no tags, or none of
# the store's objects has. Everything else leaves it open.
_HAS_NONE = (
    KeyTooLongError,
    MethodNotAllowed,
    NoSuchBucket,
    NoSuchKey,
    NoSuchTagSet,
    NoSuchVersion,
    NotImplemented,
)


@dataclass(frozen=True, slots=True)
class StoredTags:
    """Asks the store of an object's bucket, with onread's own credentials."""

    stores: Stores
    account_id: str

    async def __call__(self, named: TaggedObject) -> Tags:
        """The object's tags, none when it is not there.

        Raises:
            SlowDown: the store does not answer in time.
            S3Error: its refusal, which says nothing about the tags.
        """
        version = {"VersionId": named.version_id} if named.version_id is not None else {}
        call = StoreCall(
            operation="GetObjectTagging",
            bucket=named.bucket,
            params={"Key": named.key, **version},
            account_id=self.account_id,
        )
        upstream = self.stores.upstream_of(named.bucket)
        seconds = LOOK_SECONDS
        if upstream is not None:
            seconds += upstream.settings.connect_seconds + upstream.settings.first_byte_seconds
        try:
            async with asyncio.timeout(seconds):
                return await read_tags(self.stores, call)
        except _HAS_NONE:
            return {}
        except InvalidArgument:
            if upstream is not None:
                raise
            return {}  # the embedded store keeps no such version, and says so to whatever is asked of it
        except TimeoutError as late:
            raise SlowDown(
                "The store of this bucket does not tell an object's tags in time.", retry_after_seconds=1
            ) from late
