"""Routing of requests for a bucket or an object: method, sub-resource, required parameters.

The 116 operations of S3 share a dozen pairs of method and path. Sub-resources (``?acl``, whatever
their value) tell most of them apart, required query parameters (``uploadId``) and headers
(``x-amz-copy-source``) the rest.

Whatever could select another operation, and does not belong to the one chosen, is refused: so the
operation that is authorised is the one that is performed, however a request mixes them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache

from onread.errors import InvalidArgument, KeyTooLongError, MethodNotAllowed
from onread.protocol.model import Operation, Service
from onread.protocol.query_string import Query, decode_text
from onread.wire.message import Headers

_BUCKET = "/{Bucket}"
_OBJECT = "/{Bucket}/{Key+}"
_LONGEST_KEY_BYTES = 1_024
_VERSION = "versionId"
_NO_VERSION = "This operation does not accept a version-id."


@dataclass(frozen=True, slots=True)
class _Candidate:
    """An operation and what a request must carry besides the sub-resource to be it."""

    operation: Operation
    literals: Mapping[str, str]
    parameters: frozenset[str]
    headers: frozenset[str]
    known: frozenset[str]

    @property
    def demands(self) -> int:
        return len(self.literals) + len(self.parameters) + len(self.headers)

    def fits(self, query: Query, headers: Headers) -> bool:
        return (
            self.parameters <= query.names()
            and self.headers <= headers.names()
            and (not self.literals or all(v in query.get_all(name) for name, v in self.literals.items()))
        )


@dataclass(frozen=True, slots=True)
class _Table:
    """The operations of buckets, or of objects.

    ``selectors`` are the parameters that could select an operation, ``strict`` those of which some values
    are refused; ``by_flag`` has the candidates of a method and sub-resource, the most demanding first.
    """

    resource_type: str
    flags: frozenset[str]
    selectors: frozenset[str]
    strict: frozenset[str]
    by_flag: Mapping[tuple[str, str], tuple[_Candidate, ...]]


def route_object(
    service: Service, method: str, path: str, query: Query, headers: Headers
) -> tuple[Operation, dict[str, str]]:
    """The operation on a bucket (``/``) or on an object (``/key``), and the key, decoded.

    Raises:
        MethodNotAllowed: there is no such operation.
        InvalidArgument: parameters that select different operations, or a version where none can be asked
            for: a store that reads it all the same would do what no policy was asked about.
        InvalidURI, KeyTooLongError: the key cannot be read.
    """
    if path in ("", "/"):
        return _choose(_table(service, _BUCKET), method, query, headers), {}
    key = _decode_key(path[1:])
    return _choose(_table(service, _OBJECT), method, query, headers), {"Key": key}


def _decode_key(encoded: str) -> str:
    key = decode_text(encoded)
    size_bytes = len(key.encode())
    if size_bytes > _LONGEST_KEY_BYTES:
        raise KeyTooLongError(Size=str(size_bytes), MaxSizeAllowed=str(_LONGEST_KEY_BYTES))
    return key


def _choose(table: _Table, method: str, query: Query, headers: Headers) -> Operation:
    named = table.selectors.intersection(query.names())
    flag = _one_flag(named & table.flags) if named else ""
    candidates = table.by_flag.get((method, flag), ())
    if not candidates:
        raise MethodNotAllowed(Method=method[:20], ResourceType=flag.upper() or table.resource_type)
    chosen = next((one for one in candidates if one.fits(query, headers)), candidates[-1])
    if not flag and chosen.parameters and not chosen.fits(query, headers):
        raise MethodNotAllowed(Method=method[:20], ResourceType=table.resource_type)
    if not named <= chosen.known:
        raise _conflict(next(name for name in query.names() if name in named - chosen.known), flag)
    if _VERSION in query and _VERSION not in chosen.known:
        version_id = query.get_all(_VERSION)[0][:200]
        raise InvalidArgument(_NO_VERSION, ArgumentName=_VERSION, ArgumentValue=version_id)
    if not table.strict.isdisjoint(query.names()):
        _check_literals(candidates, chosen, query)
    return chosen.operation


def _one_flag(flags: Iterable[str]) -> str:
    """The sub-resource, or an empty string."""
    first, *others = sorted(flags) or [""]
    if others:
        raise InvalidArgument(
            f"Conflicting query string parameters: {', '.join([first, *others])}",
            ArgumentName="ResourceType",
            ArgumentValue=first,
        )
    return first


def _conflict(name: str, flag: str) -> InvalidArgument:
    place = f"together with {flag}" if flag else "by this operation"
    return InvalidArgument(
        f"The query string parameter {name} is not accepted {place}.",
        ArgumentName="ResourceType",
        ArgumentValue=name,
    )


def _check_literals(candidates: Iterable[_Candidate], chosen: _Candidate, query: Query) -> None:
    """``list-type=3`` is no version of ListObjects."""
    for candidate in candidates:
        message = candidate.operation.patch.get("literal_refusal")
        if message is None or candidate is chosen:
            continue
        for name in candidate.literals:
            if name in query:
                raise InvalidArgument(
                    message, ArgumentName=name, ArgumentValue=", ".join(query.get_all(name))[:100]
                )


@lru_cache(maxsize=16)
def _table(service: Service, uri: str) -> _Table:
    operations = [
        operation
        for operation in service.operations.values()
        if operation.uri == uri and not operation.patch.get("unrouted")
    ]
    by_flag: dict[tuple[str, str], list[_Candidate]] = {}
    for operation in operations:
        by_flag.setdefault((operation.method, _flag_of(operation)), []).append(_candidate(operation))
    flags = frozenset(_flag_of(operation) for operation in operations) - {""}
    plain = (one for (_, flag), several in by_flag.items() if not flag for one in several)
    return _Table(
        resource_type="BUCKET" if uri == _BUCKET else "OBJECT",
        flags=flags,
        selectors=flags.union(*(one.parameters for one in plain)),
        strict=frozenset(
            name
            for several in by_flag.values()
            for one in several
            for name in one.literals
            if one.operation.patch.get("literal_refusal") is not None
        ),
        by_flag={
            place: tuple(sorted(several, key=lambda one: -one.demands)) for place, several in by_flag.items()
        },
    )


def _flag_of(operation: Operation) -> str:
    return next((name for name, value in operation.literals.items() if not value), "")


def _candidate(operation: Operation) -> _Candidate:
    assert operation.input is not None  # every operation on a bucket has at least the bucket
    members = operation.input.members.values()
    required = [member for member in members if member.name in operation.input.required]
    return _Candidate(
        operation=operation,
        literals={name: value for name, value in operation.literals.items() if value},
        parameters=frozenset(one.wire_name for one in required if one.location == "querystring"),
        headers=frozenset(one.wire_name.lower() for one in required if one.location == "header"),
        known=frozenset(one.wire_name for one in members if one.location == "querystring")
        | operation.literals.keys(),
    )
