"""Where a gateway listens, and with which certificates."""

import os
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace

from onread.app.refusal import CannotStart
from onread.config import Endpoint, Settings
from onread.server.door import Door
from onread.server.limits import DEFAULT_LIMITS, Limits
from onread.server.listener import Listener, serve
from onread.server.passage import Passage
from onread.server.tls import Certificates, TlsFiles
from onread.wire.message import Handler


@dataclass(frozen=True, slots=True)
class Place:
    """Where a listener listens, and what it shows there."""

    setting: str
    address: Endpoint
    given: Sequence[socket.socket]
    certificates: Certificates | None = None


def tls_files(settings: Settings) -> list[TlsFiles]:
    """What the front listener shows, then the admin listener; either may be missing at the end."""
    if settings.tls_cert is None or settings.tls_key is None:
        return []
    front = TlsFiles(certificate=settings.tls_cert, key=settings.tls_key)
    if settings.admin_client_ca is None:
        return [front]
    return [front, replace(front, client_ca=settings.admin_client_ca)]


async def listen_at(
    place: Place,
    handler: Handler,
    scope: AsyncExitStack,
    limits: Limits = DEFAULT_LIMITS,
    passage: Passage | None = None,
    door: Door | None = None,
) -> Listener:
    """Serve a handler at a place until the scope is left.

    Raises:
        CannotStart: there is no listening there.
    """
    address = place.address
    try:
        served = serve(
            handler,
            host=address.host,
            port=address.port,
            sock=place.given,
            limits=limits,
            certificates=place.certificates,
            passage=passage,
            door=door,
        )
        return await scope.enter_async_context(served)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else error.strerror
        raise CannotStart(
            f"{place.setting} {address}: {reason or error}. Write another HOST:PORT."
        ) from error


def functions_listener(settings: Settings) -> socket.socket:
    """The socket at which functions reach us.

    Raises:
        CannotStart: there is no listening there.
    """
    address = settings.functions_listen
    family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
    try:
        return socket.create_server((address.host, address.port), family=family, backlog=1024)
    except OSError as error:
        reason = error.strerror or error
        raise CannotStart(f"functions_listen {address}: {reason}. Write another HOST:PORT.") from error


def bound_address(listening: socket.socket) -> Endpoint:
    """Where a socket listens, its port known now."""
    host, port = listening.getsockname()[:2]
    return Endpoint(host, port)
