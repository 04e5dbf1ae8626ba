"""s3control: Object Lambda access points, their configuration and their policy."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from secrets import token_bytes
from typing import Any

import structlog

from onread.addressing.alias import object_lambda_alias
from onread.addressing.names import validate_object_lambda_access_point_name
from onread.control.access_points import (
    NONCE_BYTES,
    access_point_name,
    results_wanted,
)
from onread.control.account_public_access import PUBLIC_ACCESS_BLOCK
from onread.control.call import ControlCall, Operations
from onread.control.pages import cut_page
from onread.control.policies import check_policy, require_policy
from onread.errors import InvalidRequest, NoSuchAccessPoint
from onread.metadata.facade import Records
from onread.metadata.records import ObjectLambdaAccessPoint
from onread.objectlambda.configuration import (
    ObjectLambdaConfiguration,
    parse_configuration,
    parse_function_arn,
    read_configuration,
)
from onread.policy.public import is_public
from onread.wire.output import Output

log = structlog.get_logger()


class ObjectLambdaAccessPointOperations:
    """The ten operations on Object Lambda access points.

    Args:
        clock: gives the time as aware UTC.
    """

    def __init__(self, records: Records, *, clock: Callable[[], datetime]) -> None:
        self._records = records
        self._clock = clock

    def operations(self) -> Operations:
        """The operations served here, by AWS's name."""
        return {
            "CreateAccessPointForObjectLambda": self.create_access_point_for_object_lambda,
            "GetAccessPointForObjectLambda": self.get_access_point_for_object_lambda,
            "DeleteAccessPointForObjectLambda": self.delete_access_point_for_object_lambda,
            "ListAccessPointsForObjectLambda": self.list_access_points_for_object_lambda,
            "GetAccessPointConfigurationForObjectLambda": (
                self.get_access_point_configuration_for_object_lambda
            ),
            "PutAccessPointConfigurationForObjectLambda": (
                self.put_access_point_configuration_for_object_lambda
            ),
            "GetAccessPointPolicyForObjectLambda": self.get_access_point_policy_for_object_lambda,
            "PutAccessPointPolicyForObjectLambda": self.put_access_point_policy_for_object_lambda,
            "DeleteAccessPointPolicyForObjectLambda": self.delete_access_point_policy_for_object_lambda,
            "GetAccessPointPolicyStatusForObjectLambda": (
                self.get_access_point_policy_status_for_object_lambda
            ),
        }

    async def create_access_point_for_object_lambda(self, call: ControlCall) -> Output:
        """CreateAccessPointForObjectLambda; the alias is usable at once."""
        name = call.params["Name"]
        validate_object_lambda_access_point_name(name)
        record = ObjectLambdaAccessPoint(
            account_id=call.account_id,
            region=call.region,
            name=name,
            alias=object_lambda_alias(
                name, account_id=call.account_id, region=call.region, nonce=token_bytes(NONCE_BYTES)
            ),
            created_at=self._clock(),
            configuration=self._read_configuration(call).text(),
        )
        await self._records.create_object_lambda_access_point(record)
        return Output(members={"ObjectLambdaAccessPointArn": record.arn, "Alias": _alias(record)})

    async def get_access_point_for_object_lambda(self, call: ControlCall) -> Output:
        """GetAccessPointForObjectLambda. Block Public Access is always on and cannot be changed."""
        record = self._find(call)
        members = {
            "Name": record.name,
            "PublicAccessBlockConfiguration": dict.fromkeys(PUBLIC_ACCESS_BLOCK, True),
            "CreationDate": record.created_at,
            "Alias": _alias(record),
        }
        return Output(members=members)

    async def delete_access_point_for_object_lambda(self, call: ControlCall) -> Output:
        """DeleteAccessPointForObjectLambda; the alias is free again."""
        await self._records.delete_object_lambda_access_point(call.account_id, _name(call))
        return Output()

    async def list_access_points_for_object_lambda(self, call: ControlCall) -> Output:
        """ListAccessPointsForObjectLambda, by name."""
        page = cut_page(
            self._records.list_object_lambda_access_points(call.account_id),
            name_of=lambda record: record.name,
            token=call.params.get("NextToken"),
            most=results_wanted(call),
            refusal=InvalidRequest,
        )
        listed = {"ObjectLambdaAccessPointList": [_listed(record) for record in page.items]}
        return Output(members={**listed, **({"NextToken": page.next_token} if page.next_token else {})})

    async def get_access_point_configuration_for_object_lambda(self, call: ControlCall) -> Output:
        """GetAccessPointConfigurationForObjectLambda."""
        configuration = parse_configuration(self._find(call).configuration)
        return Output(members={"Configuration": configuration.structure()})

    async def put_access_point_configuration_for_object_lambda(self, call: ControlCall) -> Output:
        """PutAccessPointConfigurationForObjectLambda: replaces the whole configuration."""
        self._find(call)  # an unknown name is told before a wrong configuration
        text = self._read_configuration(call).text()
        await self._records.update_object_lambda_access_point(
            call.account_id, _name(call), lambda record: replace(record, configuration=text)
        )
        return Output()

    async def get_access_point_policy_for_object_lambda(self, call: ControlCall) -> Output:
        """GetAccessPointPolicyForObjectLambda."""
        return Output(members={"Policy": require_policy(self._find(call).policy)})

    async def put_access_point_policy_for_object_lambda(self, call: ControlCall) -> Output:
        """PutAccessPointPolicyForObjectLambda."""
        await self._set_policy(call, check_policy(call.params.get("Policy")))
        return Output()

    async def delete_access_point_policy_for_object_lambda(self, call: ControlCall) -> Output:
        """DeleteAccessPointPolicyForObjectLambda; nothing to delete is no error."""
        await self._set_policy(call, None)
        return Output()

    async def get_access_point_policy_status_for_object_lambda(self, call: ControlCall) -> Output:
        """GetAccessPointPolicyStatusForObjectLambda."""
        policy = require_policy(self._find(call).policy)
        return Output(members={"PolicyStatus": {"IsPublic": is_public(policy)}})

    def _read_configuration(self, call: ControlCall) -> ObjectLambdaConfiguration:
        structure = call.params.get("Configuration")
        if not structure:
            raise InvalidRequest("The request needs a Configuration.")
        configuration = read_configuration(structure)
        configuration.check_place(account_id=call.account_id, region=call.region)
        self._warn_of_missing_functions(call, configuration)
        return configuration

    def _warn_of_missing_functions(self, call: ControlCall, configuration: ObjectLambdaConfiguration) -> None:
        """A function may be created later; until then reads answer LambdaNotFound."""
        for transformation in configuration.transformation_configurations:
            function = parse_function_arn(transformation.function_arn)
            if self._records.function(call.account_id, function.name) is None:
                log.warning(
                    "control.function_missing", access_point=call.params["Name"], function=function.name
                )

    async def _set_policy(self, call: ControlCall, policy: str | None) -> None:
        await self._records.update_object_lambda_access_point(
            call.account_id, _name(call), lambda record: replace(record, policy=policy)
        )

    def _find(self, call: ControlCall) -> ObjectLambdaAccessPoint:
        record = self._records.object_lambda_access_point(call.account_id, _name(call))
        if record is None:
            raise NoSuchAccessPoint
        return record


def _name(call: ControlCall) -> str:
    return access_point_name(call, service="s3-object-lambda")


def _alias(record: ObjectLambdaAccessPoint) -> dict[str, str]:
    return {"Value": record.alias, "Status": "READY"}


def _listed(record: ObjectLambdaAccessPoint) -> dict[str, Any]:
    return {"Name": record.name, "ObjectLambdaAccessPointArn": record.arn, "Alias": _alias(record)}
