"""onread's own operations."""

import pytest

from onread.errors import InvalidParameterValueException, ResourceNotFoundException
from onread.functions.logs import LogLine

from .conftest import ACCOUNT, NOW, Api, Run
from .lambda_calls import create


def test_the_number_of_environments_is_set_and_shown(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        made = await create(api)
        shown = await api.call("onread", "ConfigureFunction", FunctionName="f")
        assert shown == {"FunctionName": "f", "WarmEnvironments": 2, "MinimumEnvironments": 0}
        shown = await api.call("onread", "ConfigureFunction", FunctionName="f", WarmEnvironments=7)
        assert shown == {"FunctionName": "f", "WarmEnvironments": 7, "MinimumEnvironments": 0}
        record = api.records.function(ACCOUNT, "f")
        assert record is not None
        assert record.warm_environments == 7
        assert record.revision_id == made["RevisionId"]
        for wrong in (0, 1001):
            with pytest.raises(InvalidParameterValueException):
                await api.call("onread", "ConfigureFunction", FunctionName="f", WarmEnvironments=wrong)
        with pytest.raises(ResourceNotFoundException):
            await api.call("onread", "ConfigureFunction", FunctionName="g", WarmEnvironments=1)
        shown = await api.call("onread", "ConfigureFunction", FunctionName="f", MinimumEnvironments=7)
        assert (shown["MinimumEnvironments"], api.functions.told[-1]) == (7, ("prewarm", "f"))
        for unfit in ({"MinimumEnvironments": 8}, {"WarmEnvironments": 6}, {"MinimumEnvironments": -1}):
            with pytest.raises(InvalidParameterValueException, match="between 0 and"):
                await api.call("onread", "ConfigureFunction", valid=False, FunctionName="f", **unfit)

    run_with_api(scenario)


def test_the_latest_lines_come_oldest_first(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        await create(api)
        assert await api.call("onread", "GetFunctionLogs", FunctionName="f") == {"Events": []}
        api.functions.lines = [LogLine(NOW, None, "zero"), LogLine(NOW, "r", "one"), LogLine(NOW, "r", "two")]
        shown = await api.call("onread", "GetFunctionLogs", FunctionName="f", Limit=2)
        assert shown["Events"] == [
            {"Timestamp": NOW, "RequestId": "r", "Message": "one"},
            {"Timestamp": NOW, "RequestId": "r", "Message": "two"},
        ]
        everything = await api.call("onread", "GetFunctionLogs", FunctionName="f")
        assert everything["Events"][0] == {"Timestamp": NOW, "Message": "zero"}
        with pytest.raises(InvalidParameterValueException):
            await api.call("onread", "GetFunctionLogs", valid=False, FunctionName="f", Limit=10_001)

    run_with_api(scenario)
