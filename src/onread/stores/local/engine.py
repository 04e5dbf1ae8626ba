"""What every operation of the embedded store works with, in one frozen place."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import datetime

from onread.errors import InvalidURI, KeyTooLongError
from onread.stores.local.blobs import Blobs
from onread.stores.local.index import Index
from onread.stores.local.shelves import Shelves
from onread.stores.local.workers import Workers, settle
from onread.stores.store import StoreCall
from onread.wire.output import Output

LONGEST_KEY_BYTES = 1024


@dataclass(frozen=True, slots=True, kw_only=True)
class Engine:
    """The parts of an open store.

    Attributes:
        clock: gives an aware datetime; decides what is shown, never which write is the newest.
        token_secret: authenticates continuation tokens.
    """

    index: Index
    blobs: Blobs
    shelves: Shelves
    workers: Workers
    clock: Callable[[], datetime]
    region: str
    token_secret: bytes

    def now_ms(self) -> int:
        """The clock in milliseconds since 1970."""
        return int(self.clock().timestamp() * 1000)

    async def unpin(self, blob_ids: Sequence[str]) -> None:
        """A reader of these blobs is done."""
        await settle(self.workers.submit(self.shelves.unpin, blob_ids), may_drop=False)


Operation = Callable[[Engine, StoreCall, AsyncExitStack], Awaitable[Output]]


def encode_key(key: str) -> bytes:
    """A key as it is stored and ordered: the bytes of its UTF-8, unchanged.

    Raises:
        KeyTooLongError: it has more than 1,024 bytes.
        InvalidURI: it is no text that UTF-8 can hold.
    """
    try:
        encoded = key.encode("utf-8")
    except UnicodeEncodeError as error:
        raise InvalidURI from error
    if len(encoded) > LONGEST_KEY_BYTES:
        raise KeyTooLongError(Size=str(len(encoded)), MaxSizeAllowed=str(LONGEST_KEY_BYTES))
    return encoded
