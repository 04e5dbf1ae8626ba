"""onread's own ListStores: where the buckets of this gateway live, and whether each store is there."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from onread.control.call import ControlCall, Operations
from onread.wire.output import Output

LookAtStores = Callable[[], Awaitable[Sequence[Mapping[str, Any]]]]
"""Every store as ListStores tells of it, the embedded one first."""


class StoreOperations:
    """One operation, for whoever manages: it names endpoints."""

    def __init__(self, look: LookAtStores) -> None:
        self._look = look

    def operations(self) -> Operations:
        """The operations served here, by their name in our model."""
        return {"ListStores": self.list_stores}

    async def list_stores(self, call: ControlCall) -> Output:
        """ListStores: each is asked now, with a deadline."""
        return Output(members={"Stores": list(await self._look())})
