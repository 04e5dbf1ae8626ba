"""What is known of a request at each stage, frozen: one type a stage.

`dispatch` accepts only an `AuthorizedCall`, and only `authorize` makes one: to forget a check is a
type error.
"""

from collections.abc import Callable, Mapping
from typing import Any

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


@frozen(kw_only=True)
class AuthorizedCall:
    """Every policy on the way agreed. Made by ``authorize`` alone.

    Attributes:
        may_delete: whether the caller may delete this key (and version), for batch deletes.
        may_list: whether the caller may list, which decides between 404 and 403 for a missing key.
        may_read_tags: whether the caller may know of the object's tags.
        may_copy_tags: whether the caller may copy a source's tags.
        require_tags: asks about the tags in a document; raises AccessDenied.
        recheck: asks everything once more, by the policies as they are now; raises what ``authorize`` does.
        may_read_input: whether the caller may read the original of a transformed object.
        require_named: asks about what the document of a service's operation names, its head included;
            raises AccessDenied.
    """

    resolved: ResolvedCall
    may_delete: Callable[[str, str | None], bool]
    may_list: Callable[[], bool]
    may_read_tags: Callable[[], bool]
    may_copy_tags: Callable[[], bool]
    require_tags: Callable[[Mapping[str, Any]], None]
    require_named: Callable[[Mapping[str, Any]], None]
    recheck: Callable[[], None]
    may_read_input: Callable[[], bool]

    @property
    def routed(self) -> RoutedCall:
        """The call as it was routed."""
        return self.resolved.known.routed

    @property
    def principal(self) -> Principal:
        """Who asks."""
        return self.resolved.known.principal
