"""botocore serialises, we parse; we serialise, botocore parses: for every operation of the models."""

import json
from collections.abc import Iterator
from functools import cache
from io import BytesIO
from typing import Any
from urllib.parse import quote

import pytest
from botocore.awsrequest import AWSResponse, HeadersDict
from botocore.handlers import parse_get_bucket_location
from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

import onread.protocol.model
from onread.protocol.model import Operation, Services
from onread.protocol.operations import SERVED
from onread.protocol.parse import parse_body, parse_head
from onread.protocol.route import Routed, route
from onread.protocol.serialize import serialize
from onread.wire.message import Headers, Response
from onread.wire.output import Output

from .sampler import CannotSample, sample

_MODELLED = ("s3", "s3control", "lambda", "iam", "sts", "onread")

# Not tried, each for its reason; an operation that we serve may not stand here without a test of its own.
_INPUTS_NOT_COVERED = {
    # Deprecated twins: the same method, path and query as their successors.
    "s3:GetBucketLifecycle",
    "s3:GetBucketNotification",
    "s3:PutBucketLifecycle",
    "s3:PutBucketNotification",
    # Told from ListBuckets by the host alone.
    "s3:ListDirectoryBuckets",
}
_OUTPUTS_NOT_COVERED = {
    # Event streams.
    "s3:SelectObjectContent",
    "lambda:InvokeWithResponseStream",
    # The model's own parser finds nothing in it; botocore has a handler, and we have the test below.
    "s3:GetBucketLocation",
    # Deprecated: two members bear one name on the wire.
    "s3:GetBucketNotification",
}
_TESTED_ELSEWHERE = {"s3:GetBucketLocation", "lambda:InvokeWithResponseStream"}  # below; test_event_stream


@cache
def _model(service: str) -> ServiceModel:
    # The extras are for clients: they read `Expires` as a date.
    loader = Loader(include_default_extras=False)
    if service == "onread":
        own = onread.protocol.model.MODELS_FOLDER / "onread/2026-11-01/service-2.json"
        return ServiceModel(json.loads(own.read_text()), "onread")
    return ServiceModel(loader.load_service_model(service, "service-2"), service)


def _operations() -> Iterator[Any]:
    for service in _MODELLED:
        for name in _model(service).operation_names:
            yield pytest.param(service, name, id=f"{service}:{name}")


def _encoded(pairs: Any) -> str:
    if isinstance(pairs, str):
        return pairs
    return "&".join(
        f"{quote(name, safe='-_.~')}={quote(str(one), safe='-_.~')}"
        for name, value in (pairs.items() if isinstance(pairs, dict) else pairs)
        for one in (value if isinstance(value, list) else [value])
    )


def _request_of(service: str, model: OperationModel, params: dict[str, Any]) -> dict[str, Any]:
    """The request that botocore would send, in the parts that routing and parsing take."""
    protocol = model.metadata["protocol"]
    made = create_serializer(protocol, include_validation=False).serialize_to_request(params, model)
    path, _, literals = made["url_path"].partition("?")
    bucket = service == "s3" and model.http["requestUri"].startswith("/{Bucket}")
    if bucket:
        path = "/" + path.removeprefix("/").partition("/")[2]
    body = made["body"]
    query = "" if protocol == "query" else "&".join(filter(None, (literals, _encoded(made["query_string"]))))
    return {
        "method": made["method"],
        "path": path,
        "query": query,
        "headers": Headers((name, str(value)) for name, value in made["headers"].items()),
        "bucket": bucket,
        "body": _encoded(body).encode() if isinstance(body, dict) else body or b"",
    }


@pytest.mark.parametrize(("service", "name"), list(_operations()))
def test_what_botocore_sends_is_routed_and_read_with_equal_values(
    services: Services, service: str, name: str
) -> None:
    if f"{service}:{name}" in _INPUTS_NOT_COVERED:
        return
    model = _model(service).operation_model(name)
    params = sample(model.input_shape) if model.input_shape else {}
    request = _request_of(service, model, params)
    routed = _route(services, service, request)
    assert routed.operation.name == name
    read = parse_head(routed, query=request["query"], headers=request["headers"])
    if not routed.operation.streaming_input:
        read |= parse_body(routed.operation, request["body"])
    assert read == _expected_params(routed.operation, request, params)


