"""Lambda API: how asynchronous invocations of a function are tried again.

Source: AWS Lambda API Reference, PutFunctionEventInvokeConfig; AWS Lambda Developer Guide, "How Lambda
handles errors and retries with asynchronous invocation".
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4

import orjson

from onread.control.call import ControlCall, Operations
from onread.control.function_names import asked_arn, find_function, find_version, read_qualifier
from onread.control.pages import cut_page, items_wanted
from onread.errors import InvalidParameterValueException, ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.function_records import EVENT_INVOKE, Attachment
from onread.metadata.records import LATEST, Function
from onread.wire.output import Output

MOST_RETRIES = 2
EVENT_AGE_SECONDS = (60, 6 * 3600)
_MEMBERS = ("MaximumRetryAttempts", "MaximumEventAgeInSeconds")


@dataclass(frozen=True, slots=True)
class EventRules:
    """How often an event is tried again after an error of the function, and how old it may become."""

    retries: int = MOST_RETRIES
    age_seconds: int = EVENT_AGE_SECONDS[1]


class LambdaEventConfigOperations:
    """The operations on event invoke configurations.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "PutFunctionEventInvokeConfig": self.put_function_event_invoke_config,
            "UpdateFunctionEventInvokeConfig": self.update_function_event_invoke_config,
            "GetFunctionEventInvokeConfig": self.get_function_event_invoke_config,
            "DeleteFunctionEventInvokeConfig": self.delete_function_event_invoke_config,
            "ListFunctionEventInvokeConfigs": self.list_function_event_invoke_configs,
        }

    async def put_function_event_invoke_config(self, call: ControlCall) -> Output:
        """PutFunctionEventInvokeConfig: replaces what was there."""
        given = _read(call.params)
        return await self._change(call, lambda _before: given)

    async def update_function_event_invoke_config(self, call: ControlCall) -> Output:
        """UpdateFunctionEventInvokeConfig: what is left out keeps its value."""
        given = _read(call.params)

        def merged(before: Attachment | None) -> Mapping[str, int]:
            if before is None:
                raise _none(self._arn(call))
            return {**orjson.loads(before.document), **given}

        return await self._change(call, merged)

    async def get_function_event_invoke_config(self, call: ControlCall) -> Output:
        """GetFunctionEventInvokeConfig."""
        name, qualifier = self._place(call)
        found = self._records.published.attachment(call.account_id, name, EVENT_INVOKE, qualifier)
        if found is None:
            raise _none(self._arn(call))
        return Output(members=_members(self._arn(call), found))

    async def delete_function_event_invoke_config(self, call: ControlCall) -> Output:
        """DeleteFunctionEventInvokeConfig."""
        name, qualifier = self._place(call)
        arn = self._arn(call)

        def gone(before: Attachment | None) -> None:
            if before is None:
                raise _none(arn)

        await self._records.published.change_attachment(call.account_id, name, EVENT_INVOKE, qualifier, gone)
        return Output(status=204)

    async def list_function_event_invoke_configs(self, call: ControlCall) -> Output:
        """ListFunctionEventInvokeConfigs, by version or alias."""
        function = find_function(self._records, call)
        page = cut_page(
            self._records.published.attachments(call.account_id, function.name, EVENT_INVOKE),
            name_of=lambda each: each.qualifier,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=InvalidParameterValueException,
        )
        listed = [_members(asked_arn(function, each.qualifier), each) for each in page.items]
        more = {"NextMarker": page.next_token} if page.next_token else {}
        return Output(members={"FunctionEventInvokeConfigs": listed, **more})

    async def _change(
        self, call: ControlCall, change: Callable[[Attachment | None], Mapping[str, int]]
    ) -> Output:
        name, qualifier = self._place(call)
        now = self._clock()

        def changed(before: Attachment | None) -> Attachment:
            return Attachment(
                kind=EVENT_INVOKE,
                qualifier=qualifier,
                document=orjson.dumps(change(before)).decode(),
                revision_id=str(uuid4()),
                modified_at=now,
            )

        after = await self._records.published.change_attachment(
            call.account_id, name, EVENT_INVOKE, qualifier, changed
        )
        assert after is not None
        return Output(members=_members(self._arn(call), after))

    def _place(self, call: ControlCall) -> tuple[str, str]:
        return find_version(self._records, call).name, read_qualifier(call) or LATEST

    def _arn(self, call: ControlCall) -> str:
        return asked_arn(find_version(self._records, call), read_qualifier(call) or LATEST)


def event_rules(records: Records, function: Function, qualifier: str | None) -> EventRules:
    """What holds for the events of a version or alias."""
    found = records.published.attachment(
        function.account_id, function.name, EVENT_INVOKE, qualifier or LATEST
    )
    document = {} if found is None else orjson.loads(found.document)
    return EventRules(
        document.get("MaximumRetryAttempts", EventRules().retries),
        document.get("MaximumEventAgeInSeconds", EventRules().age_seconds),
    )


def _read(params: Mapping[str, Any]) -> dict[str, int]:
    destinations = params.get("DestinationConfig") or {}
    if any((each or {}).get("Destination") for each in destinations.values()):
        raise InvalidParameterValueException("DestinationConfig is not supported. Leave it out.")
    given = {member: params[member] for member in _MEMBERS if params.get(member) is not None}
    if not 0 <= given.get("MaximumRetryAttempts", 0) <= MOST_RETRIES:
        raise InvalidParameterValueException(f"MaximumRetryAttempts must be between 0 and {MOST_RETRIES}.")
    least, most = EVENT_AGE_SECONDS
    if not least <= given.get("MaximumEventAgeInSeconds", least) <= most:
        raise InvalidParameterValueException(f"MaximumEventAgeInSeconds must be between {least} and {most}.")
    return given


def _members(arn: str, found: Attachment) -> dict[str, Any]:
    destinations: dict[str, Any] = {"OnSuccess": {}, "OnFailure": {}}
    document = orjson.loads(found.document)
    return {
        "FunctionArn": arn,
        "LastModified": found.modified_at,
        "DestinationConfig": destinations,
        **document,
    }


def _none(arn: str) -> ResourceNotFoundException:
    return ResourceNotFoundException(f"The function {arn} doesn't have an EventInvokeConfig")
