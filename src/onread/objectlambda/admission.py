"""What is decided about a read before any function has seen it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from onread import errors
from onread.errors import LambdaNotFound, LambdaPermissionError, NoTransformationDefined
from onread.metadata.records import (
    DEFAULT_SETTINGS,
    AccessPoint,
    Function,
    ObjectLambdaAccessPoint,
    ObjectLambdaSettings,
    RangeHandling,
)
from onread.objectlambda.configuration import ObjectLambdaConfiguration, parse_function_arn
from onread.objectlambda.event import parameters, refuse_customer_keys
from onread.policy.principal import Principal
from onread.wire.message import Request

FindFunction = Callable[[str, str], Function | None]
"""Account id and name to the record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadCall:
    """A read that is to be transformed: authenticated, resolved and authorised.

    Attributes:
        params: the head's members by AWS's name.
        supporting: the access point through which the function reads the original.
        settings: onread's own, of the access point.
    """

    request_id: str
    request: Request
    operation: str
    params: Mapping[str, Any]
    principal: Principal
    access_point: ObjectLambdaAccessPoint
    supporting: AccessPoint
    configuration: ObjectLambdaConfiguration
    settings: ObjectLambdaSettings = DEFAULT_SETTINGS


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """A read with the function that will transform it, and the payload that goes with it."""

    call: ReadCall
    function: Function
    payload: str


def admit(call: ReadCall, find_function: FindFunction) -> Admitted:
    """Whatever can be refused without invoking is refused here.

    Raises:
        NoTransformationDefined: the configuration leaves this action alone.
        InvalidRequest: the request brings a customer's key.
        NotImplemented: it asks for a range or a part, and the configuration does not allow that.
        LambdaNotFound, LambdaPermissionError: there is no such function, or it is another account's.
    """
    transformation = call.configuration.transformation_for(call.operation)
    if transformation is None:
        raise NoTransformationDefined
    refuse_customer_keys(call.request)
    _refuse_unless_allowed(call)
    function = _function(transformation.function_arn, call.access_point.account_id, find_function)
    return Admitted(call=call, function=function, payload=transformation.function_payload)


def _refuse_unless_allowed(call: ReadCall) -> None:
    """AWS never applies Range or partNumber to transformed data: the function must have promised it.

    Source: Amazon S3 User Guide, "Working with Range and partNumber headers".
    """
    if call.operation not in ("GetObject", "HeadObject"):
        return
    if call.settings.range_handling is RangeHandling.FUNCTION:
        return
    ranged = "Range" in call.params or any(name == "Range" for name, _ in parameters(call.request.query))
    for feature, asked in (("Range", ranged), ("PartNumber", "PartNumber" in call.params)):
        if asked and f"{call.operation}-{feature}" not in call.configuration.allowed_features:
            raise errors.NotImplemented


def _function(arn: str, account_id: str, find_function: FindFunction) -> Function:
    """The function's record. There is no version and no alias but ``$LATEST``."""
    reference = parse_function_arn(arn)
    if reference.account_id not in (None, account_id):
        raise LambdaPermissionError
    function = find_function(account_id, reference.name)
    if function is None or reference.qualifier not in (None, "$LATEST"):
        raise LambdaNotFound
    return function
