"""The settings of a function as the Lambda API takes and shows them. Pure.

Owns the rules of members and how a record looks in AWS's words. What a package, a handler or an
environment may hold is `onread.functions`' to say.
"""

import base64
import platform
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from onread.errors import InvalidParameterValueException
from onread.functions.package import check_handler
from onread.functions.variables import check_environment_variables
from onread.metadata.records import Function

MOST_TIMEOUT_SECONDS = 900
MEMORY_MB = (128, 10_240)
EPHEMERAL_STORAGE_MB = (512, 10_240)
MOST_TAGS = 50
_MOST_TAG_KEY, _MOST_TAG_VALUE = 128, 256
_MOST_DESCRIPTION = 256
_ARCHITECTURE = "arm64" if platform.machine() in ("aarch64", "arm64") else "x86_64"
"""Functions run on this machine, whatever its kind."""

# What a function would miss if it were dropped in silence: refused by name.
_REFUSED = (
    "CapacityProviderConfig",
    "CodeSigningConfigArn",
    "DurableConfig",
    "FileSystemConfigs",
    "ImageConfig",
    "TenancyConfig",
)
# What changes nothing a function can see here: kept and given back, for AWS's tools compare it, with a
# line in the log.
_WITHOUT_EFFECT = (
    "Architectures",
    "DeadLetterConfig",
    "KMSKeyArn",
    "LoggingConfig",
    "SnapStart",
    "TracingConfig",
    "VpcConfig",
)


def read_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """The record's fields for the members that are given; what is left out is not in it.

    Raises:
        InvalidParameterValueException: a member is out of its range or not supported; the message names it.
    """
    for member in _REFUSED:
        if params.get(member):
            raise InvalidParameterValueException(f"{member} is not supported yet. Leave it out.")
    _check_package_type(params)
    readers: dict[str, tuple[str, Callable[[Any], Any]]] = {
        "Handler": ("handler", _read_handler),
        "Runtime": ("runtime", str),
        "Role": ("role", str),
        "Description": ("description", read_description),
        "Timeout": ("timeout_seconds", _read_timeout),
        "MemorySize": ("memory_mb", _read_memory),
        "EphemeralStorage": ("ephemeral_storage_mb", _read_ephemeral_storage),
        "Environment": ("environment", _read_environment),
    }
    fields = {
        field: read(params[member])
        for member, (field, read) in readers.items()
        if params.get(member) is not None
    }
    further = {name: params[name] for name in _WITHOUT_EFFECT if params.get(name) is not None}
    if further:
        fields["further"] = further
    return fields


def members_without_effect(params: Mapping[str, Any]) -> list[str]:
    """The given members that are kept and change nothing."""
    return [
        member
        for member in _WITHOUT_EFFECT
        if params.get(member) and not (member == "Architectures" and params[member] == [_ARCHITECTURE])
    ]


def apply_settings(function: Function, fields: Mapping[str, Any]) -> Function:
    """The function with what `read_settings` read; a member without effect that is empty goes."""
    changes = dict(fields)
    if "further" in changes:
        further = {**function.further, **changes["further"]}
        changes["further"] = {name: value for name, value in further.items() if _says_something(value)}
    return replace(function, **changes)


def _says_something(value: Any) -> bool:
    return any(value.values()) if isinstance(value, Mapping) else bool(value)


def read_tags(tags: Mapping[str, str] | None) -> dict[str, str]:
    """The tags of a function.

    Raises:
        InvalidParameterValueException: more than fifty, or a key or value that AWS refuses.
    """
    if tags and len(tags) > MOST_TAGS:
        raise InvalidParameterValueException(f"A function may have at most {MOST_TAGS} tags.")
    for key, value in (tags or {}).items():
        if (
            not 1 <= len(key) <= _MOST_TAG_KEY
            or len(value) > _MOST_TAG_VALUE
            or key.lower().startswith("aws:")
        ):
            raise InvalidParameterValueException(
                f"The tag {key[:_MOST_TAG_KEY]!r} is not valid: a key has 1 to {_MOST_TAG_KEY} characters "
                f"and does not begin with aws:, a value has at most {_MOST_TAG_VALUE}."
            )
    return dict(tags or {})


