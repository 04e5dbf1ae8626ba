"""Slices of transformed objects: a real gateway, real functions, real clients."""

import hashlib
import json
import subprocess
import sys
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from botocore.exceptions import ClientError, IncompleteReadError, ResponseStreamingError
from tests.compat.conftest import ACCOUNT, wait_until

pytestmark = [pytest.mark.compat, pytest.mark.slow]

MIB = 1 << 20
SIZE = 3 * MIB + 12_345
SCRIPT = Path(sys.executable).with_name("onread")


class Place:
    """A sliced access point and the objects behind it."""

    def __init__(self, world):
        self.world = world
        self.s3 = world.client("s3")
        self.bucket = world.bucket()
        self.function = world.function("slices", Timeout=60)
        self.supporting = world.access_point(self.bucket)
        self.name, self.alias = world.olap_over(self.supporting, self.function)
        world.client("onread").configure_function(FunctionName=self.function, WarmEnvironments=4)
        self.configure(Range="slice")

    def configure(self, **settings):
        self.world.client("onread").configure_object_lambda_access_point(Name=self.name, **settings)

    def put(self, **wish):
        key = self.world.unique("key")
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=json.dumps({"name": key, "size": SIZE, **wish}))
        return key

    def get(self, key, **params):
        answer = self.s3.get_object(Bucket=self.alias, Key=key, **params)
        return answer["Body"].read(), answer

    def head(self, key, **params):
        return self.s3.head_object(Bucket=self.alias, Key=key, **params)

    def runs(self, key):
        events = self.world.client("onread").get_function_logs(FunctionName=self.function, Limit=10_000)
        return [event["Message"] for event in events["Events"] if f"slices.ran {key} " in event["Message"]]

    def refusal(self, call, *arguments, **params):
        with pytest.raises(ClientError) as refused:
            call(*arguments, **params)
        return refused.value.response["Error"]["Code"]


@pytest.fixture(scope="module")
def place(world):
    return Place(world)


@pytest.fixture(scope="module")
def whole(place):
    """A key, its result and the first answer."""
    key = place.put()
    body, answer = place.get(key)
    return key, body, answer


def test_a_result_looks_like_an_object(place, whole):
    key, body, answer = whole
    assert len(body) == SIZE == answer["ContentLength"]
    assert (answer["ContentType"], answer["Metadata"]) == ("text/x-slices", {"wish": key})
    assert answer["AcceptRanges"] == "bytes"
    assert "the-functions-own" not in answer["ETag"]
    head = place.head(key)
    for member in ("ContentLength", "ETag", "LastModified", "ContentType", "Metadata", "AcceptRanges"):
        assert head[member] == answer[member], member
    assert not any(name.startswith("Checksum") for name in head)
    again, _ = place.get(key)
    assert again == body
    assert len(place.runs(key)) == 1


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=262143-262144", 262143, 262145),
        (f"bytes={SIZE - 1}-", SIZE - 1, SIZE),
        ("bytes=-5", SIZE - 5, SIZE),
        (f"bytes=-{2 * SIZE}", 0, SIZE),
        (f"bytes=1000000-{9 * SIZE}", 1000000, SIZE),
    ],
)
def test_ranges_are_of_the_result(place, whole, asked, start, stop):
    key, body, _ = whole
    part, answer = place.get(key, Range=asked)
    assert part == body[start:stop]
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert answer["ContentRange"] == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer["ContentLength"] == stop - start
    assert place.head(key, Range=asked)["ContentLength"] == stop - start


def test_a_range_beyond_the_end_is_416_and_parts_are_those_of_a_single_upload(place, whole):
    key, body, _ = whole
    assert place.refusal(place.get, key, Range=f"bytes={SIZE}-") == "InvalidRange"
    assert place.refusal(place.head, key, Range=f"bytes={SIZE}-") == "416"
    part, answer = place.get(key, PartNumber=1)
    assert (part, answer["ContentRange"]) == (body, f"bytes 0-{SIZE - 1}/{SIZE}")
    assert place.refusal(place.get, key, PartNumber=2) == "InvalidPartNumber"
    assert place.refusal(place.get, key, PartNumber=1, Range="bytes=0-1") == "InvalidRequest"


