"""A TLS client of few words: it can close one side only, take nothing, and tell a goodbye from a cut."""

import asyncio
import socket
import ssl
from contextlib import suppress

PATIENCE_SECONDS = 60


class TlsPeer:
    """One connection over a blocking socket; every wait is in a thread and bounded."""

    def __init__(self, plain: socket.socket, context: ssl.SSLContext):
        plain.settimeout(PATIENCE_SECONDS)
        self.plain = plain
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing, server_hostname="127.0.0.1")

    @classmethod
    async def connect(cls, port, context):
        return await cls.over(socket.create_connection(("127.0.0.1", port)), context)

    @classmethod
    async def over(cls, plain, context):
        made = cls(plain, context)
        try:
            await asyncio.to_thread(made._until_done, made.tls.do_handshake)
        except BaseException:
            plain.close()
            raise
        return made

    async def send(self, content):
        self.tls.write(content)
        await asyncio.to_thread(self._flush)

    async def send_raw(self, content):
        await asyncio.to_thread(self.plain.sendall, content)

    async def some(self):
        return await asyncio.to_thread(self._until_done, self.tls.read, 65536)

    async def say_goodbye(self):
        """``close_notify`` and the end of our side; what comes can still be read."""
        with suppress(ssl.SSLError):  # it waits for the other side's goodbye, or finds bytes instead
            self.tls.unwrap()
        await asyncio.to_thread(self._flush)
        with suppress(OSError):  # the other side may have cut already
            self.plain.shutdown(socket.SHUT_WR)

    async def rest(self):
        """All that still comes, and whether it ends with a goodbye."""
        return await asyncio.to_thread(self._rest)

    def close(self):
        self.plain.close()

    def _rest(self):
        came = []
        while True:
            try:
                piece = self._until_done(self.tls.read, 65536)
            except (ssl.SSLError, OSError):
                return b"".join(came), False
            if not piece:
                return b"".join(came), True
            came.append(piece)

    def _until_done(self, step, *arguments):
        while True:
            try:
                done = step(*arguments)
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLWantReadError:
                self._flush()
                self._read_more()
            else:
                self._flush()
                return done

    def _read_more(self):
        data = self.plain.recv(65536)
        if not data:
            raise ConnectionResetError("the stream ended without a goodbye")
        self.incoming.write(data)

    def _flush(self):
        if self.outgoing.pending:
            self.plain.sendall(self.outgoing.read())
