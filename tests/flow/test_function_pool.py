"""The pool over real awslambdaric processes: what runs, what fails, and that nothing is left of either."""

import asyncio
import json
import os
import signal
import socket
import sys
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from tests.flow.function_pool import APP, Workshop, environment_process, later, run_in_pool

from onread.errors import (
    InvalidParameterValueException,
    InvalidRuntimeException,
    ResourceNotFoundException,
    TooManyRequestsException,
)
from onread.functions.invoker import Failed, Returned, TimedOut
from onread.functions.pool import FunctionPool

pytestmark = pytest.mark.slow


async def until(condition, within: float = 10) -> None:
    """Wait for something another process does."""
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 (another process makes it true)
            await asyncio.sleep(0.01)


async def until_began(pool: FunctionPool, run, cache: Path) -> None:
    await until((cache / "environments" / run.environment_id / "began").exists)


@pytest.mark.usefixtures("either_loop")
def test_the_handler_gets_the_event_and_its_return_value_comes_back(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        outcome = await workshop.run(pool, workshop.function(), '{"ä": [1, null]}'.encode())
        assert isinstance(outcome, Returned)
        assert json.loads(outcome.payload) == {"ä": [1, None]}

    run_in_pool(tmp_path, body)


def test_context_environment_and_title_are_those_of_lambda(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.facts", environment={"STAGE": "test"}, memory_mb=256)
        run = await workshop.begin(pool, function)
        outcome = await run.finished
        assert isinstance(outcome, Returned)
        facts = json.loads(outcome.payload)
        assert facts["request_id"] == "request-1"
        assert facts["arn"] == "arn:aws:lambda:us-east-1:000000000000:function:facts"
        assert facts["memory"] == "256"
        assert 2000 < facts["remaining"] <= 3000
        assert facts["cwd"] == facts["path"] == facts["environ"]["LAMBDA_TASK_ROOT"]
        assert facts["environ"]["STAGE"] == "test"
        assert facts["environ"]["AWS_ACCESS_KEY_ID"] == f"AK{run.environment_id}"
        assert psutil.Process(facts["pid"]).cmdline()[0].startswith("onread: function facts")
        assert pool.is_live(run.environment_id)
        assert "hello from request-1" in run.log_tail.decode()
        assert run.log_tail.decode().startswith("START RequestId: request-1 Version: $LATEST\n")
        assert "\nREPORT RequestId: request-1\tDuration: " in run.log_tail.decode()

    run_in_pool(tmp_path, body)


def test_T153_the_environment_holds_the_documented_names_and_no_secret_of_the_gateway(tmp_path):
    documented = (
        "AWS_ACCESS_KEY AWS_ACCESS_KEY_ID AWS_DEFAULT_REGION AWS_DISABLE_HOST_PREFIX_INJECTION "
        "AWS_EC2_METADATA_DISABLED AWS_ENDPOINT_URL_IAM AWS_ENDPOINT_URL_LAMBDA "
        "AWS_ENDPOINT_URL_S3 AWS_ENDPOINT_URL_STS AWS_EXECUTION_ENV AWS_LAMBDA_FUNCTION_MEMORY_SIZE "
        "AWS_LAMBDA_FUNCTION_NAME AWS_LAMBDA_FUNCTION_VERSION AWS_LAMBDA_INITIALIZATION_TYPE "
        "AWS_LAMBDA_LOG_GROUP_NAME AWS_LAMBDA_LOG_STREAM_NAME AWS_LAMBDA_RUNTIME_API AWS_REGION "
        "AWS_SECRET_ACCESS_KEY AWS_SESSION_TOKEN HOME LAMBDA_RUNTIME_DIR LAMBDA_TASK_ROOT LANG PATH TMPDIR "
        "BOTO_DISABLE_CRT TZ _HANDLER _X_AMZN_TRACE_ID"
    )

    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        code = workshop.package(app=APP)
        outcome = await workshop.run(pool, workshop.function("app.facts", code=code))
        assert isinstance(outcome, Returned)
        assert set(json.loads(outcome.payload)["environ"]) == set(documented.split())
        outcome = await workshop.run(pool, workshop.function("app.proc", code=code))
        assert isinstance(outcome, Returned)
        assert b"canary" not in outcome.payload

    os.environ["ONREAD_TEST_SECRET"] = "canary"
    try:
        run_in_pool(tmp_path, body)
    finally:
        del os.environ["ONREAD_TEST_SECRET"]


def test_T154_only_standard_descriptors_and_sockets_of_its_own_are_open(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        with (tmp_path / "secret").open("w") as secret, socket.create_server(("127.0.0.1", 0)) as listening:
            os.set_inheritable(secret.fileno(), True)
            os.set_inheritable(listening.fileno(), True)
            outcome = await workshop.run(pool, workshop.function("app.proc"))
            ours = f"socket:[{os.fstat(listening.fileno()).st_ino}]"
        assert isinstance(outcome, Returned)
        fds = json.loads(outcome.payload)["fds"]
        assert fds.pop("0") == "/dev/null"
        assert fds.pop("1").startswith("pipe:")
        assert fds.pop("2").startswith("pipe:")
        # What is left are libcurl's: its connection and the pair it wakes itself by.
        assert all(target.startswith("socket:") and target != ours for target in fds.values())
        assert len(fds) <= 3

    run_in_pool(tmp_path, body)


def test_T111_an_exception_is_reported_with_its_type_and_the_environment_lives_on(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.raises", warm_environments=1)
        first = await workshop.begin(pool, function)
        outcome = await first.finished
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "ValueError"
        assert json.loads(outcome.payload)["errorMessage"] == "no such thing"
        second = await workshop.begin(pool, function)
        assert second.environment_id == first.environment_id
        await second.finished

    run_in_pool(tmp_path, body)


@pytest.mark.parametrize(
    ("status", "reason"),
    [(3, "exited with error: exit status 3"), (0, "exited without providing a reason")],
)
def test_T111_a_process_that_exits_in_the_middle_fails_at_once_and_is_replaced(tmp_path, status, reason):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.leaves")
        run = await workshop.begin(pool, function, json.dumps({"status": status}).encode())
        async with asyncio.timeout(2):
            outcome = await run.finished
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "Runtime.ExitError"
        expected = f"RequestId: request-1 Error: Runtime {reason}"
        assert json.loads(outcome.payload)["errorMessage"] == expected
        assert not pool.is_live(run.environment_id)
        await until(lambda: any("INIT_START" in line for line in workshop.lines[2:]), within=1)

    run_in_pool(tmp_path, body)


def test_R020_an_environment_killed_while_it_runs_is_replaced_within_a_second(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        code = workshop.package(app=APP)
        function = workshop.function("app.waits", timeout_seconds=30, warm_environments=1, code=code)
        run = await workshop.begin(pool, function)
        await until_began(pool, run, tmp_path / "cache")
        environment_process().send_signal(signal.SIGKILL)
        async with asyncio.timeout(0.5):
            outcome = await run.finished
        assert isinstance(outcome, Failed)
        assert "signal: killed" in outcome.payload.decode()
        async with asyncio.timeout(1):
            assert isinstance(await workshop.run(pool, function, b'{"seconds": 0}'), Returned)

    run_in_pool(tmp_path, body)


@pytest.mark.usefixtures("either_loop")
def test_T113_a_run_over_its_time_limit_is_killed_and_says_so_as_lambda_does(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        run = await workshop.begin(pool, workshop.function("app.waits", timeout_seconds=1))
        outcome = await run.finished
        assert isinstance(outcome, TimedOut)
        message = json.loads(outcome.payload)["errorMessage"]
        assert message.endswith("Z request-1 Task timed out after 1.00 seconds")
        assert message in run.log_tail.decode()
        assert run.log_tail.decode().endswith("Status: timeout\n")

    run_in_pool(tmp_path, body)


def test_R022_a_frozen_process_is_killed_at_the_deadline_of_the_invocation(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", timeout_seconds=60)
        run = await workshop.begin(pool, function, within=1)
        await until_began(pool, run, tmp_path / "cache")
        environment_process().send_signal(signal.SIGSTOP)
        assert isinstance(await run.finished, TimedOut)
        await until(lambda: not pool.is_live(run.environment_id))

    run_in_pool(tmp_path, body)


def test_T161_a_flood_of_output_is_cut_and_the_handler_still_ends(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.floods", timeout_seconds=20)
        assert isinstance(await workshop.run(pool, function), Returned)
        log = workshop.log(pool, function)
        assert sum(map(len, log)) < 300 * 1024
        assert any("the log of this invocation is cut after 262144 bytes" in line for line in log)
        assert isinstance(await workshop.run(pool, function), Returned)

    run_in_pool(tmp_path, body)


def test_T291_output_becomes_single_lines_of_printable_text(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        run = await workshop.begin(pool, workshop.function("app.noise"))
        await run.finished
        lines = run.log_tail.decode().splitlines()
        assert lines[1:4] == [r"one\x1b[31m\x00\xff", r"two\u2028END RequestId: forged", "no line end"]

    run_in_pool(tmp_path, body)


def test_T158_an_allocation_over_the_memory_limit_fails_and_harms_no_other_function(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        code = workshop.package(app=APP)
        hungry, modest = workshop.function("app.allocates", code=code), workshop.function(code=code)
        assert isinstance(await workshop.run(pool, modest), Returned)
        assert await workshop.run(pool, hungry, b'{"mb": 64}') == Returned(b"67108864")
        outcome = await workshop.run(pool, hungry, b'{"mb": 512}')
        assert isinstance(outcome, Failed)
        assert outcome.error_type in ("MemoryError", "Runtime.ExitError")
        assert isinstance(await workshop.run(pool, modest), Returned)
        assert await workshop.run(pool, hungry, b'{"mb": 64}') == Returned(b"67108864")

    run_in_pool(tmp_path, body)


def test_T152_a_return_value_over_six_mebibytes_is_refused_by_lambdas_name(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.large", memory_mb=512)
        most = 6 * 1024 * 1024 - 2  # and two quotation marks
        assert isinstance(await workshop.run(pool, function, json.dumps({"bytes": most}).encode()), Returned)
        outcome = await workshop.run(pool, function, json.dumps({"bytes": most + 1}).encode())
        assert isinstance(outcome, Failed)
        assert outcome.error_type == "Function.ResponseSizeTooLarge"
        assert isinstance(await workshop.run(pool, function, b'{"bytes": 1}'), Returned)

    run_in_pool(tmp_path, body)


@pytest.mark.parametrize("then", ["return", "hang"])
def test_T159_what_a_function_spawned_ends_with_its_environment(tmp_path, then):
    seconds = str(300 + os.getpid() / 1e8)

    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.spawns", timeout_seconds=1)
        await workshop.run(pool, function, json.dumps({"then": then, "seconds": seconds}).encode())

    run_in_pool(tmp_path, body)
    asyncio.run(
        until(lambda: not any(seconds in (p.info["cmdline"] or ()) for p in every_process()), within=1)
    )


def every_process():
    return psutil.process_iter(["cmdline"])


def test_T168_when_the_gateway_is_killed_its_environments_die_with_it(tmp_path):
    script = f"""
import asyncio, pathlib
from tests.flow.function_pool import Workshop, open_pool

async def main():
    workshop = Workshop(pathlib.Path({str(tmp_path)!r}))
    async with open_pool(workshop) as pool:
        run = await workshop.begin(pool, workshop.function("app.waits", timeout_seconds=60))
        await run.finished

asyncio.run(main())
"""
    gateway = psutil.Popen([sys.executable, "-c", script])
    try:
        asyncio.run(until(lambda: list(tmp_path.glob("cache/environments/*/began"))))
        (environment,) = gateway.children()
    finally:
        gateway.kill()
        gateway.wait()
    psutil.wait_procs([environment], timeout=1)
    assert not environment.is_running() or environment.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    ("handler", "source", "error_type"),
    [
        ("app.handler", "import nothing_of_that_name", "Runtime.ImportModuleError"),
        ("app.handler", "def", "Runtime.UserCodeSyntaxError"),
        ("app.missing", "", "Runtime.HandlerNotFound"),
        ("app.handler", "raise KeyError('x')", "KeyError"),
        ("app.handler", "import os; os._exit(1)", "Runtime.ExitError"),
    ],
)
def test_R023_a_function_that_fails_at_its_start_fails_fast_and_is_not_started_at_once_again(
    tmp_path, handler, source, error_type
):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function(handler, code=workshop.package(app=source))
        outcome = await workshop.run(pool, function)
        assert isinstance(outcome, Failed)
        assert outcome.error_type == error_type
        for _ in range(5):
            await until(lambda: pool.counts()[0] == 0)
            again = await workshop.run(pool, function)
            assert isinstance(again, Failed)
            assert again.error_type == error_type
        assert sum(line.startswith("INIT_START") for line in workshop.lines) == 1

    run_in_pool(tmp_path, body)


def test_a_function_that_recovers_runs_again_after_the_pause(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        flag = tmp_path / "works"
        source = f"import os\nassert os.path.exists({str(flag)!r})\ndef handler(event, context): return 1"
        function = workshop.function("app.handler", code=workshop.package(app=source))
        assert isinstance(await workshop.run(pool, function), Failed)
        flag.touch()
        await until(lambda: pool.counts()[0] == 0)
        await asyncio.sleep(0.1)
        assert await workshop.run(pool, function) == Returned(b"1")

    run_in_pool(tmp_path, body, backoff_first_seconds=0.05)


def test_a_start_that_takes_too_long_times_out(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        code = workshop.package(app="import time; time.sleep(60)")
        assert isinstance(await workshop.run(pool, workshop.function("app.handler", code=code)), TimedOut)

    run_in_pool(tmp_path, body, start_timeout_seconds=0.5)


def test_R024_a_stampede_on_a_cold_function_starts_no_more_than_its_number(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function(warm_environments=2)
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(workshop.run(pool, function)) for _ in range(100)]
        assert all(isinstance(task.result(), Returned) for task in tasks)
        assert sum("INIT_START" in line for line in workshop.lines) == 2
        assert pool.counts() == (2, 0, 0)

    run_in_pool(tmp_path, body)


def test_the_queue_is_bounded_and_a_place_in_it_ends_at_the_deadline(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", timeout_seconds=30, warm_environments=1)
        run = await workshop.begin(pool, function)
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(refused(workshop.begin(pool, function, within=0.3)))
            await asyncio.sleep(0)
            with pytest.raises(TooManyRequestsException, match="wait already"):
                await workshop.begin(pool, function)
        assert "came free in time" in waiting.result()
        assert pool.counts() == (1, 1, 0)
        run.abandon()
        assert isinstance(await run.finished, Failed)

    run_in_pool(tmp_path, body, queue_limit=1, abandon_grace_seconds=0)


def test_T260_a_caller_that_waits_alone_is_next_but_one_behind_a_crowd(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function(warm_environments=1)
        order: list[str] = []

        async def ask(caller: str) -> None:
            run = await workshop.begin(pool, function, caller=caller)
            order.append(caller)
            await run.finished

        async with asyncio.TaskGroup() as group:
            for _ in range(60):
                group.create_task(ask("greedy"))
            await asyncio.sleep(0)
            group.create_task(ask("modest"))
        assert order.index("modest") <= 2

    run_in_pool(tmp_path, body)


def test_T260_a_full_queue_makes_room_for_a_caller_who_has_less_in_it(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", timeout_seconds=30, warm_environments=1)
        run = await workshop.begin(pool, function)
        async with asyncio.TaskGroup() as group:
            crowd = [
                group.create_task(refused(workshop.begin(pool, function, within=0.5, caller="greedy")))
                for _ in range(4)
            ]
            await asyncio.sleep(0)
            modest = group.create_task(refused(workshop.begin(pool, function, within=0.5, caller="modest")))
            with pytest.raises(TooManyRequestsException, match="4 invocations of waits wait already"):
                await workshop.begin(pool, function, caller="greedy")
        assert ["wait already" in task.result() for task in crowd] == [False, False, False, True]
        assert "came free in time" in modest.result()
        run.abandon()
        await run.finished

    run_in_pool(tmp_path, body, queue_limit=4, abandon_grace_seconds=0)


def test_R042_whoever_would_wait_in_vain_is_refused_at_once(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", timeout_seconds=60, warm_environments=1)
        await workshop.run(pool, function, b'{"seconds": 1}')  # so long do they take
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(workshop.run(pool, function, b'{"seconds": 0}'))
            await asyncio.sleep(0)
            with pytest.raises(TooManyRequestsException, match="invocations of waits would come first"):
                await workshop.begin(pool, function, within=0.5)
            patient = group.create_task(workshop.run(pool, function, b'{"seconds": 0}'))
        assert isinstance(patient.result(), Returned)

    run_in_pool(tmp_path, body)


def test_R042_of_a_crowded_function_the_newest_of_each_caller_waits_on(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", timeout_seconds=60, warm_environments=1)
        pool.shed(function)  # nobody has asked for it: nothing
        assert pool.runs_at_once(function) is None
        run = await workshop.begin(pool, function)
        async with asyncio.TaskGroup() as group:
            old = [group.create_task(refused(workshop.begin(pool, function, caller="a"))) for _ in range(3)]
            await asyncio.sleep(0)
            new = [group.create_task(workshop.begin(pool, function, caller=caller)) for caller in "ab"]
            await asyncio.sleep(0)
            pool.shed(function)
            run.abandon()
            for task in new:
                (await task).abandon()
        assert all("than it can answer" in task.result() for task in old)
        assert pool.runs_at_once(function) == 1

    run_in_pool(tmp_path, body, abandon_grace_seconds=0)


async def refused(starting) -> str:
    with pytest.raises(TooManyRequestsException) as error:
        await starting
    return error.value.text


def test_a_caller_that_leaves_the_queue_takes_its_place_with_it(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", warm_environments=1)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(workshop.begin(pool, function))
            await asyncio.sleep(0)
            assert pool.counts() == (1, 0, 1)
            task.cancel()
        assert pool.counts() == (1, 0, 0)

    run_in_pool(tmp_path, body)


def test_an_abandoned_run_ends_by_itself_within_its_grace(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        run = await workshop.begin(pool, workshop.function("app.waits"), b'{"seconds": 0.2}')
        run.abandon()
        run.abandon()
        assert isinstance(await run.finished, Returned)
        run.abandon()
        assert pool.is_live(run.environment_id)

    run_in_pool(tmp_path, body)


def test_an_abandoned_run_is_killed_after_its_grace(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        run = await workshop.begin(pool, workshop.function("app.waits", timeout_seconds=30))
        run.abandon()
        async with asyncio.timeout(2):
            assert isinstance(await run.finished, Failed)
        assert not pool.is_live(run.environment_id)

    run_in_pool(tmp_path, body, abandon_grace_seconds=0.1)


@pytest.mark.usefixtures("either_loop")
def test_T118_an_environment_gets_one_event_at_a_time(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function(warm_environments=2)

        async def one(number: int) -> None:
            outcome = await workshop.run(pool, function, str(number).encode())
            assert outcome == Returned(str(number).encode())

        async with asyncio.TaskGroup() as group:
            for number in range(90):
                group.create_task(one(number))

    run_in_pool(tmp_path, body)


def test_R027_an_update_lets_the_old_run_end_and_gives_the_next_to_new_code(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        old = workshop.function("app.waits", name="f", warm_environments=2)
        source = "def handler(event, context): return 'new'"
        new = replace(
            old,
            handler="app.handler",
            code_sha256=workshop.package(app=source),
            revision_id="2",
            modified_at=later(old),
        )
        run = await workshop.begin(pool, old, b'{"seconds": 0.5}')
        assert await workshop.run(pool, new) == Returned(b'"new"')
        assert await workshop.run(pool, old) == Returned(b'"new"')  # a caller that had looked it up before
        assert isinstance(await run.finished, Returned)
        await until(lambda: not pool.is_live(run.environment_id))

    run_in_pool(tmp_path, body)


def test_a_deleted_function_ends_its_environments_and_refuses_whoever_waits(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.waits", warm_environments=1)
        run = await workshop.begin(pool, function, b'{"seconds": 0.2}')
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(gone(workshop.begin(pool, function)))
            await asyncio.sleep(0)
            pool.drop(function, deleted=True)
        assert "Function not found" in waiting.result()
        assert isinstance(await run.finished, Returned)
        await until(lambda: pool.counts()[0] == 0)

    run_in_pool(tmp_path, body)


async def gone(starting) -> str:
    with pytest.raises(ResourceNotFoundException) as error:
        await starting
    return error.value.text


def test_a_function_that_cannot_be_run_is_refused_with_the_reason(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        with pytest.raises(InvalidRuntimeException, match=r"nodejs20\.x is not served"):
            await workshop.run(pool, workshop.function(runtime="nodejs20.x"))
        with pytest.raises(ResourceNotFoundException, match="The code is gone"):
            await workshop.run(pool, workshop.function(name="other", code="0" * 64))

    run_in_pool(tmp_path, body)


def test_idle_environments_end_after_their_time_and_old_ones_are_replaced(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function(warm_environments=1)
        await workshop.run(pool, function)
        await until(lambda: pool.counts()[0] == 0)
        assert isinstance(await workshop.run(pool, function), Returned)

    run_in_pool(tmp_path, body, idle_seconds=0.1)


def test_as_many_environments_as_wanted_are_kept_and_replaced(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.leaves", warm_environments=1, min_environments=2)
        pool.prewarm(function)
        assert pool.counts()[0] == 2  # what is to be kept may run, too
        await until(lambda: pool.is_warm(function))
        other = workshop.function(name="other")
        assert isinstance(await workshop.run(pool, other), Returned)
        await until(lambda: pool.counts()[0] == 2)  # its idle time is over, and theirs was before
        assert pool.is_warm(function)
        assert isinstance(await workshop.run(pool, function), Failed)
        await until(lambda: pool.is_warm(function))
        pool.adopt(replace(function, min_environments=0))
        await until(lambda: pool.counts()[0] == 0)

    run_in_pool(tmp_path, body, idle_seconds=0.1)


def test_what_is_kept_ends_nobody_elses(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        other, kept = workshop.function(name="other"), workshop.function(name="kept", min_environments=2)
        assert isinstance(await workshop.run(pool, other), Returned)
        pool.prewarm(kept)
        assert pool.counts()[0] == 2
        pool.drop(other, deleted=True)
        await until(lambda: pool.is_warm(kept))

    run_in_pool(tmp_path, body, environments_limit=2)


def test_versions_are_apart_and_share_their_log(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        latest = workshop.function("app.facts")
        one = replace(latest, version="1")
        first, second = [await workshop.run(pool, each) for each in (latest, one)]
        facts = [json.loads(each.payload) for each in (first, second)]
        assert [each["environ"]["AWS_LAMBDA_FUNCTION_VERSION"] for each in facts] == ["$LATEST", "1"]
        assert facts[0]["pid"] != facts[1]["pid"]
        assert len([line for line in pool.logs(one) if line.text.startswith("hello from")]) == 2
        pool.drop(one, deleted=True)
        await until(lambda: pool.counts()[0] == 1)
        assert json.loads((await workshop.run(pool, latest)).payload)["pid"] == facts[0]["pid"]
        pool.drop(latest, deleted=True)
        await until(lambda: pool.counts()[0] == 0)
        assert list(pool.logs(latest)) == []

    run_in_pool(tmp_path, body)


def test_reserved_concurrency_counts_every_version(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        latest = workshop.function("app.waits", reserved_concurrency=1, timeout_seconds=30)
        run = await workshop.begin(pool, latest)
        for refused in (latest, replace(latest, version="1")):
            with pytest.raises(TooManyRequestsException) as error:
                await workshop.begin(pool, refused)
            assert error.value.fields["Reason"] == "ReservedFunctionConcurrentInvocationLimitExceeded"
        run.abandon()
        await run.finished
        with pytest.raises(TooManyRequestsException):
            await workshop.begin(pool, replace(latest, reserved_concurrency=0))
        again = await workshop.begin(pool, latest, b'{"seconds": 0}')
        assert isinstance(await again.finished, Returned)

    run_in_pool(tmp_path, body, abandon_grace_seconds=0.05)


def test_the_number_of_processes_over_all_functions_is_bounded(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        code = workshop.package(app=APP)
        for number in range(3):
            function = workshop.function(name=f"f{number}", code=code)
            assert isinstance(await workshop.run(pool, function), Returned)
            assert pool.counts()[0] == 1

    run_in_pool(tmp_path, body, environments_limit=1)


def test_what_the_package_brings_wins_over_what_is_installed(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        code = workshop.package(app=APP, requests="")
        outcome = await workshop.run(pool, workshop.function("app.imports_own", code=code))
        assert isinstance(outcome, Returned)
        assert json.loads(outcome.payload).startswith(str(tmp_path / "cache" / "code"))

    run_in_pool(tmp_path, body)


@pytest.mark.usefixtures("either_loop")
def test_closing_the_pool_ends_open_runs_and_every_process(tmp_path):
    runs = []

    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        runs.append(await workshop.begin(pool, workshop.function("app.waits", timeout_seconds=60)))
        deleted = workshop.function("app.waits", timeout_seconds=60, name="deleted")
        runs.append(await workshop.begin(pool, deleted))
        pool.drop(deleted, deleted=True)
        pool.prewarm(workshop.function("app.echo", name="other"))

    run_in_pool(tmp_path, body)
    assert all(isinstance(run.finished.result(), Failed) for run in runs)


@pytest.mark.usefixtures("either_loop")
def test_R020_no_descriptor_or_task_is_left_after_many_killed_environments(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function("app.leaves", warm_environments=2)
        for _ in range(6):
            assert isinstance(await workshop.run(pool, function), Failed)
        pool.drop(function, deleted=True)
        await until(lambda: pool.counts()[0] == 0)
        await until(lambda: len(asyncio.all_tasks()) <= tasks)
        assert psutil.Process().num_fds() <= descriptors

    async def measured(pool: FunctionPool, workshop: Workshop) -> None:
        nonlocal tasks, descriptors
        tasks = len(asyncio.all_tasks())
        await body(pool, workshop)  # whatever the loop itself opens once
        descriptors = psutil.Process().num_fds()
        await body(pool, workshop)

    tasks, descriptors = 0, 1000
    run_in_pool(tmp_path, measured)


@pytest.mark.usefixtures("either_loop")
def test_R050_draining_waits_for_open_runs_and_for_those_in_the_queue(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        await pool.drain()
        function = workshop.function("app.echo", warm_environments=1)
        async with asyncio.TaskGroup() as group:
            runs = [group.create_task(workshop.run(pool, function)) for _ in range(3)]
            await asyncio.sleep(0)
            await pool.drain()
            assert pool.counts()[1:] == (0, 0)
        assert all(isinstance(run.result(), Returned) for run in runs)

    run_in_pool(tmp_path, body)


def test_fewer_environments_are_kept_when_fewer_are_wanted(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        function = workshop.function(warm_environments=2)
        async with asyncio.TaskGroup() as group:
            for _ in range(10):
                group.create_task(workshop.run(pool, function))
        assert pool.counts()[0] == 2
        fewer = replace(function, warm_environments=1)
        assert isinstance(await workshop.run(pool, fewer), Returned)
        await until(lambda: pool.counts()[0] == 1)

    run_in_pool(tmp_path, body)


def test_a_relative_cache_directory_serves_as_well(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        assert isinstance(await workshop.run(pool, workshop.function()), Returned)

    run_in_pool(Path(os.path.relpath(tmp_path)), body)


def test_a_function_whose_record_is_not_fit_to_run_is_refused_and_the_pool_lives_on(tmp_path):
    async def body(pool: FunctionPool, workshop: Workshop) -> None:
        bad = workshop.function(environment={"AB": "\0"}, name="bad")
        with pytest.raises(InvalidParameterValueException):
            await workshop.run(pool, bad)
        assert isinstance(await workshop.run(pool, workshop.function()), Returned)

    run_in_pool(tmp_path, body)