def test_conditions_are_those_of_the_result(place, whole):
    key, body, answer = whole
    etag = answer["ETag"]
    assert place.get(key, IfMatch=etag)[0] == body
    assert place.refusal(place.get, key, IfMatch='"other"') == "PreconditionFailed"
    assert place.refusal(place.get, key, IfNoneMatch=etag) == "304"
    assert place.refusal(place.head, key, IfNoneMatch=etag) == "304"
    assert place.refusal(place.get, key, IfModifiedSince=answer["LastModified"]) == "304"
    assert place.get(key, IfUnmodifiedSince=answer["LastModified"])[0] == body
    assert len(place.runs(key)) == 1


def raw(place, key, **headers):
    request = urllib.request.Request(place.world.presigned(place.alias, key), headers=headers)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.status, answer.read()


def test_if_range_gives_the_range_or_the_whole(place, whole):
    key, _, answer = whole
    status, part = raw(place, key, Range="bytes=5-9", **{"If-Range": answer["ETag"]})
    assert (status, len(part)) == (206, 5)
    status, part = raw(place, key, Range="bytes=5-9", **{"If-Range": '"other"'})
    assert (status, len(part)) == (200, SIZE)


def test_a_presigned_url_of_one_range_and_a_range_as_a_parameter(place, whole):
    key, body, _ = whole
    url = place.world.presigned(place.alias, key, Range="bytes=1-3")
    request = urllib.request.Request(url, headers={"Range": "bytes=1-3"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        assert len(answer.read()) == 3
    assert len(body) == SIZE


def test_parallel_ranges_run_the_function_once(place):
    key = place.put(size=20 * MIB + 7)
    starts = range(0, 20 * MIB, MIB // 4)
    with ThreadPoolExecutor(20) as pool:
        parts = list(
            pool.map(lambda start: place.get(key, Range=f"bytes={start}-{start + MIB // 4 - 1}"), starts)
        )
    assert len(place.runs(key)) == 1
    assert len({answer["ETag"] for _, answer in parts}) == 1
    run = parts[0][0][:16]
    assert all(part == run * (len(part) // 16) for part, _ in parts)
    assert place.get(key, Range="bytes=-7")[0] == run[:7]


@pytest.mark.parametrize("size", [0, 1, 262_144, 600_000])
def test_a_result_without_a_declared_length_has_one_when_it_is_kept(place, size):
    key = place.put(size=size, sized=False)
    assert place.head(key)["ContentLength"] == size
    body, answer = place.get(key)
    assert (len(body), answer["ContentLength"]) == (size, size)
    assert len(place.runs(key)) == 1


def test_a_functions_refusal_is_given_and_not_kept(place):
    key = place.put(error=True)
    assert place.refusal(place.get, key) == "NotForYou"
    assert place.refusal(place.get, key, Range="bytes=0-1") == "NotForYou"
    assert place.refusal(place.head, key) == "403"
    assert len(place.runs(key)) == 3


def test_a_function_that_stops_midway_cuts_everybody_and_leaves_nothing(place):
    key = place.put(stop_after=MIB)
    for params in ({}, {"Range": "bytes=0-"}):
        with pytest.raises((IncompleteReadError, ResponseStreamingError, ClientError)):
            place.get(key, **params)
    assert len(place.runs(key)) == 2
    assert place.world.client("s3").get_object(Bucket=place.bucket, Key=key)


def test_a_missing_object_is_404_for_get_head_and_ranges(place):
    assert place.refusal(place.get, "missing") == "NoSuchKey"
    assert place.refusal(place.get, "missing", Range="bytes=0-1") == "NoSuchKey"
    assert place.refusal(place.head, "missing") == "404"


def test_an_overwritten_object_has_a_new_result(place):
    key = place.put(size=100)
    first, answer = place.get(key)
    place.s3.put_object(
        Bucket=place.bucket, Key=key, Body=json.dumps({"name": key, "size": 200, "other": True})
    )
    second, changed = place.get(key)
    assert (len(first), len(second)) == (100, 200)
    assert answer["ETag"] != changed["ETag"]
    assert place.refusal(place.get, key, IfMatch=answer["ETag"]) == "PreconditionFailed"


def test_every_reader_has_a_result_of_their_own_and_rights_are_asked_anew(place):
    key = place.put(size=1000)
    theirs, _ = place.get(key)
    allow = {"Effect": "Allow", "Resource": "*"}
    statements = [
        {**allow, "Action": ["s3-object-lambda:GetObject", "lambda:InvokeFunction", "s3:GetObject"]}
    ]
    name, *keys = place.world.user(json.dumps({"Version": "2012-10-17", "Statement": statements}))
    reader = place.world.client_as("s3", *keys)
    mine = reader.get_object(Bucket=place.alias, Key=key)["Body"].read()
    assert mine != theirs  # the run's own number
    assert mine == reader.get_object(Bucket=place.alias, Key=key)["Body"].read()
    for denied, code in (
        ("s3:GetObject", "AccessDenied"),
        ("lambda:InvokeFunction", "LambdaPermissionError"),
        ("s3-object-lambda:GetObject", "AccessDenied"),
    ):
        deny = {"Effect": "Deny", "Action": denied, "Resource": "*"}
        place.world.client("iam").put_user_policy(
            UserName=name,
            PolicyName="test",
            PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [*statements, deny]}),
        )
        for call in (reader.get_object, reader.head_object):
            with pytest.raises(ClientError) as refused:
                call(Bucket=place.alias, Key=key)
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
        assert place.refusal(reader.get_object, Bucket=place.alias, Key=key) == code


def test_strangers_who_are_let_in_read_slices_too(place):
    key = place.put(size=1000)
    url = f"{place.world.endpoint}/{place.alias}/{key}"
    place.configure(Anonymous="on")
    try:
        head = urllib.request.Request(url, method="HEAD")
        with urllib.request.urlopen(head, timeout=60) as answer:
            assert answer.headers["Content-Length"] == "1000"
        ranged = urllib.request.Request(url, headers={"Range": "bytes=-10"})
        with urllib.request.urlopen(ranged, timeout=60) as answer:
            assert (answer.status, len(answer.read())) == (206, 10)
    finally:
        place.configure(Anonymous="off")
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(ranged, timeout=60)
    assert refused.value.code == 403
    refused.value.close()
    assert len(place.runs(key)) == 1


def test_an_alias_with_weights_gives_slices_of_one_version(place):
    client = place.world.client("lambda")
    versions = [
        client.publish_version(FunctionName=place.function, Description=str(number))["Version"]
        for number in range(2)
        if client.update_function_configuration(FunctionName=place.function, Description=f"to be {number}")
    ]
    client.create_alias(
        FunctionName=place.function,
        Name="both",
        FunctionVersion=versions[0],
        RoutingConfig={"AdditionalVersionWeights": {versions[1]: 0.5}},
    )
    name, alias = place.world.olap_over(place.supporting, f"{place.function}:both")
    place.world.client("onread").configure_object_lambda_access_point(Name=name, Range="slice")
    key = place.put(size=1000)
    answers = [
        place.s3.get_object(Bucket=alias, Key=key, Range=f"bytes={start}-{start + 9}") for start in range(20)
    ]
    assert len({answer["ETag"] for answer in answers}) == 1


def test_the_command_line_reads_slices(place, tmp_path):
    key = place.put(size=1000)
    gateway = place.world.gateway
    environment = {**gateway.environment(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}

    def onread(*arguments):
        done = subprocess.run([SCRIPT, *arguments], env=environment, capture_output=True, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    assert (
        json.loads(onread("olap", "configure", place.name, "--range", "slice", "--json"))["Range"] == "slice"
    )
    assert json.loads(onread("olap", "show", place.name, "--json"))["Settings"]["Range"] == "slice"
    assert json.loads(onread("head", f"{place.name}.olap", key, "--json"))["ContentLength"] == 1000
    assert len(onread("get", f"{place.name}.olap", key)) == 1000
    assert key.encode() in onread("ls", f"{place.name}.olap", key)
    assert len(place.runs(key)) == 1


def spool(place):
    return place.world.gateway.log_file.with_suffix("") / "spool"


def test_kept_results_are_secret_and_go_with_what_made_them(place):
    """Within a second of a change nothing made before it is on disk."""
    folder = spool(place)
    assert folder.stat().st_mode & 0o777 == 0o700
    name, alias = place.world.olap_over(place.supporting, place.function)
    place.world.client("onread").configure_object_lambda_access_point(Name=name, Range="slice")
    key = place.put(size=100)
    before = set(folder.iterdir())
    place.s3.get_object(Bucket=alias, Key=key)["Body"].read()
    made = set(folder.iterdir()) - before
    assert made
    assert all(file.stat().st_mode & 0o777 == 0o600 for file in made)
    assert not any(key in file.name or name in file.name for file in made)
    place.world.client("s3control").delete_access_point_for_object_lambda(AccountId=ACCOUNT, Name=name)
    wait_until(lambda: not made & set(folder.iterdir()), seconds=5)


def test_a_changed_function_makes_new_results(place):
    key = place.put(size=100)
    first, _ = place.get(key)
    place.world.client("lambda").update_function_configuration(
        FunctionName=place.function, Environment={"Variables": {"OTHER": "1"}}
    )
    assert place.get(key)[0] != first
    assert place.get(key)[0] == place.get(key)[0]


def test_what_the_function_sees_is_what_the_result_is_named_by(place):
    key = place.put(size=10)
    first = raw(place, key, **{"X-Tenant": "a", "User-Agent": "one", "Range": "bytes=0-3"})
    assert raw(place, key, **{"X-Tenant": "a", "User-Agent": "two", "Range": "bytes=0-3"}) == first
    raw(place, key, **{"X-Tenant": "b"})
    one, other = place.runs(key)
    assert "X-tenant" in one or "X-Tenant" in one
    assert "ange" not in one
    assert "ser-" not in one
    assert other


def test_without_slices_ranges_are_refused_again(place):
    key = place.put(size=10)
    place.configure(Range="aws")
    try:
        assert place.refusal(place.get, key, Range="bytes=0-1") == "NotImplemented"
    finally:
        place.configure(Range="slice")
    assert len(place.get(key, Range="bytes=0-1")[0]) == 2


def test_sizes_in_lists_are_those_of_head_and_get_where_asked_for(place):
    folder = place.world.unique("folder")
    sizes = {f"{folder}/a b+c": 1000, f"{folder}/b": 0, f"{folder}/c": 300_000, f"{folder}/d/deeper": 5}
    for key, size in sizes.items():
        wish = {"name": key, "size": size, "sized": size != 300_000}
        place.s3.put_object(Bucket=place.bucket, Key=key, Body=json.dumps(wish))
    refused = place.s3.put_object(Bucket=place.bucket, Key=f"{folder}/x", Body=b'{"name": "x", "error": 1}')
    for key in sizes:
        place.head(key)  # a list waits less long for a function that only starts
    place.configure(ListSizes="transformed")
    try:
        listed = {
            item["Key"]: item
            for page in place.s3.get_paginator("list_objects_v2").paginate(
                Bucket=place.alias, Prefix=f"{folder}/", PaginationConfig={"PageSize": 2}
            )
            for item in page["Contents"]
        }
        assert listed.pop(f"{folder}/x")["ETag"] == refused["ETag"]
        assert {key: item["Size"] for key, item in listed.items()} == sizes
        for key, item in listed.items():
            head = place.head(key)
            assert (head["ContentLength"], head["ETag"]) == (item["Size"], item["ETag"])
            assert len(place.get(key)[0]) == item["Size"]
            assert len(place.runs(key)) == 1
        old = place.s3.list_objects(Bucket=place.alias, Prefix=f"{folder}/", Delimiter="/")
        assert [item["Size"] for item in old["Contents"][:3]] == [1000, 0, 300_000]
        assert old["CommonPrefixes"] == [{"Prefix": f"{folder}/d/"}]
        statements = [{"Effect": "Allow", "Resource": "*", "Action": ["s3-object-lambda:List*", "s3:List*"]}]
        _, *keys = place.world.user(json.dumps({"Version": "2012-10-17", "Statement": statements}))
        reader = place.world.client_as("s3", *keys)
        assert place.refusal(reader.list_objects_v2, Bucket=place.alias) == "AccessDenied"
        place.configure(ListSizes="original")
        assert reader.list_objects_v2(Bucket=place.alias, Prefix=f"{folder}/b")["Contents"][0]["Size"] > 20
    finally:
        place.configure(ListSizes="original")


def test_aws_s3_sync_has_nothing_to_do_the_second_time(place, tmp_path):
    folder = place.world.unique("synced")
    for name, size in (("a b+c", 1000), ("d/e", 70_000)):
        wish = {"name": f"{folder}/{name}", "size": size}
        place.s3.put_object(Bucket=place.bucket, Key=f"{folder}/{name}", Body=json.dumps(wish))
        place.head(f"{folder}/{name}")
    gateway = place.world.gateway
    environment = {**gateway.environment(), "PATH": "/usr/bin:/bin", "HOME": str(tmp_path)}
    command = [SCRIPT.with_name("aws"), "--endpoint-url", gateway.endpoint, "s3", "sync", "--no-progress"]
    place.configure(ListSizes="transformed")
    try:
        said = [
            subprocess.run(
                [*command, f"s3://{place.alias}/{folder}", tmp_path / "here"],
                env=environment, capture_output=True, text=True, timeout=120, check=True,
            ).stdout
            for _ in range(2)
        ]  # fmt: skip
    finally:
        place.configure(ListSizes="original")
    assert (len(said[0].splitlines()), said[1]) == (2, "")
    assert [(tmp_path / "here" / name).stat().st_size for name in ("a b+c", "d/e")] == [1000, 70_000]


def test_boto3_downloads_in_parallel_ranges(place, tmp_path):
    key = place.put(size=30 * MIB + 5)
    place.s3.download_file(place.alias, key, str(tmp_path / "file"))
    content = (tmp_path / "file").read_bytes()
    assert content == (content[:16] * (len(content) // 16 + 1))[: 30 * MIB + 5]
    assert len(place.runs(key)) == 1


def test_the_aws_cli_downloads_in_parallel_ranges(place, tmp_path):
    key = place.put(size=30 * MIB + 5)
    gateway = place.world.gateway
    environment = {**gateway.environment(), "AWS_DEFAULT_REGION": "us-east-1", "PATH": "/usr/bin:/bin"}
    command = [SCRIPT.with_name("aws"), "--endpoint-url", gateway.endpoint, "s3", "cp", "--no-progress"]
    done = subprocess.run(
        [*command, f"s3://{place.alias}/{key}", tmp_path / "file"],
        env=environment,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr.decode()
    digest = hashlib.sha256((tmp_path / "file").read_bytes()).hexdigest()
    assert digest == hashlib.sha256(place.get(key)[0]).hexdigest()
    assert len(place.runs(key)) == 1
