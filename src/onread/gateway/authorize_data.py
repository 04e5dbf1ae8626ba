"""May they read and write: objects and buckets, directly or through a standard access point."""

from onread.errors import AccessDenied
from onread.gateway.asker import Asker
from onread.gateway.attached_policies import Place
from onread.gateway.call import ResolvedCall
from onread.metadata.records import AccessPoint
from onread.objectlambda.event import parameters
from onread.objectlambda.input_url import check_input_grant
from onread.policy.actions import further_actions, required_action, source_reads
from onread.policy.principal import PrincipalKind


def check_data(call: ResolvedCall, asker: Asker, place: Place) -> None:
    """Ask for every action that the operation needs on the key, or on the place itself.

    Raises:
        AccessDenied: one of them is not allowed.
    """
    operation, params = call.known.routed.operation, call.known.routed.params
    key = params.get("Key")
    resource = place.arn if key is None else place.object_arn(key)
    if operation.name == "DeleteObjects":  # asked key by key, when the document has been read
        if asker.principal.kind is PrincipalKind.ANONYMOUS:
            raise AccessDenied
    else:
        attached = place.attached_at(key)
        for action in (
            required_action("s3", operation.name, params),
            *further_actions(operation.name, params),
        ):
            asker.require(action, resource, attached, extra=place.conditions)
    for action, source in source_reads(operation.name, params):
        asker.require(action, source)


def check_grant(call: ResolvedCall, access_point: AccessPoint) -> None:
    """An ``inputS3Url`` reads what it was made for; other callers pass.

    Raises:
        AccessDenied: it was made for something else.
    """
    routed = call.known.routed
    check_input_grant(
        call.known.principal,
        method=routed.request.method,
        access_point_arn=access_point.arn,
        key=routed.params.get("Key"),
        version_id=routed.params.get("VersionId"),
        query=parameters(routed.request.query),
    )


def may_delete(asker: Asker, place: Place, key: str, version_id: str | None) -> bool:
    """Whether the caller may delete one key of a batch."""
    action = "s3:DeleteObjectVersion" if version_id is not None else "s3:DeleteObject"
    return asker.allows(action, place.object_arn(key), place.attached_at(key), place.conditions)


def may_list(asker: Asker, place: Place) -> bool:
    """Whether the caller may list, which decides between 404 and 403 for a missing key."""
    return asker.allows("s3:ListBucket", place.arn, place.attached, place.conditions)
