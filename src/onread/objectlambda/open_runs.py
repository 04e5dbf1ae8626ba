"""Which runs are under way: an ``inputS3Url`` is good while the run it was made for lasts."""

from collections.abc import Iterator
from contextlib import contextmanager

from onread.functions.invoker import Invocation, Invoker, Running


class OpenRuns:
    """The request ids of the runs that this process has begun and that have not ended."""

    def __init__(self) -> None:
        self._request_ids: set[str] = set()

    async def start(self, invoker: Invoker, invocation: Invocation) -> Running:
        """`Invoker.start`, with the run open from before its event leaves until it has finished.

        Cancellation: before it returns, nothing ran and nothing is open.
        """
        self._request_ids.add(invocation.request_id)
        try:
            running = await invoker.start(invocation)
        except BaseException:
            self._request_ids.discard(invocation.request_id)
            raise
        running.finished.add_done_callback(lambda _: self._request_ids.discard(invocation.request_id))
        return running

    @contextmanager
    def open(self, request_id: str) -> Iterator[None]:
        """A question of the gateway's own: open as long as the scope is."""
        self._request_ids.add(request_id)
        try:
            yield
        finally:
            self._request_ids.discard(request_id)

    def __contains__(self, request_id: object) -> bool:
        """Whether the run of this request is under way."""
        return request_id in self._request_ids
