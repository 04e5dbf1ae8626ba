"""Lambda API: aliases, the names of versions; with weights, an alias divides its invocations.

Source: AWS Lambda Developer Guide, "Create an alias for a Lambda function" and "Implement Lambda canary
deployments using a weighted alias".
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import uuid4

from onread.control.call import ControlCall, Operations
from onread.control.function_names import find_latest
from onread.control.function_settings import read_description
from onread.control.lambda_provisioned import WarmHost, keep_warm
from onread.control.pages import cut_page, items_wanted
from onread.errors import (
    InvalidParameterValueException,
    PreconditionFailedException,
    ResourceNotFoundException,
)
from onread.metadata.facade import Records
from onread.metadata.function_records import FunctionAlias
from onread.metadata.records import LATEST, Function
from onread.wire.output import Output

# The pattern of Alias in AWS's model: a name made of digits would be a version.
_NAME = re.compile(r"(?!^[0-9]+$)([a-zA-Z0-9-_]{1,128})")
_VERSION = re.compile(r"\$LATEST|[1-9][0-9]{0,8}")


class LambdaAliasOperations:
    """The operations on aliases.

    Args:
        host: keeps environments of versions that aliases lead to.
    """

    def __init__(self, records: Records, *, host: WarmHost) -> None:
        self._records = records
        self._host = host

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateAlias": self.create_alias,
            "GetAlias": self.get_alias,
            "UpdateAlias": self.update_alias,
            "DeleteAlias": self.delete_alias,
            "ListAliases": self.list_aliases,
        }

    async def create_alias(self, call: ControlCall) -> Output:
        """CreateAlias."""
        function, name = find_latest(self._records, call), call.params.get("Name") or ""
        if not _NAME.fullmatch(name):
            raise InvalidParameterValueException(
                "An alias has a name of 1 to 128 letters, digits, hyphens and underscores that is no number."
            )
        record = FunctionAlias(
            account_id=function.account_id,
            region=function.region,
            function_name=function.name,
            name=name,
            version=_read_version(call.params.get("FunctionVersion")),
            description=read_description(call.params.get("Description")) or "",
            weights=_read_weights(call.params.get("RoutingConfig")),
            revision_id=str(uuid4()),
        )
        _check_routing(record)
        await self._records.published.create_alias(record)
        return Output(members=_configuration(record), status=201)

    async def get_alias(self, call: ControlCall) -> Output:
        """GetAlias."""
        return Output(members=_configuration(self._find(call, find_latest(self._records, call))))

    async def update_alias(self, call: ControlCall) -> Output:
        """UpdateAlias: what is left out keeps its value. The next invocation follows it."""
        function, params = find_latest(self._records, call), call.params
        self._find(call, function)
        expected, revision_id = params.get("RevisionId"), str(uuid4())
        fields: dict[str, Any] = {}
        if params.get("FunctionVersion"):
            fields["version"] = _read_version(params["FunctionVersion"])
        if params.get("Description") is not None:
            fields["description"] = read_description(params["Description"])
        if params.get("RoutingConfig") is not None:
            fields["weights"] = _read_weights(params["RoutingConfig"])

        def change(alias: FunctionAlias) -> FunctionAlias:
            if expected and expected != alias.revision_id:
                raise PreconditionFailedException
            changed = replace(alias, revision_id=revision_id, **fields)
            _check_routing(changed)
            return changed

        after = await self._records.published.update_alias(
            call.account_id, function.name, params["Name"], change
        )
        keep_warm(self._records, self._host, call.account_id, function.name)
        return Output(members=_configuration(after))

    async def delete_alias(self, call: ControlCall) -> Output:
        """DeleteAlias; nothing to delete is no error."""
        function = find_latest(self._records, call)
        await self._records.published.delete_alias(call.account_id, function.name, call.params["Name"])
        keep_warm(self._records, self._host, call.account_id, function.name)
        return Output(status=204)

    async def list_aliases(self, call: ControlCall) -> Output:
        """ListAliases, by name, of one version when one is given."""
        function, version = find_latest(self._records, call), call.params.get("FunctionVersion")
        page = cut_page(
            [
                alias
                for alias in self._records.published.aliases(call.account_id, function.name)
                if not version or alias.version == version
            ],
            name_of=lambda alias: alias.name,
            token=call.params.get("Marker"),
            most=items_wanted(call),
            refusal=InvalidParameterValueException,
        )
        listed = {"Aliases": [_configuration(alias) for alias in page.items]}
        return Output(members={**listed, **({"NextMarker": page.next_token} if page.next_token else {})})

    def _find(self, call: ControlCall, function: Function) -> FunctionAlias:
        name: str = call.params["Name"]
        found = self._records.published.alias(call.account_id, function.name, name)
        if found is None:
            raise ResourceNotFoundException(f"Cannot find alias arn: {function.arn}:{name[:128]}")
        return found


def _read_version(version: str | None) -> str:
    if not version or not _VERSION.fullmatch(version):
        raise InvalidParameterValueException("FunctionVersion must be $LATEST or the number of a version.")
    return version


def _read_weights(routing: Mapping[str, Any] | None) -> dict[str, float]:
    weights = dict((routing or {}).get("AdditionalVersionWeights") or {})
    if len(weights) > 1:
        raise InvalidParameterValueException("AdditionalVersionWeights may name one version.")
    for version, weight in weights.items():
        _read_version(version)
        if not 0.0 <= weight <= 1.0:
            raise InvalidParameterValueException(
                "A weight in AdditionalVersionWeights is between 0.0 and 1.0."
            )
    return weights


def _check_routing(alias: FunctionAlias) -> None:
    if not alias.weights:
        return
    if alias.version == LATEST or LATEST in alias.weights:
        raise InvalidParameterValueException(
            "$LATEST is not supported for an alias pointing to more than 1 version"
        )
    if alias.version in alias.weights:
        raise InvalidParameterValueException(
            f"Invalid function version {alias.version}. Function version {alias.version} is already included "
            "in routing configuration."
        )


def _configuration(alias: FunctionAlias) -> dict[str, Any]:
    members: dict[str, Any] = {
        "AliasArn": alias.arn,
        "Name": alias.name,
        "FunctionVersion": alias.version,
        "Description": alias.description,
        "RevisionId": alias.revision_id,
    }
    if alias.weights:
        members["RoutingConfig"] = {"AdditionalVersionWeights": dict(alias.weights)}
    return members
