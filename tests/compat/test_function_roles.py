"""A function runs as its role: what it may do besides answering, and what it may not."""

import json

import pytest
from tests.compat.conftest import ACCOUNT, FUNCTIONS, wait_until
from tests.compat.identities import EVERY_USER, LAMBDA, make_role, make_user, trust
from tests.compat.policy_documents import allow, document, read
from tests.compat.wire import refused

from onread.functions.packaging import zip_path

pytestmark = [pytest.mark.compat, pytest.mark.slow]


def acting(world, role=None):
    name = world.function("acts")
    if role is not None:
        give(world, name, role)
    return name


def give(world, name, role):
    world.client("lambda").update_function_configuration(FunctionName=name, Role=role["Arn"])


def asks(world, function, *calls, **orders):
    """What the function's calls came to, by Invoke as root."""
    payload = json.dumps({"calls": calls, **orders}).encode()
    answer = world.client("lambda").invoke(FunctionName=function, Payload=payload)
    assert "FunctionError" not in answer, answer["Payload"].read()
    return json.loads(answer["Payload"].read())


def get(bucket, key="k"):
    return ("s3", "get_object", {"Bucket": bucket, "Key": key})


@pytest.fixture(scope="module")
def bucket(world):
    name = world.bucket()
    world.client("s3").put_object(Bucket=name, Key="k", Body=b"data")
    return name


def test_T141_a_function_may_what_its_role_may(world, bucket):
    role = make_role(world, allow("s3:GetObject", f"arn:aws:s3:::{bucket}/*"), trusts=LAMBDA)
    function = acting(world, role)
    put = ("s3", "put_object", {"Bucket": bucket, "Key": "new", "Body": "x"})
    who = ("sts", "get_caller_identity", {})
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/{role['RoleName']}/{function}"
    assert asks(world, function, get(bucket), put, who) == ["data", "AccessDenied", session]


@pytest.mark.parametrize("why", ["no such role", "does not trust Lambda"])
def test_a_function_without_a_usable_role_answers_and_does_nothing_else(world, bucket, why):
    role = make_role(world, allow("*", "*")) if why == "does not trust Lambda" else None
    function = acting(world, role)
    assert asks(world, function, get(bucket)) == ["AccessDenied"]
    olap = world.olap_over(world.access_point(bucket), function, payload='{"calls": []}')[1]
    assert read(world.client("s3"), olap) == b"[]"
    wait_until(lambda: "role_unusable" in world.log())


def test_T014_a_role_made_again_under_the_name_gives_what_it_has_now(world, bucket):
    role = make_role(world, allow("*", "*"), trusts=LAMBDA)
    function = acting(world, role)
    assert asks(world, function, get(bucket)) == ["data"]
    iam, name = world.client("iam"), role["RoleName"]
    iam.delete_role_policy(RoleName=name, PolicyName="test")
    iam.delete_role(RoleName=name)
    assert asks(world, function, get(bucket)) == ["AccessDenied"]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust(LAMBDA))
    assert asks(world, function, get(bucket)) == ["AccessDenied"]
    iam.put_role_policy(RoleName=name, PolicyName="test", PolicyDocument=document(allow("s3:*", "*")))
    assert asks(world, function, get(bucket)) == ["data"]


def test_T131_the_roles_rights_are_not_the_readers(world, bucket):
    """The function's role may read; its reader, whose URL it is, may not."""
    role = make_role(world, allow("*", "*"), trusts=LAMBDA)
    function = world.function("fetches")
    give(world, function, role)
    supporting = world.access_point(bucket)
    _, alias = world.olap_over(supporting, function)
    reader = world.client_as(
        "s3",
        *make_user(world, allow("s3-object-lambda:GetObject", "*"), allow("lambda:InvokeFunction", "*"))[1:],
    )
    # The function fails on the 403 that its URL gives.
    assert refused(reader.get_object, Bucket=alias, Key="k")[0] != "NoSuchKey"
    assert read(world.client("s3"), alias) == b"data"


