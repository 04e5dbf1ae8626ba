"""Taking in all the connections that wait, not one a turn of the loop.

libuv accepts one connection from a listening socket each turn. While the loop is busy its turns are long,
and whoever comes new would wait for seconds behind those who are being served (R-042). So whenever one
was accepted, what waits behind it is taken in as well.
"""

import asyncio
import socket
from collections.abc import Callable, Iterable

_MOST_A_TURN = 16


class Acceptor:
    """Empties the queues of listening sockets after the loop itself has accepted from one of them.

    Args:
        sockets: that the loop accepts from; they are duplicated, so `close` must end the listening too.
        protocol: makes the protocol of a connection.
        room: how many connections more may be open; beyond it they are closed unheard (T-255).
    """

    def __init__(
        self,
        sockets: Iterable[socket.socket],
        protocol: Callable[[], asyncio.BaseProtocol],
        tasks: asyncio.TaskGroup,
        room: Callable[[], int],
    ) -> None:
        self._loop = asyncio.get_running_loop()
        self._protocol = protocol
        self._tasks = tasks
        self._room = room
        self._coming = 0
        self._planned = False
        self._sockets = [socket.fromfd(each.fileno(), each.family, each.type) for each in sockets]
        for each in self._sockets:
            each.setblocking(False)

    def plan(self) -> None:
        """Look in the coming turn. Called whenever the loop has accepted a connection."""
        if not self._planned and self._sockets:
            self._planned = True
            self._loop.call_soon(self._take)

    def close(self) -> None:
        """Accept no more."""
        while self._sockets:
            self._sockets.pop().close()

    def _take(self) -> None:
        self._planned = False
        for listening in self._sockets:
            for _ in range(_MOST_A_TURN):
                try:
                    accepted, _ = listening.accept()
                except OSError:  # none waits, or there is no descriptor for it: the loop sees to that
                    break
                self._take_in(accepted)
            else:
                self.plan()

    def _take_in(self, accepted: socket.socket) -> None:
        if self._coming >= self._room():
            accepted.close()
            return
        self._coming += 1
        self._tasks.create_task(self._connect(accepted), name="onread.server.accept")

    async def _connect(self, accepted: socket.socket) -> None:
        accepted.setblocking(False)
        try:
            await self._loop.connect_accepted_socket(self._protocol, accepted)
        except OSError:  # the peer has left already
            accepted.close()
        finally:
            self._coming -= 1
