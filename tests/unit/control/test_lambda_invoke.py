"""Invoke: waiting, in the background, dry."""

import asyncio
import base64
import json
from contextlib import suppress

import pytest
from structlog.testing import capture_logs

from onread.control.lambda_invoke import MOST_PAYLOAD_BYTES
from onread.errors import (
    InvalidParameterValueException,
    InvalidRequestContentException,
    RequestTooLargeException,
    TooManyRequestsException,
)
from onread.functions.invoker import Failed, TimedOut

from .conftest import Api, Run
from .lambda_calls import create


def test_the_result_and_the_log_tail_come_back(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        answer = await api.call("lambda", "Invoke", FunctionName="f", Payload=b'{"a":1}', LogType="Tail")
        assert base64.b64decode(answer.pop("LogResult")) == b"START\nline\nEND\n"
        assert answer == {"StatusCode": 200, "ExecutedVersion": "$LATEST", "Payload": b'{"ok":true}'}
        (invocation,) = api.functions.invocations
        assert invocation.event == b'{"a":1}'
        assert invocation.request_id == "request-1"
        left = invocation.deadline - asyncio.get_running_loop().time()
        assert 3 < left < 14  # the function's timeout and some patience in the queue
        answer = await api.call("lambda", "Invoke", FunctionName="f")
        assert "LogResult" not in answer
        assert api.functions.invocations[-1].event == b"{}"

    run_with_api(scenario)


@pytest.mark.parametrize(
    ("outcome", "error"),
    [
        (Failed("ValueError", b'{"errorMessage":"m"}'), "Unhandled"),
        (Failed("Handled", b'{"errorMessage":"m"}'), "Handled"),
        (TimedOut(b'{"errorMessage":"Task timed out"}'), "Unhandled"),
    ],
)
def test_a_failed_run_is_a_result_with_a_function_error(
    run_with_api: Run, outcome: Failed | TimedOut, error: str
) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        api.functions.outcome = outcome
        answer = await api.call("lambda", "Invoke", FunctionName="f")
        assert (answer["StatusCode"], answer["FunctionError"]) == (200, error)
        assert answer["Payload"] == outcome.payload

    run_with_api(scenario)


def test_a_dry_run_runs_nothing(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        answer = await api.call("lambda", "Invoke", FunctionName="f", InvocationType="DryRun")
        assert answer == {"StatusCode": 204}
        assert api.functions.invocations == []

    run_with_api(scenario)


def test_an_event_is_answered_at_once_and_runs_in_its_owners_scope(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        answer = await api.call("lambda", "Invoke", FunctionName="f", InvocationType="Event", Payload=b"[1]")
        assert answer == {"StatusCode": 202}
        assert api.functions.invocations == []
        with capture_logs() as logs:
            await api.spawned[0]()
        assert api.functions.invocations[0].event == b"[1]"
        assert [entry["event"] for entry in logs] == ["invoke.event_done"]

    run_with_api(scenario)


def test_a_client_context_reaches_the_function_as_plain_json(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        context = base64.b64encode('{"custom": {"k": "\u00fc"}}'.encode()).decode()
        await api.call("lambda", "Invoke", FunctionName="f", ClientContext=context)
        assert api.functions.invocations[0].client_context == '{"custom": {"k": "\\u00fc"}}'
        for wrong in (
            "%",
            base64.b64encode(b"[]").decode(),
            base64.b64encode(b'{"a": 1').decode(),
            "A" * 3584,
        ):
            with pytest.raises(InvalidRequestContentException, match="Client context"):
                await api.call("lambda", "Invoke", FunctionName="f", ClientContext=wrong)

    run_with_api(scenario)


def test_a_full_pool_is_told_to_who_waits(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        api.functions.full = True
        with pytest.raises(TooManyRequestsException):
            await api.call("lambda", "Invoke", FunctionName="f")

    run_with_api(scenario)


def test_payloads_over_six_mebibytes_are_refused(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        for size in (MOST_PAYLOAD_BYTES - 1, MOST_PAYLOAD_BYTES):
            payload = json.dumps("x" * (size - 2)).encode()
            assert await api.call("lambda", "Invoke", FunctionName="f", Payload=payload)
        with pytest.raises(RequestTooLargeException):
            await api.call("lambda", "Invoke", FunctionName="f", Payload=payload + b" ")

    run_with_api(scenario)


@pytest.mark.parametrize("payload", [b"{", b"NaN", b"\xff", b"{}{}"])
def test_payloads_that_are_no_json_are_refused(run_with_api: Run, payload: bytes) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(InvalidRequestContentException, match="json"):
            await api.call("lambda", "Invoke", FunctionName="f", Payload=payload)

    run_with_api(scenario)


def test_an_unknown_invocation_type_is_refused(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        with pytest.raises(InvalidParameterValueException, match="InvocationType"):
            await api.call("lambda", "Invoke", FunctionName="f", InvocationType="Later")

    run_with_api(scenario)


def test_a_caller_who_leaves_abandons_the_run(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        api.functions.outcome = None
        async with asyncio.TaskGroup() as group:
            waiting = group.create_task(api.call("lambda", "Invoke", FunctionName="f"))
            await api.functions.started.wait()
            waiting.cancel()
            with suppress(asyncio.CancelledError):
                await waiting
        (run,) = api.functions.runs
        assert run.abandoned
        assert not run.finished.cancelled()

    run_with_api(scenario)
