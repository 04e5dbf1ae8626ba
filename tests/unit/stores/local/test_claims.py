"""Claims: what one process reads no other removes, and they end with their process."""

import secrets
import subprocess
import sys

import pytest

from onread.stores.local.claims import Claims

HOLDS = """
import sys
from pathlib import Path
from onread.stores.local.claims import Claims
claims = Claims(Path(sys.argv[1]))
claims.hold(sys.argv[2:])
print("held", flush=True)
for line in sys.stdin:
    claims.let_go(line.split())
    print("gone", flush=True)
"""


@pytest.fixture
def blob_ids():
    return [secrets.token_hex(32) for _ in range(3)]


@pytest.fixture
def claims(tmp_path):
    made = Claims(tmp_path / "claims")
    yield made
    made.close()


@pytest.fixture
def other(tmp_path, blob_ids):
    """Another process that reads the first two blobs."""
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "claims"), *blob_ids[:2]]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_what_another_process_reads_is_not_unclaimed(claims, other, blob_ids):
    assert claims.unclaimed(blob_ids) == {blob_ids[2]}
    other.stdin.write(blob_ids[0] + "\n")
    other.stdin.flush()
    assert other.stdout.readline() == "gone\n"
    assert claims.unclaimed(blob_ids) == {blob_ids[0], blob_ids[2]}


def test_two_may_read_the_same(claims, other, blob_ids):
    claims.hold(blob_ids)
    claims.let_go(blob_ids)
    assert claims.unclaimed(blob_ids) == {blob_ids[2]}


def test_claims_end_with_a_process_that_is_killed(claims, other, blob_ids):
    other.kill()
    other.wait(10)
    assert claims.unclaimed(blob_ids) == set(blob_ids)


def test_looking_leaves_no_claim_behind(claims, tmp_path, blob_ids):
    assert claims.unclaimed(blob_ids) == set(blob_ids)
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "claims"), *blob_ids]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=20, check=True)
    assert done.stdout == "held\n"
