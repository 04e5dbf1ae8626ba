"""The table of an environment's life: what is not named is refused."""

import itertools

import pytest

from onread.functions.environment import TRANSITIONS, Event, Machine, RefusedTransition, State


def walk(*events: Event) -> Machine:
    machine = Machine()
    for event in events:
        machine.fire(event)
    return machine


def test_an_environment_starts_waits_runs_answers_and_waits_again():
    machine = walk(Event.NEXT, Event.INVOKE, Event.RESPONSE, Event.NEXT)
    assert machine.state is State.IDLE


def test_T151_every_pair_that_the_table_does_not_name_is_refused_and_changes_nothing():
    for state, event in itertools.product(State, Event):
        machine = Machine()
        machine.state = state
        if (state, event) in TRANSITIONS:
            assert machine.allows(event)
            continue
        assert not machine.allows(event)
        with pytest.raises(RefusedTransition):
            machine.fire(event)
        assert machine.state is state


def test_every_living_state_can_end_and_the_dead_know_no_event():
    for state in State:
        assert ((state, Event.EXIT) in TRANSITIONS) == (state is not State.DEAD)
    assert all(state is not State.DEAD for state, _event in TRANSITIONS)


def test_a_runtime_that_stopped_waiting_may_ask_again():
    assert walk(Event.NEXT, Event.LEFT, Event.NEXT).state is State.IDLE


def test_an_event_is_answered_once():
    with pytest.raises(RefusedTransition):
        walk(Event.NEXT, Event.INVOKE, Event.RESPONSE, Event.ERROR)


def test_an_initialisation_error_after_the_first_event_was_asked_for_is_refused():
    with pytest.raises(RefusedTransition) as refused:
        walk(Event.NEXT, Event.INIT_ERROR)
    assert refused.value.state is State.IDLE
