"""What a store is: one door for every data operation of S3."""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import field
from typing import Any, Protocol

from onread.addressing.copy_source import CopySource
from onread.wire.frozen import frozen
from onread.wire.message import Body, BytesBody, Request, Response
from onread.wire.output import Output

MOST_KEYS_IN_DELETE = 1000
"""How many keys one DeleteObjects may name."""


async def _may() -> bool:
    return True


@frozen(kw_only=True)
class StoreCall:
    """One operation against one store.

    Attributes:
        operation: AWS's name, ``GetObject``.
        bucket: the bucket's name; empty for ListBuckets.
        params: the operation's input members by AWS's name, ``Bucket`` left out, ``Key`` decoded text,
            head and document members merged, the streaming ``Body`` left out.
        body: the payload, decoded and verified while it is read: a wrong checksum or signature raises
            from its iteration before its end, so a store commits only after the last chunk.
        account_id: who owns what is created.
        may_copy_tags: whether the caller may read the tags of a copy's source and set the target's; asked
            when the source has some.
        request: as its caller sent it, for a store that forwards it raw; None: onread itself asks.
        document: the request's document as it came; None: there is none, or what ``params`` say holds.
        copy_source: what a copy reads, when the bucket is known by its own name.
        request_id: that of its caller's request, which the store's refusal is given; empty: nobody's.
    """

    operation: str
    bucket: str
    params: Mapping[str, Any]
    account_id: str
    body: Body = field(default_factory=lambda: BytesBody(b""))
    may_copy_tags: Callable[[], Awaitable[bool]] = _may
    request: Request | None = None
    document: bytes | None = None
    copy_source: CopySource | None = None
    request_id: str = ""


class Store(Protocol):
    """A place for objects."""

    async def execute(self, call: StoreCall, scope: AsyncExitStack) -> Output | Response:
        """Do one operation.

        What must live as long as the answer's body (a file, a connection) is pushed on ``scope``,
        which closes when the body has been sent or the caller has gone.

        Raises:
            S3Error: AWS's code for the fact; ``NotImplemented`` by name for what this store lacks.

        Cancellation: nothing is visible of an operation that did not answer.
        """
        ...
