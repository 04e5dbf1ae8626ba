"""Who may reach a bucket: its policy, its public access block, its CORS rules, its ownership controls.

Source: Amazon S3 API Reference, the operations of these names and their "Errors".
"""

from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import (
    MalformedXML,
    NoSuchBucketPolicy,
    NoSuchCORSConfiguration,
    NoSuchPublicAccessBlockConfiguration,
    OwnershipControlsNotFoundError,
)
from onread.policy.public import is_public
from onread.stores.access_settings import (
    read_bucket_policy,
    read_cors_rules,
    read_public_access_block,
    refuse_public,
)
from onread.stores.bucket_settings import PUBLIC_ACCESS_BLOCK
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.index import Transaction
from onread.stores.local.settings import deletion, require, require_bucket_now, write
from onread.stores.local.settings_rows import find_setting, put_setting
from onread.stores.store import StoreCall
from onread.stores.tags import MOST_BUCKET_TAGS, read_tag_set
from onread.wire.output import Output

OWNERSHIPS = ("BucketOwnerEnforced", "BucketOwnerPreferred", "ObjectWriter")


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
    require_bucket_now(engine, call.bucket)
    text = read_bucket_policy(call.params, call.bucket)

    def change(transaction: Transaction) -> None:
        refuse_public(text, find_setting(transaction.connection, call.bucket, "public_access_block") or {})
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
    return await write(engine, call.bucket, "public_access_block", read_public_access_block(call.params))


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
    return await write(engine, call.bucket, "cors", read_cors_rules(call.params))


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
