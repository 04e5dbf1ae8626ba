"""Where a waiting caller and the function that writes its answer meet.

Owns the life of a token from expectation to the last byte: who may claim it, when, and what each side is
told of the other's end. Nothing is buffered: the caller's sender pulls the writer's body. Nothing is
stored: the state of a token lives here, in the process that holds its caller, under the token's hash.
Refuses to know functions, events and HTTP.
"""

import asyncio
from enum import Enum, auto
from hashlib import sha256
from types import MappingProxyType, TracebackType

from onread.errors import (
    ConnectionClosedByRequester,
    LambdaTimeout,
    ResponseInterrupted,
    S3Error,
    ValidationError,
)
from onread.objectlambda.relayed_body import RelayedBody
from onread.objectlambda.response import FunctionReportedError, FunctionResponse
from onread.wire.frozen import frozen
from onread.wire.message import Body

USED = "The request token was used already: a request is answered once."
ENDED = "The request token was used already, or its request has ended."
EXPIRED = "The request token has expired: the time for the answer is over."
CALLER_LEFT = "The caller left before it had the whole answer."
WRITER_LEFT = "The function stopped before it had written the whole answer."


class State(Enum):
    """Where a meeting stands."""

    __hash__ = object.__hash__  # by identity: half a dozen look-ups a request, and Enum's own is slow

    WAITING = auto()
    CLAIMED = auto()
    STREAMING = auto()
    DONE = auto()
    EXPIRED = auto()
    FAILED = auto()


class Event(Enum):
    """What can happen to a meeting."""

    __hash__ = object.__hash__  # by identity: half a dozen look-ups a request, and Enum's own is slow

    CLAIM = auto()
    BEGIN = auto()
    FINISH = auto()
    EXPIRE = auto()
    FAIL = auto()


# A pair that is not here is refused and changes nothing. So a token is claimed once, an answer begins only
# while its writer is there, and the three ends are final: whoever leaves second finds the end standing.
TRANSITIONS = MappingProxyType(
    {
        (State.WAITING, Event.CLAIM): State.CLAIMED,  # a valid write came
        (State.CLAIMED, Event.BEGIN): State.STREAMING,  # the caller took it: its head may go out
        (State.STREAMING, Event.FINISH): State.DONE,  # the caller has the last byte
        (State.WAITING, Event.EXPIRE): State.EXPIRED,  # the deadline, nothing was sent
        (State.CLAIMED, Event.EXPIRE): State.EXPIRED,
        (State.STREAMING, Event.EXPIRE): State.EXPIRED,  # the deadline, the caller is cut
        (State.WAITING, Event.FAIL): State.FAILED,  # the function ended, or the caller left
        (State.CLAIMED, Event.FAIL): State.FAILED,  # either side left
        (State.STREAMING, Event.FAIL): State.FAILED,  # either side left, or the bytes were wrong
    }
)


@frozen(kw_only=True)
class Delivery:
    """A valid write: its head, and its body unread."""

    response: FunctionResponse
    body: Body


