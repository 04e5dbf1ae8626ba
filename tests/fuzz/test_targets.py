"""Every fuzz target with its seeds, its saved corpus and a fixed set of mutants; `make fuzz` goes on."""

import resource

import pytest
from tests.fuzz.harness import CORPUS, load, mutants, names, saved

MOST_MEMORY_BYTES = 64 << 20
MOST_CORPUS_BYTES = 400 << 10


@pytest.mark.slow
@pytest.mark.parametrize("name", names())
def test_R060_to_R070_no_input_gets_through(name, record_property):
    target = load(name)
    inputs = [*target.seeds, *saved(name)]
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for content in inputs:
        target.run(content)
    for content in mutants(inputs, target, target.rounds, seed=name):
        target.run(content)
    grown_bytes = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) << 10
    assert grown_bytes < MOST_MEMORY_BYTES
    record_property("told", f"fuzzing, {target.case} {name}: inputs {len(inputs) + target.rounds}; 0 finds")


def test_every_saved_input_belongs_to_a_target_and_all_are_small():
    folders = [path for path in CORPUS.iterdir() if path.is_dir()]
    assert {folder.name for folder in folders} <= set(names())
    assert sum(path.stat().st_size for folder in folders for path in folder.iterdir()) < MOST_CORPUS_BYTES
