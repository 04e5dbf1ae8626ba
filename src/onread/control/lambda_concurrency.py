"""Lambda API: how many invocations of a function may be open at once, and what the account may use.

Source: AWS Lambda Developer Guide, "Configuring reserved concurrency for a function" and "Lambda quotas".
"""

from collections.abc import Callable
from dataclasses import replace

from onread.control.call import ControlCall, Operations
from onread.control.function_names import find_latest
from onread.control.storage import MOST_STORED_BYTES, stored_bytes
from onread.errors import InvalidParameterValueException
from onread.functions.package import UNZIPPED_LIMIT_BYTES, ZIPPED_LIMIT_BYTES
from onread.metadata.facade import Records
from onread.metadata.records import Function
from onread.wire.output import Output

ACCOUNT_CONCURRENCY = 1000
LEAST_UNRESERVED = 100


class LambdaConcurrencyOperations:
    """Reserved concurrency, and GetAccountSettings.

    Args:
        follow: makes what runs follow a changed record.
    """

    def __init__(self, records: Records, *, follow: Callable[[Function], None]) -> None:
        self._records = records
        self._follow = follow

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "PutFunctionConcurrency": self.put_function_concurrency,
            "GetFunctionConcurrency": self.get_function_concurrency,
            "DeleteFunctionConcurrency": self.delete_function_concurrency,
            "GetAccountSettings": self.get_account_settings,
        }

    async def put_function_concurrency(self, call: ControlCall) -> Output:
        """PutFunctionConcurrency: over it callers are throttled; 0 switches the function off."""
        function = find_latest(self._records, call)
        wanted: int = call.params["ReservedConcurrentExecutions"]
        if wanted < 0:
            raise InvalidParameterValueException("ReservedConcurrentExecutions must be 0 or more.")
        others = self._reserved(call) - (function.reserved_concurrency or 0)
        if others + wanted > ACCOUNT_CONCURRENCY - LEAST_UNRESERVED:
            raise InvalidParameterValueException(
                "Specified ReservedConcurrentExecutions for function decreases account's "
                f"UnreservedConcurrentExecution below its minimum value of [{LEAST_UNRESERVED}]."
            )
        await self._set(call, function, wanted)
        return Output(members={"ReservedConcurrentExecutions": wanted})

    async def get_function_concurrency(self, call: ControlCall) -> Output:
        """GetFunctionConcurrency; nothing when none is reserved."""
        reserved = find_latest(self._records, call).reserved_concurrency
        return Output(members={} if reserved is None else {"ReservedConcurrentExecutions": reserved})

    async def delete_function_concurrency(self, call: ControlCall) -> Output:
        """DeleteFunctionConcurrency: no limit any more but that of environments."""
        await self._set(call, find_latest(self._records, call), None)
        return Output(status=204)

    async def get_account_settings(self, call: ControlCall) -> Output:
        """GetAccountSettings."""
        functions = self._records.list_functions(call.account_id)
        limit = {
            "TotalCodeSize": MOST_STORED_BYTES,
            "CodeSizeUnzipped": UNZIPPED_LIMIT_BYTES,
            "CodeSizeZipped": ZIPPED_LIMIT_BYTES,
            "ConcurrentExecutions": ACCOUNT_CONCURRENCY,
            "UnreservedConcurrentExecutions": ACCOUNT_CONCURRENCY - self._reserved(call),
        }
        usage = {
            "TotalCodeSize": stored_bytes(self._records, call.account_id),
            "FunctionCount": len(functions),
        }
        return Output(members={"AccountLimit": limit, "AccountUsage": usage})

    def _reserved(self, call: ControlCall) -> int:
        return sum(each.reserved_concurrency or 0 for each in self._records.list_functions(call.account_id))

    async def _set(self, call: ControlCall, function: Function, reserved: int | None) -> None:
        after = await self._records.update_function(
            call.account_id, function.name, lambda record: replace(record, reserved_concurrency=reserved)
        )
        self._follow(after)
