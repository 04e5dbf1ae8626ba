"""What `make soak` judges by: a slope that is surely there, and what is left behind."""

import random
from dataclasses import replace

import pytest
from bench.soak import Holdings, is_back, slope_per_hour, surely_grows

BEFORE = Holdings(
    seconds=0, rss_mib=90, descriptors=40, threads=4, processes=2, files=9, in_flight=0, waiting=0
)


def memory(mib_per_hour, *, noise=0.3, seconds=600):
    chance = random.Random(45)
    return [
        (second, 90 + mib_per_hour * second / 3600 + chance.gauss(0, noise))
        for second in range(0, seconds, 2)
    ]


@pytest.mark.parametrize("mib_per_hour", [-5, 0, 0.9])
def test_R045_what_does_not_grow_is_not_said_to(mib_per_hour):
    assert not surely_grows(memory(mib_per_hour), 1.0)


@pytest.mark.parametrize("mib_per_hour", [3, 60])
def test_R045_a_leak_is_found_within_minutes(mib_per_hour):
    assert surely_grows(memory(mib_per_hour), 1.0)


def test_R045_a_slope_without_noise_is_exact_and_of_two_points_nothing_is_known():
    slope, margin = slope_per_hour(memory(7, noise=0))
    assert slope == pytest.approx(7)
    assert margin == pytest.approx(0, abs=1e-6)
    assert not surely_grows([(0, 1), (1, 1000)], 1.0)


@pytest.mark.parametrize("name", ["descriptors", "processes", "files", "in_flight", "waiting"])
def test_R045_what_is_left_behind_is_seen(name):
    assert is_back(BEFORE, replace(BEFORE, seconds=60, rss_mib=200))
    assert not is_back(BEFORE, replace(BEFORE, **{name: getattr(BEFORE, name) + 5}))
