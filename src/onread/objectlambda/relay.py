"""Several processes on one port: which of them a function's answer is for.

Every process has a route of its own, and only there does the caller wait (T-101): a write that arrives
anywhere else goes there before a byte of its body is read, with its signature unseen. Whoever waits
there checks it as if it had come directly. Refuses to know how a connection travels.
"""

import re
from dataclasses import dataclass, field

from onread.objectlambda.route_token import output_route
from onread.wire.message import Request

_PATH = "/WriteGetObjectResponse"
_HEADER = "x-amz-request-route"


def worker_route(gateway_id: str, index: int, generation: int) -> str:
    """The route of one worker: constant as long as its process lives, and never used again."""
    return output_route(f"{gateway_id}-{index}-{generation}")


@dataclass(frozen=True, slots=True)
class Relay:
    """Where writes belong.

    Args:
        gateway_id: the same in every worker of a gateway, and in no other gateway.
        own_route: of this process.
    """

    gateway_id: str
    own_route: str
    _ours: re.Pattern[str] = field(init=False)

    def __post_init__(self) -> None:
        pattern = re.compile(re.escape(f"io-{self.gateway_id}-") + "[0-9]{1,4}-[0-9]{1,9}", re.ASCII)
        object.__setattr__(self, "_ours", pattern)

    def destination(self, request: Request) -> str | None:
        """The route of the process whose caller a request answers; None: this one's, or it is no write.

        It may have ended since. The host's label says the same as the header, or the write is refused
        wherever it is read.
        """
        if request.method != "POST" or request.path != _PATH:
            return None
        route = request.headers.get(_HEADER)
        if route is None or route == self.own_route or self._ours.fullmatch(route) is None:
            return None
        return route
