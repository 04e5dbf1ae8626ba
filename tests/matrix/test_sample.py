"""A few of the questions of the matrix in every run of the tests, over SeaweedFS."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from tests.matrix.clients import AwsCli, Boto3, Client, Curl
from tests.matrix.conftest import NASTY_KEYS, SYNCED, TEXT

pytestmark = [
    pytest.mark.compat,
    pytest.mark.slow,
    pytest.mark.parametrize("stand", ["SeaweedFS"], indirect=True),
]


@pytest.fixture
def driven(place, tmp_path):
    def driven(kind: type[Client]):
        return kind(place.world.endpoint, place.world.gateway.environment(), tmp_path)

    return driven


def test_boto3_finds_a_bucket_of_objects(driven, place):
    client, keys = driven(Boto3), [*NASTY_KEYS, *place.odd_paths.values()]
    assert client.get_all(place.alias, keys) == [TEXT] * len(keys)
    assert sorted(client.keys(place.alias, "sync/")) == sorted(SYNCED)


def test_the_command_line_tool_has_nothing_to_do_a_second_time(driven, place, tmp_path):
    client, folder = driven(AwsCli), tmp_path / "down"
    assert client.sync_down(place.alias, "sync/", folder) == len(SYNCED)
    assert [(folder / key.removeprefix("sync/")).read_bytes() for key in SYNCED] == list(SYNCED.values())
    assert client.sync_down(place.alias, "sync/", folder) == 0


def test_curl_reads_whole_and_in_part(driven, place):
    client = driven(Curl)
    assert client.size(place.alias, "dir/letter.txt") == len(TEXT)
    assert client.range(place.alias, "dir/letter.txt", 100, 299) == TEXT[100:300]
    assert client.get(place.alias, NASTY_KEYS[0]) == TEXT


def test_ranges_at_once_are_of_one_result(place):
    """As s5cmd and pyarrow read: HEAD, then parts of what it says, side by side."""
    s3, content = place.world.client("s3"), place.contents["dir/big"]
    head = s3.head_object(Bucket=place.alias, Key="dir/big")
    assert head["ContentLength"] == len(content)
    step = len(content) // 8 + 1

    def part(start):
        asked = {"Range": f"bytes={start}-{start + step - 1}", "IfMatch": head["ETag"]}
        return s3.get_object(Bucket=place.alias, Key="dir/big", **asked)["Body"].read()

    with ThreadPoolExecutor(8) as threads:
        assert b"".join(threads.map(part, range(0, len(content), step))) == content
    [listed] = s3.list_objects_v2(Bucket=place.alias, Prefix="dir/big")["Contents"]
    assert (listed["Size"], listed["ETag"]) == (len(content), head["ETag"])
