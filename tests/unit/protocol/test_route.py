import pytest

from onread.errors import (
    InvalidAction,
    InvalidURI,
    MethodNotAllowed,
    ResourceNotFoundException,
    ServiceError,
    ValidationError,
)
from onread.protocol.model import Services
from onread.protocol.route import Routed, route
from onread.wire.message import Headers


def _route(
    services: Services, service: str, method: str, path: str, query: str = "", form: bytes | None = None
) -> Routed:
    return route(services, service, method=method, path=path, query=query, headers=Headers(), form=form)


def test_the_root_without_a_bucket_lists_buckets(services: Services) -> None:
    assert _route(services, "s3", "GET", "/").operation.name == "ListBuckets"


def test_write_get_object_response_is_known_by_its_path(services: Services) -> None:
    assert (
        _route(services, "s3", "POST", "/WriteGetObjectResponse").operation.name == "WriteGetObjectResponse"
    )


def test_write_get_object_response_with_another_method_is_not_allowed(services: Services) -> None:
    with pytest.raises(MethodNotAllowed):
        _route(services, "s3", "PUT", "/WriteGetObjectResponse")


@pytest.mark.parametrize(
    ("method", "path", "name", "labels"),
    [
        ("GET", "/v20180820/accesspoint", "ListAccessPoints", {}),
        ("GET", "/v20180820/accesspoint/", "ListAccessPoints", {}),
        ("PUT", "/v20180820/accesspoint/ap", "CreateAccessPoint", {"Name": "ap"}),
        ("GET", "/v20180820/accesspoint/a%2Fb", "GetAccessPoint", {"Name": "a/b"}),
        ("GET", "/v20180820/accesspoint/ap/policyStatus", "GetAccessPointPolicyStatus", {"Name": "ap"}),
        ("GET", "/v20180820/mrap/instances/a/b/policy", "GetMultiRegionAccessPointPolicy", {"Name": "a/b"}),
    ],
)
def test_s3control_is_routed_by_path(
    services: Services, method: str, path: str, name: str, labels: dict[str, str]
) -> None:
    routed = _route(services, "s3control", method, path)
    assert (routed.operation.name, routed.path_params) == (name, labels)


def test_a_function_may_be_named_by_its_encoded_arn(services: Services) -> None:
    path = "/2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A111122223333%3Afunction%3Af/invocations"
    routed = _route(services, "lambda", "POST", path)
    assert routed.operation.name == "Invoke"
    assert routed.path_params == {"FunctionName": "arn:aws:lambda:us-east-1:111122223333:function:f"}


def test_a_literal_query_parameter_wins_over_the_path_alone(services: Services) -> None:
    path = "/2019-09-30/functions/f/provisioned-concurrency"
    assert (
        _route(services, "lambda", "GET", path, "List=ALL").operation.name
        == "ListProvisionedConcurrencyConfigs"
    )
    assert _route(services, "lambda", "GET", path).operation.name == "GetProvisionedConcurrencyConfig"


def test_a_known_path_with_another_method_is_not_allowed(services: Services) -> None:
    with pytest.raises(MethodNotAllowed):
        _route(services, "s3control", "PATCH", "/v20180820/accesspoint/ap")


@pytest.mark.parametrize("path", ["/", "/v20180820", "/v20180820/accesspoint//policy", "/v20180820/nothing"])
def test_an_unknown_path_of_s3control_is_refused(services: Services, path: str) -> None:
    with pytest.raises(InvalidURI):
        _route(services, "s3control", "GET", path)


def test_an_unknown_path_of_the_lambda_api_is_refused_in_its_own_words(services: Services) -> None:
    with pytest.raises(ResourceNotFoundException):
        _route(services, "lambda", "GET", "/2015-03-31/nothing")


def test_our_own_operations_are_routed_the_same_way(services: Services) -> None:
    routed = _route(services, "onread", "GET", "/onread/functions/f/logs")
    assert (routed.operation.name, routed.path_params) == ("GetFunctionLogs", {"FunctionName": "f"})


def test_iam_is_routed_by_the_action_of_the_form(services: Services) -> None:
    form = b"Action=CreateUser&Version=2010-05-08&UserName=a"
    assert _route(services, "iam", "POST", "/", form=form).operation.name == "CreateUser"


@pytest.mark.parametrize(
    ("method", "form", "error"),
    [
        ("POST", b"Action=Nothing&Version=2010-05-08", InvalidAction),
        ("POST", b"Action=CreateUser&Version=2009-01-01", InvalidAction),
        ("POST", b"Action=CreateUser&Action=DeleteUser", ValidationError),
        ("POST", b"Action=%ff", ValidationError),
        ("POST", b"", ValidationError),
        ("GET", b"Action=ListUsers", MethodNotAllowed),
    ],
)
def test_an_action_that_cannot_be_known_is_refused(
    services: Services, method: str, form: bytes, error: type[ServiceError]
) -> None:
    with pytest.raises(error):
        _route(services, "iam", method, "/", form=form)
