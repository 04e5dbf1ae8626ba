"""Which operation a request is: its head against the service models.

Owns the choice of the operation and the reading of path labels. The operation chosen here is the one
that is authorised and the one that is performed: nothing later looks at the method or the query again.
"""

from collections.abc import Mapping
from dataclasses import field

from onread.errors import InvalidAction, MethodNotAllowed, ValidationError
from onread.protocol.form import read_form
from onread.protocol.model import Operation, Service, Services
from onread.protocol.query_string import read_query
from onread.protocol.route_object import route_object
from onread.protocol.route_path import route_path
from onread.wire.frozen import frozen
from onread.wire.message import Headers


@frozen()
class Routed:
    """The operation and the labels of its path, decoded: ``{"Key": "a b"}``."""

    operation: Operation
    path_params: Mapping[str, str] = field(default_factory=dict)


def route(
    services: Services,
    service: str,
    *,
    method: str,
    path: str,
    query: str,
    headers: Headers,
    bucket: bool = False,
    form: bytes | None = None,
) -> Routed:
    """Find the operation that a request names.

    Args:
        services: every service model.
        service: ``s3``, ``s3control``, ``lambda``, ``iam``, ``sts`` or ``onread``.
        method: the HTTP method.
        path: the path, percent-encoded; what follows the bucket when ``bucket`` is true.
        query: the query string as received.
        headers: the request's headers.
        bucket: a bucket was named by host or path, so ``/`` is the bucket and ``/key`` an object.
        form: the body, for IAM and STS, where it names the action.

    Raises:
        MethodNotAllowed: the resource has no such operation.
        InvalidArgument: sub-resources contradict each other.
        InvalidURI, KeyTooLongError: the path cannot be read.
        ResourceNotFoundException: the Lambda API has no such path.
        InvalidAction: IAM or STS has no such action.
    """
    model = services.service(service)
    if model.protocol == "query":
        return Routed(_action(model, method, form or b""))
    if bucket:
        return Routed(*route_object(model, method, path, read_query(query), headers))
    return Routed(*route_path(model, method, path, read_query(query)))


def _action(service: Service, method: str, form: bytes) -> Operation:
    if method != "POST":
        raise MethodNotAllowed("Send the action as a form by POST.")
    fields = read_form(form)
    if "Action" not in fields:
        raise ValidationError("The form must name an Action.")
    action, version = fields["Action"], fields.get("Version", service.api_version)
    operation = service.operations.get(action)
    if operation is None or version != service.api_version:
        raise InvalidAction(f"Could not find operation {action[:80]} for version {version[:20]}")
    return operation
