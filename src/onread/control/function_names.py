"""Which function a Lambda call names: by name, partial ARN or ARN, with or without a version."""

from onread.addressing.arn import FunctionReference, parse_function_reference
from onread.control.call import ControlCall
from onread.errors import InvalidParameterValueException, InvalidRequest, ResourceNotFoundException
from onread.metadata.lookups import Lookups
from onread.metadata.records import Function

LATEST = "$LATEST"
MOST_CHARACTERS = 64


def find_function(records: Lookups, call: ControlCall) -> Function:
    """The function that the call names, at ``$LATEST``.

    Raises:
        ResourceNotFoundException: no such function, version or alias in this account and Region.
        InvalidParameterValueException: the name has another form.
    """
    reference = read_reference(call)
    qualifier = read_qualifier(call)
    function = records.function(call.account_id, reference.name)
    if function is None or qualifier not in (None, LATEST):
        raise not_found(call, reference.name, qualifier)
    return function


def read_reference(call: ControlCall) -> FunctionReference:
    """What ``FunctionName`` says.

    Raises:
        ResourceNotFoundException: it is of another account or Region.
        InvalidParameterValueException: it has another form.
    """
    text: str = call.params["FunctionName"]
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


def not_found(call: ControlCall, name: str, qualifier: str | None = None) -> ResourceNotFoundException:
    """The refusal that names what was not found."""
    arn = f"arn:aws:lambda:{call.region}:{call.account_id}:function:{name}"
    return ResourceNotFoundException(f"Function not found: {arn}{f':{qualifier}' if qualifier else ''}")
