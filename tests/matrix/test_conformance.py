"""Public suites of S3's behaviour, at the store itself and through onread: the same cases end alike.

Where one does not, the reason stands in `differences.py`, and from there in ``docs/clients.md``.
"""

import json
from dataclasses import replace

import pytest
from tests.matrix.differences import CONFORMANCE, LEFT_OUT, reasons
from tests.matrix.environments import FOLDER
from tests.matrix.suites import OUTCOMES, SUITE_SECONDS, SUITES, Door, differing, run

RESULTS = FOLDER / "conformance.jsonl"
pytestmark = [
    pytest.mark.matrix,
    pytest.mark.slow,
    pytest.mark.suite,
    pytest.mark.timeout(3 * SUITE_SECONDS),
]


def doors(stand):
    """The store's own, or the bucket where the store is onread's; an access point that transforms nothing."""
    gateway, store = stand.world.gateway, stand.upstream
    keys = (gateway.endpoint, gateway.access_key_id, gateway.secret_access_key)
    if store is None:
        yield Door("bucket", *keys)
    else:
        yield Door("store", store.endpoint, store.access_key_id, store.secret_access_key)
    yield Door("access point", *keys, by_access_point=True)


@pytest.mark.parametrize("suite", SUITES, ids=lambda suite: suite.name)
def test_a_public_suite_ends_alike_at_every_door(suite, stand, tmp_path):
    answers = {}
    without, _ = LEFT_OUT.get((stand.store, suite.name), (suite.without, ""))
    for number, door in enumerate(doors(stand)):
        folder = tmp_path / str(number)
        folder.mkdir()
        answers[door.name] = run(replace(suite, without=without), door, folder)
    found = differing(answers)
    note(suite, stand, answers, found)
    known = {case: pattern for case in found for pattern, _ in reasons(stand.store, suite.name, case)}
    assert not {case: ends for case, ends in found.items() if case not in known}
    unseen = CONFORMANCE.get((stand.store, suite.name), {}).keys() - set(known.values())
    assert not unseen, "These do not differ any more: take them out of differences.py"


def note(suite, stand, answers, found):
    """What the page tells: how many cases ended how at each door, and which not alike."""
    counts = {
        door: {outcome: list(ends.values()).count(outcome) for outcome in OUTCOMES}
        for door, ends in answers.items()
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    with RESULTS.open("a") as file:
        file.write(json.dumps([suite.name, stand.store, counts, found]) + "\n")
