"""A payload whose sender must still be allowed to send it when it has arrived."""

from collections.abc import Awaitable, Callable

from onread.wire.message import Body


class RecheckedBody(Body):
    """Passes a body on and asks once more at its end: a store commits nothing before that.

    An upload may take hours, and what is acknowledged to whoever changes a policy holds from then on.

    Args:
        recheck: raises when the caller may no longer do what he began; called in place of the end.
    """

    def __init__(self, body: Body, recheck: Callable[[], Awaitable[None]]) -> None:
        self._body = body
        self._recheck = recheck
        self.length_bytes = body.length_bytes

    def let_sender_pause(self) -> None:
        """See `Body.let_sender_pause`."""
        self._body.let_sender_pause()

    async def __anext__(self) -> bytes:
        try:
            return await self._body.__anext__()
        except StopAsyncIteration:
            await self._recheck()
            self.trailers = self._body.trailers
            raise
