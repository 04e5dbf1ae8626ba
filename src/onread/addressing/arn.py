"""ARNs: what they are made of, and the three kinds this project names things by.

Owns parsing and formatting. Refuses to know whether the named thing exists.

Source: Amazon S3 and AWS Lambda service models (patterns of ``AccessPointArn`` and ``FunctionArn``).
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from onread.errors import InvalidArgument, InvalidRequest

_MAX_ARN_CHARACTERS = 2048
_MAX_FUNCTION_CHARACTERS = 1024
_ACCOUNT_ID = re.compile(r"[0-9]{12}")
_ACCESS_POINT = re.compile(r"accesspoint[/:]([^/:]+)")
# The pattern of FunctionArn in AWS's model, word for word, with names for the parts.
_FUNCTION = re.compile(
    r"(?P<prefix>arn:(aws[a-zA-Z-]*)?:lambda:)?"
    r"(?:(?P<region>[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-[0-9]{1}):)?"
    r"(?:(?P<account>[0-9]{12}):)?"
    r"(?:function:)?"
    r"(?P<name>[a-zA-Z0-9-_]+)"
    r"(?::(?P<qualifier>\$LATEST|[a-zA-Z0-9-_]+))?"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Arn:
    """``arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE``. Region and account may be empty."""

    partition: str
    service: str
    region: str
    account_id: str
    resource: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:{self.service}:{self.region}:{self.account_id}:{self.resource}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPointArn:
    """The ARN of an access point. ``service`` tells the kind: ``s3`` or ``s3-object-lambda``."""

    service: str
    region: str
    account_id: str
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionReference:
    """A function as people write it; what they left out is None."""

    account_id: str | None
    name: str
    qualifier: str | None
    region: str | None = None


def parse_arn(text: str) -> Arn:
    """The six parts of an ARN; the resource keeps its colons.

    Raises:
        InvalidArgument: it has another shape.
    """
    parts = text.split(":", 5)
    if len(text) > _MAX_ARN_CHARACTERS or len(parts) != 6 or parts[0] != "arn":
        raise InvalidArgument("An ARN has the form arn:PARTITION:SERVICE:REGION:ACCOUNT:RESOURCE.")
    _, partition, service, region, account_id, resource = parts
    if not (partition and service and resource):
        raise InvalidArgument("The partition, service and resource of an ARN may not be empty.")
    if account_id and not _ACCOUNT_ID.fullmatch(account_id):
        raise InvalidArgument("The account in an ARN is twelve digits.")
    return Arn(partition=partition, service=service, region=region, account_id=account_id, resource=resource)


@lru_cache(maxsize=1024)  # those of the access points in use, which are few
def parse_access_point_arn(text: str) -> AccessPointArn:
    """An access point's ARN, written ``accesspoint/NAME`` or, as SDKs also do, ``accesspoint:NAME``.

    Raises:
        InvalidArgument: not an ARN.
        InvalidRequest: the ARN of something else.
    """
    arn = parse_arn(text)
    named = _ACCESS_POINT.fullmatch(arn.resource)
    if named is None or arn.service not in ("s3", "s3-object-lambda") or not arn.account_id:
        raise InvalidRequest(
            "The ARN of an access point has the form arn:aws:s3:REGION:ACCOUNT:accesspoint/NAME "
            "or arn:aws:s3-object-lambda:REGION:ACCOUNT:accesspoint/NAME."
        )
    return AccessPointArn(
        service=arn.service, region=arn.region, account_id=arn.account_id, name=named.group(1)
    )


# What MinIO called a function, and RustFS after it: arn:minio:s3-object-lambda::NAME:webhook.
_WEBHOOK = re.compile(
    r"arn:(?:minio|rustfs):s3-object-lambda:[a-z0-9-]*:(?P<name>[a-zA-Z0-9-_]{1,64}):webhook"
)


def parse_lambda_arn(text: str) -> FunctionReference:
    """What the query parameter ``lambdaArn`` names: MinIO's ARN of a webhook, or any name AWS knows.

    Raises:
        InvalidRequest: neither.
    """
    webhook = _WEBHOOK.fullmatch(text)
    if webhook is not None:
        return FunctionReference(account_id=None, name=webhook["name"], qualifier=None)
    return parse_function_reference(text)


def parse_function_reference(text: str) -> FunctionReference:
    """A function's name, partial ARN or ARN, with or without a version or alias behind it.

    Raises:
        InvalidRequest: it does not match the pattern of AWS's model (``function/NAME`` does not).
    """
    found = _FUNCTION.fullmatch(text) if len(text) <= _MAX_FUNCTION_CHARACTERS else None
    if found is None:
        raise InvalidRequest(
            "A function is named by its name or by arn:aws:lambda:REGION:ACCOUNT:function:NAME[:QUALIFIER]."
        )
    return FunctionReference(
        account_id=found["account"], name=found["name"], qualifier=found["qualifier"], region=found["region"]
    )
