"""Records around functions: their layers, aliases and attached documents, frozen."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from onread.wire.secret import Secret

POLICY = "policy"
EVENT_INVOKE = "event-invoke"
PROVISIONED = "provisioned-concurrency"
RECURSION = "recursion"
RUNTIME_MANAGEMENT = "runtime-management"
"""The kinds of documents that hang on a function, or on one version or alias of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionLayer:
    """A layer version as a function uses it: kept in the function, for the layer may be deleted.

    ``unzipped_bytes`` counts what the zip unpacks to.
    """

    arn: str
    code_sha256: str
    code_size_bytes: int
    unzipped_bytes: int


AWS, MINIO = "aws", "minio"
"""What a webhook speaks: AWS's event and answers, or the form that MinIO gave them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Webhook:
    """An HTTP endpoint that stands in for a function's code.

    Attributes:
        dialect: `AWS` or `MINIO`.
        authorization: the whole value of the ``Authorization`` header.
        certificate: what we show it, PEM, with ``private_key``.
    """

    url: str
    dialect: str = AWS
    authorization: Secret | None = None
    certificate: str | None = None
    private_key: Secret | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FunctionAlias:
    """A name for a version. ``weights`` maps further versions to their share of invocations, 0 to 1."""

    account_id: str
    region: str
    function_name: str
    name: str
    version: str
    revision_id: str
    description: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)

    @property
    def arn(self) -> str:
        """The qualified ARN of the function."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:function:{self.function_name}:{self.name}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A document of one kind that hangs on a function.

    Attributes:
        qualifier: the version or alias it belongs to; empty: the function itself.
        document: JSON text.
    """

    kind: str
    qualifier: str
    document: str
    revision_id: str
    modified_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class LayerVersion:
    """A published version of a layer. It never changes."""

    account_id: str
    region: str
    name: str
    number: int
    code_sha256: str
    code_size_bytes: int
    unzipped_bytes: int
    created_at: datetime
    description: str = ""
    license: str = ""
    runtimes: tuple[str, ...] = ()
    architectures: tuple[str, ...] = ()

    @property
    def layer_arn(self) -> str:
        """The ARN of the layer, without a version."""
        return f"arn:aws:lambda:{self.region}:{self.account_id}:layer:{self.name}"

    @property
    def arn(self) -> str:
        """The ARN of this version."""
        return f"{self.layer_arn}:{self.number}"
