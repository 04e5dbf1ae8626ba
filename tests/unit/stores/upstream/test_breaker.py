"""A store that is gone is looked for by one request at a time (R-030)."""

import pytest

from onread.errors import SlowDown
from onread.stores.upstream.breaker import FAILURES_TO_OPEN, LONGEST_PAUSE_SECONDS, Breaker


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def opened(clock):
    breaker = Breaker(clock)
    for _ in range(FAILURES_TO_OPEN):
        with breaker.passage():
            breaker.failed()
    return breaker


def refused(breaker):
    with pytest.raises(SlowDown) as refusal, breaker.passage():
        pytest.fail("it let somebody through")
    return refusal.value.retry_after_seconds


def test_R030_some_failures_open_it_and_callers_are_told_when_to_come():
    assert refused(opened(Clock())) == 1


def test_R030_an_answer_between_failures_keeps_it_closed():
    breaker = Breaker(Clock())
    for _ in range(3 * FAILURES_TO_OPEN):
        with breaker.passage():
            breaker.failed()
        with breaker.passage():
            breaker.answered()
    assert not breaker.is_open


def test_R030_one_probe_at_a_time():
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.5
    with breaker.passage():
        refused(breaker)
        breaker.answered()
    with breaker.passage():
        assert not breaker.is_open


def test_R030_each_failed_probe_doubles_the_pause_up_to_a_limit():
    clock = Clock()
    breaker = opened(clock)
    pauses = []
    for _ in range(8):
        clock.now += refused(breaker)
        with breaker.passage():
            breaker.failed()
        pauses.append(refused(breaker))
    assert pauses[:3] == [2, 4, 8]
    assert max(pauses) == LONGEST_PAUSE_SECONDS


def test_R030_a_probe_whose_caller_leaves_frees_the_way():
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.5
    with pytest.raises(KeyboardInterrupt), breaker.passage():
        raise KeyboardInterrupt
    with breaker.passage():
        breaker.answered()
    assert not breaker.is_open


def test_R030_what_was_under_way_when_it_opened_does_not_lengthen_the_pause():
    clock = Clock()
    breaker = opened(clock)
    for _ in range(20):
        breaker.failed()
    assert refused(breaker) == 1
