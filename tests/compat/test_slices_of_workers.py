"""Slices over several workers: one folder, one run, one answer."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.compat.conftest import World
from tests.compat.test_slices import MIB, Place

from onread.cli.spawn import gateway

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("slices") / "data"
    with gateway(folder, environment={"ONREAD_WORKERS": "3"}) as spawned:
        yield Place(World(spawned))


@pytest.mark.parametrize("sized", [True, False])
def test_parallel_ranges_over_all_workers_are_of_one_run(place, sized):
    size = 12 * MIB + 3
    key = place.put(size=size, sized=sized)
    step = MIB // 2

    def part(start):
        return place.world.client_as(
            "s3", place.world.gateway.access_key_id, place.world.gateway.secret_access_key
        ).get_object(Bucket=place.alias, Key=key, Range=f"bytes={start}-{start + step - 1}")

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(part, range(0, size, step)))
    content = b"".join(answer["Body"].read() for answer in answers)
    assert len({answer["ETag"] for answer in answers}) == 1
    assert content == (content[:16] * (size // 16 + 1))[:size]
    assert len(place.runs(key)) == 1
    whole, _ = place.get(key, IfMatch=answers[0]["ETag"])
    assert whole == content


def test_an_error_is_no_result_in_any_worker(place):
    key = place.put(error=True)
    codes = {place.refusal(place.get, key, Range="bytes=0-1") for _ in range(6)}
    assert codes == {"NotForYou"}
