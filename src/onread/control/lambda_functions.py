"""Lambda API: functions, their code and their configuration."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Protocol
from uuid import uuid4

import structlog

from onread.control.call import ControlCall, Operations
from onread.control.code_downloads import CodeDownloads
from onread.control.function_names import (
    find_function,
    find_latest,
    find_version,
    not_found,
    read_qualifier,
    read_reference,
)
from onread.control.function_role import role_for_lambda
from onread.control.function_settings import (
    apply_settings,
    function_configuration,
    members_without_effect,
    read_settings,
    read_tags,
)
from onread.control.lambda_layers import check_unzipped, read_layers
from onread.control.lambda_versions import publishing, versions_page
from onread.control.packages import Package, ReadObject, read_package
from onread.control.pages import cut_page, items_wanted
from onread.control.storage import require_room
from onread.errors import InvalidParameterValueException, PreconditionFailedException
from onread.functions.runtimes import Interpreter
from onread.metadata.facade import Records
from onread.metadata.function_records import FunctionLayer
from onread.metadata.records import LATEST, Function
from onread.wire.output import Output

log = structlog.get_logger()


class FunctionHost(Protocol):
    """What runs functions, as far as their management touches it."""

    async def check_runtime(self, runtime: str) -> Interpreter:
        """What serves a runtime. Raises InvalidParameterValueException when nothing does."""
        ...

    def prewarm(self, function: Function) -> None:
        """Make the first call find the function warm."""
        ...

    def drop(self, function: Function, *, deleted: bool = False) -> None:
        """The function was updated or deleted: what runs the old one gets no further run."""
        ...

    def adopt(self, function: Function) -> None:
        """How the function may be run has changed, and nothing that it sees: what runs follows."""
        ...


class LambdaFunctionOperations:
    """The operations on functions.

    Args:
        clock: gives the time as aware UTC.
        host: runs the functions; told of every change.
        strict: refuse a role that does not exist, as AWS does; else it is accepted with a warning and
            the function may do nothing but WriteGetObjectResponse.
    """

    def __init__(
        self,
        records: Records,
        *,
        clock: Callable[[], datetime],
        read_object: ReadObject,
        host: FunctionHost,
        strict: bool = False,
    ) -> None:
        self._records = records
        self._clock = clock
        self._read_object = read_object
        self._host = host
        self._downloads = CodeDownloads(records, clock=clock)
        self._strict = strict

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateFunction": self.create_function,
            "GetFunction": self.get_function,
            "GetFunctionConfiguration": self.get_function_configuration,
            "UpdateFunctionCode": self.update_function_code,
            "UpdateFunctionConfiguration": self.update_function_configuration,
            "DeleteFunction": self.delete_function,
            "ListFunctions": self.list_functions,
        }

    async def create_function(self, call: ControlCall) -> Output:
        """CreateFunction: Active when it answers."""
        reference = read_reference(call)
        if reference.qualifier is not None:
            raise InvalidParameterValueException("The name of a new function has no version or alias.")
        for member in ("Role", "Runtime", "Handler", "Code"):
            if not call.params.get(member):
                raise InvalidParameterValueException(f"{member} is required.")
        fields = self._read_fields(call)
        self._check_role(call, reference.name, fields["role"])
        state_reason = await self._state_reason(fields["runtime"])
        package = await self._read_package(call, call.params["Code"])
        function = Function(
            account_id=call.account_id,
            region=call.region,
            name=reference.name,
            modified_at=self._clock(),
            revision_id=str(uuid4()),
            tags=read_tags(call.params.get("Tags")),
            state_reason=state_reason,
            runtime=fields.pop("runtime"),
            handler=fields.pop("handler"),
            role=fields.pop("role"),
            **_fields_of(package),
        )
        function = apply_settings(function, fields)
        check_unzipped(function.unzipped_bytes, function.layers)
        publish = publishing() if call.params.get("Publish") else None
        made = await self._records.create_function(function, package.content, publish=publish)
        self._host.prewarm(made)
        _log_members_without_effect(call, function.name)
        return Output(members=_shown(made), status=201)

    async def get_function(self, call: ControlCall) -> Output:
        """GetFunction, with a URL at which the code can be downloaded for ten minutes."""
        function = find_version(self._records, call)
        members: dict[str, Any] = {
            "Configuration": function_configuration(function, qualifier=read_qualifier(call)),
            "Code": {"RepositoryType": "S3"},
        }
        if (location := self._downloads.function_url(call, function)) is not None:
            members["Code"]["Location"] = location
        if function.tags:
            members["Tags"] = dict(function.tags)
        if function.reserved_concurrency is not None:
            members["Concurrency"] = {"ReservedConcurrentExecutions": function.reserved_concurrency}
        return Output(members=members)

    async def get_function_configuration(self, call: ControlCall) -> Output:
        """GetFunctionConfiguration."""
        function = find_version(self._records, call)
        return Output(members=function_configuration(function, qualifier=read_qualifier(call)))

    async def update_function_code(self, call: ControlCall) -> Output:
        """UpdateFunctionCode; with DryRun everything is checked and nothing changes."""
        before = find_latest(self._records, call)
        if before.webhook is not None:
            raise InvalidParameterValueException(
                f"{before.name} is a webhook: it has an endpoint and no code."
            )
        fields = read_settings({name: call.params.get(name) for name in ("ImageUri", "Architectures")})
        package = await self._read_package(call, call.params)
        change = self._change(call, {**fields, **_fields_of(package)})
        changed = change(before)
        if call.params.get("DryRun"):
            return Output(members=function_configuration(changed))
        publish = publishing() if call.params.get("Publish") else None
        after = await self._records.update_function(
            call.account_id, before.name, change, code=package.content, publish=publish
        )
        self._changed(after)
        return Output(members=_shown(after))

    async def update_function_configuration(self, call: ControlCall) -> Output:
        """UpdateFunctionConfiguration: members that are left out keep their value."""
        before = find_latest(self._records, call)
        fields = self._read_fields(call, before.layers)
        if "role" in fields:
            self._check_role(call, before.name, fields["role"])
        if "runtime" in fields:
            fields["state_reason"] = await self._state_reason(fields["runtime"])
        change = self._change(call, fields)
        after = await self._records.update_function(call.account_id, before.name, change)
        self._changed(after)
        _log_members_without_effect(call, after.name)
        return Output(members=function_configuration(after))

    async def delete_function(self, call: ControlCall) -> Output:
        """DeleteFunction: the whole function, or one published version."""
        function, qualifier = find_function(self._records, call), read_qualifier(call)
        if qualifier is None:
            await self._records.delete_function(call.account_id, function.name)
            self._host.drop(function, deleted=True)
        else:
            await self._delete_version(call, function.name, qualifier)
        return Output(members={"StatusCode": 204}, status=204)

    async def _delete_version(self, call: ControlCall, name: str, qualifier: str) -> None:
        if qualifier == LATEST:
            raise InvalidParameterValueException(
                "$LATEST version cannot be deleted without deleting the function. Leave the version out."
            )
        if not qualifier.isdecimal():
            if self._records.published.alias(call.account_id, name, qualifier) is None:
                raise not_found(call, name, qualifier)
            raise InvalidParameterValueException(
                "Deletion of aliases is not currently supported by DeleteFunction: use DeleteAlias."
            )
        version = self._records.published.find(call.account_id, name, qualifier)
        if version is not None:  # on AWS, too, it is no error when it is not there
            await self._records.published.delete_version(call.account_id, name, int(qualifier))
            self._host.drop(version, deleted=True)

    async def list_functions(self, call: ControlCall) -> Output:
        """ListFunctions, by name; every version of each with FunctionVersion ALL."""
        functions = self._records.list_functions(call.account_id)
        if call.params.get("FunctionVersion") == "ALL":
            published = self._records.published
            every = [[each, *published.versions(call.account_id, each.name)] for each in functions]
            return versions_page(call, [version for versions in every for version in versions], "Functions")
        page = cut_page(
            functions,
            name_of=lambda function: function.name,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=InvalidParameterValueException,
        )
        listed = {"Functions": [function_configuration(each) for each in page.items]}
        return Output(members={**listed, **({"NextMarker": page.next_token} if page.next_token else {})})

    def _changed(self, after: Function) -> None:
        """``$LATEST`` has changed, and perhaps a version was made of it."""
        latest = self._records.function(after.account_id, after.name)
        if latest is not None:
            self._host.drop(latest)

    def _change(self, call: ControlCall, fields: Mapping[str, Any]) -> Callable[[Function], Function]:
        """The change as it is made inside the transaction: a stale RevisionId is refused there."""
        expected = call.params.get("RevisionId")
        modified_at, revision_id = self._clock(), str(uuid4())

        def change(function: Function) -> Function:
            if expected and expected != function.revision_id:
                raise PreconditionFailedException
            # The pool serves the later of two records, so none may look older than the one it replaces:
            # not after a clock was set back, nor when two updates overtake each other.
            after = max(modified_at, function.modified_at + timedelta(microseconds=1))
            changed = apply_settings(function, fields)
            check_unzipped(changed.unzipped_bytes, changed.layers)
            return replace(changed, modified_at=after, revision_id=revision_id)

        return change

    async def _read_package(self, call: ControlCall, code: Mapping[str, Any]) -> Package:
        package = await read_package(call, code, self._read_object)
        require_room(self._records, call.account_id, len(package.content))
        return package

    def _read_fields(self, call: ControlCall, known: tuple[FunctionLayer, ...] = ()) -> dict[str, Any]:
        """The record's fields for the configuration that the call gives; ``known`` are its layers of now."""
        fields = read_settings(call.params)
        if call.params.get("Layers") is not None:
            fields["layers"] = read_layers(
                self._records,
                call.params["Layers"],
                known,
                account_id=call.account_id,
                region=call.region,
            )
        return fields

    async def _state_reason(self, runtime: str) -> str | None:
        """Why another interpreter serves this runtime, when one does."""
        return (await self._host.check_runtime(runtime)).warning

    def _check_role(self, call: ControlCall, function_name: str, role: str) -> None:
        """One that Lambda cannot assume leaves the function WriteGetObjectResponse alone."""
        arn = f"arn:aws:lambda:{call.region}:{call.account_id}:function:{function_name}"
        if role_for_lambda(self._records, role, call.account_id, arn) is not None:
            return
        if self._strict:
            raise InvalidParameterValueException(
                "The role defined for the function cannot be assumed by Lambda."
            )
        log.warning("control.role_unknown", function=function_name, role=role)


def _shown(made: Function) -> dict[str, Any]:
    """``$LATEST`` without a qualifier; the version that was published with its number."""
    return function_configuration(made, qualifier=None if made.version == LATEST else made.version)


def _fields_of(package: Package) -> dict[str, Any]:
    return {
        "code_sha256": package.sha256,
        "code_size_bytes": len(package.content),
        "unzipped_bytes": package.unzipped_bytes,
    }


def _log_members_without_effect(call: ControlCall, function_name: str) -> None:
    for member in members_without_effect(call.params):
        log.warning("control.member_without_effect", function=function_name, member=member)
