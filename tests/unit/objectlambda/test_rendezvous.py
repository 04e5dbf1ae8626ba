import asyncio
import random
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.object_lambda import FedBody
from tests.fakes.virtual_time import run_in_virtual_time

from onread.errors import (
    BadDigest,
    ConnectionClosedByRequester,
    IncompleteBody,
    LambdaInvalidResponse,
    LambdaRuntimeError,
    LambdaTimeout,
    ResponseInterrupted,
    ValidationError,
)
from onread.objectlambda.relayed_body import RelayedBody
from onread.objectlambda.rendezvous import (
    CALLER_LEFT,
    ENDED,
    EXPIRED,
    TRANSITIONS,
    USED,
    Delivery,
    Event,
    Rendezvous,
    State,
)
from onread.objectlambda.response import FunctionReportedError, FunctionResponse
from onread.wire.message import BytesBody

OK = FunctionResponse(status=200, members={})
ENDS = {State.DONE, State.EXPIRED, State.FAILED}


raising = pytest.raises  # around a whole meeting: what matters is what leaves it


def delivery(body=None):
    return Delivery(response=OK, body=body or BytesBody(b"hello"))


async def written(meeting, sent=None):
    """The writer's side whole; what it was told."""
    try:
        meeting.claim(sent or delivery())
        await meeting.served()
    except (ValidationError, ConnectionClosedByRequester, IncompleteBody, BadDigest) as told:
        return told
    return None


@given(st.lists(st.sampled_from(list(Event)), max_size=20))
def test_no_order_of_events_leaves_an_end_or_claims_twice(events):
    state, claims = State.WAITING, 0
    for event in events:
        following = TRANSITIONS.get((state, event))
        if following is None:
            continue
        assert state not in ENDS
        claims += event is Event.CLAIM
        state = following
    assert claims <= 1


def test_every_state_but_the_ends_can_be_left():
    assert {state for state, _ in TRANSITIONS} == set(State) - ENDS


def test_a_served_caller_is_told_to_the_writer():
    async def case():
        rendezvous = Rendezvous()
        async with asyncio.TaskGroup() as group:
            with rendezvous.expect("t", deadline=60) as meeting:
                writer = group.create_task(written(rendezvous.find("t")))
                sent = await meeting.delivered
                meeting.begin()
                meeting.relay(RelayedBody(sent.body, None))
                async with meeting.lasting():
                    assert not writer.done()
        assert writer.result() is None
        assert len(rendezvous) == 0

    run_in_virtual_time(case())


def test_a_meeting_is_found_by_its_token_alone_and_only_while_it_lasts():
    async def case():
        rendezvous = Rendezvous()
        with rendezvous.expect("the-token", deadline=60) as meeting:
            assert rendezvous.find("the-token") is meeting
            assert rendezvous.find("another") is None
            assert rendezvous.find("\udcff") is None
            assert "the-token" not in str(vars(rendezvous))  # T-104: the table holds hashes
        assert rendezvous.find("the-token") is None

    run_in_virtual_time(case())


@pytest.mark.parametrize(
    ("error", "code", "text"),
    [
        (asyncio.CancelledError(), "ConnectionClosedByRequester", CALLER_LEFT),
        (ConnectionResetError(), "ConnectionClosedByRequester", CALLER_LEFT),
        (LambdaRuntimeError(), "ConnectionClosedByRequester", CALLER_LEFT),
        (LambdaTimeout(), "ValidationError", EXPIRED),
        (IncompleteBody("short"), "IncompleteBody", "short"),
        (BadDigest("wrong"), "BadDigest", "wrong"),
    ],
)
def test_the_writer_is_told_why_its_caller_was_not_served(error, code, text):
    async def case():
        rendezvous = Rendezvous()
        async with asyncio.TaskGroup() as group:
            with suppress(type(error)), rendezvous.expect("t", deadline=60) as meeting:
                writer = group.create_task(written(meeting))
                await meeting.delivered
                meeting.begin()
                raise error
        told = writer.result()
        assert (told.code, told.text) == (code, text)
        assert told is not error
        assert meeting.state in ENDS

    run_in_virtual_time(case())


def test_a_functions_own_error_counts_as_served():
    async def case():
        rendezvous = Rendezvous()
        async with asyncio.TaskGroup() as group:
            with suppress(FunctionReportedError), rendezvous.expect("t", deadline=60) as meeting:
                writer = group.create_task(written(meeting))
                await meeting.delivered
                meeting.begin()
                raise FunctionReportedError("Nope", 403, "no")
        assert writer.result() is None
        assert meeting.state is State.DONE

    run_in_virtual_time(case())


@pytest.mark.parametrize("begun", [False, True])
def test_T101_a_second_claim_is_told_that_the_token_was_used(begun):
    async def case():
        with Rendezvous().expect("t", deadline=60) as meeting:
            meeting.claim(delivery())
            if begun:
                meeting.begin()
            with pytest.raises(ValidationError) as refused:
                meeting.claim(delivery())
            assert refused.value.text == USED

    run_in_virtual_time(case())


@pytest.mark.parametrize(
    ("error", "text"),
    [(LambdaTimeout(), EXPIRED), (LambdaRuntimeError(), ENDED), (asyncio.CancelledError(), ENDED)],
)
def test_T105_a_writer_that_comes_too_late_is_told_so(error, text):
    async def case():
        with suppress(type(error)), Rendezvous().expect("t", deadline=60) as meeting:
            raise error
        with pytest.raises(ValidationError) as refused:
            meeting.claim(delivery())
        assert refused.value.text == text
        assert not meeting.delivered.done()

    run_in_virtual_time(case())


