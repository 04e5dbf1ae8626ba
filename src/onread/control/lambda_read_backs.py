"""Lambda API: what infrastructure tools read of every function, though it changes nothing here.

What can be set is kept and given back. What onread does not have (code signing, function URLs, event
sources) answers as AWS does when there is none; to make one is refused by its name.

Source: AWS Lambda API Reference; the reads of the Terraform AWS provider's aws_lambda_function.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson

from onread.control.call import ControlCall, ControlOperation, Operations
from onread.control.function_names import asked_arn, find_function, find_version, read_qualifier
from onread.errors import InvalidParameterValueException, ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.function_records import RECURSION, RUNTIME_MANAGEMENT, Attachment
from onread.metadata.records import LATEST
from onread.wire.output import Output

_LOOPS = ("Allow", "Terminate")
_UPDATES = ("Auto", "FunctionUpdate", "Manual")


class LambdaReadBackOperations:
    """Recursion and runtime management, and the answers of what there is none of.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "GetFunctionRecursionConfig": self.get_function_recursion_config,
            "PutFunctionRecursionConfig": self.put_function_recursion_config,
            "GetRuntimeManagementConfig": self.get_runtime_management_config,
            "PutRuntimeManagementConfig": self.put_runtime_management_config,
            "GetFunctionCodeSigningConfig": self._of_function({}),
            "ListCodeSigningConfigs": _answer({"CodeSigningConfigs": []}),
            "ListFunctionUrlConfigs": self._of_function({"FunctionUrlConfigs": []}),
            "GetFunctionUrlConfig": self._nothing,
            "ListEventSourceMappings": _answer({"EventSourceMappings": []}),
            "GetEventSourceMapping": self._nothing,
        }

    async def get_function_recursion_config(self, call: ControlCall) -> Output:
        """GetFunctionRecursionConfig."""
        function = find_function(self._records, call)
        found = self._records.published.attachment(call.account_id, function.name, RECURSION)
        return Output(members={"RecursiveLoop": "Terminate", **_document(found)})

    async def put_function_recursion_config(self, call: ControlCall) -> Output:
        """PutFunctionRecursionConfig."""
        function, loop = find_function(self._records, call), call.params.get("RecursiveLoop")
        if loop not in _LOOPS:
            raise InvalidParameterValueException(f"RecursiveLoop must be one of {', '.join(_LOOPS)}.")
        return Output(members=await self._keep(call, function.name, RECURSION, "", {"RecursiveLoop": loop}))

    async def get_runtime_management_config(self, call: ControlCall) -> Output:
        """GetRuntimeManagementConfig."""
        function, qualifier = find_version(self._records, call), read_qualifier(call) or LATEST
        found = self._records.published.attachment(
            call.account_id, function.name, RUNTIME_MANAGEMENT, qualifier
        )
        members = {
            "UpdateRuntimeOn": "Auto",
            **_document(found),
            "FunctionArn": asked_arn(function, qualifier),
        }
        return Output(members=members)

    async def put_runtime_management_config(self, call: ControlCall) -> Output:
        """PutRuntimeManagementConfig; the interpreter stays the one that is installed."""
        function, qualifier = find_version(self._records, call), read_qualifier(call) or LATEST
        update, runtime = call.params.get("UpdateRuntimeOn"), call.params.get("RuntimeVersionArn")
        if update not in _UPDATES:
            raise InvalidParameterValueException(f"UpdateRuntimeOn must be one of {', '.join(_UPDATES)}.")
        if (update == "Manual") != bool(runtime):
            raise InvalidParameterValueException(
                "RuntimeVersionArn goes with UpdateRuntimeOn Manual, and with no other."
            )
        document = {"UpdateRuntimeOn": update, **({"RuntimeVersionArn": runtime} if runtime else {})}
        kept = await self._keep(call, function.name, RUNTIME_MANAGEMENT, qualifier, document)
        return Output(members={**kept, "FunctionArn": asked_arn(function, qualifier)})

    async def _keep(
        self, call: ControlCall, name: str, kind: str, qualifier: str, document: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        kept = Attachment(
            kind=kind,
            qualifier=qualifier,
            document=orjson.dumps(document).decode(),
            revision_id=str(uuid4()),
            modified_at=self._clock(),
        )
        await self._records.published.change_attachment(
            call.account_id, name, kind, qualifier, lambda _before: kept
        )
        return document

    def _of_function(self, members: Mapping[str, Any]) -> ControlOperation:
        """The same answer for every function that there is."""

        async def serve(call: ControlCall) -> Output:
            find_function(self._records, call)
            return Output(members=members)

        return serve

    async def _nothing(self, call: ControlCall) -> Output:
        if "FunctionName" in call.params:
            find_function(self._records, call)
        raise ResourceNotFoundException("The resource you requested does not exist.")


def _answer(members: Mapping[str, Any]) -> ControlOperation:
    async def serve(_call: ControlCall) -> Output:
        return Output(members=members)

    return serve


def _document(found: Attachment | None) -> Mapping[str, Any]:
    document: Mapping[str, Any] = {} if found is None else orjson.loads(found.document)
    return document
