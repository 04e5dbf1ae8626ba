"""The pause after failed starts."""

from onread.functions.backoff import Backoff


def test_R023_the_pause_doubles_from_one_second_to_sixty():
    backoff, now, pauses = Backoff(1, 60), 0.0, []
    for _ in range(9):
        backoff.failed(now)
        pauses.append(backoff.remaining_seconds(now))
        now += pauses[-1]
        assert backoff.remaining_seconds(now) == 0
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


def test_a_failure_during_the_pause_does_not_lengthen_it():
    backoff = Backoff(1, 60)
    backoff.failed(0)
    backoff.failed(0.5)
    assert backoff.remaining_seconds(0.5) == 0.5


def test_a_start_that_works_forgets_the_failures():
    backoff = Backoff(1, 60)
    backoff.failed(0)
    backoff.succeeded()
    assert backoff.remaining_seconds(0) == 0
    backoff.failed(5)
    assert backoff.remaining_seconds(5) == 1
