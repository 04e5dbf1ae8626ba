"""Who comes in now, who waits for a moment, and who is told to come back: asked once of each request.

Decided from the head alone, before anybody is identified and before a byte of the body is read, so that
saying no is cheap. What is limited is how many requests are in flight and how much memory they may hold;
a request that finds no room waits in a queue in which the keys take turns.

Only the callers' listener has an admission. The functions' listener has none, for every transformed read
that was admitted needs two requests more to end, its fetch and its write; would they queue behind callers,
all places could be held by readers whose functions wait for a place (R-048). Health and metrics have a
listener of their own for the same reason.
"""

import asyncio
from collections.abc import Callable
from contextlib import AsyncExitStack

from onread.addressing.address import (
    AccessPointAddress,
    Address,
    AliasAddress,
    BucketAddress,
    ObjectLambdaAccessPointAddress,
    ServiceAddress,
)
from onread.addressing.names import OBJECT_LAMBDA_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX
from onread.errors import SlowDown
from onread.gateway.gate import AdmissionLimits, Claim, Clock, Gate, Place, Targets
from onread.telemetry.metrics import Metrics
from onread.wire.message import Request

_OBJECT_LAMBDA_SUFFIXES = (OBJECT_LAMBDA_ALIAS_SUFFIX, OBJECT_LAMBDA_PLAIN_SUFFIX)
_HEAD_BYTES = 64 << 10
_DOCUMENT_BYTES = 256 << 10
_PACKAGE_BYTES = 70 << 20
# What one stream holds: a chunk on its way, and the high-water marks on both sides of it.
_STREAM_BYTES = 512 << 10
_RELAY_BYTES = 1 << 20
_STREAMS: dict[type[Address], int] = {
    BucketAddress: _STREAM_BYTES,
    AccessPointAddress: _STREAM_BYTES,
    AliasAddress: _RELAY_BYTES,
    ObjectLambdaAccessPointAddress: _RELAY_BYTES,
}


def weight_bytes(request: Request, address: Address) -> int:
    """How much memory a request may hold at most, from its head alone.

    A document counts twice: as it came, and what is made of it.
    """
    stream = _STREAMS.get(type(address))
    if stream is not None and request.method != "POST":
        return stream
    if request.body.length_bytes == 0:
        return _HEAD_BYTES if stream is None else stream
    is_lambda = isinstance(address, ServiceAddress) and address.service == "lambda"
    limit = _PACKAGE_BYTES if is_lambda else _DOCUMENT_BYTES if stream is None else 4 << 20
    declared = request.body.length_bytes
    return _HEAD_BYTES + 2 * (limit if declared is None else min(declared, limit))


def target_of(address: Address) -> str:
    """The Object Lambda access point that a request names, by name or alias; empty for anything else."""
    match address:
        case AliasAddress(alias) if alias.endswith(_OBJECT_LAMBDA_SUFFIXES):
            return alias
        case ObjectLambdaAccessPointAddress(name):
            return name
        case _:
            return ""


class Admission:
    """The gate of one listener.

    Args:
        is_known: whether there is such an access key. What a request claims about its key is proved by
            nobody yet, so an invented one must not buy a turn of its own: those count as their peer's.
    """

    def __init__(
        self,
        limits: AdmissionLimits,
        *,
        is_known: Callable[[str], bool],
        clock: Clock,
        metrics: Metrics,
        targets: Targets | None = None,
    ) -> None:
        self.gate = Gate(limits, clock, targets)
        self._is_known = is_known
        self._refused = metrics.admission_refused
        metrics.in_flight.set_function(lambda: self.gate.in_flight)
        metrics.admission_waiting.set_function(lambda: len(self.gate.waiting))

    def key_of(self, peer: str, claimed_access_key_id: str | None) -> str:
        """In whose name a request takes its turn: that of a key there is, else of its peer."""
        if claimed_access_key_id is not None and self._is_known(claimed_access_key_id):
            return claimed_access_key_id
        return peer

    async def admit(
        self, request: Request, address: Address, claimed_access_key_id: str | None, scope: AsyncExitStack
    ) -> None:
        """Let a request in; it counts as in flight until ``scope`` is left.

        Raises:
            SlowDown: there was no room for it within a second, or it was turned away at the door.

        Cancellation: the place in the queue is given up.
        """
        if request.turned_away:
            raise self._slow_down()
        key = self.key_of(request.peer, claimed_access_key_id)
        claim = Claim(key, weight_bytes(request, address), target_of(address))
        if not self.gate.enter(claim):
            if self.gate.is_hopeless(claim):
                raise self._slow_down()
            await self._wait(claim)
        scope.callback(self.gate.leave, claim)

    async def _wait(self, claim: Claim) -> None:
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        place = Place(claim, future.set_result)
        try:
            async with asyncio.timeout(self.gate.join(place)):
                came_in = await asyncio.shield(future)
        except BaseException as left:
            self._give_up(place, future)
            if isinstance(left, TimeoutError):
                raise self._slow_down() from left
            raise
        if not came_in:
            raise self._slow_down()

    def _give_up(self, place: Place, future: "asyncio.Future[bool]") -> None:
        """A place that came at this very moment is given back."""
        if not future.done():
            self.gate.give_up(place)
        elif future.result():
            self.gate.leave(place.claim)

    def _slow_down(self) -> SlowDown:
        self._refused.inc()
        return SlowDown(retry_after_seconds=1)