def _route(services: Services, service: str, request: dict[str, Any]) -> Routed:
    return route(
        services,
        service,
        method=request["method"],
        path=request["path"],
        query=request["query"],
        headers=request["headers"],
        bucket=request["bucket"],
        form=request["body"] if services.service(service).protocol == "query" else None,
    )


def _expected_params(operation: Operation, request: dict[str, Any], params: dict[str, Any]) -> dict[str, Any]:
    expected = dict(params)
    if request["bucket"]:
        del expected["Bucket"]
    if operation.streaming_input:
        del expected[operation.input.payload.name]
    return expected


@pytest.mark.parametrize(("service", "name"), list(_operations()))
def test_what_we_answer_is_read_by_botocore_with_equal_values(
    services: Services, service: str, name: str
) -> None:
    if f"{service}:{name}" in _OUTPUTS_NOT_COVERED:
        return
    model = _model(service).operation_model(name)
    members = sample(model.output_shape) if model.output_shape else {}
    members = {key: members[key] for key in members if not _is_status(model, key)}
    operation = services.operation(service, name)
    response = serialize(operation, _output_of(operation, model, members), request_id="r-1")
    assert response.status == operation.status
    parsed = _parsed_by_botocore(model, response)
    assert parsed == _as_botocore_reads(model, members)


def _is_status(model: OperationModel, member: str) -> bool:
    return model.output_shape.members[member].serialization.get("location") == "statusCode"


def _as_botocore_reads(model: OperationModel, members: dict[str, Any]) -> dict[str, Any]:
    payload = model.output_shape.serialization.get("payload") if model.output_shape else None
    if payload and isinstance(members[payload], bytes):
        return members | {payload: members[payload].decode()}
    return members


def _output_of(operation: Operation, model: OperationModel, members: dict[str, Any]) -> Output:
    if not operation.streaming_output:
        return Output(members=members)
    payload = model.output_shape.serialization["payload"]
    return Output(
        members={key: value for key, value in members.items() if key != payload}, body=members[payload]
    )


def _parsed_by_botocore(model: OperationModel, response: Response) -> dict[str, Any]:
    answer = {
        "status_code": response.status,
        "headers": HeadersDict(dict(response.headers)),
        "body": response.body,
        "context": {},
    }
    parsed: dict[str, Any] = create_parser(model.metadata["protocol"]).parse(answer, model.output_shape)
    parsed.pop("ResponseMetadata")
    return {key: parsed[key] for key in parsed if not _is_status(model, key)}


class _Raw(BytesIO):
    def stream(self) -> Iterator[bytes]:
        yield self.read()


@pytest.mark.parametrize(("region", "read"), [("eu-west-1", "eu-west-1"), (None, None)])
def test_get_bucket_location_is_read_by_botocores_handler(
    services: Services, region: str | None, read: str | None
) -> None:
    operation = services.operation("s3", "GetBucketLocation")
    response = serialize(operation, Output(members={"LocationConstraint": region}))
    parsed: dict[str, Any] = {}
    parse_get_bucket_location(parsed, AWSResponse("", 200, {}, _Raw(response.body)))
    assert parsed == {"LocationConstraint": read}


def test_every_operation_that_is_served_takes_part_in_both_directions() -> None:
    served = {f"{service}:{name}" for service, names in SERVED.items() for name in names}
    tried = {f"{service}:{name}" for service in _MODELLED for name in _model(service).operation_names}
    assert served <= tried
    assert served & _INPUTS_NOT_COVERED == set()
    assert served & _OUTPUTS_NOT_COVERED == _TESTED_ELSEWHERE


def test_the_sampler_refuses_an_event_stream_rather_than_leaving_it_out() -> None:
    shape = _model("lambda").operation_model("InvokeWithResponseStream").output_shape
    with pytest.raises(CannotSample):
        sample(shape)
