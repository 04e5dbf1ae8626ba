"""Names become addresses: bounded in time, remembered for a moment, checked before they are used."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from ipaddress import IPv4Address, IPv6Address, ip_address

from onread.outbound.failures import NotPermitted, Unreachable

Address = IPv4Address | IPv6Address
Lookup = Callable[[str, int], list[str]]

FRESH_SECONDS = 5.0
LAST_GOOD_SECONDS = 60.0
_PATIENCE_SECONDS = 1.0


def system_lookup(host: str, port: int) -> list[str]:
    """The addresses that the system gives for a name; blocks.

    Raises:
        OSError: none.
    """
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


class Names:
    """The addresses of one name.

    One look-up is under way at most, so a resolver that hangs costs one thread. While it is slow or
    fails, the last good answer serves, for a minute (R-033).

    Args:
        permit: whether an address may be connected to; asked about each address each time, so that
            the address checked is the address used (T-182).
        lookup: blocks; runs in a thread.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        permit: Callable[[Address], bool] | None = None,
        lookup: Lookup = system_lookup,
    ) -> None:
        self._host, self._port = host, port
        self._permit = permit
        self._lookup = lookup
        self._known: list[str] = []
        self._known_at = float("-inf")
        self._running: asyncio.Future[list[str]] | None = None
        self._thread: ThreadPoolExecutor | None = None

    async def addresses(self) -> list[str]:
        """Where to connect, in order.

        Raises:
            Unreachable: the name has no address, or the resolver does not say in time.
            NotPermitted: none of its addresses may be connected to.

        Cancellation: the look-up goes on for whoever asks next.
        """
        literal = _literal(self._host)
        found = [literal] if literal else await self._resolve()
        if self._permit is None:
            return found
        permitted = [text for text in found if self._permit(ip_address(text.partition("%")[0]))]
        if not permitted:
            raise NotPermitted("This address may not be connected to.")
        return permitted

    def close(self) -> None:
        """Let go of the thread; one that hangs ends with the process."""
        if self._thread is not None:
            self._thread.shutdown(wait=False, cancel_futures=True)

    async def _resolve(self) -> list[str]:
        now = asyncio.get_running_loop().time()
        if now - self._known_at < FRESH_SECONDS:
            return self._known
        usable = now - self._known_at < LAST_GOOD_SECONDS
        running = self._running or self._start()
        await asyncio.wait({running}, timeout=_PATIENCE_SECONDS if usable else None)
        if running.done() and running.exception() is None:
            return running.result()
        if usable:
            return self._known
        raise Unreachable("The name cannot be resolved.")

    def _start(self) -> asyncio.Future[list[str]]:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="onread-names")
        loop = asyncio.get_running_loop()
        self._running = loop.run_in_executor(self._thread, self._lookup, self._host, self._port)
        self._running.add_done_callback(self._finished)
        return self._running

    def _finished(self, running: asyncio.Future[list[str]]) -> None:
        self._running = None
        if not running.cancelled() and running.exception() is None and running.result():
            self._known = running.result()
            self._known_at = asyncio.get_running_loop().time()


def _literal(host: str) -> str | None:
    try:
        return str(ip_address(host))
    except ValueError:
        return None
