"""One real request for every operation that is served, made from AWS's models by botocore."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlencode

import botocore.session
from botocore.model import OperationModel, Shape, StructureShape
from botocore.serialize import create_serializer

from onread.protocol.model import MODELS_FOLDER
from onread.protocol.operations import SERVED

# Every model calls the same things by the same names.
NAMES = {
    "Key": "from-the-matrix",
    "UploadId": "an-upload",
    "AccountId": "000000000000",
    "Name": "from-the-matrix",
    "FunctionName": "from-the-matrix",
    "UserName": "from-the-matrix",
    "Role": "arn:aws:iam::000000000000:role/r",
    "Policy": '{"Statement": []}',
    "PolicyDocument": '{"Statement": []}',
    "FunctionArn": "arn:aws:lambda:us-east-1:000000000000:function:f",
    "SupportingAccessPoint": "arn:aws:s3:us-east-1:000000000000:accesspoint/ap",
    "RequestRoute": "io-route",
    "AccessKeyId": "AKIAFROMTHEMATRIX000",
    "UUID": "00000000-0000-0000-0000-000000000000",
}


@dataclass(frozen=True)
class Sample:
    """A request before anybody signs it. ``service`` is the one of the credential scope."""

    service: str
    operation: str
    method: str
    path: str
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def __str__(self) -> str:
        return f"{self.service}:{self.operation} {self.method} {self.path}?{self.query}"


def samples(bucket: str, doors: tuple[str, ...]) -> Iterator[Sample]:
    """Every operation of the route table; S3's on a bucket once through every door."""
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.append(str(MODELS_FOLDER))
    for service, operations in SERVED.items():
        model = session.get_service_model(service)
        serializer = create_serializer(model.metadata["protocol"])
        for name in sorted(operations):
            operation = model.operation_model(name)
            for door in doors if _is_about_a_bucket(operation) else doors[:1]:
                names = {**NAMES, "Bucket": door, "CopySource": f"{bucket}/source"}
                yield _sample(service, operation, serializer, names)


def _is_about_a_bucket(operation: OperationModel) -> bool:
    return "{Bucket}" in operation.http["requestUri"]


def _sample(service: str, operation: OperationModel, serializer: Any, names: Mapping[str, str]) -> Sample:
    shape = operation.input_shape
    params = {} if shape is None else _structure(shape, names)
    if operation.has_streaming_input:
        params[shape.serialization["payload"]] = b"from the matrix"
    made = serializer.serialize_to_request(params, operation)
    body = made["body"] or b""
    query = made["query_string"] or {}
    written = operation.name == "WriteGetObjectResponse"
    return Sample(
        service={"s3control": "s3"}.get(service, "s3-object-lambda" if written else service),
        operation=operation.name,
        method=made["method"],
        path=quote(made["url_path"].partition("?")[0], safe="/%"),
        query="&".join(filter(None, [made["url_path"].partition("?")[2], urlencode(query)])),
        headers=tuple((name.lower(), str(value)) for name, value in made["headers"].items()),
        body=urlencode(body).encode() if isinstance(body, dict) else bytes(body),
    )


def _structure(shape: StructureShape, names: Mapping[str, str]) -> dict[str, Any]:
    return {
        name: _value(name, member, names)
        for name, member in shape.members.items()
        if name in shape.required_members
    }


def _value(name: str, shape: Shape, names: Mapping[str, str]) -> Any:
    match shape.type_name:
        case "structure" if getattr(shape, "is_tagged_union", False):
            first, member = next(iter(shape.members.items()))
            return {first: _value(first, member, names)}
        case "structure":
            return _structure(shape, names)
        case "list":
            return [_value(name, shape.member, names)]
        case "map":
            return {}
        case "blob":
            return b"from the matrix"
        case "integer" | "long":
            return 1
        case "boolean":
            return True
        case "timestamp":
            return datetime(2030, 1, 1, tzinfo=UTC)
    text = names.get(name) or (shape.enum[0] if shape.enum else "from-the-matrix")
    return text.ljust(shape.metadata.get("min", 0), "0")
