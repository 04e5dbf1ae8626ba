"""Asynchronous invocations: tried again as Lambda does, and never for ever."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from onread.control.lambda_invoke import MOST_EVENT_BYTES
from onread.errors import RequestTooLargeException
from onread.functions.invoker import Failed, Returned

from .conftest import Api, Run
from .lambda_calls import create, new_code

BROKEN = Failed("E", b"{}")


async def accept(api: Api, **more: Any) -> None:
    answer = await api.call("lambda", "Invoke", FunctionName="f", InvocationType="Event", **more)
    assert answer == {"StatusCode": 202}


async def run_spawned(api: Api) -> list[Any]:
    with capture_logs() as logs:
        await api.spawned.pop()()
    return [(entry["event"], entry.get("reason"), entry.get("why")) for entry in logs]


def test_a_failing_event_is_tried_three_times(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        await accept(api, Payload=b"[1]")
        api.functions.outcome = BROKEN
        assert await run_spawned(api) == [("invoke.event_lost", "Failed", "not tried again")]
        assert api.pauses == [60.0, 120.0]
        assert {(each.request_id, each.event) for each in api.functions.invocations} == {
            ("request-1", b"[1]")
        }
        assert len(api.functions.invocations) == 3

    run_with_api(scenario)


def test_the_next_try_runs_what_the_name_means_by_then(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        await accept(api)
        api.functions.outcome = BROKEN

        async def mended(seconds: float) -> bool:
            await new_code(api, "mended = 1")
            api.functions.outcome = Returned(b"1")
            return True

        api.on_pause = mended
        assert await run_spawned(api) == [("invoke.event_done", None, None)]
        first, second = api.functions.invocations
        assert first.function.code_sha256 != second.function.code_sha256

    run_with_api(scenario)


def test_a_throttled_event_waits_longer_each_time_until_it_is_too_old(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        await api.call(
            "lambda", "PutFunctionEventInvokeConfig", FunctionName="f", MaximumEventAgeInSeconds=60
        )
        await accept(api)
        api.functions.full = True
        assert await run_spawned(api) == [("invoke.event_lost", "TooManyRequestsException", "too old")]
        assert api.pauses == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]

    run_with_api(scenario)


def test_a_configuration_says_how_often(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api, Publish=True)
        await api.call("lambda", "PutFunctionEventInvokeConfig", FunctionName="f:1", MaximumRetryAttempts=0)
        api.functions.outcome = BROKEN
        await accept(api, Qualifier="1")
        await run_spawned(api)
        assert api.pauses == []
        await accept(api)
        await run_spawned(api)
        assert api.pauses == [60.0, 120.0]

    run_with_api(scenario)


def test_an_event_of_a_deleted_function_and_one_at_the_end_are_told_lost(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        api.functions.outcome = BROKEN
        await accept(api)
        api.stopping = True
        assert await run_spawned(api) == [("invoke.event_lost", "Failed", "the gateway is stopping")]
        api.stopping = False
        await accept(api)
        await api.call("lambda", "DeleteFunction", FunctionName="f")
        assert await run_spawned(api) == [
            ("invoke.event_lost", "ResourceNotFoundException", "not tried again")
        ]

    run_with_api(scenario)


def test_an_event_is_smaller_than_a_request(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        payload = b'"' + b"x" * (MOST_EVENT_BYTES - 2) + b'"'
        await accept(api, Payload=payload)
        with pytest.raises(RequestTooLargeException):
            await accept(api, Payload=payload + b" ")
        answer = await api.call("lambda", "InvokeAsync", FunctionName="f", InvokeArgs=b"{}")
        assert answer == {"Status": 202}
        assert len(api.spawned) == 2

    run_with_api(scenario)
