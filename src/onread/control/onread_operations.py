"""onread's own operations: what AWS's models have no field for."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import replace
from typing import Any, Protocol

from onread.control.call import ControlCall, Operations
from onread.control.function_names import find_function
from onread.errors import InvalidParameterValueException
from onread.functions.logs import LogLine
from onread.metadata.facade import Records
from onread.metadata.records import Function
from onread.wire.output import Output


class LogKeeper(Protocol):
    """What keeps the logs of functions."""

    def logs(self, function: Function) -> Iterable[LogLine]:
        """The kept lines of a function, oldest first."""
        ...


LogsElsewhere = Callable[[Function], Awaitable[Iterable[LogLine]]]
"""The lines of a function that other processes of this gateway keep."""

MOST_ENVIRONMENTS = 1000
DEFAULT_LINES, MOST_LINES = 1000, 10_000


class OnreadOperations:
    """Settings and logs of functions.

    Args:
        follow: makes what runs follow a changed record.
    """

    def __init__(
        self,
        records: Records,
        *,
        logs: LogKeeper,
        follow: Callable[[Function], None],
        logs_elsewhere: LogsElsewhere | None = None,
    ) -> None:
        self._records = records
        self._follow = follow
        self._logs = logs
        self._logs_elsewhere = logs_elsewhere

    def operations(self) -> Operations:
        """The operations served here, by their name in our model."""
        return {"ConfigureFunction": self.configure_function, "GetFunctionLogs": self.get_function_logs}

    async def configure_function(self, call: ControlCall) -> Output:
        """ConfigureFunction: how many environments of a function may run at once, and how many are kept."""
        function = find_function(self._records, call)
        most, least = call.params.get("WarmEnvironments"), call.params.get("MinimumEnvironments")
        if most is not None or least is not None:
            function = await self._records.update_function(
                call.account_id, function.name, lambda record: _configured(record, most, least)
            )
            self._follow(function)
        members = {
            "FunctionName": function.name,
            "WarmEnvironments": function.warm_environments,
            "MinimumEnvironments": function.min_environments,
        }
        return Output(members=members)

    async def get_function_logs(self, call: ControlCall) -> Output:
        """GetFunctionLogs: the latest lines, oldest first."""
        function = find_function(self._records, call)
        limit = call.params.get("Limit") or DEFAULT_LINES
        if not 1 <= limit <= MOST_LINES:
            raise InvalidParameterValueException(f"Limit must be between 1 and {MOST_LINES}.")
        lines = list(self._logs.logs(function))
        if self._logs_elsewhere is not None:
            lines += await self._logs_elsewhere(function)
            lines.sort(key=lambda line: line.at)
        return Output(members={"Events": [_event(line) for line in lines[-limit:]]})


def _configured(function: Function, most: int | None, least: int | None) -> Function:
    """The function with what was given; inside the transaction, for both must fit together."""
    most = function.warm_environments if most is None else most
    least = function.min_environments if least is None else least
    if not 1 <= most <= MOST_ENVIRONMENTS:
        raise InvalidParameterValueException(f"WarmEnvironments must be between 1 and {MOST_ENVIRONMENTS}.")
    if not 0 <= least <= most:
        raise InvalidParameterValueException(
            f"MinimumEnvironments must be between 0 and WarmEnvironments, which is {most}."
        )
    return replace(function, warm_environments=most, min_environments=least)


def _event(line: LogLine) -> dict[str, Any]:
    event: dict[str, Any] = {"Timestamp": line.at, "Message": line.text}
    if line.request_id is not None:
        event["RequestId"] = line.request_id
    return event
