"""Which function a Lambda call names: by name, partial ARN or ARN, with or without a version or alias."""

from onread.addressing.arn import FunctionReference, parse_function_reference
from onread.control.call import ControlCall
from onread.errors import InvalidParameterValueException, InvalidRequest, ResourceNotFoundException
from onread.metadata.facade import Records
from onread.metadata.records import LATEST, Function

MOST_CHARACTERS = 64


def find_version(records: Records, call: ControlCall, *, draw: float = 0.0) -> Function:
    """The version of the function that the call names; ``$LATEST`` when it names none.

    Args:
        draw: from 0 up to 1: decides between the versions of an alias with weights.

    Raises:
        ResourceNotFoundException: no such function, version or alias in this account and Region.
        InvalidParameterValueException: the name has another form.
    """
    reference, qualifier = read_reference(call), read_qualifier(call)
    function = records.published.find(call.account_id, reference.name, qualifier, draw)
    if function is None:
        raise not_found(call, reference.name, qualifier)
    return function


def find_function(records: Records, call: ControlCall) -> Function:
    """The function itself, whichever version of it the call names.

    Raises:
        ResourceNotFoundException: no such function in this account and Region.
        InvalidParameterValueException: the name has another form.
    """
    name = read_reference(call).name
    function = records.function(call.account_id, name)
    if function is None:
        raise not_found(call, name)
    return function


def find_latest(records: Records, call: ControlCall) -> Function:
    """The function at ``$LATEST``, for a change: published versions never change.

    Raises:
        ResourceNotFoundException: no such function in this account and Region.
        InvalidParameterValueException: the call names a version or an alias.
    """
    if read_qualifier(call) not in (None, LATEST):
        raise InvalidParameterValueException(
            "This operation is for $LATEST alone: leave the version or alias out of FunctionName."
        )
    return find_function(records, call)


def read_reference(call: ControlCall) -> FunctionReference:
    """What ``FunctionName`` says.

    Raises:
        ResourceNotFoundException: it is of another account or Region.
        InvalidParameterValueException: it has another form.
    """
    return read_function_arn(call, call.params["FunctionName"])


def read_function_arn(call: ControlCall, text: str) -> FunctionReference:
    """A function's name or ARN, wherever a call has it.

    Raises:
        ResourceNotFoundException: it is of another account or Region.
        InvalidParameterValueException: it has another form.
    """
    try:
        reference = parse_function_reference(text)
    except InvalidRequest as error:
        raise InvalidParameterValueException(error.text) from error
    if len(reference.name) > MOST_CHARACTERS:
        raise InvalidParameterValueException(
            f"The name of a function has at most {MOST_CHARACTERS} characters."
        )
    elsewhere = reference.account_id not in (None, call.account_id)
    if elsewhere or reference.region not in (None, call.region):
        raise ResourceNotFoundException(f"Function not found: {text}")
    return reference


def read_qualifier(call: ControlCall) -> str | None:
    """The version or alias that was asked for, in the name or beside it.

    Raises:
        InvalidParameterValueException: both are given and differ.
    """
    beside: str | None = call.params.get("Qualifier") or None
    within = read_reference(call).qualifier
    if within and beside and within != beside:
        raise InvalidParameterValueException(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
    return within or beside


def asked_arn(function: Function, qualifier: str | None) -> str:
    """The function's ARN as it was asked for."""
    return function.arn if qualifier is None else f"{function.arn}:{qualifier}"


def not_found(call: ControlCall, name: str, qualifier: str | None = None) -> ResourceNotFoundException:
    """The refusal that names what was not found."""
    arn = f"arn:aws:lambda:{call.region}:{call.account_id}:function:{name}"
    return ResourceNotFoundException(f"Function not found: {arn}{f':{qualifier}' if qualifier else ''}")
