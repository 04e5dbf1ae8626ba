"""Behind proxies that are trusted by address: who the caller is, and how the caller spoke."""

import re
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

from onread.wire.message import Handler, Request, Response

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def behind_proxies(handler: Handler, trusted: Sequence[Network]) -> Handler:
    """The same handler, which sees callers as trusted proxies describe them.

    ``peer`` is the right-most hop of ``X-Forwarded-For`` that is no trusted proxy, ``scheme`` the
    right-most ``X-Forwarded-Proto``; both only when the socket's own peer is trusted (T-206).
    """
    if not trusted:
        return handler
    look_behind = looking_behind(trusted)

    def handle(request: Request) -> AbstractAsyncContextManager[Response]:
        look_behind(request)
        return handler(request)

    return handle


def looking_behind(trusted: Sequence[Network]) -> Callable[[Request], None]:
    """Changes a request as `behind_proxies` says; a second time changes nothing more."""

    @lru_cache(maxsize=4096)
    def is_trusted(address: Address) -> bool:
        return any(address in network for network in trusted)

    def look_behind(request: Request) -> None:
        peer = _address(request.peer)
        if peer is not None and is_trusted(peer):
            hops = _values(request, "x-forwarded-for")
            request.peer = str(caller_of(peer, hops, is_trusted))
            spoken = _values(request, "x-forwarded-proto")
            if spoken and spoken[-1].lower() in ("http", "https"):
                request.scheme = spoken[-1].lower()

    return look_behind


def caller_of(peer: Address, hops: Sequence[str], is_trusted: Callable[[Address], bool]) -> Address:
    """The nearest address that is no trusted proxy, as far as trusted proxies tell.

    Args:
        peer: of the socket, trusted.
        hops: as in X-Forwarded-For, each written by the hop to its right; the last by ``peer``.
    """
    caller = peer
    for hop in reversed(hops):
        address = _address(hop)
        if address is None:  # nonsense, or "unknown": nobody to the left of it can be believed
            return caller
        caller = address
        if not is_trusted(address):
            return caller
    return caller


def _values(request: Request, name: str) -> list[str]:
    """The members of a list header, over all its lines, in order."""
    return [part.strip() for line in request.headers.get_all(name) for part in line.split(",")]


@lru_cache(maxsize=4096)
def _address(text: str) -> Address | None:
    """An address with a port or without; IPv4 written as IPv6 is IPv4. None for anything else."""
    text = text.strip('"')
    bracketed = re.fullmatch(r"\[([0-9A-Fa-f:.]+)\](?::[0-9]{1,5})?", text)
    if bracketed is not None:
        text = bracketed[1]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address
