"""What becomes of a page of a list whose sizes are those of results."""

import asyncio
import itertools
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from tests.fakes.object_lambda import read_call, request

from onread.errors import AccessDenied, LambdaNotFound, ServiceUnavailable, SlowDown
from onread.objectlambda.response import FunctionReportedError
from onread.objectlambda.slices.failures import MOST_REMEMBERED, REMEMBERED_SECONDS, RecentFailures
from onread.objectlambda.slices.listed import AT_ONCE, SizedLists, key_of_token, page_token
from onread.wire.message import Headers

NOW = datetime(2030, 1, 1, tzinfo=UTC)


class Slices:
    """Measures by a table: a number, an error, or None for what never comes."""

    def __init__(self, sizes):
        self.sizes = sizes
        self.asked = []
        self.at_once = self.most_at_once = 0
        self.ids = itertools.count()
        self.admission = None

    def new_request_id(self):
        return str(next(self.ids))

    def admit(self, call):
        if self.admission is not None:
            raise self.admission
        return call

    async def measure(self, call):
        self.asked.append(call)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            await asyncio.sleep(0)
            size = self.sizes[call.params["Key"]]
            if size is None:
                await asyncio.get_running_loop().create_future()
            if isinstance(size, Exception):
                raise size
            return size, f'"e{size}-1"'
        finally:
            self.at_once -= 1


def entry(key, **more):
    return {"Key": key, "Size": 1, "ETag": '"o"', "LastModified": NOW, "StorageClass": "STANDARD", **more}


async def everybody(_key):
    return True


def sized(
    slices, *items, operation="ListObjectsV2", page_seconds=30.0, target="/alias?list-type=2",
    may_read=everybody, **members,
):  # fmt: skip
    headers = Headers([("Host", "h"), ("X-Amz-Optional-Object-Attributes", "RestoreStatus")])
    asked = replace(request(), method="GET", target=target, headers=headers)
    call = replace(read_call(operation=operation, params={}), request=asked)
    page = {"Name": "b", "IsTruncated": False, "MaxKeys": 1000, "Contents": list(items), **members}
    lists = SizedLists(slices=slices, may_read=may_read, page_seconds=page_seconds)
    return asyncio.run(lists.sized(call, page))


def test_sizes_and_etags_are_those_of_the_results():
    slices = Slices({"a": 10, "b": 20})
    page = sized(slices, entry("a", ChecksumAlgorithm=["CRC32"], ChecksumType="FULL_OBJECT"), entry("b"))
    assert page["Contents"] == [entry("a", Size=10, ETag='"e10-1"'), entry("b", Size=20, ETag='"e20-1"')]
    assert page["IsTruncated"] is False


def test_an_empty_page_asks_for_nothing():
    slices = Slices({})
    assert sized(slices, CommonPrefixes=[{"Prefix": "p/"}])["CommonPrefixes"] == [{"Prefix": "p/"}]
    assert slices.asked == []


@pytest.mark.parametrize(
    ("target", "key", "shown"),
    [
        ("/alias?list-type=2&prefix=p", "p/a b+c", "/alias/p/a%20b%2Bc"),
        ("/alias/?list-type=2", "/x", "/alias//x"),
        ("/?list-type=2", "x", "/x"),
    ],
)
def test_each_key_is_asked_for_as_the_same_client_would(target, key, shown):
    slices = Slices({key: 1})
    sized(slices, entry(key), target=target)
    (call,) = slices.asked
    assert (call.request.method, call.request.target, call.params) == ("HEAD", shown, {"Key": key})
    assert list(call.request.headers) == [("Host", "h")]


def test_encoded_keys_are_decoded_for_the_question_alone():
    slices = Slices({"a b+c": 7})
    page = sized(slices, entry("a+b%2Bc"), EncodingType="url")
    assert page["Contents"] == [entry("a+b%2Bc", Size=7, ETag='"e7-1"')]


def test_what_has_no_result_is_listed_as_the_original_is():
    page = sized(Slices({"a": AccessDenied(), "b": 2}), entry("a"), entry("b"))
    assert page["Contents"] == [entry("a"), entry("b", Size=2, ETag='"e2-1"')]
    assert page["IsTruncated"] is False


