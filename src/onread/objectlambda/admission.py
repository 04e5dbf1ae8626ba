"""What is decided about a read before any function has seen it."""

from collections.abc import Callable, Mapping
from typing import Any

from onread import errors
from onread.addressing.arn import FunctionReference
from onread.errors import LambdaNotFound, LambdaPermissionError, LoopDetected, NoTransformationDefined
from onread.metadata.records import (
    DEFAULT_SETTINGS,
    Function,
    ObjectLambdaAccessPoint,
    ObjectLambdaSettings,
    RangeHandling,
)
from onread.objectlambda.configuration import ObjectLambdaConfiguration, parse_function_arn
from onread.objectlambda.event import refuse_customer_keys
from onread.objectlambda.input_url import InputSource
from onread.policy.principal import Principal
from onread.protocol.query_string import read_query
from onread.wire.frozen import frozen
from onread.wire.message import Request

FindFunction = Callable[[str, str, str | None], Function | None]
"""Account id, name and qualifier (a version, an alias, None) to the version that runs this once."""


@frozen(kw_only=True)
class ReadCall:
    """A read that is to be transformed: authenticated, resolved and authorised.

    Attributes:
        params: the head's members by AWS's name.
        supporting: the access point, or the bucket, through which the function reads the original.
        settings: onread's own, of the access point.
        direct_url: a URL of the store itself, in place of the one that comes through the gateway.
    """

    request_id: str
    request: Request
    operation: str
    params: Mapping[str, Any]
    principal: Principal
    access_point: ObjectLambdaAccessPoint
    supporting: InputSource
    configuration: ObjectLambdaConfiguration
    settings: ObjectLambdaSettings = DEFAULT_SETTINGS
    direct_url: str | None = None


@frozen(kw_only=True)
class Admitted:
    """A read with the function that will transform it, and the payload that goes with it.

    Attributes:
        function_arn: the function as the configuration names it, with its alias or version.
    """

    call: ReadCall
    function: Function
    function_arn: str
    payload: str


def admit(call: ReadCall, find_function: FindFunction) -> Admitted:
    """Whatever can be refused without invoking is refused here.

    Raises:
        NoTransformationDefined: the configuration leaves this action alone.
        InvalidRequest: the request brings a customer's key.
        NotImplemented: it asks for a range or a part, and the configuration does not allow that.
        LoopDetected: the function would wait for itself.
        LambdaNotFound, LambdaPermissionError: there is no such function, version or alias, or it is
            another account's.
    """
    transformation = call.configuration.transformation_for(call.operation)
    if transformation is None:
        raise NoTransformationDefined
    refuse_customer_keys(call.request)
    _refuse_unless_allowed(call)
    reference = parse_function_arn(transformation.function_arn)
    function = _function(reference, call.access_point.account_id, find_function)
    _refuse_loops(function, call)
    return Admitted(
        call=call,
        function=function,
        function_arn=f"{function.arn}:{reference.qualifier}" if reference.qualifier else function.arn,
        payload=transformation.function_payload,
    )


def _refuse_loops(function: Function, call: ReadCall) -> None:
    """T-140. The chain comes from the gateway's own knowledge of runs: no header can hide it."""
    if function.arn in call.principal.chain:
        raise LoopDetected(
            f"The function {function.name} reads through this access point from inside a run of its own, "
            "which would never end. Read the original from inputS3Url."
        )


def _refuse_unless_allowed(call: ReadCall) -> None:
    """AWS never applies Range or partNumber to transformed data: the function must have promised it.

    Source: Amazon S3 User Guide, "Working with Range and partNumber headers".
    """
    if call.operation not in ("GetObject", "HeadObject"):
        return
    if call.settings.range_handling is RangeHandling.FUNCTION:
        return
    ranged = "Range" in call.params or "Range" in read_query(call.request.query)
    for feature, asked in (("Range", ranged), ("PartNumber", "PartNumber" in call.params)):
        if asked and f"{call.operation}-{feature}" not in call.configuration.allowed_features:
            raise errors.NotImplemented


def _function(reference: FunctionReference, account_id: str, find_function: FindFunction) -> Function:
    """The version that this read goes to: an alias with weights is drawn anew for each."""
    if reference.account_id not in (None, account_id):
        raise LambdaPermissionError
    function = find_function(account_id, reference.name, reference.qualifier)
    if function is None:
        raise LambdaNotFound
    return function
