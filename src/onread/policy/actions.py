"""What an operation needs: the names of its IAM actions, and the ARN of what it is about.

Owns how both are found; an operation without an action is refused by name. The table is in
``action_table``.

Source: Service Authorization Reference, "Actions, resources, and condition keys" for Amazon S3, S3
Object Lambda, AWS Lambda, IAM and STS.
"""

import re
from collections.abc import Mapping
from typing import Any

from onread.addressing.arn import parse_function_reference
from onread.addressing.copy_source import parse_copy_source
from onread.errors import InvalidArgument, MethodNotAllowed, NotImplemented
from onread.policy.action_table import (
    CONTROL_NAMED_ALIKE,
    CONTROL_RENAMED,
    LAMBDA_ALIKE,
    LAMBDA_RENAMED,
    OBJECT_LAMBDA_ACTIONS,
    OBJECT_LAMBDA_STAND_INS,
    ONREAD_OF_LAMBDA,
    S3_NAMED_ALIKE,
    S3_RENAMED,
    WITH_VERSION,
)

ALL_BUCKETS = "arn:aws:s3:::*"
"""What ListBuckets is about."""

_COPIES = frozenset({"CopyObject", "UploadPartCopy"})
# What a delete may demand of the object: whether it goes tells what the object is.
_TELL_OF_OBJECT = ("IfMatch", "IfMatchSize", "IfMatchLastModifiedTime")
_OPERATION = re.compile(r"[A-Z][A-Za-z0-9]*")


def required_action(service: str, operation: str, params: Mapping[str, Any]) -> str:
    """The IAM action that an operation needs, with its service: ``s3:GetObjectVersion``.

    Args:
        service: whose action: ``s3`` (access points' management included), ``s3control``,
            ``s3-object-lambda``, ``lambda``, ``iam``, ``sts`` or ``onread``.
        operation: AWS's name.
        params: the operation's members; ``VersionId`` makes it the action on a version. DeleteObjects
            is asked once for each key, with that key's ``VersionId``.

    Raises:
        NotImplemented: no action is known for the operation, and so nobody may do it.
        MethodNotAllowed: an Object Lambda access point does not have the operation.
        InvalidArgument: the version id is empty, or has space around it.
    """
    match service:
        case "s3" | "s3control":
            if operation == "WriteGetObjectResponse":
                return "s3-object-lambda:WriteGetObjectResponse"
            return f"s3:{_s3_action(service, operation, params)}"
        case "s3-object-lambda":
            return f"s3-object-lambda:{_object_lambda_action(operation, params)}"
        case "onread" if operation in ONREAD_OF_LAMBDA:
            return f"lambda:{ONREAD_OF_LAMBDA[operation]}"
        case "lambda" | "iam" | "sts" | "onread" if _OPERATION.fullmatch(operation):
            renamed = {**LAMBDA_RENAMED, **LAMBDA_ALIKE} if service == "lambda" else {}
            return f"{service}:{renamed.get(operation, operation)}"
    raise NotImplemented(f"{operation[:100]} is not implemented.")


def _s3_action(service: str, operation: str, params: Mapping[str, Any]) -> str:
    if operation in CONTROL_NAMED_ALIKE:
        return operation
    if service == "s3control":
        action = CONTROL_RENAMED.get(operation)
    else:
        action = operation if operation in S3_NAMED_ALIKE else S3_RENAMED.get(operation)
    if action is None:
        raise NotImplemented(f"{operation[:100]} is not implemented.")
    version_id = params.get("VersionId")
    if version_id is None:
        return action
    _check_version_id(version_id)
    return action.replace("Object", "ObjectVersion", 1) if action in WITH_VERSION else action


def _check_version_id(version_id: str) -> None:
    """Otherwise policies might be asked about a version and the store, which trims, about the newest one."""
    if version_id == version_id.strip() != "":
        return
    told = "Invalid version id specified" if version_id else "Version id cannot be the empty string"
    raise InvalidArgument(told, ArgumentName="versionId", ArgumentValue=version_id[:200])


