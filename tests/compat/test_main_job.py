"""The main job: one object, one unmodified function, one unmodified client."""

import re
import urllib.request

import pytest
from tests.compat.conftest import wait_until

pytestmark = [pytest.mark.compat, pytest.mark.slow]
TEXT = "Grüße, reader"


@pytest.fixture(scope="module")
def read(world):
    bucket = world.bucket()
    world.client("s3").put_object(Bucket=bucket, Key="dir/k y.txt", Body=TEXT.encode())
    supporting = world.access_point(bucket)
    name, alias = world.olap_over(supporting, world.function("uppercase"))
    return {"bucket": bucket, "name": name, "alias": alias, "supporting": supporting}


def test_a_reader_gets_what_the_function_made(world, read):
    answer = world.client("s3").get_object(Bucket=read["alias"], Key="dir/k y.txt")
    assert answer["Body"].read().decode() == TEXT.upper()
    assert answer["ContentLength"] == len(TEXT.upper().encode())


def test_the_original_is_what_it_was(world, read):
    for bucket in (read["bucket"], read["supporting"]["Alias"]):
        body = world.client("s3").get_object(Bucket=bucket, Key="dir/k y.txt")["Body"].read()
        assert body.decode() == TEXT


def test_the_plain_name_leads_to_the_function(world, read):
    """For clients that refuse bucket names ending in --ol-s3."""
    with urllib.request.urlopen(world.presigned(f"{read['name']}.olap", "dir/k y.txt"), timeout=20) as answer:
        assert answer.read().decode() == TEXT.upper()


def test_the_request_id_is_ours_and_a_uuid(world, read):
    answer = world.client("s3").get_object(Bucket=read["alias"], Key="dir/k y.txt")
    request_id = answer["ResponseMetadata"]["RequestId"]
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", request_id)
    wait_until(lambda: request_id in world.log())  # lines are written together
