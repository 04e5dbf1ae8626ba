"""What it means to run a function once, whatever runs it."""

from typing import TYPE_CHECKING, Protocol

from onread.metadata.records import Function
from onread.wire.frozen import frozen

if TYPE_CHECKING:
    import asyncio


@frozen(kw_only=True)
class Invocation:
    """One run that is wanted.

    Attributes:
        request_id: the function's ``aws_request_id``; for Object Lambda the caller's request id.
        event: the payload, UTF-8 JSON, at most 6 MiB.
        deadline: monotonic (loop) seconds by which an environment must have been found; the run itself
            is limited by the function's own timeout and by this, whichever comes first.
        caller: on whose behalf; those who wait for a free environment take turns by it.
        invoked_arn: the function's ARN as it was asked for, with the alias or version that was named;
            empty: without one.
        client_context: JSON in ASCII that the caller sends along; empty: none.
        chain: the ARNs of the functions in whose runs it was asked for, the outermost first.
    """

    request_id: str
    function: Function
    event: bytes
    deadline: float
    caller: str = ""
    invoked_arn: str = ""
    client_context: str = ""
    chain: tuple[str, ...] = ()


@frozen()
class Returned:
    """The handler returned; ``payload`` is its JSON."""

    payload: bytes


@frozen()
class Failed:
    """The handler raised, the process died or its answer was unusable.

    ``payload`` is Lambda's error document (errorMessage, errorType, stackTrace): for the log and for
    Invoke, never for the reader of an object.
    """

    error_type: str
    payload: bytes


@frozen()
class TimedOut:
    """The function's timeout or the deadline passed; the environment was killed."""

    payload: bytes


Outcome = Returned | Failed | TimedOut

UNREACHABLE, INVALID_ANSWER = "Webhook.Unreachable", "Webhook.InvalidAnswer"
"""Error types of a `Failed` run that never began, or whose answer breaks the rules of an answer."""


class Running(Protocol):
    """A run that has been handed to an environment."""

    finished: "asyncio.Future[Outcome]"
    """Resolves once with the outcome; never raises; whoever waits shields it."""

    log_tail: bytes
    """The last 4 KiB that the function wrote, complete when ``finished`` is."""

    def abandon(self) -> None:
        """Nobody wants the result: the run gets a short grace, then its environment is killed.

        Calling it after the end, or twice, does nothing.
        """
        ...


class Invoker(Protocol):
    """Runs functions."""

    async def start(self, invocation: Invocation) -> Running:
        """Hand the event to an environment, waiting for a free one.

        The run belongs to the invoker: it goes on after the caller of this method is gone, up to its
        time limit, unless abandoned.

        Raises:
            TooManyRequestsException: the queue is full, or no environment came free before the deadline.
            InvalidRuntimeException, ResourceNotFoundException: it cannot be run at all; the reason.

        Cancellation: before it returns, the place in the queue is given up and nothing ran.
        """
        ...
