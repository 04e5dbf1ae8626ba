"""What a store answers it answers through onread: asked of itself, of onread's bucket, of an access point.

Where it does not, the reason stands in `differences.py`, and from there in ``docs/clients.md``.
"""

import pytest
from tests.compat.store_probe import CHECKS, REAL, outcome
from tests.matrix import questions
from tests.matrix.differences import DIFFERENCES

pytestmark = [pytest.mark.matrix, pytest.mark.slow]
assert questions.versions.__name__ in CHECKS


@pytest.fixture(scope="module")
def asked(place):
    """The three ways to the store: a client and a bucket name for each."""
    if place.upstream is None:
        pytest.skip("the embedded store has no other door than onread's")
    direct, through = place.upstream.client(), place.world.client("s3")
    direct.create_bucket(Bucket="asked-directly")
    behind = place.world.bucket()
    alias = place.world.access_point(behind)["Alias"]
    REAL[alias] = behind
    return {
        "the store": (direct, "asked-directly"),
        "the bucket": (through, place.world.bucket()),
        "an access point": (through, alias),
    }


def parts(answer, path=""):
    """The leaves of an answer, each with the way to it."""
    if isinstance(answer, dict):
        return [leaf for name, value in answer.items() for leaf in parts(value, f"{path}.{name}")]
    if isinstance(answer, list | tuple):
        return [leaf for number, value in enumerate(answer) for leaf in parts(value, f"{path}[{number}]")]
    return [f"{path} {answer!r}"[:200]]


@pytest.mark.parametrize("name", CHECKS)
def test_answer(name, asked, place, record_property):
    record_property("cell", [place.store, "answers", name])
    answers = {way: outcome(lambda way=way: CHECKS[name](*asked[way])) for way in asked}
    differs = {way: answer for way, answer in answers.items() if answer != answers["the store"]}
    known = DIFFERENCES.get((place.store, name)) or DIFFERENCES.get(("*", name))
    if differs and known:
        pytest.xfail(known)
    own = set(parts(answers["the store"]))
    assert not differs, {way: sorted(own ^ set(parts(answer)))[:8] for way, answer in differs.items()}
    assert not known, "It does not differ any more: take it out of differences.py"
