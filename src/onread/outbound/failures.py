"""Why an exchange with another server did not go well. Texts never hold addresses, paths or credentials."""


class OutboundFailure(Exception):
    """An exchange that has failed; whoever asked maps it to an error of its own service."""


class Unreachable(OutboundFailure):
    """Nothing was sent: no address, no connection, no TLS, or no free place in the pool in time."""


class Busy(Unreachable):
    """Every connection that may be open is in use: the server is not to blame."""


class NotPermitted(Unreachable):
    """Every address of this name is one that may not be connected to."""


class NoAnswer(OutboundFailure):
    """The request was sent, at least in part, and the connection ended before a byte of an answer came.

    Attributes:
        stale: the connection had served before: the peer may have closed it before it saw this request.
    """

    def __init__(self, text: str, *, stale: bool = False) -> None:
        super().__init__(text)
        self.stale = stale


class LateAnswer(OutboundFailure):
    """The peer was given its time and did not answer, or did not take the request."""


class BrokenAnswer(OutboundFailure):
    """What came is no HTTP/1.1 answer to this request, or one beyond the limits."""


class CutAnswer(OutboundFailure):
    """The body of the answer ended or paused before its end. Raised while the body is read."""