def test_T138_creating_a_function_needs_its_role_to_be_passed(world):
    role = make_role(world, allow("*", "*"), trusts=LAMBDA)
    code = {"ZipFile": zip_path(FUNCTIONS / "echoes.py")}
    call = {"Runtime": "python3.11", "Handler": "echoes.handler", "Role": role["Arn"], "Code": code}
    without = world.client_as("lambda", *make_user(world, allow("lambda:*", "*"))[1:])
    denied = ("AccessDeniedException", 403)
    assert refused(without.create_function, FunctionName=world.unique("f"), **call) == denied
    other = world.function("echoes")
    assert refused(without.update_function_configuration, FunctionName=other, Role=role["Arn"]) == denied
    assert without.update_function_configuration(FunctionName=other, Timeout=5)
    passing = allow(
        "iam:PassRole", role["Arn"], {"StringEquals": {"iam:PassedToService": "lambda.amazonaws.com"}}
    )
    allowed = world.client_as("lambda", *make_user(world, allow("lambda:*", "*"), passing)[1:])
    assert allowed.create_function(FunctionName=world.unique("f"), **call)["Role"] == role["Arn"]


def test_strictly_a_role_must_exist_and_trust_lambda(own_world):
    world = own_world(ONREAD_STRICT="true")
    code = {"ZipFile": zip_path(FUNCTIONS / "echoes.py")}
    trusted = make_role(world, trusts=LAMBDA)
    untrusted = make_role(world, trusts=EVERY_USER)
    call = {"FunctionName": "f", "Runtime": "python3.11", "Handler": "echoes.handler", "Code": code}
    create = world.client("lambda").create_function
    for arn in (untrusted["Arn"], trusted["Arn"] + "x"):
        assert refused(create, Role=arn, **call) == ("InvalidParameterValueException", 400)
    assert create(Role=trusted["Arn"], **call)["State"] == "Active"


# T-140: loops


def looping(world, bucket, role):
    """Two functions behind access points of their own, each told what to read."""
    supporting = world.access_point(bucket)
    places = []
    for _ in range(2):
        function = acting(world, role)
        places.append((function, *world.olap_over(supporting, function, payload="{}")))
    return supporting, places


def tell(world, supporting, place, **orders):
    function, olap, _ = place
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{function}"
    world.client("s3control").put_access_point_configuration_for_object_lambda(
        AccountId=ACCOUNT,
        Name=olap,
        Configuration={
            "SupportingAccessPoint": supporting["AccessPointArn"],
            "TransformationConfigurations": [
                {
                    "Actions": ["GetObject"],
                    "ContentTransformation": {
                        "AwsLambda": {"FunctionArn": arn, "FunctionPayload": json.dumps(orders)}
                    },
                }
            ],
        },
    )


@pytest.mark.parametrize("keys", ["its own", "those of a role that it assumes"])
def test_T140_a_read_that_would_wait_for_itself_is_refused(world, bucket, keys):
    role = make_role(world, allow("*", "*"), trusts={**LAMBDA, "AWS": ACCOUNT})
    orders = {} if keys == "its own" else {"assume": role["Arn"]}
    supporting, (one, other) = looping(world, bucket, role)
    s3 = world.client("s3")
    tell(world, supporting, one, calls=[get(one[2])], **orders)
    assert json.loads(read(s3, one[2])) == ["LoopDetected"]
    tell(world, supporting, one, calls=[get(other[2])], **orders)
    tell(world, supporting, other, calls=[get(one[2])], **orders)
    assert json.loads(json.loads(read(s3, one[2]))[0]) == ["LoopDetected"]
    invoke = ("lambda", "invoke", {"FunctionName": other[0], "Payload": json.dumps({"calls": [get(one[2])]})})
    tell(world, supporting, one, calls=[invoke], **orders)
    assert json.loads(json.loads(read(s3, one[2]))[0]) == ["LoopDetected"]


def test_a_function_may_read_through_another_one(world, bucket):
    role = make_role(world, allow("*", "*"), trusts=LAMBDA)
    supporting, (one, other) = looping(world, bucket, role)
    tell(world, supporting, one, calls=[get(other[2])])
    tell(world, supporting, other, calls=[get(bucket)])
    assert json.loads(json.loads(read(world.client("s3"), one[2]))[0]) == ["data"]
