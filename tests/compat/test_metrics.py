"""What is seen from outside: metrics that count right, one line a request, one id everywhere."""

import json
import re

import pytest
from prometheus_client.parser import text_string_to_metric_families
from tests.compat.callers import RawCaller, fetch, presign, stage
from tests.compat.conftest import wait_until

pytestmark = [pytest.mark.compat, pytest.mark.slow]


@pytest.fixture(scope="module")
def on_stage(world):
    with stage(world) as made:
        yield made


class Counted:
    """The samples of a gateway at one moment."""

    def __init__(self, world):
        text = fetch(f"{world.gateway.admin_endpoint}/metrics").body.decode()
        self.samples = {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    def __call__(self, name, **labels):
        """The sum of all samples that have these labels."""
        wanted = set(labels.items())
        return sum(v for (known, having), v in self.samples.items() if known == name and wanted <= having)


@pytest.fixture
def since(world):
    """How much a sample has grown since the test began."""
    before = Counted(world)
    return lambda name, **labels: Counted(world)(name, **labels) - before(name, **labels)


def test_requests_are_counted_by_operation_and_status(world, on_stage, since):
    for _ in range(3):
        fetch(presign(world, on_stage.bucket, "key"))
    fetch(presign(world, on_stage.bucket, "missing"))
    counted = {"operation": "GetObject"}
    wait_until(lambda: since("onread_requests_total", status="200", **counted) == 3)
    wait_until(lambda: since("onread_requests_total", status="404", **counted) == 1)
    assert since("onread_request_seconds_count", **counted) == 4
    assert since("onread_sent_bytes_total", **counted) >= 3 * len(b"the original")


def test_received_bytes_are_counted(world, on_stage, since):
    on_stage.put("received", b"r" * 12_345)
    wait_until(lambda: since("onread_received_bytes_total", operation="PutObject") >= 12_345)


OUTCOMES = {
    "uppercase": "delivered",
    "refuses": "reported_error",
    "returns": "LambdaResponseNotReceived",
    "raises": "LambdaRuntimeError",
    "only_wrong": "LambdaInvalidResponse",
}


@pytest.mark.parametrize(("code", "outcome"), OUTCOMES.items())
def test_transformed_gets_are_counted_by_outcome(on_stage, since, code, outcome):
    on_stage.alias(code)
    for _ in range(2):
        on_stage.get(code)
    wait_until(lambda: since("onread_transformed_requests_total", outcome=outcome) == 2)
    assert since("onread_transformed_requests_total") == 2


def test_a_caller_that_left_is_an_outcome(on_stage, since):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    caller.leave(reset=True)
    wait_until(lambda: since("onread_transformed_requests_total", outcome="caller_left") == 1)
    puppet.returns()


def test_each_stage_of_a_transformed_get_is_timed(on_stage, since):
    for _ in range(3):
        on_stage.get("uppercase")
    for stage_name in ("queue", "run", "first_byte", "total"):
        wait_until(lambda name=stage_name: since("onread_transform_stage_seconds_count", stage=name) == 3)
    assert since("onread_transform_stage_seconds_sum", stage="first_byte") > 0
    assert since("onread_transform_stage_seconds_sum", stage="total") < 10


def test_environments_are_warm_or_busy_and_invocations_wait(world, on_stage):
    on_stage.get("uppercase")
    wait_until(lambda: Counted(world)("onread_environments", state="busy") == 0)
    assert Counted(world)("onread_environments", state="warm") >= 1
    call = on_stage.call("obeys")
    puppet = on_stage.puppets.next()
    assert Counted(world)("onread_environments", state="busy") == 1
    assert Counted(world)("onread_invocations_waiting") == 0
    puppet.writes(Body="x")
    puppet.returns()
    call.result(20)
    wait_until(lambda: Counted(world)("onread_environments", state="busy") == 0)


def test_labels_name_no_key_and_no_caller(world, on_stage):
    fetch(presign(world, on_stage.bucket, "a-key-of-somebody"))
    text = fetch(f"{world.gateway.admin_endpoint}/metrics").body.decode()
    assert "a-key-of-somebody" not in text
    assert world.gateway.access_key_id not in text


# One line a request


def lines_of(world, request_id):
    records = [json.loads(line) for line in world.log().splitlines() if request_id in line]
    return [record for record in records if record.get("request_id") == request_id]


def test_every_request_has_one_line_with_its_id(world, on_stage):
    answer = fetch(presign(world, on_stage.bucket, "missing"))
    request_id = answer.headers["x-amz-request-id"]
    assert answer.element("RequestId") == request_id
    wait_until(lambda: lines_of(world, request_id))
    done = [line for line in lines_of(world, request_id) if line["event"] == "request.done"]
    assert len(done) == 1
    assert done[0].items() >= {"operation": "GetObject", "status": 404, "error_code": "NoSuchKey"}.items()
    assert done[0]["key"] == "missing"


def test_one_id_in_the_answer_the_error_the_event_and_the_functions_log(world, on_stage):
    answer = on_stage.get("echoes")
    request_id = json.loads(answer.body)["xAmzRequestId"]
    assert answer.headers["x-amz-request-id"] == request_id
    wait_until(lambda: any(line["event"] == "request.done" for line in lines_of(world, request_id)))
    wait_until(lambda: any(f"REPORT RequestId: {request_id}" in line for line in on_stage.logs("echoes")))
    events = world.client("onread").get_function_logs(FunctionName=on_stage.function("echoes"))["Events"]
    own = [event["Message"] for event in events if event.get("RequestId") == request_id]
    assert own[0].startswith(f"START RequestId: {request_id}")
    assert f"saw {request_id} {request_id}" in own
    assert own[-1].startswith(f"REPORT RequestId: {request_id}")
    failed = on_stage.get("raises")
    assert failed.element("RequestId") == failed.headers["x-amz-request-id"]
    wait_until(lambda: any(failed.headers["x-amz-request-id"] in line for line in on_stage.logs("raises")))


def test_a_cut_answer_says_so_in_its_line(world, on_stage):
    caller = on_stage.raw("obeys")
    puppet = on_stage.puppets.next()
    request_id = puppet.event["xAmzRequestId"]
    puppet.begins()
    puppet.chunk(b"first")
    caller.read_until(b"first")
    caller.leave(reset=True)
    wait_until(lambda: any(line.get("outcome") == "cut" for line in lines_of(world, request_id)))
    puppet.returns()


def test_T290_the_log_holds_no_secret_and_no_signature(world, on_stage):
    on_stage.get("echoes")
    url = presign(world, on_stage.alias("echoes"), "key")
    fetch(url)
    on_stage.get("raises")
    text = world.log()
    assert world.gateway.secret_access_key not in text
    assert re.search(r"X-Amz-Signature=([^&\s]+)", url)[1] not in text
    event = json.loads(on_stage.get("echoes").body)
    assert event["getObjectContext"]["outputToken"] not in world.log()


def test_a_forged_line_stays_one_line(world, on_stage):
    url = presign(world, on_stage.bucket, 'x\n{"event":"request.done","status":200}')
    fetch(url)
    assert all(json.loads(line) for line in world.log().splitlines())
    RawCaller.get(world, url).leave()
