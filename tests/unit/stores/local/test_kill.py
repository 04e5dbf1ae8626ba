"""R-001: kill -9 of a real process in the middle of its writes."""

import random
import subprocess
import sys
from pathlib import Path

import pytest

from onread import errors

from .killed_writer import KEYS, content_of
from .opened import with_store

CYCLES = 12
TESTS = Path(__file__).parents[2]


def kill_after(directory, first, lines):
    """What a writer had begun and what it had been told is done when it was killed."""
    command = [sys.executable, "-m", "stores.local.killed_writer", str(directory), str(first)]
    begun, done = {}, {}
    with subprocess.Popen(
        command, cwd=TESTS, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        for count, line in enumerate(process.stdout):
            if count == lines:
                process.kill()
            word, key, number = line.split()
            if word in ("begin", "done"):
                (begun if word == "begin" else done)[key] = int(number)
    assert process.returncode == -9
    return begun, done


def state_after(number):
    """What a reader sees when write ``number`` was the last one."""
    return None if number is None or number % 5 == 0 else content_of(number)


@pytest.mark.slow
def test_R001_no_acknowledged_write_is_lost_and_none_is_torn(tmp_path):
    """Overwrites, deletes and multipart uploads of six keys at once, killed at random moments."""
    rolled = random.Random(20300102)
    last = dict.fromkeys(KEYS)

    async def check(client):
        found = {}
        for key in KEYS:
            try:
                found[key] = (await client.get(key)).content
            except errors.NoSuchKey:
                found[key] = None
        assert client.aside() == []
        return found, len(client.blobs())

    for cycle in range(CYCLES):
        first = 1 + cycle * 100_000
        begun, done = kill_after(tmp_path / "data", first, rolled.randrange(2, 60))
        found, blobs = with_store(tmp_path / "data", check)
        for key in KEYS:
            acknowledged = done.get(key, last[key])
            possible = [acknowledged, begun.get(key, acknowledged)]
            states = [state_after(number) for number in possible]
            assert found[key] in states, f"cycle {cycle}: {key} after {possible}"
            last[key] = possible[states.index(found[key])]
        assert blobs >= sum(content is not None for content in found.values())