def _check_package_type(params: Mapping[str, Any]) -> None:
    code = params.get("Code") or params
    if params.get("PackageType", "Zip") != "Zip" or code.get("ImageUri"):
        raise InvalidParameterValueException(
            "PackageType Image and ImageUri are not supported. Give the code as a zip: ZipFile, or "
            "S3Bucket and S3Key."
        )


def _read_handler(handler: str) -> str:
    check_handler(handler)
    return handler


def read_description(description: str | None) -> str | None:
    """A description, of a function, a version or an alias; None stays None.

    Raises:
        InvalidParameterValueException: it is longer than 256 characters.
    """
    if description is not None and len(description) > _MOST_DESCRIPTION:
        raise InvalidParameterValueException(f"Description may have at most {_MOST_DESCRIPTION} characters.")
    return description


def _read_timeout(seconds: int) -> int:
    if not 1 <= seconds <= MOST_TIMEOUT_SECONDS:
        raise InvalidParameterValueException(f"Timeout must be between 1 and {MOST_TIMEOUT_SECONDS} seconds.")
    return seconds


def _read_memory(memory_mb: int) -> int:
    least, most = MEMORY_MB
    if not least <= memory_mb <= most:
        raise InvalidParameterValueException(f"MemorySize must be between {least} and {most} MB.")
    return memory_mb


def _read_ephemeral_storage(storage: Mapping[str, Any]) -> int:
    least, most = EPHEMERAL_STORAGE_MB
    size: int = storage.get("Size") or 0
    if not least <= size <= most:
        raise InvalidParameterValueException(f"EphemeralStorage.Size must be between {least} and {most} MB.")
    return size


def _read_environment(environment: Mapping[str, Any]) -> dict[str, str]:
    variables = dict(environment.get("Variables") or {})
    check_environment_variables(variables)
    return variables


def function_configuration(function: Function, *, qualifier: str | None = None) -> dict[str, Any]:
    """The record in AWS's words, as every operation on functions answers it.

    Args:
        qualifier: the version or alias that was asked for; the ARN names it then.
    """
    members: dict[str, Any] = {
        "FunctionName": function.name,
        "FunctionArn": f"{function.arn}:{qualifier}" if qualifier else function.arn,
        "Runtime": function.runtime,
        "Role": function.role,
        "Handler": function.handler,
        "CodeSize": function.code_size_bytes,
        "Description": function.description,
        "Timeout": function.timeout_seconds,
        "MemorySize": function.memory_mb,
        "LastModified": format_modified(function.modified_at),
        "CodeSha256": base64.b64encode(bytes.fromhex(function.code_sha256)).decode(),
        "Version": function.version,
        "RevisionId": function.revision_id,
        "State": "Active",
        "LastUpdateStatus": "Successful",
        "PackageType": "Zip",
        "Architectures": [_ARCHITECTURE],
        "EphemeralStorage": {"Size": function.ephemeral_storage_mb},
        "TracingConfig": {"Mode": "PassThrough"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{function.name}"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
    }
    members |= {name: _given_back(name, value, members) for name, value in function.further.items()}
    if function.environment:
        members["Environment"] = {"Variables": dict(function.environment)}
    if function.layers:
        members["Layers"] = [
            {"Arn": layer.arn, "CodeSize": layer.code_size_bytes} for layer in function.layers
        ]
    if function.state_reason:
        members["StateReason"] = function.state_reason
    return members


def _given_back(name: str, value: Any, defaults: Mapping[str, Any]) -> Any:
    """A structure is completed by what AWS adds to it."""
    return {**defaults.get(name, {}), **value} if isinstance(value, Mapping) else value


def format_modified(at: datetime) -> str:
    """``2021-03-10T23:41:52.000+0000``, as Lambda writes it."""
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}+0000"
