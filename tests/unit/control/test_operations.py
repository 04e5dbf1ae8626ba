"""The table of control operations, and botocore as the judge of the documents they become."""

from typing import Any

from botocore.parsers import create_parser

from onread.protocol.model import load_services
from onread.protocol.operations import SERVED
from onread.protocol.serialize import serialize
from onread.wire.output import Output

from .conftest import ROLE, Api, Run, a_policy, a_zip, an_identity_policy, service_model
from .test_object_lambda_access_points import a_configuration


def test_every_operation_that_the_models_are_asked_for_is_served(run_with_api: Run) -> None:
    async def scenario(api: Api) -> None:
        wanted = {
            (service, name)
            for service in ("s3control", "lambda", "iam", "sts", "onread")
            for name in SERVED[service]
        }
        assert wanted == set(api.operations)

    run_with_api(scenario)


def read_back(service: str, name: str, members: dict[str, Any]) -> Any:
    """What botocore reads of the answer that the members become."""
    operation = load_services().operation(service, name)
    response = serialize(operation, Output(members=members), request_id="request-1")
    assert isinstance(response.body, bytes)
    protocol = service_model(service).metadata["protocol"]
    parsed = create_parser(protocol).parse(
        {"status_code": response.status, "headers": dict(response.headers), "body": response.body},
        service_model(service).operation_model(name).output_shape,
    )
    parsed.pop("ResponseMetadata", None)
    return parsed


def test_what_botocore_reads_is_what_was_meant(run_with_api: Run) -> None:
    steps: list[tuple[str, str, dict[str, Any]]] = [
        (
            "s3control",
            "CreateAccessPoint",
            {
                "Name": "my-ap",
                "Bucket": "bucket",
                "PublicAccessBlockConfiguration": {"BlockPublicPolicy": False},
            },
        ),
        ("s3control", "GetAccessPoint", {"Name": "my-ap"}),
        ("s3control", "ListAccessPoints", {}),
        ("s3control", "PutAccessPointPolicy", {"Name": "my-ap", "Policy": a_policy()}),
        ("s3control", "GetAccessPointPolicy", {"Name": "my-ap"}),
        ("s3control", "GetAccessPointPolicyStatus", {"Name": "my-ap"}),
        (
            "s3control",
            "CreateAccessPointForObjectLambda",
            {"Name": "my-olap", "Configuration": a_configuration()},
        ),
        ("s3control", "GetAccessPointForObjectLambda", {"Name": "my-olap"}),
        ("s3control", "GetAccessPointConfigurationForObjectLambda", {"Name": "my-olap"}),
        ("s3control", "ListAccessPointsForObjectLambda", {}),
        (
            "lambda",
            "CreateFunction",
            {
                "FunctionName": "f",
                "Runtime": "python3.11",
                "Role": ROLE,
                "Handler": "app.handler",
                "Code": {"ZipFile": a_zip()},
                "Environment": {"Variables": {"AA": "ü"}},
            },
        ),
        ("lambda", "GetFunction", {"FunctionName": "f"}),
        ("lambda", "ListFunctions", {}),
        ("iam", "CreateUser", {"UserName": "alice"}),
        ("iam", "CreateAccessKey", {"UserName": "alice"}),
        ("iam", "ListAccessKeys", {"UserName": "alice"}),
        (
            "iam",
            "PutUserPolicy",
            {"UserName": "alice", "PolicyName": "p", "PolicyDocument": an_identity_policy()},
        ),
        ("iam", "GetUserPolicy", {"UserName": "alice", "PolicyName": "p"}),
        ("iam", "ListUserPolicies", {"UserName": "alice"}),
        ("sts", "GetCallerIdentity", {}),
        ("onread", "ConfigureFunction", {"FunctionName": "f", "WarmEnvironments": 3}),
        ("onread", "ConfigureObjectLambdaAccessPoint", {"Name": "my-olap", "Range": "function"}),
        ("onread", "GetObjectLambdaAccessPointSettings", {"Name": "my-olap"}),
    ]

    async def scenario(api: Api) -> None:
        for service, name, params in steps:
            members = await (
                api.s3control(name, **params) if service == "s3control" else api.call(service, name, **params)
            )
            read = read_back(service, name, members)
            for member, value in members.items():
                assert without_microseconds(read[member]) == without_microseconds(value), name

    run_with_api(scenario)


def without_microseconds(value: Any) -> Any:
    """Documents carry whole seconds in some services; everything else must be the same."""
    match value:
        case dict():
            return {key: without_microseconds(each) for key, each in value.items()}
        case list() | tuple():
            return [without_microseconds(each) for each in value]
        case _ if hasattr(value, "microsecond"):
            return value.replace(microsecond=0)
        case _:
            return value
