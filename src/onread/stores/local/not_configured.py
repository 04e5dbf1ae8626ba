"""The settings that a bucket of this store cannot have: each answers as AWS does for one without it.

Infrastructure tools read them all to compare; to set one is refused by name elsewhere, and to remove
what is not there is no error.

Source: Amazon S3 API Reference, the operations of these names and "Error responses".
"""

from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from onread.errors import (
    InvalidRequest,
    MetadataConfigurationNotFound,
    NoSuchConfiguration,
    NoSuchLifecycleConfiguration,
    NoSuchWebsiteConfiguration,
    ObjectLockConfigurationNotFoundError,
    ReplicationConfigurationNotFoundError,
    S3Error,
)
from onread.stores.local.engine import Engine, Operation
from onread.stores.local.settings import require_bucket_now
from onread.stores.store import StoreCall
from onread.wire.output import Output

_ENCRYPTION = {
    "Rules": [
        {
            "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
            "BucketKeyEnabled": False,
        }
    ]
}
_LAST_PAGE = {"IsTruncated": False}

# What AWS answers with a document.
_ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "GetBucketAbac": {"AbacStatus": {"Status": "Disabled"}},
    "GetBucketAccelerateConfiguration": {},
    # "All Amazon S3 buckets have encryption configured by default", so AWS has no other answer.
    "GetBucketEncryption": {"ServerSideEncryptionConfiguration": _ENCRYPTION},
    "GetBucketLogging": {},
    "GetBucketNotificationConfiguration": {},
    "GetBucketRequestPayment": {"Payer": "BucketOwner"},
    "GetBucketVersioning": {},
    "ListBucketAnalyticsConfigurations": _LAST_PAGE,
    "ListBucketIntelligentTieringConfigurations": _LAST_PAGE,
    "ListBucketInventoryConfigurations": _LAST_PAGE,
    "ListBucketMetricsConfigurations": _LAST_PAGE,
}
_REFUSALS: Mapping[str, type[S3Error]] = {
    "DeleteBucketAnalyticsConfiguration": NoSuchConfiguration,
    "DeleteBucketIntelligentTieringConfiguration": NoSuchConfiguration,
    "DeleteBucketInventoryConfiguration": NoSuchConfiguration,
    "DeleteBucketMetricsConfiguration": NoSuchConfiguration,
    "GetBucketAnalyticsConfiguration": NoSuchConfiguration,
    "GetBucketIntelligentTieringConfiguration": NoSuchConfiguration,
    "GetBucketInventoryConfiguration": NoSuchConfiguration,
    "GetBucketLifecycleConfiguration": NoSuchLifecycleConfiguration,
    "GetBucketMetadataConfiguration": MetadataConfigurationNotFound,
    "GetBucketMetadataTableConfiguration": MetadataConfigurationNotFound,
    "GetBucketMetricsConfiguration": NoSuchConfiguration,
    "GetBucketReplication": ReplicationConfigurationNotFoundError,
    "GetBucketWebsite": NoSuchWebsiteConfiguration,
    "GetObjectLockConfiguration": ObjectLockConfigurationNotFoundError,
}
_NOTHING_TO_DELETE = (
    "DeleteBucketEncryption",
    "DeleteBucketLifecycle",
    "DeleteBucketReplication",
    "DeleteBucketWebsite",
)


def _answers(members: Mapping[str, Any]) -> Operation:
    async def answer(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
        require_bucket_now(engine, call.bucket)
        return Output(members=members)

    return answer


def _refuses(refusal: type[S3Error]) -> Operation:
    async def refuse(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
        require_bucket_now(engine, call.bucket)
        raise refusal(BucketName=call.bucket)

    return refuse


async def refuse_lock(engine: Engine, call: StoreCall, scope: AsyncExitStack) -> Output:
    """No bucket here has Object Lock."""
    require_bucket_now(engine, call.bucket)
    raise InvalidRequest("Bucket is missing Object Lock Configuration")


OPERATIONS: dict[str, Operation] = {
    **{name: _answers(members) for name, members in _ANSWERS.items()},
    **{name: _refuses(refusal) for name, refusal in _REFUSALS.items()},
    **{name: _answers({}) for name in _NOTHING_TO_DELETE},
    "GetObjectLegalHold": refuse_lock,
    "GetObjectRetention": refuse_lock,
    "PutObjectLegalHold": refuse_lock,
    "PutObjectRetention": refuse_lock,
}
