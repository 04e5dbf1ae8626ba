"""Who may reach a bucket: its policy, its public access block, its CORS rules, its ownership controls.

Source: Amazon S3 API Reference, the operations of these names and their "Errors".
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import (
    AccessDenied,
    InvalidRequest,
    MalformedXML,
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    OwnershipControlsNotFoundError,
)
from onread.policy.bucket_policy import check_bucket_policy
from onread.policy.public import is_public
from onread.stores.bucket_settings import PUBLIC_ACCESS_BLOCK
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.index import Transaction
from onread.stores.local.settings import deletion, require, require_bucket_now, write
from onread.stores.local.settings_rows import find_setting, put_setting
from onread.stores.store import StoreCall
from onread.stores.tags import MOST_BUCKET_TAGS, read_tag_set
from onread.wire.cors import METHODS
from onread.wire.output import Output

MOST_CORS_RULES = 100
OWNERSHIPS = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")
_LONGEST_ID = 255


def new_bucket_settings(params: Mapping[str, Any]) -> dict[str, Any]:
    """What a new bucket has: AWS's defaults since April 2023, and what CreateBucket says.

    Raises:
        MalformedXML, InvalidTag, BadRequest: it says what cannot be.
    """
    ownership = params.get("ObjectOwnership") or OWNERSHIPS[0]
    if ownership not in OWNERSHIPS:
        raise MalformedXML
    tags = (params.get("CreateBucketConfiguration") or {}).get("Tags") or ()
    return {
        "public_access_block": dict.fromkeys(PUBLIC_ACCESS_BLOCK, True),
        "ownership": ownership,
        "tags": read_tag_set(tags, MOST_BUCKET_TAGS) if tags else None,
    }


async def put_bucket_policy(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The bucket has this policy.

    Raises:
        MalformedPolicy: it is none, or not about this bucket.
        AccessDenied: it is public and ``BlockPublicPolicy`` is on.
    """
    text = call.params.get("Policy") or ""
    require_bucket_now(engine, call.bucket)
    check_bucket_policy(text, call.bucket)
    public = is_public(text)

    def change(transaction: Transaction) -> None:
        blocks = find_setting(transaction.connection, call.bucket, "public_access_block") or {}
        if public and blocks.get("BlockPublicPolicy"):
            raise AccessDenied(
                "This policy is public, and BlockPublicPolicy is on for the bucket: name principals, or "
                "change its public access block first."
            )
        put_setting(transaction, call.bucket, "policy", text)

    await engine.index.write(change)
    return Output()


async def get_bucket_policy(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The policy, as it was put."""
    return Output(members={"Policy": require(engine, call.bucket, "policy", NoSuchBucketPolicy)})


async def get_bucket_policy_status(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """Whether the policy lets everyone do something."""
    policy = require(engine, call.bucket, "policy", NoSuchBucketPolicy)
    return Output(members={"PolicyStatus": {"IsPublic": is_public(policy)}})


async def put_public_access_block(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The four switches; what is not named is off."""
    given = call.params.get("PublicAccessBlockConfiguration") or {}
    switches = {name: bool(given.get(name)) for name in PUBLIC_ACCESS_BLOCK}
    return await write(engine, call.bucket, "public_access_block", switches)


async def get_public_access_block(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The four switches."""
    found = require(engine, call.bucket, "public_access_block", NoSuchPublicAccessBlockConfiguration)
    return Output(members={"PublicAccessBlockConfiguration": found})


async def put_bucket_cors(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The rules by which browsers of other origins may read and write.

    Raises:
        MalformedXML: no rule, or more than 100.
        InvalidRequest: a rule holds what S3 does not take; the message names it.
    """
    rules = (call.params.get("CORSConfiguration") or {}).get("CORSRules") or ()
    if not 1 <= len(rules) <= MOST_CORS_RULES:
        raise MalformedXML
    for rule in rules:
        _check_cors_rule(rule)
    return await write(engine, call.bucket, "cors", rules)


def _check_cors_rule(rule: Mapping[str, Any]) -> None:
    if (
        len(rule.get("ID", "")) > _LONGEST_ID
        or not rule.get("AllowedOrigins")
        or not rule.get("AllowedMethods")
    ):
        raise MalformedXML
    for method in rule["AllowedMethods"]:
        if method not in METHODS:
            raise InvalidRequest(
                f"Found unsupported HTTP method in CORS config. Unsupported method is {method[:40]}"
            )
    for element in ("AllowedOrigins", "AllowedHeaders", "ExposeHeaders"):
        for value in rule.get(element, ()):
            _check_cors_value(element.removesuffix("s"), value)
    if rule.get("MaxAgeSeconds", 0) < 0:
        raise InvalidRequest("MaxAgeSeconds cannot be negative.")


def _check_cors_value(element: str, value: str) -> None:
    """Every value may become a header of an answer, whole."""
    if not value or not value.isascii() or not value.isprintable():
        raise InvalidRequest(f"{element} must hold printable ASCII characters.")
    if element == "ExposeHeader" and "*" in value:
        raise InvalidRequest(
            f'ExposeHeader "{value}" contains wildcard. We currently do not support wildcard for '
            "ExposeHeader."
        )
    if value.count("*") > 1:
        raise InvalidRequest(f'{element} "{value}" can not have more than one wildcard.')


async def get_bucket_cors(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The rules, as they were put."""
    return Output(members={"CORSRules": require(engine, call.bucket, "cors", NoSuchCORSConfiguration)})


async def put_bucket_ownership_controls(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """Who owns what others write. All objects here belong to the bucket's account, whatever is set."""
    rules: Sequence[Mapping[str, str]] = (call.params.get("OwnershipControls") or {}).get("Rules") or ()
    if len(rules) != 1 or rules[0].get("ObjectOwnership") not in OWNERSHIPS:
        raise MalformedXML
    return await write(engine, call.bucket, "ownership", rules[0]["ObjectOwnership"])


async def get_bucket_ownership_controls(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """The one rule."""
    found = require(engine, call.bucket, "ownership", OwnershipControlsNotFoundError)
    return Output(members={"OwnershipControls": {"Rules": [{"ObjectOwnership": found}]}})


OPERATIONS: dict[str, Operation] = {
    "DeleteBucketCors": deletion("cors"),
    "DeleteBucketOwnershipControls": deletion("ownership"),
    "DeleteBucketPolicy": deletion("policy"),
    "DeletePublicAccessBlock": deletion("public_access_block"),
    "GetBucketCors": get_bucket_cors,
    "GetBucketOwnershipControls": get_bucket_ownership_controls,
    "GetBucketPolicy": get_bucket_policy,
    "GetBucketPolicyStatus": get_bucket_policy_status,
    "GetPublicAccessBlock": get_public_access_block,
    "PutBucketCors": put_bucket_cors,
    "PutBucketOwnershipControls": put_bucket_ownership_controls,
    "PutBucketPolicy": put_bucket_policy,
    "PutPublicAccessBlock": put_public_access_block,
}
