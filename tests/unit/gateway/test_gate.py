import pytest
from hypothesis import given
from hypothesis import strategies as st

from onread.gateway.gate import AdmissionLimits, Claim, Gate, Place


class Clock:
    now = 100.0

    def __call__(self):
        return self.now


class Crowd:
    """A gate and what it decided, in order."""

    def __init__(self, behind=None, **limits):
        self.clock, self.behind = Clock(), behind
        self.gate = Gate(AdmissionLimits(**limits), self.clock, behind)
        self.let_in = []
        self.sent_away = []
        self.places = {}

    def comes(self, key, name, weight=1, target=""):
        """True when it is in at once, else how long it may wait."""
        claim = Claim(key, weight, target)
        if self.gate.enter(claim):
            return True

        def decide(came_in):
            (self.let_in if came_in else self.sent_away).append(name)

        self.places[name] = Place(claim, decide)
        return self.gate.join(self.places[name])

    def goes(self, key, weight=1, target=""):
        self.gate.leave(Claim(key, weight, target))


def test_up_to_the_limit_nobody_waits_and_one_more_does():
    crowd = Crowd(in_flight=4)
    assert [crowd.comes(key, key) for key in "abcd"] == [True] * 4
    assert crowd.comes("e", "e") == 0.9
    crowd.goes("a")
    assert (crowd.let_in, crowd.gate.in_flight) == (["e"], 4)


def test_memory_is_limited_as_well():
    crowd = Crowd(memory_bytes=100)
    assert crowd.comes("a", "a", 40) is True
    assert crowd.comes("b", "b", 60) is True
    assert crowd.comes("c", "c", 1) == 0.9
    crowd.goes("a", 40)
    assert (crowd.let_in, crowd.gate.held_bytes) == (["c"], 61)


def test_a_request_heavier_than_everything_comes_in_alone():
    crowd = Crowd(memory_bytes=100)
    assert crowd.comes("a", "a", 1000) is True
    assert crowd.comes("b", "b", 1) == 0.9
    crowd.goes("a", 1000)
    assert crowd.let_in == ["b"]


def test_T260_R046_one_that_waits_alone_is_next_but_one_behind_five_hundred():
    crowd = Crowd(in_flight=1)
    crowd.comes("greedy", "first")
    for number in range(500):
        crowd.comes("greedy", f"greedy{number}")
    crowd.comes("modest", "modest")
    crowd.goes("greedy")
    crowd.goes("greedy")
    assert "modest" in crowd.let_in[:2]


def test_a_quarter_is_kept_from_any_one_key():
    crowd = Crowd(in_flight=8)
    assert [crowd.comes("slow", n) for n in range(7)] == [True] * 6 + [0.9]
    assert [crowd.comes("other", n) for n in ("x", "y")] == [0.9, 0.9]
    assert crowd.let_in == ["x", "y"]  # at once, past those who may have no more
    crowd.goes("slow")
    assert crowd.let_in == ["x", "y", 6]


def test_a_heavy_one_that_does_not_fit_does_not_keep_light_ones_out():
    crowd = Crowd(memory_bytes=100)
    crowd.comes("a", "a", 50)
    assert crowd.comes("b", "heavy", 60) == 0.9
    crowd.comes("c", "light", 10)
    assert crowd.let_in == ["light"]
    crowd.goes("a", 50)
    assert crowd.let_in == ["light", "heavy"]


def test_a_full_queue_sends_away_the_newest_of_the_key_with_the_most():
    crowd = Crowd(in_flight=1, waiting=3)
    crowd.comes("greedy", "first")
    for number in range(4):
        crowd.comes("greedy", number)
    assert crowd.sent_away == [3]
    crowd.comes("modest", "modest")
    assert crowd.sent_away == [3, 2]
    assert len(crowd.gate.waiting) == 3


def test_without_any_queue_one_too_many_is_sent_away_at_once():
    crowd = Crowd(in_flight=1, waiting=0)
    crowd.comes("a", "a")
    crowd.comes("b", "b")
    assert crowd.sent_away == ["b"]


def test_a_key_whose_queue_stands_waits_less_and_others_do_not():
    crowd = Crowd(in_flight=1)
    crowd.comes("a", "a")
    assert crowd.comes("busy", 1) == 0.9
    crowd.clock.now += 0.99
    assert crowd.comes("busy", 2) == 0.9
    crowd.clock.now += 0.01
    assert crowd.comes("busy", 3) == 0.1
    assert crowd.comes("other", 4) == 0.9


def test_in_a_queue_that_stands_and_is_long_to_wait_is_hopeless():
    crowd = Crowd(in_flight=1, modest=2)
    crowd.comes("a", "a")
    crowd.comes("busy", 1)
    crowd.clock.now += 1
    assert not crowd.gate.is_hopeless(Claim("busy", 1))
    crowd.comes("busy", 2)
    assert crowd.gate.is_hopeless(Claim("busy", 1))
    assert not crowd.gate.is_hopeless(Claim("busy", 1, "elsewhere"))
    assert not crowd.gate.is_hopeless(Claim("other", 1))


def test_a_queue_that_was_empty_in_between_does_not_stand():
    crowd = Crowd(in_flight=1)
    crowd.comes("a", "a")
    crowd.comes("busy", 1)
    crowd.clock.now += 5
    crowd.gate.give_up(crowd.places[1])
    assert crowd.comes("busy", 2) == 0.9


def test_whoever_gives_up_is_not_let_in():
    crowd = Crowd(in_flight=1)
    crowd.comes("a", "a")
    crowd.comes("b", "b")
    crowd.comes("c", "c")
    crowd.gate.give_up(crowd.places["b"])
    crowd.goes("a")
    assert crowd.let_in == ["c"]