def test_nothing_runs_for_who_may_not_read_it():
    slices = Slices({"a": 1, "b": 2})

    async def not_b(key):
        return key != "b"

    page = sized(slices, entry("a"), entry("b"), may_read=not_b)
    assert page["Contents"] == [entry("a", Size=1, ETag='"e1-1"'), entry("b")]
    assert [call.params["Key"] for call in slices.asked] == ["a"]


def test_a_page_ends_where_nobody_can_say_who_may_read():
    async def ill(key):
        if key == "b":
            raise ServiceUnavailable
        return True

    page = sized(Slices({"a": 1, "b": 2}), entry("a"), entry("b"), may_read=ill)
    assert [item["Key"] for item in page["Contents"]] == ["a"]
    assert page["IsTruncated"] is True


@pytest.mark.parametrize("missing", [None, SlowDown()])
def test_a_page_ends_before_the_first_key_that_nobody_knows(missing):
    sizes = {"a": 1, "b": 2, "c": missing, "d": 4}
    prefixes = [{"Prefix": "a/"}, {"Prefix": "b/"}, {"Prefix": "c/"}]
    page = sized(Slices(sizes), *map(entry, sizes), CommonPrefixes=prefixes, page_seconds=0.1)
    assert [item["Key"] for item in page["Contents"]] == ["a", "b"]
    assert page["CommonPrefixes"] == prefixes[:1]
    assert (page["IsTruncated"], page["KeyCount"]) == (True, 3)
    assert key_of_token(page["NextContinuationToken"]) == "b"
    old = sized(Slices(sizes), *map(entry, sizes), operation="ListObjects", page_seconds=0.1)
    assert (old["IsTruncated"], old["NextMarker"]) == (True, "b")
    assert "NextContinuationToken" not in old


def test_a_page_without_a_known_key_is_asked_for_again():
    with pytest.raises(SlowDown) as refused:
        sized(Slices({"a": SlowDown(), "b": 1}), entry("a"), entry("b"))
    assert refused.value.retry_after_seconds == 1


def test_without_a_function_there_is_no_list():
    slices = Slices({"a": 1})
    slices.admission = LambdaNotFound()
    with pytest.raises(LambdaNotFound):
        sized(slices, entry("a"))


def test_few_are_asked_for_at_once():
    sizes = {f"{number:03}": number for number in range(50)}
    slices = Slices(sizes)
    page = sized(slices, *map(entry, sizes))
    assert [item["Size"] for item in page["Contents"]] == list(sizes.values())
    assert slices.most_at_once == AT_ONCE


@pytest.mark.parametrize("key", ["k", "a/b c+d", "ключ", "-_~"])
def test_a_token_says_where_to_go_on(key):
    assert key_of_token(page_token(key)) == key


@pytest.mark.parametrize("token", [None, "", "k", "onread-after.*", "onread-after._w==", "onread-after.x"])
def test_a_token_of_somebody_else_is_left_to_the_store(token):
    assert key_of_token(token) is None


def test_failures_are_remembered_for_a_while():
    now = 0.0
    failures = RecentFailures(lambda: now)
    failures.note("n", AccessDenied())
    with pytest.raises(AccessDenied):
        failures.raise_known("n")
    failures.raise_known("another")
    now = REMEMBERED_SECONDS
    failures.raise_known("n")
    for number in range(MOST_REMEMBERED + 1):
        failures.note(str(number), AccessDenied())
    failures.raise_known("0")
    with pytest.raises(AccessDenied):
        failures.raise_known("1")


def test_a_remembered_failure_holds_nothing_of_the_run_that_failed():
    failures = RecentFailures(lambda: 0.0)
    try:
        raise FunctionReportedError("Blocked", 451, "not here") from ValueError("of the run")
    except FunctionReportedError as failure:
        failures.note("n", failure)
    for _ in range(2):
        with pytest.raises(FunctionReportedError) as raised:
            failures.raise_known("n")
        assert (raised.value.code, raised.value.status, raised.value.text) == ("Blocked", 451, "not here")
        assert raised.value.__cause__ is raised.value.__context__ is None


def test_what_is_forgotten_takes_no_place():
    now = 0.0
    failures = RecentFailures(lambda: now)
    failures.note("n", AccessDenied())
    now = REMEMBERED_SECONDS
    failures.note("another", AccessDenied())
    assert list(failures._known) == ["another"]
