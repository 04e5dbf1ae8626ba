"""What is known of a request at each stage, frozen: one type a stage.

`dispatch` accepts only an `AuthorizedCall`, and only `authorize` makes one: to forget a check is a
type error.
"""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from onread.addressing.address import Address
from onread.addressing.arn import FunctionReference
from onread.errors import ValidationError
from onread.metadata.records import (
    DEFAULT_SETTINGS,
    AccessPoint,
    ListSizes,
    ObjectLambdaAccessPoint,
    ObjectLambdaSettings,
    RangeHandling,
)
from onread.objectlambda.configuration import ObjectLambdaConfiguration, TransformationConfiguration
from onread.policy.principal import Principal
from onread.protocol.model import Operation
from onread.sigv4.verify import ClaimedSignature, VerifiedSignature
from onread.wire.frozen import frozen
from onread.wire.message import Request


@frozen(kw_only=True)
class RoutedCall:
    """The address and the operation are known, nobody has been asked who they are.

    ``params`` holds the head's members by AWS's name: path, query and headers, not the document.
    ``document`` is the body when it had to be read to know the operation or to verify the signature.
    ``unreadable`` is set for a WriteGetObjectResponse whose members cannot be read: its waiting caller
    must be told, so it goes on to the one who knows that caller.
    """

    request_id: str
    request: Request
    address: Address
    operation: Operation
    params: Mapping[str, Any]
    document: bytes | None = None
    unreadable: ValidationError | None = None


@frozen(kw_only=True)
class AuthenticatedCall:
    """Who asks is known. ``claim`` and ``verified`` are None for an anonymous caller."""

    routed: RoutedCall
    principal: Principal
    claim: ClaimedSignature | None = None
    verified: VerifiedSignature | None = None


@frozen()
class ServiceTarget:
    """A service's own operations: nothing to look up."""

    account_id: str


@frozen()
class BucketTarget:
    """A bucket, addressed directly."""

    bucket: str


@frozen()
class BucketFunctionTarget:
    """A bucket whose object is to be read through the function that the request itself names."""

    bucket: str
    function: FunctionReference


@frozen()
class AccessPointTarget:
    """A standard access point."""

    access_point: AccessPoint


@frozen()
class ObjectLambdaTarget:
    """An Object Lambda access point, its configuration and the access point that supports it."""

    access_point: ObjectLambdaAccessPoint
    configuration: ObjectLambdaConfiguration
    supporting: AccessPoint
    settings: ObjectLambdaSettings = DEFAULT_SETTINGS

    def transformation_for(self, operation: str) -> TransformationConfiguration | None:
        """What transforms this operation; None: it passes through. A sliced HEAD asks the GET's."""
        asked = "GetObject" if self.is_sliced(operation) else operation
        return self.configuration.transformation_for(asked)

    def is_sliced(self, operation: str) -> bool:
        """Whether the kept result of a transformed GET answers this operation."""
        return (
            self.settings.range_handling is RangeHandling.SLICE
            and operation in ("GetObject", "HeadObject")
            and self.configuration.transformation_for("GetObject") is not None
        )

    def lists_results(self, operation: str) -> bool:
        """Whether this operation lists the bucket with the sizes of the kept results."""
        return (
            self.settings.list_sizes is ListSizes.TRANSFORMED
            and operation in ("ListObjects", "ListObjectsV2")
            and self.is_sliced("GetObject")
            and self.configuration.transformation_for(operation) is None
        )


@frozen()
class WriteTarget:
    """WriteGetObjectResponse; ``route`` is the host's label, None when the prefix was off."""

    route: str | None


Target = (
    ServiceTarget | BucketTarget | AccessPointTarget | ObjectLambdaTarget | BucketFunctionTarget | WriteTarget
)


@frozen(kw_only=True)
class ResolvedCall:
    """Names have become records."""

    known: AuthenticatedCall
    target: Target


def is_object_lambda(call: ResolvedCall) -> bool:
    """Whether Object Lambda itself answers: a transformed read, or a function's write."""
    if isinstance(call.target, ObjectLambdaTarget):
        return call.target.transformation_for(call.known.routed.operation.name) is not None
    return isinstance(call.target, WriteTarget | BucketFunctionTarget)


class Rights(Protocol):
    """What is asked of an allowed call on its way: each question goes to every policy on the way.

    Those about keys may have to wait for what a store says of an object's tags, and raise what
    ``authorize`` raises when it does not answer.
    """

    async def may_delete(self, items: Iterable[Mapping[str, Any]]) -> list[bool]:
        """Whether the caller may delete each of a batch: ``Key``, ``VersionId`` and ``ETag`` of each."""
        ...

    async def may_read_result(self, key: str) -> bool:
        """Whether the Object Lambda access point that is listed lets the caller read what comes of a key."""
        ...

    def may_list(self) -> bool:
        """Whether the caller may list, which decides between 404 and 403 for a missing key."""
        ...

    async def may_read_tags(self) -> bool:
        """Whether the caller may know of the object's tags."""
        ...

    async def may_copy_tags(self) -> bool:
        """Whether the caller may read the tags of a copy's source and set the target's."""
        ...

    async def may_read_input(self) -> bool:
        """Whether the caller may read the original of a transformed object, and know that one is missing."""
        ...

    async def may_read_object(self, bucket: str, key: str, version_id: str | None) -> bool:
        """Whether the caller may read one more object, wherever the request itself leads to."""
        ...

    async def require_tags(self, params: Mapping[str, Any]) -> None:
        """Ask about the tags in a document; raises AccessDenied."""

    def require_named(self, params: Mapping[str, Any]) -> None:
        """Ask about what the document of a service's operation names, its head included.

        Raises:
            AccessDenied: it is not allowed.
        """

    async def recheck(self) -> None:
        """Ask everything once more, by the policies as they are now; raises what ``authorize`` does."""


@frozen(kw_only=True)
class AuthorizedCall:
    """Every policy on the way agreed. Made by ``authorize`` alone."""

    resolved: ResolvedCall
    rights: Rights

    @property
    def routed(self) -> RoutedCall:
        """The call as it was routed."""
        return self.resolved.known.routed

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.resolved.known.principal
