"""Lambda API: provisioned concurrency, environments of a version that are kept while nobody asks.

Source: AWS Lambda Developer Guide, "Configuring provisioned concurrency for a function".
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol
from uuid import uuid4

import orjson

from onread.control.call import ControlCall, Operations
from onread.control.function_names import asked_arn, find_function, find_version, read_qualifier
from onread.control.function_settings import format_modified
from onread.control.onread_operations import MOST_ENVIRONMENTS
from onread.control.pages import cut_page, items_wanted
from onread.errors import InvalidParameterValueException, ProvisionedConcurrencyConfigNotFoundException
from onread.metadata.facade import Records
from onread.metadata.function_records import PROVISIONED, Attachment
from onread.metadata.records import LATEST, Function
from onread.wire.output import Output


class WarmHost(Protocol):
    """What runs functions, as far as it keeps environments of them."""

    def prewarm(self, function: Function) -> None:
        """Start what the version shall have while nobody asks."""
        ...

    def adopt(self, function: Function) -> None:
        """How a version may be run has changed: what runs follows."""
        ...

    def is_warm(self, function: Function) -> bool:
        """Whether as many environments of the version are ready as are to be kept."""
        ...


class LambdaProvisionedOperations:
    """The operations on provisioned concurrency.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, host: WarmHost, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._host = host
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "PutProvisionedConcurrencyConfig": self.put_provisioned_concurrency_config,
            "GetProvisionedConcurrencyConfig": self.get_provisioned_concurrency_config,
            "DeleteProvisionedConcurrencyConfig": self.delete_provisioned_concurrency_config,
            "ListProvisionedConcurrencyConfigs": self.list_provisioned_concurrency_configs,
        }

    async def put_provisioned_concurrency_config(self, call: ControlCall) -> Output:
        """PutProvisionedConcurrencyConfig, of a version or of the version that an alias leads to."""
        function, qualifier = self._place(call)
        wanted: int = call.params["ProvisionedConcurrentExecutions"]
        if not 1 <= wanted <= MOST_ENVIRONMENTS:
            raise InvalidParameterValueException(
                f"ProvisionedConcurrentExecutions must be between 1 and {MOST_ENVIRONMENTS}."
            )
        if function.reserved_concurrency is not None and wanted > function.reserved_concurrency:
            raise InvalidParameterValueException(
                f"Requested Provisioned Concurrency [{wanted}] should not be greater than the "
                f"reservedConcurrentExecution for function [{function.reserved_concurrency}]"
            )
        alias = self._records.published.alias(call.account_id, function.name, qualifier)
        if alias is not None and alias.weights:
            raise InvalidParameterValueException(
                "Alias with weights can not be used with Provisioned Concurrency"
            )
        config = Attachment(
            kind=PROVISIONED,
            qualifier=qualifier,
            document=orjson.dumps({"Requested": wanted}).decode(),
            revision_id=str(uuid4()),
            modified_at=self._clock(),
        )
        await self._change(call, function, qualifier, lambda _before: config)
        return Output(members=self._members(function, config), status=202)

    async def get_provisioned_concurrency_config(self, call: ControlCall) -> Output:
        """GetProvisionedConcurrencyConfig."""
        function, qualifier = self._place(call)
        found = self._records.published.attachment(call.account_id, function.name, PROVISIONED, qualifier)
        if found is None:
            raise ProvisionedConcurrencyConfigNotFoundException
        return Output(members=self._members(function, found))

    async def delete_provisioned_concurrency_config(self, call: ControlCall) -> Output:
        """DeleteProvisionedConcurrencyConfig; nothing to delete is no error."""
        function, qualifier = self._place(call)
        await self._change(call, function, qualifier, lambda _before: None)
        return Output(status=204)

    async def list_provisioned_concurrency_configs(self, call: ControlCall) -> Output:
        """ListProvisionedConcurrencyConfigs, by version or alias."""
        function = find_function(self._records, call)
        page = cut_page(
            self._records.published.attachments(call.account_id, function.name, PROVISIONED),
            name_of=lambda each: each.qualifier,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=InvalidParameterValueException,
        )
        listed = [
            {"FunctionArn": asked_arn(function, each.qualifier), **self._members(function, each)}
            for each in page.items
        ]
        more = {"NextMarker": page.next_token} if page.next_token else {}
        return Output(members={"ProvisionedConcurrencyConfigs": listed, **more})

    def _place(self, call: ControlCall) -> tuple[Function, str]:
        qualifier = read_qualifier(call)
        if qualifier in (None, LATEST):
            raise InvalidParameterValueException(
                "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
            )
        assert qualifier is not None
        return find_version(self._records, call), qualifier

    async def _change(
        self,
        call: ControlCall,
        function: Function,
        qualifier: str,
        change: Callable[[Attachment | None], Attachment | None],
    ) -> None:
        await self._records.published.change_attachment(
            call.account_id, function.name, PROVISIONED, qualifier, change
        )
        keep_warm(self._records, self._host, call.account_id, function.name)

    def _members(self, function: Function, config: Attachment) -> dict[str, Any]:
        wanted: int = orjson.loads(config.document)["Requested"]
        version = self._records.published.find(function.account_id, function.name, config.qualifier)
        ready = version is not None and self._host.is_warm(version)
        allocated = wanted if ready else 0
        return {
            "RequestedProvisionedConcurrentExecutions": wanted,
            "AllocatedProvisionedConcurrentExecutions": allocated,
            "AvailableProvisionedConcurrentExecutions": allocated,
            "Status": "READY" if ready else "IN_PROGRESS",
            "LastModified": format_modified(config.modified_at),
        }


def keep_warm(records: Records, host: WarmHost, account_id: str, name: str) -> None:
    """What is to be kept of a function's versions has changed, or an alias leads elsewhere: follow."""
    for version in records.published.versions(account_id, name):
        host.adopt(version)
        if version.min_environments:
            host.prewarm(version)