class Meeting:
    """One waiting caller and the one writer that may answer it.

    Attributes:
        deadline: monotonic (loop) seconds at which it is over for both.
        delivered: resolves with the one write that claimed the token, or with None when none will;
            never raises.
        refusal: what the caller is to be told when nothing valid follows a refused write.
    """

    def __init__(self, deadline: float) -> None:
        loop = asyncio.get_running_loop()
        self.deadline = deadline
        self.delivered: asyncio.Future[Delivery | None] = loop.create_future()
        self.refusal: type[S3Error] | None = None
        self.state = State.WAITING
        self._ended: asyncio.Future[S3Error | None] = loop.create_future()
        self._limit: asyncio.Timeout | None = None
        self._body: RelayedBody | None = None

    # The caller's side

    def begin(self) -> None:
        """The caller takes the delivery.

        Raises:
            ConnectionClosedByRequester: its writer has left meanwhile; not a byte was sent.
        """
        if not self._advance(Event.BEGIN):
            raise ConnectionClosedByRequester(WRITER_LEFT)

    def lasting(self) -> "_Lasting":
        """The time in which the caller waits and is served, at most until the deadline.

        Raises:
            LambdaTimeout: the deadline came; the caller's task was interrupted wherever it was.
            ResponseInterrupted: the writer left before its body was complete; likewise.
        """
        self._limit = asyncio.timeout_at(self.deadline)
        return _Lasting(self, self._limit)

    def relay(self, body: RelayedBody | None) -> None:
        """This is what the caller is sent from now on."""
        self._body = body

    def expect_no_more(self, grace_seconds: float) -> None:
        """Nobody is left who could write; what is on its way may take so long still."""
        if self.delivered.done():
            return
        if grace_seconds:
            asyncio.get_running_loop().call_later(grace_seconds, self.expect_no_more, 0)
        else:
            self.delivered.set_result(None)

    def end(self, error: BaseException | None) -> None:
        """The caller is served (None) or not (why); the writer is told."""
        event, told = _told_to_writer(error)
        if self._advance(event) or self._advance(Event.FAIL):
            self._settle(told)

    # The writer's side

    def refuse(self, refusal: type[S3Error]) -> None:
        """A write was refused before a byte reached the caller: the token stays open."""
        if self.state is State.WAITING:
            self.refusal = refusal

    def claim(self, delivery: Delivery) -> None:
        """Take the one place beside the caller.

        Raises:
            ValidationError: it is taken, or the caller is no longer there.
        """
        if self.delivered.done() or not self._advance(Event.CLAIM):
            raise ValidationError(_why_closed(self.state))
        self.delivered.set_result(delivery)

    async def served(self) -> None:
        """Wait until the caller has been served.

        Raises:
            S3Error: it was not, and why.

        It waits no longer than the caller does: at the deadline that one is told, and so is the writer.

        Cancellation: the writer has left. Unless all its bytes are through, the caller is cut.
        """
        try:
            told = await self._ended
        except asyncio.CancelledError:
            self._writer_left()
            raise
        if told is not None:
            raise told

    def _writer_left(self) -> None:
        streaming = self.state is State.STREAMING
        everything_came = streaming and (self._body is None or self._body.complete)
        if everything_came or not self._advance(Event.FAIL):
            return
        if streaming and self._limit is not None:
            self._limit.reschedule(asyncio.get_running_loop().time())

    def _advance(self, event: Event) -> bool:
        state = TRANSITIONS.get((self.state, event))
        if state is None:
            return False
        self.state = state
        return True

    def _settle(self, told: S3Error | None) -> None:
        if not self._ended.done():
            self._ended.set_result(told)


class _Lasting:
    """See `Meeting.lasting`."""

    __slots__ = ("_limit", "_meeting")

    def __init__(self, meeting: Meeting, limit: asyncio.Timeout) -> None:
        self._meeting = meeting
        self._limit = limit

    async def __aenter__(self) -> None:
        await self._limit.__aenter__()

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._limit.__aexit__(kind, error, trace)
        except TimeoutError as late:
            interrupted = self._meeting.state is State.FAILED
            raise (ResponseInterrupted if interrupted else LambdaTimeout) from late


class _Expected:
    """See `Rendezvous.expect`."""

    __slots__ = ("_deadline", "_meetings", "_name")

    def __init__(self, meetings: dict[bytes, Meeting], name: bytes, deadline: float) -> None:
        self._meetings = meetings
        self._name = name
        self._deadline = deadline

    def __enter__(self) -> Meeting:
        meeting = self._meetings[self._name] = Meeting(self._deadline)
        return meeting

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._meetings.pop(self._name).end(error)


class Rendezvous:
    """The meetings of one process, by the hash of their tokens."""

    def __init__(self) -> None:
        self._meetings: dict[bytes, Meeting] = {}

    def expect(self, token: str, *, deadline: float) -> "_Expected":
        """A meeting that lasts as long as this scope; leaving it ends the meeting for the writer.

        Leaving normally says that the caller has been served; leaving by an exception, that it has not.
        """
        return _Expected(self._meetings, _name_of(token), deadline)

    def find(self, token: str) -> Meeting | None:
        """The meeting of this token while its caller waits or is being served."""
        return self._meetings.get(_name_of(token))

    def __len__(self) -> int:
        return len(self._meetings)


def _name_of(token: str) -> bytes:
    return sha256(token.encode("utf-8", "surrogatepass")).digest()


def _told_to_writer(error: BaseException | None) -> tuple[Event, S3Error | None]:
    match error:
        case None | FunctionReportedError():  # the function's own error is the answer it wanted
            return Event.FINISH, None
        case LambdaTimeout():
            return Event.EXPIRE, ValidationError(EXPIRED)
        case S3Error() if error.status == 400:  # found in the writer's own bytes
            return Event.FAIL, type(error)(error.text)
        case _:
            return Event.FAIL, ConnectionClosedByRequester(CALLER_LEFT)


def _why_closed(state: State) -> str:
    match state:
        case State.CLAIMED | State.STREAMING | State.DONE:
            return USED
        case State.EXPIRED:
            return EXPIRED
        case _:
            return ENDED
