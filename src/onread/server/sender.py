"""Bytes out: everything a connection writes, gathered into as few writes as can be, under back-pressure."""

import asyncio
import socket
import struct

# Up to this much is copied into the write of what stands before it; more goes as it is.
GATHER_BYTES = 16 << 10

# The loop writes at once whatever it is handed, so what belongs together is handed over together:
# up to this much, in so many pieces (the kernel takes 1,024 in one write).
_WRITE_BYTES = 64 << 10
_WRITE_PIECES = 256

_RESET = struct.pack("ii", 1, 0)  # SO_LINGER: on, for no time


class Sender:
    """The writing half of one connection.

    Small pieces put within one turn of the loop leave in one write: a head and a small body, the
    chunks of a burst and their end. Nothing waits longer than that turn, so a head does not wait
    for a body that thinks.
    """

    def __init__(
        self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop, mark_bytes: int
    ) -> None:
        self.started = False
        self._transport = transport
        self._loop = loop
        self._mark_bytes = mark_bytes
        self._pending: list[bytes] = []
        self._pending_bytes = 0
        self._flush_planned = False
        self._paused = False
        self._room: asyncio.Future[None] | None = None
        self._stalled_since: float | None = None
        self._stalled_size = 0
        transport.set_write_buffer_limits(high=mark_bytes)

    @property
    def paused(self) -> bool:
        """The transport holds more than its mark: wait for `room` before the next bytes."""
        return self._paused

    def write(self, data: bytes) -> None:
        """Send bytes at once, behind all that was put."""
        if self._pending:
            self.flush()
        self._transport.write(data)

    def put(self, data: bytes) -> None:
        """Send bytes, together with their neighbours."""
        self._pending.append(data)
        self._pending_bytes += len(data)
        if self._pending_bytes > _WRITE_BYTES or len(self._pending) > _WRITE_PIECES:
            self.flush()
        elif not self._flush_planned:
            self._flush_planned = True
            self._loop.call_soon(self._planned_flush)

    def _planned_flush(self) -> None:
        self._flush_planned = False
        self.flush()

    def flush(self) -> None:
        """Hand everything put so far to the transport."""
        pending = self._pending
        if not pending:
            return
        self._pending = []
        if len(pending) == 1:
            self._transport.write(pending[0])
        elif self._pending_bytes > GATHER_BYTES:
            self._transport.writelines(pending)
        else:
            self._transport.write(b"".join(pending))
        self._pending_bytes = 0

    async def room(self) -> None:
        """Wait until the transport holds less than its mark."""
        if self._paused:
            self._room = self._loop.create_future()
            try:
                await self._room
            finally:
                self._room = None

    async def handed_over(self) -> None:
        """Wait until the kernel has taken all but the last small write."""
        self.flush()
        if self._transport.get_write_buffer_size() <= GATHER_BYTES:
            return
        self._transport.set_write_buffer_limits(high=GATHER_BYTES, low=GATHER_BYTES)
        await self.room()
        self._transport.set_write_buffer_limits(high=self._mark_bytes)

    # Endings

    def close(self) -> None:
        """End when all that was written has left."""
        self.flush()
        self._transport.close()

    def finish(self) -> None:
        """Say that nothing more will be written; the peer may still send."""
        self.flush()
        if self._transport.is_closing():
            return
        try:
            self._transport.write_eof()
        except OSError:  # the peer has reset the connection and the loop has not told us yet
            self._transport.abort()

    def cut(self) -> None:
        """End by a reset, so that the peer cannot take what it has for whole (T-107)."""
        if not self._transport.is_closing():
            self._transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._transport.abort()

    # Told by the connection

    def pause(self) -> None:
        """The transport is full."""
        self._paused = True
        self._stalled_since = None

    def resume(self) -> None:
        """The transport has room again."""
        self._paused = False
        if self._room is not None and not self._room.done():
            self._room.set_result(None)

    def stalled(self, now: float, limit_seconds: float) -> bool:
        """Whether the peer has taken no byte for longer than the limit while we wait for it."""
        if not self._paused:
            return False
        size = self._transport.get_write_buffer_size()
        if self._stalled_since is None or size < self._stalled_size:
            self._stalled_since = now
        self._stalled_size = size
        return now - self._stalled_since >= limit_seconds
