"""The life of an execution environment, as one table.

Everything that may happen to an environment stands here, and nothing else may happen: a state refuses
every event that it does not name. Owns no process, no socket and no clock.

An environment starts, asks for its first event (``NEXT``) and is then idle. It gets one event at a
time: handed over (``INVOKE``), answered once (``RESPONSE`` or ``ERROR``), and idle again only when it
asks for the next one. A runtime whose connection broke while it was waiting (``LEFT``) may ask again.
An end is possible at any time and final.

Source: AWS Lambda Developer Guide, "Using the Lambda runtime API for custom runtimes".
"""

from collections.abc import Mapping
from enum import Enum


class State(Enum):
    """Where an environment stands. The values are the words the Runtime API uses for refusals."""

    __hash__ = object.__hash__  # by identity: half a dozen look-ups a request, and Enum's own is slow

    STARTING = "RuntimeStarted"
    INIT_FAILED = "RuntimeInitError"
    IDLE = "RuntimeReady"
    INVOKED = "RuntimeRunning"
    RESPONDED = "RuntimeResponseSent"
    DEAD = "RuntimeExited"


class Event(Enum):
    """What may happen to an environment."""

    __hash__ = object.__hash__  # by identity: half a dozen look-ups a request, and Enum's own is slow

    NEXT = "asks for the next event"
    LEFT = "stops waiting for an event"
    INVOKE = "is given an event"
    RESPONSE = "posts a response"
    ERROR = "posts an error"
    INIT_ERROR = "posts an initialisation error"
    EXIT = "ends"


TRANSITIONS: Mapping[tuple[State, Event], State] = {
    (State.STARTING, Event.NEXT): State.IDLE,
    (State.STARTING, Event.INIT_ERROR): State.INIT_FAILED,
    (State.IDLE, Event.INVOKE): State.INVOKED,
    (State.IDLE, Event.LEFT): State.RESPONDED,
    (State.INVOKED, Event.RESPONSE): State.RESPONDED,
    (State.INVOKED, Event.ERROR): State.RESPONDED,
    (State.RESPONDED, Event.NEXT): State.IDLE,
    (State.STARTING, Event.EXIT): State.DEAD,
    (State.INIT_FAILED, Event.EXIT): State.DEAD,
    (State.IDLE, Event.EXIT): State.DEAD,
    (State.INVOKED, Event.EXIT): State.DEAD,
    (State.RESPONDED, Event.EXIT): State.DEAD,
}


class RefusedTransition(Exception):
    """This state does not know this event; nothing has changed."""

    def __init__(self, state: State, event: Event) -> None:
        self.state = state
        self.event = event
        super().__init__(f"An environment that is {state.value} cannot be one that {event.value}.")


class Machine:
    """The state of one environment."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = State.STARTING

    def allows(self, event: Event) -> bool:
        """Whether the present state names this event."""
        return (self.state, event) in TRANSITIONS

    def fire(self, event: Event) -> State:
        """Move on, and tell the new state.

        Raises:
            RefusedTransition: the state does not name the event; it is unchanged.
        """
        following = TRANSITIONS.get((self.state, event))
        if following is None:
            raise RefusedTransition(self.state, event)
        self.state = following
        return following