def test_R046_a_busy_target_is_in_nobodys_way_but_its_own():
    crowd = Crowd(per_target=2)
    assert [crowd.comes("a", n, target="busy") for n in range(3)] == [True, True, 0.9]
    crowd.comes("a", "other target", target="other")
    crowd.comes("a", "none")
    assert crowd.let_in == ["other target", "none"]
    crowd.goes("a", target="busy")
    assert crowd.let_in == ["other target", "none", 2]


class Behind:
    """Functions that run two at a time."""

    def __init__(self, runs=2):
        self.runs, self.sheds = runs, []

    def runs_at_once(self, target):
        return self.runs

    def shed(self, target):
        self.sheds.append(target)


def crowded(runs=2):
    """A target with ten in flight and one that has waited long enough, when another comes."""
    crowd = Crowd(per_target=10, behind=Behind(runs))
    for number in range(10):
        assert crowd.comes("a", number, target="t") is True
    assert crowd.comes("a", "waits", target="t") == 0.9
    crowd.clock.now += 0.125
    return crowd, crowd.gate.is_hopeless(Claim("a", 1, "t"))


def test_R042_a_target_that_many_wait_for_is_crowded_and_takes_no_more_than_it_can_run():
    crowd, hopeless = crowded()
    assert hopeless
    assert crowd.behind.sheds == ["t"]
    for _ in range(6):
        crowd.goes("a", target="t")
    assert crowd.let_in == []
    crowd.goes("a", target="t")  # two run and two wait for their turn
    assert crowd.let_in == ["waits"]
    assert not crowd.gate.is_hopeless(Claim("a", 1, "t"))  # a line of one may be
    assert crowd.comes("a", "next", target="t") == 0.1
    assert crowd.gate.is_hopeless(Claim("a", 1, "t"))
    assert not crowd.gate.is_hopeless(Claim("other", 1, "t"))  # each key has a line of its own
    assert crowd.comes("a", "elsewhere", target="u") is not True
    assert crowd.let_in == ["waits", "elsewhere"]


def test_T260_a_few_of_a_key_that_asks_for_little_wait_for_a_crowded_target():
    """Two of its requests may come in one moment: the second is not what the target is crowded with."""
    crowd, _ = crowded()
    for number in range(4):
        assert not crowd.gate.is_hopeless(Claim("modest", 1, "t"))
        crowd.comes("modest", number, target="t")
    assert crowd.gate.is_hopeless(Claim("modest", 1, "t"))
    assert crowd.gate.is_hopeless(Claim("a", 1, "t"))


def test_R042_a_target_is_crowded_until_nobody_found_it_full_for_a_second():
    crowd, _ = crowded()
    for _ in range(10):
        crowd.goes("a", target="t")
    crowd.clock.now += 0.9
    assert [crowd.comes("a", number, target="t") for number in range(4)] == [True, True, True, 0.1]
    crowd.clock.now += 0.2
    for number in range(20, 25):
        crowd.comes("b", number, target="t")
    assert crowd.gate.in_flight == 10


@pytest.mark.parametrize("waited_seconds", [0, 0.09])
def test_R042_a_burst_does_not_crowd_a_target(waited_seconds):
    """More than it takes in, all at once: they wait for their turn, as long as anybody may."""
    crowd = Crowd(per_target=10, behind=Behind())
    for number in range(10):
        crowd.comes("a", number, target="t")
    for number in range(8):
        assert not crowd.gate.is_hopeless(Claim("a", 1, "t"))
        assert crowd.comes("a", f"waits{number}", target="t") == 0.9
    crowd.clock.now += waited_seconds
    assert not crowd.gate.is_hopeless(Claim("b", 1, "t"))
    assert crowd.behind.sheds == []


def test_a_target_of_which_nothing_is_known_is_never_crowded():
    crowd, hopeless = crowded(runs=None)
    assert not hopeless
    assert crowd.behind.sheds == []


@pytest.mark.parametrize(("in_flight", "of_one_key"), [(1, 1), (2, 2), (4, 3), (1024, 768)])
def test_a_key_may_have_three_quarters_and_one_at_least(in_flight, of_one_key):
    assert AdmissionLimits(in_flight=in_flight).in_flight_per_key == of_one_key


@given(
    st.integers(1, 4),
    st.integers(1, 100),
    st.integers(0, 3),
    st.lists(
        st.tuples(st.sampled_from("abc"), st.integers(1, 150), st.sampled_from(["", "x", "y"])), max_size=30
    ),
    st.randoms(use_true_random=False),
)
def test_R048_at_any_limit_everybody_who_waits_gets_in_and_nothing_stays_behind(
    in_flight, memory_bytes, waiting, arrivals, random
):
    crowd = Crowd(in_flight=in_flight, memory_bytes=memory_bytes, waiting=waiting, per_target=1)
    inside = []
    for number, arrival in enumerate(arrivals):
        key, weight, target = arrival
        if crowd.comes(key, number, weight, target) is True:
            inside.append(number)
        assert crowd.gate.in_flight <= in_flight
        assert crowd.gate.held_bytes <= memory_bytes or crowd.gate.in_flight == 1
    while inside or crowd.let_in:
        inside += crowd.let_in
        crowd.let_in.clear()
        crowd.goes(*arrivals[inside.pop(random.randrange(len(inside)))])
    assert (crowd.gate.in_flight, crowd.gate.held_bytes) == (0, 0)
    assert (len(crowd.gate.waiting), crowd.gate.remembered) == (0, 0)
