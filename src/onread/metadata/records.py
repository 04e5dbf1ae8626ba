"""The control records, frozen. Policies and configurations are kept as the text their owner gave."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from onread.metadata.function_records import FunctionLayer, Webhook
from onread.wire.secret import Secret

__all__ = [
    "DEFAULT_SETTINGS",
    "LATEST",
    "AccessKey",
    "AccessPoint",
    "Function",
    "ListSizes",
    "ObjectLambdaAccessPoint",
    "ObjectLambdaSettings",
    "RangeHandling",
    "Secret",
    "User",
]

LATEST = "$LATEST"
"""The version of a function that can be changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    """An IAM user. ``policies`` maps inline policy names to their JSON text.

    ``attached`` holds the ARNs of managed policies, ``boundary`` that of the permissions boundary.
    """

    account_id: str
    name: str
    path: str
    user_id: str
    created_at: datetime
    policies: Mapping[str, str] = field(default_factory=dict)
    attached: tuple[str, ...] = ()
    boundary: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:iam::{self.account_id}:user{self.path}{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessKey:
    """An access key of a user, or of the account's root when ``user_name`` is None."""

    access_key_id: str
    secret: Secret
    account_id: str
    user_name: str | None
    active: bool
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessPoint:
    """A standard access point: one bucket, a policy of its own."""

    account_id: str
    region: str
    name: str
    bucket: str
    alias: str
    created_at: datetime
    policy: str | None = None
    public_access_block: Mapping[str, bool] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        return f"arn:aws:s3:{self.region}:{self.account_id}:accesspoint/{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLambdaAccessPoint:
    """An Object Lambda access point. ``configuration`` is JSON text of AWS's structure."""

    account_id: str
    region: str
    name: str
    alias: str
    created_at: datetime
    configuration: str
    policy: str | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:s3-object-lambda:{self.region}:{self.account_id}:accesspoint/{self.name}"


class RangeHandling(StrEnum):
    """Who answers ``Range`` and ``partNumber`` of a transformed object."""

    AWS = "aws"
    """Nobody (501), unless ``AllowedFeatures`` leave it to the function."""
    FUNCTION = "function"
    """The function, as if ``AllowedFeatures`` named everything."""
    SLICE = "slice"
    """The gateway, from the kept result of one transformation."""


class ListSizes(StrEnum):
    """Whose sizes the lists of a bucket show."""

    ORIGINAL = "original"
    """The originals', as AWS has it."""
    TRANSFORMED = "transformed"
    """Those of what HEAD and GET answer: slices only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectLambdaSettings:
    """What can be set of an Object Lambda access point and AWS's model has no field for.

    Attributes:
        anonymous: whether readers without a name may read what the function makes.
        list_sizes: ``TRANSFORMED`` only together with slices.
    """

    range_handling: RangeHandling = RangeHandling.AWS
    anonymous: bool = False
    list_sizes: ListSizes = ListSizes.ORIGINAL


DEFAULT_SETTINGS = ObjectLambdaSettings()
"""Of an access point for which nothing was ever set."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Function:
    """A Lambda function at one version.

    Attributes:
        version: ``$LATEST``, or the number of a published version, whose code and configuration never change.
        code_sha256: hexadecimal; names the zip in the code store.
        unzipped_bytes: what the zip unpacks to; 0 when it was kept before this was counted.
        further: members that AWS's tools read back and that change nothing here, by AWS's name.
        warm_environments, min_environments: onread's own: how many environments may run at once, and how
            many are kept while nobody asks.
        reserved_concurrency: how many invocations of all versions may be open at once; None: not limited.
        webhook: what is called instead of running the code.
        last_version: the number of the version published last, which may have been deleted.
    """

    account_id: str
    region: str
    name: str
    runtime: str
    handler: str
    role: str
    code_sha256: str
    code_size_bytes: int
    modified_at: datetime
    revision_id: str
    version: str = LATEST
    description: str = ""
    timeout_seconds: int = 3
    memory_mb: int = 128
    ephemeral_storage_mb: int = 512
    unzipped_bytes: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)
    layers: tuple[FunctionLayer, ...] = ()
    further: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    warm_environments: int = 2
    min_environments: int = 0
    reserved_concurrency: int | None = None
    last_version: int = 0
    state_reason: str | None = None
    webhook: Webhook | None = None

    @property
    def arn(self) -> str:
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.name}"

    @property
    def qualified_arn(self) -> str:
        return f"{self.arn}:{self.version}"
