from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.functions.fair_queue import FairQueue


def filled(*items):
    queue = FairQueue()
    for item in items:
        queue.append(item[0], item)
    return queue


def drained(queue):
    return [queue.popleft() for _ in range(len(queue))]


def test_within_a_key_it_is_first_come_first_served():
    assert drained(filled("a1", "a2", "a3")) == ["a1", "a2", "a3"]


def test_keys_have_their_turns():
    assert drained(filled("a1", "a2", "a3", "b1", "c1", "b2")) == ["a1", "b1", "c1", "a2", "b2", "a3"]


def test_T260_one_that_waits_alone_is_next_but_one_behind_five_hundred():
    queue = FairQueue()
    for number in range(500):
        queue.append("greedy", f"greedy{number}")
    queue.append("modest", "modest")
    assert "modest" in [queue.popleft(), queue.popleft()]


def test_what_left_has_no_turn():
    queue = filled("a1", "a2", "b1")
    queue.remove("a", "a1")
    queue.remove("b", "b1")
    assert drained(queue) == ["a2"]
    with pytest.raises(ValueError, match="does not wait"):
        queue.remove("b", "b1")


def test_the_newest_of_the_greediest_can_be_sent_away():
    queue = filled("a1", "b1", "b2", "b3")
    assert queue.greediest() == "b"
    assert queue.pop_newest("b") == "b3"
    assert (queue.count("b"), queue.count("z"), len(queue)) == (2, 0, 3)


def test_a_key_that_may_not_go_now_can_be_passed_over():
    queue = filled("a1", "a2", "b1")
    assert list(queue.heads()) == [("a", "a1"), ("b", "b1")]
    assert queue.take("b") == "b1"
    assert drained(queue) == ["a1", "a2"]


def test_of_every_key_the_newest_can_be_kept_alone():
    queue = filled("a1", "a2", "b1", "a3")
    assert queue.keep_newest() == ["a1", "a2"]
    assert (len(queue), drained(queue)) == (2, ["a3", "b1"])


@given(st.lists(st.sampled_from("abc"), max_size=30), st.sampled_from("abc"))
def test_how_many_come_before_one_that_comes_now_is_known(keys, key):
    queue = FairQueue()
    for number, each in enumerate(keys):
        queue.append(each, number)
    turns = queue.turns_until(key)
    queue.append(key, "now")
    assert abs(drained(queue).index("now") - turns) <= 2  # of each other key one more or less


def test_an_empty_queue_says_so():
    queue = filled()
    assert not queue
    for ask in (queue.first, queue.popleft):
        with pytest.raises(IndexError):
            ask()


@given(st.lists(st.sampled_from("abcd"), max_size=40))
def test_nobody_waits_for_more_than_one_of_each_other_key(keys):
    """Between two items of a key that waited all along, no other key is served twice."""
    queue = FairQueue()
    for number, key in enumerate(keys):
        queue.append(key, (key, number))
    served = drained(queue)
    assert sorted(served, key=lambda item: item[1]) == [(key, number) for number, key in enumerate(keys)]
    for key in set(keys):
        turns = [index for index, item in enumerate(served) if item[0] == key]
        for one, next_one in zip([-1, *turns], turns, strict=False):
            between = Counter(item[0] for item in served[one + 1 : next_one])
            assert all(count <= 1 for count in between.values())


def test_of_every_key_more_can_be_kept_and_some_be_spared():
    queue = filled("a1", "a2", "b1", "a3", "a4")
    assert queue.keep_newest(2, spared=lambda item: item == "a1") == ["a2"]
    assert len(queue) == 4
    assert drained(queue) == ["a1", "b1", "a3", "a4"]
