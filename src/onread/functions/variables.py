"""The environment variables of a function: which a user may set, and the whole set a process gets.

Pure. A process starts from an empty environment; what is not named here is not in it.

Source: AWS Lambda Developer Guide, "Working with Lambda environment variables".
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import orjson

from onread.errors import InvalidParameterValueException
from onread.metadata.records import LATEST, Function

LIMIT_BYTES = 4096

# AWS's own list, a name of ours, and three that would change which code runs: what loads before the
# runtime's limits hold, and the switch that turns awslambdaric into several processes.
RESERVED = frozenset(
    {
        "AWS_ACCESS_KEY",
        "AWS_ACCESS_KEY_ID",
        "AWS_DEFAULT_REGION",
        "AWS_EXECUTION_ENV",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE",
        "AWS_LAMBDA_FUNCTION_NAME",
        "AWS_LAMBDA_FUNCTION_VERSION",
        "AWS_LAMBDA_INITIALIZATION_TYPE",
        "AWS_LAMBDA_LOG_GROUP_NAME",
        "AWS_LAMBDA_LOG_STREAM_NAME",
        "AWS_LAMBDA_MAX_CONCURRENCY",
        "AWS_LAMBDA_RUNTIME_API",
        "AWS_REGION",
        "AWS_SECRET_ACCESS_KEY",
        "AWS_SESSION_TOKEN",
        "GLIBC_TUNABLES",
        "LAMBDA_RUNTIME_DIR",
        "LAMBDA_TASK_ROOT",
        "ONREAD_LAYERS_ROOT",
    }
)
# Harmless and allowed, as on AWS: PATH, PYTHONPATH (the interpreter ignores it, bootstrap.py honours it
# behind the package), NODE_PATH, LD_LIBRARY_PATH, LANG, TZ. Refused: every other LD_ name.
_RESERVED_PREFIXES = ("LD_", "PYTHON", "NODE_OPTIONS")
_ALLOWED = frozenset({"LD_LIBRARY_PATH", "PYTHONPATH"})
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+")


def check_environment_variables(variables: Mapping[str, str]) -> None:
    """Refuse variables that AWS refuses, and those that reach code before the function does.

    Raises:
        InvalidParameterValueException: a reserved or malformed name, a NUL, or more than 4 KiB in all.
    """
    for name, value in variables.items():
        if not _NAME.fullmatch(name):
            raise InvalidParameterValueException(
                f"The environment variable name {name[:80]!r} is not valid: it must begin with a letter and "
                "hold at least two letters, digits or underscores."
            )
        if "\0" in value or any("\ud800" <= letter <= "\udfff" for letter in value):
            raise InvalidParameterValueException(
                f"The environment variable {name} holds a character that no environment can hold."
            )
        if name in RESERVED or (name.startswith(_RESERVED_PREFIXES) and name not in _ALLOWED):
            raise InvalidParameterValueException(
                "Lambda was unable to configure your environment variables because the environment variables "
                "you have provided contains reserved keys that are currently not supported for modification. "
                f"Reserved keys used in this request: {name}"
            )
    if variables and len(orjson.dumps(dict(variables))) > LIMIT_BYTES:
        raise InvalidParameterValueException(
            "Lambda was unable to configure your environment variables because the environment variables "
            "you have provided exceeded the 4KB limit."
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What one environment is given besides its function's record."""

    runtime_api: str
    task_root: str
    runtime_directory: str
    work_directory: str
    endpoint: str
    access_key_id: str
    secret_access_key: str
    session_token: str
    log_stream: str
    layers_root: str | None = None


def build_environment(function: Function, given: Surroundings) -> dict[str, str]:
    """The complete environment of the function's process.

    The user's variables beat our defaults and lose to AWS's reserved names.
    """
    defaults = {
        "TZ": ":UTC",
        "LANG": "C.UTF-8",
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        # A home of its own: else the SDK reads the ~/.aws of whoever runs the gateway.
        "HOME": given.work_directory,
        "TMPDIR": given.work_directory,
        "AWS_ENDPOINT_URL_S3": given.endpoint,
        # What else is served here; every other service stays where AWS has it.
        "AWS_ENDPOINT_URL_IAM": given.endpoint,
        "AWS_ENDPOINT_URL_LAMBDA": given.endpoint,
        "AWS_ENDPOINT_URL_STS": given.endpoint,
        # WriteGetObjectResponse puts the route before the host; an IP address has no subdomains.
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
        "AWS_EC2_METADATA_DISABLED": "true",
        # With it, boto3 cannot sign a stream that has no end in sight; on Lambda it is not installed.
        "BOTO_DISABLE_CRT": "true",
    }
    reserved = {
        "_HANDLER": function.handler,
        "LAMBDA_TASK_ROOT": given.task_root,
        "LAMBDA_RUNTIME_DIR": given.runtime_directory,
        "AWS_LAMBDA_RUNTIME_API": given.runtime_api,
        "AWS_REGION": function.region,
        "AWS_DEFAULT_REGION": function.region,
        "AWS_EXECUTION_ENV": f"AWS_Lambda_{function.runtime}",
        "AWS_LAMBDA_FUNCTION_NAME": function.name,
        "AWS_LAMBDA_FUNCTION_VERSION": function.version,
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(function.memory_mb),
        "AWS_LAMBDA_INITIALIZATION_TYPE": _initialization_type(function),
        "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{function.name}",
        "AWS_LAMBDA_LOG_STREAM_NAME": given.log_stream,
        "AWS_ACCESS_KEY_ID": given.access_key_id,
        "AWS_ACCESS_KEY": given.access_key_id,
        "AWS_SECRET_ACCESS_KEY": given.secret_access_key,
        "AWS_SESSION_TOKEN": given.session_token,
    }
    if given.layers_root is not None:
        # What AWS names by paths below /opt, where nothing of ours can be mounted.
        defaults["PATH"] += f":{given.layers_root}/bin"
        defaults["LD_LIBRARY_PATH"] = f"{given.task_root}/lib:{given.layers_root}/lib"
        reserved["ONREAD_LAYERS_ROOT"] = given.layers_root
    return {**defaults, **function.environment, **reserved}


def _initialization_type(function: Function) -> str:
    provisioned = function.version != LATEST and function.min_environments > 0
    return "provisioned-concurrency" if provisioned else "on-demand"