def test_a_refused_write_leaves_the_token_open():
    async def case():
        with Rendezvous().expect("t", deadline=60) as meeting:
            meeting.refuse(LambdaInvalidResponse)
            assert meeting.refusal is LambdaInvalidResponse
            meeting.claim(delivery())
            meeting.refuse(IncompleteBody)
            assert meeting.refusal is LambdaInvalidResponse

    run_in_virtual_time(case())


def test_the_deadline_cuts_a_caller_in_the_middle_and_tells_the_writer():
    async def case():
        rendezvous = Rendezvous()
        source = FedBody()
        async with asyncio.TaskGroup() as group:
            with raising(LambdaTimeout), rendezvous.expect("t", deadline=60) as meeting:
                writer = group.create_task(written(meeting, delivery(source)))
                sent = await meeting.delivered
                meeting.begin()
                body = RelayedBody(sent.body, None)
                meeting.relay(body)
                async with meeting.lasting():
                    async for _ in body:
                        pass
        assert asyncio.get_running_loop().time() == pytest.approx(60, abs=0.001)
        assert (writer.result().code, writer.result().text) == ("ValidationError", EXPIRED)
        assert meeting.state is State.EXPIRED

    run_in_virtual_time(case())


def test_T115_the_deadline_cuts_a_caller_that_takes_nothing():
    async def case():
        with raising(LambdaTimeout), Rendezvous().expect("t", deadline=60) as meeting:
            meeting.claim(delivery())
            meeting.begin()
            meeting.relay(None)
            async with meeting.lasting():
                await asyncio.Event().wait()

    run_in_virtual_time(case())


def test_a_timeout_of_somebody_else_is_not_the_deadline():
    async def case():
        with raising(TimeoutError), Rendezvous().expect("t", deadline=60) as meeting:
            meeting.claim(delivery())
            meeting.begin()
            meeting.relay(None)
            async with meeting.lasting():
                raise TimeoutError

    run_in_virtual_time(case())


async def leave(writer):
    writer.cancel()
    with suppress(asyncio.CancelledError):
        await writer


def test_a_writer_that_leaves_before_the_head_left_gives_the_caller_an_error():
    async def case():
        async with asyncio.TaskGroup() as group:
            with raising(ConnectionClosedByRequester), Rendezvous().expect("t", deadline=60) as meeting:
                writer = group.create_task(written(meeting))
                await meeting.delivered
                await leave(writer)
                meeting.begin()
        assert meeting.state is State.FAILED

    run_in_virtual_time(case())


def test_T112_a_writer_that_leaves_in_the_middle_cuts_the_caller_at_once():
    async def case():
        source = FedBody().feed(b"first")
        async with asyncio.TaskGroup() as group:
            with raising(ResponseInterrupted), Rendezvous().expect("t", deadline=60) as meeting:
                writer = group.create_task(written(meeting, delivery(source)))
                sent = await meeting.delivered
                meeting.begin()
                body = RelayedBody(sent.body, None)
                meeting.relay(body)
                async with meeting.lasting():
                    assert await anext(body) == b"first"
                    group.create_task(leave(writer))
                    await anext(body)
        assert asyncio.get_running_loop().time() < 1

    run_in_virtual_time(case())


def test_a_writer_that_leaves_after_its_last_byte_harms_nobody():
    async def case():
        async with asyncio.TaskGroup() as group:
            with Rendezvous().expect("t", deadline=60) as meeting:
                writer = group.create_task(written(meeting))
                sent = await meeting.delivered
                meeting.begin()
                body = RelayedBody(sent.body, None)
                meeting.relay(body)
                async with meeting.lasting():
                    assert [chunk async for chunk in body] == [b"hello"]
                    await leave(writer)
        assert meeting.state is State.DONE

    run_in_virtual_time(case())


def test_T103_two_meetings_do_not_touch_each_other():
    async def case():
        rendezvous = Rendezvous()
        with rendezvous.expect("a", deadline=60) as one, rendezvous.expect("b", deadline=60) as two:
            rendezvous.find("a").claim(delivery(BytesBody(b"for a")))
            assert (one.state, two.state) == (State.CLAIMED, State.WAITING)
            assert not two.delivered.done()

    run_in_virtual_time(case())


@pytest.mark.slow
def test_T101_of_64_writers_at_the_same_instant_exactly_one_is_accepted_in_10000_races():
    async def race(rendezvous, token, writers, order):
        told = []
        async with asyncio.TaskGroup() as group:
            with rendezvous.expect(token, deadline=1e9) as meeting:
                tasks = [group.create_task(written(meeting)) for _ in range(writers)]
                order.shuffle(tasks)
                await meeting.delivered
                meeting.begin()
                if order.random() < 0.5:
                    await asyncio.sleep(0)
            told = tasks
        return [task.result() for task in told]

    async def case():
        rendezvous = Rendezvous()
        order = random.Random(1)
        for number in range(10_000):
            told = await race(rendezvous, f"t{number}", 64 if number % 100 == 0 else 3, order)
            assert told.count(None) == 1
            assert {one.text for one in told if one is not None} <= {USED, ENDED}
        assert len(rendezvous) == 0

    asyncio.run(case())
