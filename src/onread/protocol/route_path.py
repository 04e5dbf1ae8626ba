"""Routing by the path alone: s3control, the Lambda API, our own operations, and S3 without a bucket.

Templates with more literal segments are tried first, for a literal ending must win over a greedy label:
``/mrap/instances/{name+}/policy`` before ``/mrap/instances/{name+}``.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from onread.errors import InvalidURI, MethodNotAllowed, ResourceNotFoundException, ServiceError
from onread.protocol.model import Operation, Service
from onread.protocol.query_string import Query, decode_text

_LABEL = re.compile(r"\{([^}+]+)(\+?)\}")


@dataclass(frozen=True, slots=True)
class _Template:
    pattern: re.Pattern[str]
    labels: tuple[str, ...]
    operation: Operation


def route_path(service: Service, method: str, path: str, query: Query) -> tuple[Operation, dict[str, str]]:
    """The operation whose path template fits, and its labels by member name, decoded.

    Raises:
        MethodNotAllowed: the path exists, not with this method.
        InvalidURI, ResourceNotFoundException: no operation has such a path.
    """
    # Older clients end a collection's path with a slash.
    path = path[:-1] if len(path) > 1 and path.endswith("/") else path
    allowed: set[str] = set()
    for template in _templates(service):
        found = template.pattern.fullmatch(path)
        if found is None:
            continue
        if template.operation.method == method and _has_literals(template.operation, query):
            values = (decode_text(value) for value in found.groups())
            return template.operation, dict(zip(template.labels, values, strict=True))
        allowed.add(template.operation.method)
    if allowed:
        raise MethodNotAllowed(Method=method[:20], ResourceType="SERVICE")
    raise _unknown_path(service)


@lru_cache(maxsize=16)
def _templates(service: Service) -> tuple[_Template, ...]:
    without_bucket = [
        operation
        for operation in service.operations.values()
        if not operation.uri.startswith("/{Bucket}") and not operation.patch.get("unrouted")
    ]
    return tuple(_template(operation) for operation in sorted(without_bucket, key=_literal_first))


def _literal_first(operation: Operation) -> tuple[int, int, str]:
    literal_text = _LABEL.sub("", operation.uri)
    return -literal_text.count("/"), -len(literal_text), "" if operation.literals else operation.name


def _template(operation: Operation) -> _Template:
    pattern, labels, end = "", [], 0
    names = _member_names(operation)
    for label in _LABEL.finditer(operation.uri):
        pattern += re.escape(operation.uri[end : label.start()]) + ("(.+)" if label[2] else "([^/]+)")
        labels.append(names[label[1]])
        end = label.end()
    return _Template(re.compile(pattern + re.escape(operation.uri[end:])), tuple(labels), operation)


def _member_names(operation: Operation) -> dict[str, str]:
    members = operation.input.members.values() if operation.input else ()
    return {member.wire_name: member.name for member in members if member.location == "uri"}


def _has_literals(operation: Operation, query: Query) -> bool:
    return all(value in query.get_all(name) for name, value in operation.literals.items())


def _unknown_path(service: Service) -> ServiceError:
    if service.protocol == "rest-json":
        return ResourceNotFoundException("The service has no operation with this path.")
    return InvalidURI("The service has no operation with this path.")