def _object_lambda_action(operation: str, params: Mapping[str, Any]) -> str:
    if operation == "WriteGetObjectResponse":
        return operation
    # "POST Object and SelectObjectContent are not supported with Object Lambda access points."
    action = None if operation == "SelectObjectContent" else _s3_action("s3", operation, params)
    if action in OBJECT_LAMBDA_ACTIONS:
        return action
    stand_in = OBJECT_LAMBDA_STAND_INS.get(action or "")
    if stand_in is None:
        raise MethodNotAllowed(f"An Object Lambda access point does not offer {operation[:100]}.")
    return stand_in


def further_actions(operation: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """The actions that an operation needs besides its own, by its members: to set an ACL, tags, a lock.

    Source: Amazon S3 API Reference, PutObject, CreateMultipartUpload, CreateBucket and GetObjectAttributes,
    "Permissions"; Amazon S3 User Guide, "Enforce conditional deletes".
    """
    match operation:
        case "GetObjectAttributes":
            return (required_action("s3", "GetObject", params),)
        case "CreateBucket":
            return _to_create_bucket(params)
        case "PutObject" | "CopyObject" | "CreateMultipartUpload":
            return _to_write(params)
    needed = ["s3:BypassGovernanceRetention"] if params.get("BypassGovernanceRetention") else []
    if operation == "DeleteObject" and any(params.get(each) not in (None, "*") for each in _TELL_OF_OBJECT):
        needed.append(required_action("s3", "GetObject", params))
    return tuple(needed)


def _to_write(params: Mapping[str, Any]) -> tuple[str, ...]:
    needed = []
    if any(name == "ACL" or name.startswith("Grant") for name in params):
        needed.append("s3:PutObjectAcl")
    if "Tagging" in params:
        needed.append("s3:PutObjectTagging")
    if "ObjectLockMode" in params or "ObjectLockRetainUntilDate" in params:
        needed.append("s3:PutObjectRetention")
    if "ObjectLockLegalHoldStatus" in params:
        needed.append("s3:PutObjectLegalHold")
    return tuple(needed)


def _to_create_bucket(params: Mapping[str, Any]) -> tuple[str, ...]:
    needed = []
    if params.get("ACL", "private") != "private" or any(name.startswith("Grant") for name in params):
        needed.append("s3:PutBucketAcl")
    if params.get("ObjectLockEnabledForBucket"):
        needed += ["s3:PutBucketObjectLockConfiguration", "s3:PutBucketVersioning"]
    if "ObjectOwnership" in params:
        needed.append("s3:PutBucketOwnershipControls")
    return tuple(needed)


def object_lambda_actions(operation: str, params: Mapping[str, Any]) -> tuple[str, ...]:
    """The actions that an operation needs at an Object Lambda access point: its own, and further ones.

    Raises:
        MethodNotAllowed, NotImplemented, InvalidArgument: see `required_action`.
    """
    own = required_action("s3-object-lambda", operation, params)
    names = (each.removeprefix("s3:") for each in further_actions(operation, params))
    further = (f"s3-object-lambda:{name}" for name in names if name in OBJECT_LAMBDA_ACTIONS)
    return (own, *(each for each in further if each != own))


def source_reads(operation: str, params: Mapping[str, Any]) -> tuple[tuple[str, str, str | None], ...]:
    """Action, resource and version of what the operation reads besides what it names: a copy's source.

    Raises:
        InvalidArgument, InvalidRequest: the copy source names no object.
        NotImplemented: it lies behind an Object Lambda access point.
    """
    if operation not in _COPIES:
        return ()
    source = parse_copy_source(str(params.get("CopySource", "")))
    action = "s3:GetObject" if source.version_id is None else "s3:GetObjectVersion"
    if source.container.startswith("arn:"):
        return ((action, access_point_object_arn(source.container, source.key), source.version_id),)
    return ((action, object_arn(source.container, source.key), source.version_id),)


def object_arn(bucket: str, key: str) -> str:
    """An object, as policies name it."""
    return f"arn:aws:s3:::{bucket}/{key}"


def access_point_object_arn(access_point_arn: str, key: str) -> str:
    """An object through a standard access point. An Object Lambda access point has only its own ARN."""
    return f"{access_point_arn}/object/{key}"


def function_arn(*, region: str, account_id: str, name: str, qualifier: str | None = "$LATEST") -> str:
    """A function at a version or alias; ``qualifier`` None: the function itself, as management sees it."""
    function = f"arn:aws:lambda:{region}:{account_id}:function:{name}"
    return function if qualifier is None else f"{function}:{qualifier}"


def user_arn(*, account_id: str, name: str, path: str = "/") -> str:
    """An IAM user."""
    return f"arn:aws:iam::{account_id}:user{path}{name}"


def service_resource(
    service: str, operation: str, params: Mapping[str, Any], *, account_id: str, region: str
) -> str:
    """What an operation of a service itself (not on a bucket's data) is about, as policies name it.

    Args:
        service: ``s3``, ``s3control``, ``lambda``, ``iam``, ``sts`` or ``onread``.
        params: the members that name things: ``Name``, ``FunctionName``, ``UserName``, ``RoleName``, ...

    Returns:
        ``*`` for an operation that is about nothing in particular.

    Raises:
        InvalidRequest: ``FunctionName`` is no function's name.
    """
    match service:
        case "s3" | "s3control":
            return _control_resource(operation, params, account_id=account_id, region=region)
        case "lambda":
            return _lambda_resource(operation, params, account_id=account_id, region=region)
        case "onread" if operation in ONREAD_OF_LAMBDA:
            return _lambda_resource(operation, params, account_id=account_id, region=region)
        case "iam" | "sts":
            return _iam_resource(params, account_id=account_id)
        case "onread":
            return _onread_resource(operation, params, account_id=account_id, region=region)
    return "*"


def _control_resource(operation: str, params: Mapping[str, Any], *, account_id: str, region: str) -> str:
    if operation == "ListBuckets":
        return ALL_BUCKETS
    name = params.get("Name")
    if name is None:
        return str(params.get("ResourceArn", "*"))
    kind = "s3-object-lambda" if operation.endswith("ForObjectLambda") else "s3"
    # Clients may give an access point's ARN for its name; the last part is the name in both.
    plain = str(name).replace(":", "/").rpartition("/")[2]
    return f"arn:aws:{kind}:{region}:{account_id}:accesspoint/{plain}"


def _lambda_resource(operation: str, params: Mapping[str, Any], *, account_id: str, region: str) -> str:
    given = params.get("FunctionName")
    if given is None:
        return _layer_resource(params, account_id=account_id, region=region)
    named = parse_function_reference(str(given))
    qualifier = (params.get("Qualifier") or named.qualifier) if operation in LAMBDA_RENAMED else None
    return function_arn(
        region=named.region or region,
        account_id=named.account_id or account_id,
        name=named.name,
        qualifier=qualifier,
    )


def _onread_resource(operation: str, params: Mapping[str, Any], *, account_id: str, region: str) -> str:
    """Settings are about what they belong to: an Object Lambda access point or a function."""
    if "FunctionName" in params:
        return _lambda_resource(operation, params, account_id=account_id, region=region)
    name = params.get("Name")
    if name is None:
        return "*"
    plain = str(name).replace(":", "/").rpartition("/")[2]
    return f"arn:aws:s3-object-lambda:{region}:{account_id}:accesspoint/{plain}"


def _layer_resource(params: Mapping[str, Any], *, account_id: str, region: str) -> str:
    """A layer, or a version of it; else what a call names by its ARN."""
    name = params.get("LayerName")
    if name is None:
        return str(params.get("Resource") or params.get("Arn") or "*")
    # Clients may give a layer's ARN for its name.
    layer = name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account_id}:layer:{name}"
    number = params.get("VersionNumber")
    return layer if number is None else f"{layer}:{number}"


def _iam_resource(params: Mapping[str, Any], *, account_id: str) -> str:
    path = params.get("Path") or "/"
    if "UserName" in params:
        return user_arn(account_id=account_id, name=params["UserName"], path=path)
    if "RoleName" in params:
        return f"arn:aws:iam::{account_id}:role{path}{params['RoleName']}"
    if "PolicyName" in params:
        return f"arn:aws:iam::{account_id}:policy{path}{params['PolicyName']}"
    named = (params.get(member) for member in ("RoleArn", "PolicyArn", "PolicySourceArn"))
    return str(next(filter(None, named), "*"))
