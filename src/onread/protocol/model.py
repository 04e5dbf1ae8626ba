"""The service models: which operations exist, and what the installed botocore says of each.

Owns the reading of the models and of our patches to them. This is the only module of the server that
knows botocore, and botocore serves for its data alone: nothing of it runs when a request comes. Its
models are never copied.

A model is parsed once at start (14 milliseconds for the five of them); what an operation needs to be
parsed and serialised is worked out when it is first asked for.
"""

import gzip
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

import orjson
from botocore.loaders import Loader

from onread import errors
from onread.errors import ServiceError
from onread.protocol.operations import SERVED
from onread.protocol.shape import Document, Member, Shape, Shapes

MODELS_FOLDER = Path(__file__).parent / "models"
"""Our own models, laid out as botocore lays out its data: add it to a loader's search path."""

_DOCUMENT_LIMIT_BYTES = 256 * 1024
# A member that cannot be read is refused in the words of its service.
_REFUSALS = {
    "s3": "InvalidArgument",
    "s3control": "InvalidRequest",
    "lambda": "InvalidParameterValueException",
    "onread": "InvalidParameterValueException",
    "iam": "ValidationError",
    "sts": "ValidationError",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class Operation:
    """One operation of a service, as its model and our patches describe it.

    Attributes:
        service: ``s3``, ``s3control``, ``lambda``, ``iam``, ``sts`` or ``onread``.
        protocol: ``rest-xml``, ``rest-json`` or ``query``.
        uri: the path template, ``/{Bucket}/{Key+}``.
        literals: the query parameters that name the operation; an empty value means any value.
        status: of a successful answer that does not say otherwise.
        result_wrapper: the element around a Query output.
        patch: what AWS does and the model does not say.
    """

    service: str
    name: str
    protocol: str
    api_version: str
    namespace: str
    method: str
    uri: str
    literals: Mapping[str, str]
    status: int
    deprecated: bool
    input: Shape | None
    output: Shape | None
    result_wrapper: str | None
    checksum: Document
    patch: Document

    @cached_property
    def streaming_input(self) -> bool:
        """The request's body is a stream of bytes that nobody parses."""
        return _is_streaming(self.input) and not self.patch.get("document")

    @cached_property
    def streaming_output(self) -> bool:
        """The answer's body is a stream of bytes."""
        return _is_streaming(self.output)

    @cached_property
    def reads_document(self) -> bool:
        """The request's body has members that ``parse_body`` reads: XML, JSON, a form, or one blob."""
        if self.protocol == "query":
            return True
        if self.input is None or self.streaming_input:
            return False
        return self.input.payload is not None or bool(self.input.document_members)

    @property
    def document_limit_bytes(self) -> int:
        """The longest document that may be read for this operation."""
        limit: int = self.patch.get("document_limit_bytes", _DOCUMENT_LIMIT_BYTES)
        return limit

    @property
    def checksum_algorithm_member(self) -> str | None:
        """The member that names the checksum's algorithm (``ChecksumAlgorithm``)."""
        return self.checksum.get("requestAlgorithmMember")

    def refusal(self, message: str, name: str, value: str) -> ServiceError:
        """The error for a member whose value cannot be read, in the words of this service."""
        refused: type[ServiceError] = getattr(errors, self.patch.get("refusal", _REFUSALS[self.service]))
        if refused is errors.InvalidArgument:
            return refused(message, ArgumentName=name, ArgumentValue=value)
        return refused(f"{message} ({name})")


def _is_streaming(shape: Shape | None) -> bool:
    if shape is None or shape.payload is None:
        return False
    return bool(shape.payload.trait("streaming") or shape.payload.trait("eventstream"))


@dataclass(frozen=True, eq=False, kw_only=True)
class Service:
    """One service: its operations by AWS's name."""

    name: str
    protocol: str
    api_version: str
    operations: Mapping[str, Operation]


@dataclass(frozen=True, eq=False)
class Services:
    """Every service that onread speaks."""

    by_name: Mapping[str, Service]

    def service(self, name: str) -> Service:
        """The service of this name."""
        return self.by_name[name]

    def operation(self, service: str, name: str) -> Operation:
        """The operation of this name; KeyError when the model has none."""
        return self.by_name[service].operations[name]


def load_services() -> Services:
    """Read the models from the installed botocore, and our own.

    Raises:
        RuntimeError: the installed botocore lacks an operation that onread answers.
    """
    patches = orjson.loads(files(__package__).joinpath("patches.json").read_bytes())
    loader = _botocore_loader()
    services = {name: _service(name, _load(loader, name), patches) for name in SERVED}
    check_served({name: service.operations.keys() for name, service in services.items()})
    return Services(MappingProxyType(services))


def check_served(operations: Mapping[str, Collection[str]]) -> None:
    """Every operation that onread answers is among those of the models.

    Raises:
        RuntimeError: one is missing; the message names it.
    """
    for name, served in SERVED.items():
        if missing := served - set(operations[name]):
            raise RuntimeError(f"This botocore is too old: {name} lacks {', '.join(sorted(missing))}.")


class _JSONFiles:
    """botocore's way of reading a file, with a faster parser."""

    def exists(self, path: str) -> bool:
        return Path(f"{path}.json").is_file() or Path(f"{path}.json.gz").is_file()

    def load_file(self, path: str) -> Any:
        if (plain := Path(f"{path}.json")).is_file():
            return orjson.loads(plain.read_bytes())
        packed = Path(f"{path}.json.gz")  # botocore asks every folder of its path, then gives up
        return orjson.loads(gzip.decompress(packed.read_bytes())) if packed.is_file() else None


def _botocore_loader() -> Loader:
    # The extras are for clients (they read `Expires` as a date), and a user's own models in ~/.aws are
    # for their command line: a server takes neither.
    return Loader(
        extra_search_paths=[Loader.BUILTIN_DATA_PATH, str(MODELS_FOLDER)],
        file_loader=_JSONFiles(),
        include_default_search_paths=False,
        include_default_extras=False,
    )


def _load(loader: Loader, service: str) -> Document:
    # load_service_model would first list the four hundred services that there are.
    version = loader.determine_latest_version(service, "service-2")
    document: Document = loader.load_data(f"{service}/{version}/service-2")
    return document


def _service(name: str, document: Document, patches: list[Document]) -> Service:
    shapes = Shapes(document["shapes"])
    metadata = document["metadata"]
    operations = {
        operation: _operation(name, metadata, entry, shapes, _patch_of(name, operation, patches))
        for operation, entry in document["operations"].items()
    }
    return Service(
        name=name,
        protocol=metadata["protocol"],
        api_version=metadata["apiVersion"],
        operations=MappingProxyType(operations),
    )


def _operation(
    service: str, metadata: Document, entry: Document, shapes: Shapes, patch: Document
) -> Operation:
    uri, _, query = entry["http"]["requestUri"].partition("?")
    output = entry.get("output", {})
    return Operation(
        service=service,
        name=entry["name"],
        protocol=metadata["protocol"],
        api_version=metadata["apiVersion"],
        namespace=patch.get("namespace") or metadata.get("xmlNamespace", ""),
        method=entry["http"]["method"],
        uri=uri,
        literals=dict(part.partition("=")[::2] for part in query.split("&") if part),
        status=patch.get("status") or entry["http"].get("responseCode", 200),
        deprecated=bool(entry.get("deprecated")),
        input=shapes[entry["input"]["shape"]] if "input" in entry else None,
        output=shapes[output["shape"]] if "shape" in output else None,
        result_wrapper=output.get("resultWrapper"),
        checksum=entry.get("httpChecksum", {}),
        patch=patch,
    )


def _patch_of(service: str, operation: str, patches: list[Document]) -> Document:
    """The patches of one operation, joined; later entries win."""
    joined: dict[str, Any] = {}
    for entry in patches:
        if entry["service"] == service and operation in entry.get("operations", (operation,)):
            joined.update(entry["set"])
    return joined


__all__ = ["Member", "Operation", "Service", "Services", "Shape", "load_services"]
